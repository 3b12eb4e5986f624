"""`predict` killed at random and started again, as a program: every file whole, none missing, nothing done twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

PICTURES = 60
KINDS = "overlay,cutout,labelme,geojson,coco,cvat,label-studio,areas"


def files(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if name != "predicted.json"}


def begin(model: Path, out: Path) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "maskwright", "predict", "model.onnx", "in", "-o", str(out), "--write", KINDS, "-q"]
    return subprocess.Popen(
        words, cwd=model.parent, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def noted(out: Path) -> dict[str, int]:
    """The masks that the record names as finished, with their times of change."""
    record = out / "predicted.json"
    masks = json.loads(record.read_bytes())["masks"] if record.exists() else {}
    return {key: (out / "masks" / f"{key}.png").stat().st_mtime_ns for key, stamp in masks.items() if stamp}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there are no signals")
def test_killed_at_random_it_ends_with_the_same_bytes_and_makes_no_finished_mask_again(
    tmp_path: Path, write_model: Callable[..., Any]
) -> None:
    write_model(tmp_path / "model.onnx")
    generator, chance = np.random.default_rng(0), random.Random(0)
    (tmp_path / "in").mkdir()
    for number in range(PICTURES):
        spots = np.repeat(np.repeat(generator.integers(0, 256, (6, 8, 3), dtype=np.uint8), 40, axis=0), 40, axis=1)
        Image.fromarray(spots).save(tmp_path / "in" / f"{number:03}.png", compress_level=1)
    assert begin(tmp_path / "model.onnx", tmp_path / "whole").wait() == 0
    out, finished = tmp_path / "out", {}
    for stop_at in (*sorted(chance.sample(range(1, PICTURES - 10), 3)), None):
        running = begin(tmp_path / "model.onnx", out)
        while running.poll() is None:
            if stop_at is not None and len(list((out / "masks").glob("*.png"))) >= stop_at:
                running.send_signal(signal.SIGKILL)
                break
            time.sleep(0.005)
        assert running.wait() == (0 if stop_at is None else -signal.SIGKILL)
        after = noted(out)
        assert {key: after.get(key) for key in finished} == finished
        finished = after
    leftovers = [path for path in out.rglob(".*") if ".part" in path.name]
    for path in leftovers:  # of writings that were killed; nothing takes them for files
        path.unlink()
    assert files(out) == files(tmp_path / "whole")
