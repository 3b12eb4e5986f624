"""Which values a mask holds, and how often. Masks are large and calm: long runs of one value, looked at once each."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_CALM = 4  # runs no shorter than this many words on average are counted run by run


def present_values(mask: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the values that occur in an array of uint8 of any shape, rising.

    Eight pixels are compared with the eight before them, and only where these differ are they looked at: a mask of
    two megapixels takes a millisecond instead of twenty.
    """
    flat = np.ascontiguousarray(mask).reshape(-1)
    if flat.size < 16:
        return np.unique(flat).astype(np.intp)
    words, rest = flat[: flat.size // 8 * 8].view(np.uint64), flat[flat.size // 8 * 8 :]
    new = words[1:][words[1:] != words[:-1]]
    found = np.bincount(np.concatenate([words[:1], new]).view(np.uint8), minlength=256)
    found[rest] += 1
    return np.flatnonzero(found)


def count_values(mask: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many pixels of an array of uint8, of any shape, have each of the values 0 to 255: (256,).

    As `present_values`, eight pixels at a time; an array that changes all the time is counted pixel by pixel.
    """
    flat = np.ascontiguousarray(mask).reshape(-1)
    runs = _runs(flat)
    if runs is None:
        return _count_each(flat)
    starts, words, rest = runs
    lengths = np.diff(starts, append=flat.size // 8)
    counts = np.bincount(words.view(np.uint8), np.repeat(lengths, 8), 256).astype(np.int64)
    np.add.at(counts, rest, 1)
    return counts


def calm_bytes(mask: NDArray[np.uint8]) -> bytes:
    """Return bytes that differ exactly where arrays of one shape do, few for a calm one: to be hashed in its place."""
    flat = np.ascontiguousarray(mask).reshape(-1)
    runs = _runs(flat)
    return b"each" + flat.tobytes() if runs is None else b"runs" + b"".join(part.tobytes() for part in runs)


def _runs(flat: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.uint64], NDArray[np.uint8]] | None:
    """Return where runs of equal words of eight pixels begin, these words, and the pixels behind the last word.

    None where runs are so short that they are of no use.
    """
    words, rest = flat[: flat.size // 8 * 8].view(np.uint64), flat[flat.size // 8 * 8 :]
    starts = np.flatnonzero(words[1:] != words[:-1]) + 1
    if not words.size or _CALM * len(starts) > len(words):
        return None
    starts = np.concatenate([np.zeros(1, np.intp), starts])
    return starts, words[starts], rest


def map_values(mask: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `table[mask]`, a new array; table: (256,) uint8. Most masks hold two values, which is quicker."""
    present = present_values(mask)
    if len(present) > 2:
        translated = bytearray(np.ascontiguousarray(mask)).translate(table.tobytes())  # ten times as fast as indexing
        return np.frombuffer(translated, np.uint8).reshape(mask.shape)
    low, high = (int(table[value]) for value in present[[0, -1]])
    mapped: NDArray[np.uint8] = (mask == np.uint8(present[-1])).view(np.uint8)
    if high ^ low != 1:
        mapped *= np.uint8(high ^ low)
    if low:
        mapped ^= np.uint8(low)
    return mapped


def _count_each(flat: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count pixel by pixel, as Pillow does: numpy's bincount would copy them to 64 bits."""
    if not flat.size:
        return np.zeros(256, np.int64)
    return np.array(Image.fromarray(flat[None]).histogram(), np.int64)
