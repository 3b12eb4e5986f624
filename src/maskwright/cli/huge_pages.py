"""Huge pages for what this process computes on: fewer entries for the processor to look up, fewer page faults.

Many systems give them on request only ("madvise"), and glibc can be told to ask from outside alone (GLIBC_TUNABLES). So
its heap is grown here once, the new part is marked, and left to malloc again: later blocks lie in it. What is not
touched takes addresses, no memory. Everything here is optional: where it does not apply, it does nothing.
"""

import ctypes
import os
import platform
from pathlib import Path

_SETTINGS = Path("/sys/kernel/mm/transparent_hugepage")
_OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
_NO_MORE_THAN_COUNTED = "2"  # overcommit: addresses count as memory, even if they are never touched
_LARGEST = 2 << 20  # bytes of a huge page; some ARM systems have pages of 512 MiB, which would waste memory

_M_TRIM_THRESHOLD = -1  # malloc.h
_NEVER = -1
_MADV_HUGEPAGE = 14  # sys/mman.h
_GIB = 1 << 30
_BLOCK = _GIB - (1 << 16)  # glibc asks the system for larger ones apart from its heap
_MOST = 16  # GiB


def mark_heap() -> bool:
    """Let malloc's blocks lie in huge pages from now on; return whether it was done.

    To be called once, after keep_memory (cli/process.py). Freed memory stays with the process, however much it is.
    """
    if not _on_request() or _addresses_limited():
        return False
    libc = _libc()
    return libc is not None and _grow_and_mark(libc, _reserve())


def _on_request() -> bool:
    """Whether this system has huge pages of a usual size, given to those who ask."""
    try:
        enabled = (_SETTINGS / "enabled").read_text()
        size = int((_SETTINGS / "hpage_pmd_size").read_text())
    except (OSError, ValueError):
        return False
    return "[madvise]" in enabled and size <= _LARGEST


def _addresses_limited() -> bool:
    """Whether addresses that are not touched may be taken from what the process needs."""
    import resource  # not on Windows

    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    if any(limit != resource.RLIM_INFINITY for limit in limits):
        return True
    try:
        return _OVERCOMMIT.read_text().strip() == _NO_MORE_THAN_COUNTED
    except OSError:
        return True


def _reserve() -> int:
    """Return how many blocks of a GiB the heap is grown by: as many as the machine has memory, at most 16."""
    return min(_MOST, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _GIB)


def _libc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    try:
        libc = ctypes.CDLL(None)
        for name, result, arguments in (
            ("malloc", ctypes.c_void_p, [ctypes.c_size_t]),
            ("free", None, [ctypes.c_void_p]),
            ("sbrk", ctypes.c_void_p, [ctypes.c_ssize_t]),
            ("mallopt", ctypes.c_int, [ctypes.c_int, ctypes.c_int]),
            ("madvise", ctypes.c_int, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]),
        ):
            function = getattr(libc, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return libc


def _grow_and_mark(libc: ctypes.CDLL, blocks: int) -> bool:
    """Grow the heap by so many blocks, mark what is new, free the blocks; False where the heap did not grow."""
    if not libc.mallopt(_M_TRIM_THRESHOLD, _NEVER):  # else freeing the blocks gives their addresses back
        return False
    start = -(-libc.sbrk(0) // _LARGEST) * _LARGEST
    taken = [libc.malloc(_BLOCK) for _ in range(blocks)]
    end = libc.sbrk(0)
    marked = bool(end > start and libc.madvise(start, end - start, _MADV_HUGEPAGE) == 0)
    for block in reversed(taken):
        libc.free(block)
    return marked
