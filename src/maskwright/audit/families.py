"""Which pictures of a set are the same, or of the same photograph: families, and how their members are related.

Pictures are likely relatives if they share landmarks (`alike.py`); prints, then files, tell whether they are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.audit.alike import Union, likely_pairs, same_groups
from maskwright.audit.comparisons import Comparisons
from maskwright.audit.likeness import Likeness, compare_pictures, compare_prints, read_grey
from maskwright.audit.prints import PicturePrint, landmark_codes
from maskwright.data.dataset import Dataset
from maskwright.data.threads import in_threads
from maskwright.errors import DataError
from maskwright.progress import Progress, Step, ignore

_TOGETHER = 256  # likely pairs compared before it is looked which are related already
_READ = 256  # pictures that stay in memory for a comparison with others: 100 KB each


@dataclass(frozen=True)
class Families:
    """same: rows of equal pixels. near: first row, second row, how the second lies on the first.

    Of equal pictures only the first stands in `near`.
    """

    same: tuple[tuple[int, ...], ...] = ()
    near: tuple[tuple[int, int, Likeness], ...] = ()

    def all(self) -> tuple[tuple[int, ...], ...]:
        """Return rows that belong together, each family once."""
        union = Union()
        for rows in self.same:
            for row in rows[1:]:
                union.join(rows[0], row)
        for first, second, _ in self.near:
            union.join(first, second)
        return tuple(union.families())


def find_families(
    dataset: Dataset,
    digests: NDArray[np.uint8],
    prints: NDArray[np.uint8],
    printed: NDArray[np.bool_],
    progress: Progress = ignore,
    known: Comparisons | None = None,
) -> Families:
    """Return the families of a set.

    digests: (n, 16), zeros where unknown. prints: (n, PRINT_BYTES), may be memory-mapped. printed: (n,) whether there
    is one. known: what comparisons gave before. Copies that are known as such are left aside. Memory: 10 KB a picture
    while likely pairs are sought, of which 4 KB are the mapped prints.
    """
    same = same_groups(digests)
    looked_at = printed.copy()
    looked_at[[row for rows in same for row in rows[1:]]] = False
    looked_at[[row for row, parent in enumerate(dataset.columns.parents) if parent]] = False
    codes, owners = landmark_codes(prints)
    wanted = looked_at[owners]
    pairs = likely_pairs(codes[wanted], owners[wanted])
    del codes, owners, wanted
    related = _related(dataset, digests, prints, pairs, progress, known or Comparisons())
    return Families(tuple(map(tuple, same)), tuple(related))


def _related(
    dataset: Dataset,
    digests: NDArray[np.uint8],
    prints: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    progress: Progress,
    known: Comparisons,
) -> Iterator[tuple[int, int, Likeness]]:
    """Yield pairs that are of one photograph; pairs that others relate already are not compared."""
    union = Union()
    read = lru_cache(_READ)(lambda row: read_grey(dataset[row].image))

    def compare(pair: tuple[int, int]) -> Likeness | None:
        try:
            first, second = (digests[row].tobytes() for row in pair)
            return known.get(first, second, lambda: _compare(prints, pair, read))
        except DataError:  # gone or changed since it was read: its own finding says so, or the next check will
            return None

    for start in range(0, len(pairs), _TOGETHER):
        some = [(int(a), int(b)) for a, b in pairs[start : start + _TOGETHER] if union.top(int(a)) != union.top(int(b))]
        for (first, second), likeness in zip(some, in_threads(compare, some), strict=True):
            if likeness is not None and union.join(first, second):
                yield first, second, likeness
        progress(Step("compare", min(start + _TOGETHER, len(pairs)), len(pairs)))


def _compare(prints: NDArray[np.uint8], pair: tuple[int, int], read: Callable[[int], Image.Image]) -> Likeness | None:
    guess = compare_prints(*(PicturePrint.from_bytes(prints[row].tobytes()) for row in pair))
    return None if guess is None else compare_pictures(read(pair[0]), read(pair[1]), guess)
