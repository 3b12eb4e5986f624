"""The process is fitted to the machine where that is possible, and left alone elsewhere."""

import os
import subprocess
import sys

import pytest

from maskwright.cli import process


@pytest.fixture
def eight_cores_of_which_one_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "keep_memory", lambda: False)
    monkeypatch.setattr(process, "available_cores", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    for name in (*process._THREAD_VARIABLES, "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("eight_cores_of_which_one_is_ours")
def test_fewer_usable_cores_than_the_machine_has_limit_the_threads() -> None:
    done = process.tune_process()
    assert done == ("idle threads sleep", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1")
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.usefixtures("eight_cores_of_which_one_is_ours")
def test_what_the_user_set_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    for name in process._THREAD_VARIABLES:
        monkeypatch.setenv(name, "3")
    assert process.tune_process() == ()
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("3", "ACTIVE")


def test_an_environment_variable_turns_tuning_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")
    monkeypatch.setattr(process, "keep_memory", lambda: pytest.fail("tuned"))
    assert process.tune_process() == ()


def test_what_was_done_to_the_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setattr(process, "available_cores", os.cpu_count)
    monkeypatch.setattr(process, "keep_memory", lambda: True)
    monkeypatch.setattr(process, "mark_heap", lambda: True)
    assert process.tune_process() == ("freed memory is kept for the next step", "memory lies in huge pages")
    monkeypatch.setattr(process, "mark_heap", lambda: False)
    assert process.tune_process() == ("freed memory is kept for the next step",)


def test_elsewhere_than_on_glibc_memory_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.platform, "libc_ver", lambda: ("", ""))
    assert process.keep_memory() is False


@pytest.mark.skipif(process.platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
@pytest.mark.parametrize("how", ["tuned", "plain"])
def test_threads_share_one_heap_so_that_what_each_has_freed_does_not_add_up(how: str) -> None:
    code = """
import ctypes, sys
from threading import Barrier, Thread
from maskwright.cli.process import keep_memory
if sys.argv[1] == "tuned":
    assert keep_memory()
together, libc = Barrier(4), ctypes.CDLL(None)
def take():
    together.wait()
    bytearray(100_000)
    together.wait()
threads = [Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""
    done = subprocess.run([sys.executable, "-c", code, how], capture_output=True, text=True, check=True)
    found = done.stdout.count("<heap nr=")
    assert found == 1 if how == "tuned" else found > 1


@pytest.mark.skipif(process.platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_large_blocks_are_reused_without_new_page_faults() -> None:
    code = """
import resource, sys
from maskwright.cli.process import keep_memory
if sys.argv[1] == "tuned":
    assert keep_memory()
def fill():
    block = bytearray(24 << 20)
    block[::4096] = bytes(len(block[::4096]))
fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}  # as when blocks of many sizes come and go

    def faults(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", code, how], capture_output=True, text=True, env=environment, check=True
        )
        return int(done.stdout)

    assert faults("tuned") < faults("untuned") / 10
