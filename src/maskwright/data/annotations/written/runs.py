"""Bitmaps as run lengths: COCO's, CVAT's, and the packed ones of Label Studio. `rle.py` and `bitmaps.py` read them."""

import numpy as np
from numpy.typing import NDArray

_SIZES = (3, 4, 8, 16)  # bits of a run's length that a packed block may use
_LONGEST = 1 << _SIZES[-1]
_VALUE_BITS = 8


def run_lengths(
    inside: NDArray[np.bool_], corner: tuple[int, int] = (0, 0), size: tuple[int, int] | None = None
) -> list[int]:
    """Return the lengths of runs along the rows: outside, inside, outside, ...

    inside: (h, w), whose first pixel lies at `corner` (top, left) of a bitmap of `size` (height, width).

    >>> run_lengths(np.array([[True, False], [True, True]]), corner=(1, 1), size=(3, 4))
    [5, 1, 3, 2, 1]
    """
    height, width = size or inside.shape
    changes = np.diff(np.pad(inside, ((0, 0), (1, 1))).view(np.int8), axis=1)
    columns = changes.shape[1]
    places = [np.flatnonzero(changes == sign) for sign in (1, -1)]
    starts, ends = ((corner[0] + at // columns) * width + corner[1] + at % columns for at in places)
    apart = starts[1:] != ends[:-1]  # a run that reaches the right side may go on in the next row
    starts, ends = np.append(starts[:1], starts[1:][apart]), np.append(ends[:-1][apart], ends[-1:])
    borders = np.stack([starts, ends], axis=1).reshape(-1)
    lengths: list[int] = np.diff(borders, prepend=0, append=height * width).tolist()
    return lengths if lengths[-1] else lengths[:-1]


def column_run_lengths(inside: NDArray[np.bool_], corner: tuple[int, int], size: tuple[int, int]) -> list[int]:
    """Return the lengths of runs down the columns, as COCO has them; see `run_lengths`."""
    return run_lengths(inside.T, corner[::-1], size[::-1])


def packed_brush(inside: NDArray[np.bool_]) -> list[int]:
    """Return (height, width) as the bytes of Label Studio's brush masks: packed runs of R, G, B, A, all 0 or all 255.

    The format is told at `bitmaps.brush_alpha`, which reads it.
    """
    lengths = 4 * np.array(run_lengths(inside), np.int64)
    values = np.where(np.arange(len(lengths)) % 2, 255, 0)
    blocks = -(-lengths // _LONGEST)
    values, whole = np.repeat(values, blocks), np.full(int(blocks.sum()), _LONGEST, np.int64)
    last = (np.cumsum(blocks) - 1)[blocks > 0]
    whole[last] = (lengths - (blocks - 1) * _LONGEST)[blocks > 0]
    which = np.searchsorted([1 << bits for bits in _SIZES], whole)
    bits = np.array(_SIZES)[which]
    codes = (((4 | which) << bits | (whole - 1)) << _VALUE_BITS) | values
    packed = _packed(codes, 3 + bits + _VALUE_BITS, _header(4 * inside.size))
    content: list[int] = packed.tolist()
    return content


def _header(values: int) -> NDArray[np.uint8]:
    """Return bits: how many values, the bits of one, and the bits of the lengths."""
    text = f"{values:032b}{_VALUE_BITS - 1:05b}" + "".join(f"{bits - 1:04b}" for bits in _SIZES)
    return np.frombuffer(text.encode(), np.uint8) - ord("0")


def _packed(codes: NDArray[np.int64], widths: NDArray[np.int64], header: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the bytes of a header and of numbers of so many bits each, the highest first."""
    ends = len(header) + np.cumsum(widths)
    bits = np.zeros(int(ends[-1]), np.uint8)
    bits[: len(header)] = header
    for width in np.unique(widths):
        chosen = np.flatnonzero(widths == width)
        place = np.arange(width)
        bits[(ends[chosen] - width)[:, None] + place] = codes[chosen][:, None] >> (width - 1 - place) & 1
    return np.packbits(bits)
