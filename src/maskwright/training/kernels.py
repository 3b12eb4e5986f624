"""Layers in C, built once for this machine by its own compiler and called through ctypes.

Batch norm with its activation, where PyTorch's loops over bfloat16 run at a quarter of the memory's speed; gradients of
depthwise convolutions; a decoder's convolution of doubled features. Where there is no compiler (or no Linux) there is
no kernel: the layers are PyTorch's, and the plan says so.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock, Thread

from maskwright.errors import MaskwrightError, OutputError
from maskwright.files import cache_folder, write_with

SOURCES = tuple(Path(__file__).with_name(name) for name in ("batch_norm.c", "depthwise.c", "doubling.c"))
HEADER = Path(__file__).with_name("vectors.h")
_FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-fno-math-errno", "-fno-trapping-math", "-fopenmp")
_ALONE = Lock()
_PATIENCE = 60  # seconds for a compiler: it takes one


@dataclass(frozen=True)
class Kernels:
    """The library, or None where PyTorch's layers are used; why: in words, for the plan."""

    library: ctypes.CDLL | None
    why: str


@cache
def cpu_kernels() -> Kernels:
    """Return the library of kernels, built now where it has not been, and say so where it cannot be had."""
    compiler = _compiler()
    if compiler is None:
        lacks = "no C compiler is installed" if sys.platform == "linux" else "they are built on Linux only"
        return Kernels(None, f"PyTorch's: {lacks}")
    try:
        with _ALONE:  # whoever comes while it is being built waits for it
            library = ctypes.CDLL(str(_built(compiler, cache_folder() / "kernels")))
    except (OSError, MaskwrightError, subprocess.SubprocessError) as error:
        return Kernels(None, f"PyTorch's: quicker ones could not be built ({error})")
    return Kernels(library, f"the slowest ones are computed by code built for this processor by {Path(compiler).name}")


def untuned() -> bool:
    """Whether MASKWRIGHT_NO_TUNING asks for PyTorch's own ways."""
    return os.environ.get("MASKWRIGHT_NO_TUNING", "") not in ("", "0")


def build_ahead() -> Thread:
    """Begin to build the library in the background, as a training does while PyTorch is loaded and pictures are read.

    It is not loaded here: it uses PyTorch's threads where PyTorch was loaded before it.
    """
    thread = Thread(target=_build, name="kernels", daemon=True)
    thread.start()
    return thread


def _build() -> None:
    compiler = _compiler()
    if compiler is None:
        return
    with suppress(OSError, MaskwrightError, subprocess.SubprocessError), _ALONE:  # who needs it will be told why
        _built(compiler, cache_folder() / "kernels")


def _compiler() -> str | None:
    return shutil.which("gcc") or shutil.which("clang") if sys.platform == "linux" else None


def _built(compiler: str, folder: Path) -> Path:
    """Return the path of the library, named by what it was made from: source, flags, compiler, processor."""
    made_from = " ".join([*(source.read_text() for source in (*SOURCES, HEADER)), *_FLAGS, compiler, _processor()])
    library = folder / f"layers-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}.so"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_own(folder)
    if not library.exists():
        write_with(library, lambda path: _compile(compiler, path))
    _require_own(library)
    return library


def _require_own(path: Path) -> None:
    """Raise OutputError where somebody else may have written a program that we are about to run."""
    status = path.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        fix = "let it belong to you alone (chmod go-w), or state MASKWRIGHT_CACHE"
        raise OutputError("Others may write there, and a program would be run from it.", where=str(path), fix=fix)


def _compile(compiler: str, path: Path) -> None:
    command = [compiler, *_FLAGS, "-shared", "-fPIC", *map(str, SOURCES), "-o", str(path), "-lm"]
    subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE)
    path.chmod(0o700)


def _processor() -> str:
    """What tells processors apart for which -march=native means something else."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return platform.machine() + next((line for line in lines if line.startswith(("flags", "Features"))), "")
