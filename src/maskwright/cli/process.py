"""Fits the process to the machine: memory kept instead of returned, and as many threads as cores it may use.

glibc hands every large block back to the system and takes fresh, zeroed pages for the next one; in training on a
CPU a third of the time goes into that. Everything here is optional: where it does not apply, it does nothing.
Knows nothing of pictures or networks.
"""

import ctypes
import os
import platform
from pathlib import Path

_M_TRIM_THRESHOLD = -1  # malloc.h: parameters of mallopt
_M_MMAP_THRESHOLD = -3
_GIB = 1 << 30
_OLD_LIMIT = 32 << 20  # glibc before 2.34 refuses a larger M_MMAP_THRESHOLD

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def tune_process() -> tuple[str, ...]:
    """Tune memory and threads of this process; call it before numpy or torch is imported.

    Returns what was done, in words; empty where MASKWRIGHT_NO_TUNING is set or nothing applies.
    """
    if os.environ.get("MASKWRIGHT_NO_TUNING", "") not in ("", "0"):
        return ()
    done = []
    if keep_memory():
        done.append("freed memory is kept for the next step")
    cores = usable_cores()
    if cores < (os.cpu_count() or 1):
        done += [
            f"{name}={cores}" for name in _THREAD_VARIABLES if os.environ.setdefault(name, str(cores)) == str(cores)
        ]
    return tuple(done)


def keep_memory() -> bool:
    """Tell glibc to keep freed blocks up to 1 GiB; return whether it took the order (never elsewhere)."""
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    taken = bool(mallopt(_M_MMAP_THRESHOLD, _GIB)) or bool(mallopt(_M_MMAP_THRESHOLD, _OLD_LIMIT))
    return bool(mallopt(_M_TRIM_THRESHOLD, _GIB)) and taken


def usable_cores() -> int:
    """Return how many cores this process may really use: its affinity, and its container's quota (cgroup v2)."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return max(1, min(affinity, affinity if quota is None else round(quota)))


def _cgroup_quota(membership: Path, root: Path) -> float | None:
    """Return the smallest cpu.max (in cores) from this process's group up to the root, None where there is none."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    path = next((line[3:] for line in lines if line.startswith("0::")), None)
    if path is None:
        return None
    group = root / path.lstrip("/")
    folders = [group, *group.parents[: len(group.parts) - len(root.parts)]]
    quotas = [quota for folder in folders if (quota := _read_quota(folder / "cpu.max")) is not None]
    return min(quotas, default=None)


def _read_quota(path: Path) -> float | None:
    """Read "200000 100000" as 2.0 cores; None for "max" or a missing file."""
    try:
        quota, period = path.read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):
        return None
