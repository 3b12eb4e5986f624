"""How many processor cores this process may use: what the machine has, less what the process was not given."""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Return the cores this process may use, at least 1: its affinity, cut by a container's CPU limit."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limit = _cgroup_limit(_CGROUP)
    return max(1, cores if limit is None else min(cores, math.ceil(limit)))


def _cgroup_limit(folder: Path) -> float | None:
    """Return the CPU limit of the container in cores (version 2, then version 1), or None where there is none."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if not quota.isdigit() or not period.isdigit() or int(period) == 0 or int(quota) == 0:
        return None  # "max", or -1: no limit
    return int(quota) / int(period)
