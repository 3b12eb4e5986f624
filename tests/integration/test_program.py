"""The program as a process: quick to answer, quiet when its reader leaves, stopped cleanly."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import maskwright
from support.program import run_program

PROGRAM = [sys.executable, "-m", "maskwright"]


def test_version() -> None:
    done = run_program("--version")
    assert (done.returncode, done.stdout) == (0, f"maskwright {maskwright.__version__}\n")


def test_a_wrong_folder_is_one_error(tmp_path: Path) -> None:
    done = run_program("check", tmp_path / "absent")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert str(tmp_path / "absent") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise on Windows")
def test_a_reader_that_leaves_ends_the_program_quietly() -> None:
    process = subprocess.Popen(
        [*PROGRAM, "recipes", "--fields"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as stderr:
        assert stderr.read() == ""
    assert process.wait() == 141


@pytest.mark.skipif(os.name == "nt", reason="signals are Unix's")
def test_ctrl_c_ends_with_130_and_one_line(tmp_path: Path) -> None:
    code = """
import signal, sys, maskwright, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started with it switched off
def train(*_, **__):
    print("started", flush=True)
    time.sleep(30)
maskwright.train = train
from maskwright.cli.main import main
main(["train", "data"])
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert stderr.startswith("error: Stopped by you.")
