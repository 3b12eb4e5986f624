"""Fits the process to the machine: memory kept instead of returned, and as many threads as cores it may use.

glibc hands every large block back to the system and takes fresh, zeroed pages for the next one; in training on a
CPU a third of the time goes into that. Everything here is optional: where it does not apply, it does nothing.
Knows nothing of pictures or networks.
"""

import ctypes
import os
import platform

from maskwright.cli.huge_pages import mark_heap
from maskwright.runtime.cores import available_cores

_M_TRIM_THRESHOLD = -1  # malloc.h: parameters of mallopt
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
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
        if mark_heap():
            done.append("memory lies in huge pages")
    # Spinning threads starve their own kind as soon as another program wants a core; alone on the machine, sleeping
    # costs nothing.
    if os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE") == "PASSIVE":
        done.append("idle threads sleep")
    cores = available_cores()
    if cores < (os.cpu_count() or 1):
        done += [
            f"{name}={cores}" for name in _THREAD_VARIABLES if os.environ.setdefault(name, str(cores)) == str(cores)
        ]
    return tuple(done)


def keep_memory() -> bool:
    """Tell glibc to keep freed blocks up to 1 GiB, in one heap; return whether it took the order (never elsewhere).

    In one: else each new thread may get a heap of its own, and what all of them keep adds up.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    mallopt(_M_ARENA_MAX, 1)
    taken = bool(mallopt(_M_MMAP_THRESHOLD, _GIB)) or bool(mallopt(_M_MMAP_THRESHOLD, _OLD_LIMIT))
    return bool(mallopt(_M_TRIM_THRESHOLD, _GIB)) and taken
