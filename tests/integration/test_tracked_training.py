"""`maskwright train --track`, as a user types it: the copies of a real training, stopped and gone on with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskwright
from maskwright.runs.folder import RunFolder
from support.program import check_document, run_program
from support.tracked import Mlflow, curves, read_tensorboard, read_wandb, wandb_curves

pytestmark = pytest.mark.slow

TINY = ("--encoder", "none", "--weights", "none", "--size", "64", "--set", "model.decoder_channels=[8,8,8,8]",
        "--set", "training.precision=fp32")  # fmt: skip


def alone(patch: pytest.MonkeyPatch, folder: Path) -> dict[str, str]:
    """An environment without settings of the person who runs the tests, and without the network."""
    for name in ("WANDB_API_KEY", "MLFLOW_TRACKING_URI"):
        patch.delenv(name, raising=False)
    homes = {name: str(folder / "home") for name in ("HOME", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR")}
    return {"WANDB_MODE": "offline", "NETRC": str(folder / "netrc"), **homes}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    return alone(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def pebbles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pebbles"
    maskwright.make_pebbles(folder, 90, size=(64, 96), seed=5)
    return folder


@pytest.fixture(scope="module")
def tracked(pebbles: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """A run that three trackers have followed, and what was printed."""
    folder = tmp_path_factory.mktemp("tracked")
    told = ("--track", "tensorboard,mlflow", "--track", "wandb", "--epochs", "3", "--json")
    with pytest.MonkeyPatch.context() as patch:
        done = run_program("train", pebbles, "-o", folder / "run", *TINY, *told, env=alone(patch, folder))
    assert done.returncode == 0, done.stderr
    return folder / "run", done


def test_every_copy_holds_what_the_diary_holds(tracked: tuple[Path, "subprocess.CompletedProcess[str]"]) -> None:
    run, done = tracked
    document = check_document(done.stdout, "train")
    assert [(one["tracker"], one["complete"]) for one in document["tracked"]] == [
        ("tensorboard", True), ("mlflow", True), ("wandb", True),
    ]  # fmt: skip
    truth = {**curves(RunFolder(run)), "test/dice": [(3, document["scores"]["per_image"]["dice"]["value"])]}
    store = Mlflow(run.parent)
    of_wandb, of_mlflow = wandb_curves(read_wandb(run)), store.curves(store.runs()[0])
    assert {name: of_wandb[name] for name in truth} == truth
    assert {name: of_mlflow[name] for name in truth} == truth
    of_tensorboard = read_tensorboard(run / "tensorboard")
    for name, curve in truth.items():
        assert of_tensorboard[name] == [(step, float(np.float32(value))) for step, value in curve]


def test_the_trackers_say_nothing_between_our_lines(tracked: tuple[Path, "subprocess.CompletedProcess[str]"]) -> None:
    lines = tracked[1].stderr.splitlines()
    theirs = ("INFO", "WARNING", "Warning", "wandb: W", "View run")
    assert [line for line in lines if any(word in line for word in theirs)] == []
    assert [line.split()[1] for line in lines if line.startswith("track ")] == ["tensorboard:", "mlflow:", "wandb:"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 on Windows")
def test_a_killed_training_is_one_whole_curve(pebbles: Path, tmp_path: Path, offline: dict[str, str]) -> None:
    run = RunFolder(tmp_path / "run")
    told = ("--track", "tensorboard,mlflow", "--epochs", "12", "--set", "training.checkpoint_seconds=0.5")
    command = ["train", str(pebbles), "-o", str(run.path), *TINY, *told]
    kill_after(run, 4, [sys.executable, "-m", "maskwright", *command, "-q"], offline)
    done = run_program(*command, env=offline)
    assert done.returncode == 0, done.stderr
    truth = curves(run)
    assert [step for step, _ in truth["train/loss"]] == list(range(1, 13))
    read = read_tensorboard(run.path / "tensorboard")
    assert read["train/loss"] == [(step, float(np.float32(value))) for step, value in truth["train/loss"]]
    store = Mlflow(tmp_path)
    (found,) = store.runs()
    assert dict(store.curves(found)["train/loss"]) == dict(truth["train/loss"])


def kill_after(run: RunFolder, epochs: int, command: list[str], environment: dict[str, Any]) -> None:
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}) as process:
        while len(run.events.of_kind("epoch")) < epochs and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_wandb_without_a_login_ends_before_anything_is_read(
    pebbles: Path, tmp_path: Path, offline: dict[str, str]
) -> None:
    environment = {**offline, "WANDB_MODE": "online"}
    done = run_program("train", pebbles, "-o", tmp_path / "run", *TINY, "--track", "wandb", env=environment)
    assert done.returncode == 1
    assert "error: wandb is not logged in." in done.stderr
    assert "WANDB_MODE=offline" in done.stderr
    assert "90 pairs" not in done.stderr
    assert not (tmp_path / "run").exists()
