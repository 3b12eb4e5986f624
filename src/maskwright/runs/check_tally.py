"""One pass over what an audit saw of each row: the few numbers that histograms and sheets need, in columns.

Reads no file. Two million rows take a few tens of megabytes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.facts import PairFacts
from maskwright.images.classes import IGNORE, Classes


@dataclass(frozen=True)
class Tally:
    """share: (N,) foreground's share of a mask; brightness: (N,) mean grey, 0..255; NaN where not known.

    sizes: (N, 2) height and width, 0 where not known. pixels, masks: (K,) of each class, and the masks that show it.
    counted: pixels that count, of looked_at masks. objects: side of a square of its area -> how many.
    """

    share: NDArray[np.float32]
    brightness: NDArray[np.float32]
    sizes: NDArray[np.int32]
    pixels: NDArray[np.int64]
    masks: NDArray[np.int64]
    counted: int
    looked_at: int
    objects: Mapping[float, int]

    def size_counts(self) -> dict[tuple[int, int], int]:
        """Return (height, width) -> how many pictures."""
        known = self.sizes[self.sizes[:, 0] > 0]
        found, counts = np.unique(known, axis=0, return_counts=True)
        return {(int(height), int(width)): int(n) for (height, width), n in zip(found, counts, strict=True)}


def tally(facts: Sequence[PairFacts], classes: Classes) -> Tally:
    """Return the columns of all rows."""
    share, brightness = np.full((2, len(facts)), np.nan, np.float32)
    sizes = np.zeros((len(facts), 2), np.int32)
    pixels, masks = np.zeros((2, len(classes.names)), np.int64)
    counted = looked_at = 0
    objects: Counter[float] = Counter()
    for row, pair in enumerate(facts):
        info, mask = pair.picture.info, pair.mask
        if info is not None:
            sizes[row] = info.height, info.width
        if pair.picture.print is not None:
            brightness[row] = pair.picture.print.thumbnail.mean()
        if mask.drawing is not None:
            for of_class in (mask.drawing.objects or {}).values():
                objects.update({side_of(kind): number for kind, number in of_class.sizes.items()})
        if mask.counts is None:
            continue
        looked_at += 1
        kept = mask.height * mask.width - mask.counts.get(IGNORE, 0)
        counted += kept
        foreground = 0
        for label, number in mask.counts.items():
            if number and label < len(pixels):
                pixels[label] += number
                masks[label] += 1
                foreground += 0 if label == 0 and classes.exclusive else number
        if kept > 0:
            share[row] = min(1.0, foreground / kept)
    return Tally(share, brightness, sizes, pixels, masks, counted, looked_at, objects)


def side_of(kind: int) -> float:
    """Return the side of a square that is as large as an object of a kind of size, which are four to a doubling."""
    return round(float(2 ** ((kind + 0.5) / 8)), 2)
