"""The most memory that this process has held, as the operating system counts it; elsewhere than on Unix, nothing."""

import sys
from pathlib import Path

_REFERENCES, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_FORGET_PEAK = "5"  # proc(5): sets the peak back to what is held now


def reset_peak() -> None:
    """Forget the peak so far, where the system can do that."""
    try:
        _REFERENCES.write_text(_FORGET_PEAK)
    except OSError:  # no Linux, or not allowed: the peak counts from the process's start
        return


def peak_bytes() -> int | None:
    """Return the peak since `reset_peak`, in bytes; None where the system does not say."""
    try:
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
