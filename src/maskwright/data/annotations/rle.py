"""Run lengths: COCO's, plain and packed into a string, CVAT's, and masks made of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError


def runs_to_mask(counts: NDArray[np.int64], size: tuple[int, int], *, by_columns: bool) -> NDArray[np.bool_]:
    """Return (height, width) of runs that alternate, outside first, and fill it (see `checked_runs`)."""
    values = np.zeros(len(counts), bool)
    values[1::2] = True
    flat = np.repeat(values, counts)
    return flat.reshape(size[::-1]).T if by_columns else flat.reshape(size)


def checked_runs(counts: Sequence[object], size: tuple[int, int], where: str) -> NDArray[np.int64]:
    """Return runs as an array. Raises DataError unless they are whole numbers that fill `size` exactly."""
    total = 0
    for count in counts:
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= size[0] * size[1]:
            raise _bad(f"holds {str(count)[:40]}", size, where)
        total += count
    if total != size[0] * size[1]:
        raise _bad(f"covers {total} pixels", size, where)
    return np.array(counts, np.int64)


def unpack_counts(text: str, size: tuple[int, int], where: str) -> NDArray[np.int64]:
    """Return the runs in COCO's packed form: six bits a character, five of them a number's, later ones as differences.

    Raises DataError for anything else. Source: rleFrString of the COCO API (Lin et al. 2014, arXiv:1405.0312).
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise _bad(f"holds the character {character!r} at a wrong place", size, where)
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift:
        raise _bad("ends within a number", size, where)
    return checked_runs(counts, size, where)


def _bad(what: str, size: tuple[int, int], where: str) -> DataError:
    return DataError(
        f"A run-length mask {what}; {size[0]} x {size[1]} pixels (height x width) are to be filled.", where=where,
        fix="export the annotations again, or remove this object",
    )  # fmt: skip
