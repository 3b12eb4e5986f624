"""`kill -9` at ten random moments: the same command goes on, and ends with the same bits."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from maskwright.data.pebbles import make_pebbles

KILLS = 10


def _command(data: Path, run: Path) -> list[str]:
    settings = {
        "training.phases.0.epochs": 3, "training.phases.0.encoder": "frozen", "training.phases.1.epochs": 5,
        "training.checkpoint_seconds": 0.5, "training.precision": "bf16", "model.dropout": 0.1,
    }  # fmt: skip
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    options += ["--encoder", "none", "--weights", "none", "--size", "64", "--seed", "1", "--quiet"]
    return [sys.executable, "-m", "maskwright", "train", str(data), "-o", str(run), *options]


def _weights(run: Path) -> dict[str, torch.Tensor]:
    state = load_file(run / "checkpoint" / "state.safetensors")
    best = load_file(run / "checkpoint" / "best.safetensors")
    return {**state, **{f"best.{name}": tensor for name, tensor in best.items()}}


def _assert_same(one: Path, other: Path) -> None:
    expected, found = _weights(one), _weights(other)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, found[name]), name


def _finishes(command: list[str], seconds: float) -> bool:
    """Run a command and kill it after some seconds; tell whether it had finished before."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return False
    assert process.returncode == 0, errors.decode()
    return True


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 on Windows")
def test_a_training_killed_ten_times_ends_with_the_same_bits(tmp_path: Path) -> None:
    make_pebbles(tmp_path / "data", 80, size=(64, 96), seed=0)
    begun = time.monotonic()
    assert _finishes(_command(tmp_path / "data", tmp_path / "whole"), 600)
    whole = time.monotonic() - begun
    dice, kills, run = random.Random(7), 0, 0
    while kills < KILLS:
        begun = time.monotonic()
        if _finishes(_command(tmp_path / "data", tmp_path / f"run-{run}"), dice.uniform(0.2, 1.0) * whole):
            _assert_same(tmp_path / "whole", tmp_path / f"run-{run}")
            run += 1
            whole = min(whole, time.monotonic() - begun)  # the machine may have been busier when the first one ran
        else:
            kills += 1
    assert _finishes(_command(tmp_path / "data", tmp_path / f"run-{run}"), 600)
    _assert_same(tmp_path / "whole", tmp_path / f"run-{run}")
