"""Sets of which only names and headers exist: memory must not grow with them by more than a few hundred bytes a row."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytest.importorskip("resource", reason="tells how much memory is used")


def measure(rows, cache):
    """Check a simulated listing in a process of its own, as the benchmark does."""
    command = [sys.executable, ROOT / "benchmarks" / "check" / "speed.py", "--one", "listing", "simulated", str(rows)]
    environment = {"MASKWRIGHT_CACHE": str(cache), "PATH": "", "PYTHONPATH": str(ROOT / "src")}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_memory_grows_by_less_than_half_a_kilobyte_a_row(tmp_path):
    small, large = measure(5_000, tmp_path), measure(55_000, tmp_path)

    grown = (large["peak"] - large["before"]) - (small["peak"] - small["before"])
    assert grown * 2**20 < 50_000 * 500


def test_findings_of_a_large_set_are_bounded(tmp_path):
    found = measure(9_000, tmp_path)

    assert found["pairs"] == 9_000
    assert 1_000 < found["findings"] < 3_000  # 1285 masks are empty
