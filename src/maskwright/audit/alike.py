"""Finding pictures that are the same, or nearly so, without comparing all pairs.

Near-duplicates share a quarter of a 64-bit hash of brightness steps and agree on a small grey thumbnail.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_BANDS = 4
_CORRELATION = 0.985
_LEAST_CONTRAST = 4.0  # standard deviation in grey levels: flatter thumbnails all look alike
_NEIGHBOURS = 32  # comparisons for each picture within one bucket, at most


def same_groups(keys: Sequence[bytes]) -> list[list[int]]:
    """Return the indices of equal keys, for keys that occur more than once; empty keys count as unknown."""
    found: dict[bytes, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        if key:
            found[key].append(i)
    return [rows for rows in found.values() if len(rows) > 1]


def near_groups(thumbnails: Mapping[int, NDArray[np.uint8]]) -> list[list[int]]:
    """Return families of pictures whose thumbnails nearly agree: (16, 16) uint8 by number."""
    plain = {i: t.astype(np.float32) - t.mean() for i, t in thumbnails.items() if t.std() >= _LEAST_CONTRAST}
    parent = {i: i for i in plain}

    def top(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for first, second in _candidates(plain):
        if top(first) != top(second) and _agree(plain[first], plain[second]):
            parent[max(top(first), top(second))] = min(top(first), top(second))
    families: dict[int, list[int]] = defaultdict(list)
    for i in plain:
        families[top(i)].append(i)
    return [rows for rows in families.values() if len(rows) > 1]


def _candidates(plain: Mapping[int, NDArray[np.float32]]) -> Iterator[tuple[int, int]]:
    buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, thumbnail in plain.items():
        small = thumbnail.reshape(8, 2, 8, 2).mean(axis=(1, 3))
        steps = small > np.roll(small, 1, axis=1)
        for band, word in enumerate(np.packbits(steps.ravel()).view(np.uint16)):
            buckets[(band % _BANDS, int(word))].append(i)
    for rows in buckets.values():
        for at, first in enumerate(rows):
            for second in rows[at + 1 : at + 1 + _NEIGHBOURS]:
                yield first, second


def _agree(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    product = float((first * second).sum())
    return product >= _CORRELATION * float(np.sqrt((first**2).sum() * (second**2).sum()))
