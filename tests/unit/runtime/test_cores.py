import os

import pytest

from maskwright.runtime.cores import _cgroup_limit, available_cores


def test_at_least_one_and_at_most_all_cores_are_used():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_without_a_container_there_is_no_limit(tmp_path):
    assert _cgroup_limit(tmp_path) is None


@pytest.mark.parametrize(("text", "cores"), [("150000 100000\n", 1.5), ("max 100000\n", None), ("nonsense", None)])
def test_the_limit_of_a_container_is_read(tmp_path, text, cores):
    (tmp_path / "cpu.max").write_text(text)
    assert _cgroup_limit(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("200000", 2.0), ("-1", None)])
def test_the_limit_of_an_older_container_is_read(tmp_path, quota, cores):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota + "\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert _cgroup_limit(tmp_path) == cores
