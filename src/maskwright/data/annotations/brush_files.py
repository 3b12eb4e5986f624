"""One brush mask in a file of its own, PNG or NPY, as Label Studio exports them; read only when it is drawn.

The file's name says of which task and annotation it is: task-7-annotation-12-by-1-tag-leaf-0.png.
"""

import hashlib
import re
import tokenize
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from maskwright.data.annotations.areas import MaskFile
from maskwright.errors import DataError
from maskwright.images.formats import read_labels
from maskwright.images.opening import max_pixels, open_file

_HALF = 127
_NAME = re.compile(r"^task-(\d+)-annotation-(\d+)-by-[^-]*-(.+)-(\d+)\.(png|npy)$", re.DOTALL)
# What NumPy lets through from parsing a header as Python's text, and its dtype from what that holds.
_HEADER_ERRORS = (
    tokenize.TokenError, SyntaxError, TypeError, LookupError, AttributeError, UnboundLocalError, RecursionError,
    MemoryError,
)  # fmt: skip
ByAnnotation = dict[int, list[tuple[str, str]]]


def is_brush_file(path: str) -> bool:
    """Whether a file is called as Label Studio calls exported brush masks."""
    return _NAME.match(path.rpartition("/")[2]) is not None


def by_task(paths: Sequence[str], tasks: Collection[int]) -> tuple[dict[int, ByAnnotation], int]:
    """Return task -> annotation -> (class, path) of brush files, and how many files are of no task among `tasks`."""
    held: dict[int, ByAnnotation] = defaultdict(lambda: defaultdict(list))
    loose = 0
    for path in paths:
        found = _NAME.match(path.rpartition("/")[2])
        if found is None or int(found[1]) not in tasks:
            loose += 1
            continue
        name = found[3].partition("-")[2] or found[3]  # before it: the name of the control, such as "tag"
        held[int(found[1])][int(found[2])].append((name, path))
    return held, loose


def brush_area(path: Path) -> MaskFile:
    """Return the area that a file holds. Raises DataError where it cannot be read."""
    with open_file(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return MaskFile(partial(_read, path), digest)


def _read(path: Path) -> NDArray[np.bool_]:
    if path.suffix.lower() == ".npy":
        return _read_npy(path) > _HALF
    pixels = read_labels(path)
    return (pixels if pixels.ndim == 2 else pixels.max(axis=2)) > _HALF


def _read_npy(path: Path) -> NDArray[np.uint8]:
    """Return a (height, width) array of bytes; nothing is unpickled. Raises DataError."""
    try:
        with open_file(path) as file:
            shape, by_columns, dtype = _header(file)
            if len(shape) != 2 or dtype != np.uint8 or min(shape) < 1 or shape[0] * shape[1] > max_pixels():
                raise DataError(
                    f"The array is {shape} {dtype}; a brush mask is (height, width) of bytes.", where=str(path),
                    fix="export the masks again",
                )  # fmt: skip
            content = file.read(shape[0] * shape[1])
        return np.frombuffer(content, np.uint8).reshape(shape, order="F" if by_columns else "C")
    except DataError:
        raise
    except (ValueError, OSError, EOFError, *_HEADER_ERRORS) as error:
        raise DataError("This is no NumPy array that can be read.", where=str(path), fix="export it again") from error


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    found: tuple[tuple[int, ...], bool, np.dtype[Any]] = header(file)
    return found
