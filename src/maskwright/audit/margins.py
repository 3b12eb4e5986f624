"""What lies along a mask's frame: how much foreground, margins without any, and objects cut straight at a margin."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from maskwright.images.classes import IGNORE, Classes

_WIDEST = 0.06  # of the side: a wider strip without foreground is no margin
_DEEPER = 3  # rows behind the margin: an object that is cut is about as long there
_STRAIGHT = 0.6  # of the object's length there: one that ends by itself is narrower at its first row (a disc: 0.4)


@dataclass(frozen=True)
class Margins:
    """Sides in the order top, left, bottom, right; lengths in pixels of the mask.

    widths: rows or columns without any foreground; 0 where there are none, or so many that it is no margin.
    cut: the longest run of foreground in the first row behind the margin that ends as if cut with a ruler, else 0.
    ignored: rows or columns that are ignored throughout. foreground: share of the frame's known pixels.
    """

    widths: tuple[int, ...]
    cut: tuple[int, ...]
    ignored: tuple[int, ...]
    foreground: float

    def to_json(self) -> list[list[float]]:
        """Return plain values."""
        return [list(self.widths), list(self.cut), list(self.ignored), [self.foreground]]

    @staticmethod
    def from_json(content: list[list[float]]) -> "Margins":
        """Undo `to_json`."""
        widths, cut, ignored = (tuple(int(value) for value in row) for row in content[:3])
        return Margins(widths, cut, ignored, float(content[3][0]))


def look_at_margins(mask: NDArray[np.uint8], classes: Classes) -> Margins | None:
    """Look along the frame of a decoded mask, (H, W); None for overlapping classes, or where there is no background."""
    background = classes.binary or classes.names[0] == "background"
    if mask.ndim != 2 or not background or min(mask.shape) < 16:
        return None
    widths, cut, ignored = [], [], []
    for strip in (mask, mask.T, mask[::-1], mask.T[::-1]):
        most = max(2, int(_WIDEST * len(strip)))
        if not strip[: most + _DEEPER + 1].max() or _shows_foreground(strip[0]):  # most are the one or the other
            widths.append(0)
            cut.append(0)
            ignored.append(0)
            continue
        part = np.ascontiguousarray(strip[: most + _DEEPER + 1])
        shown = ((part != 0) & (part != IGNORE)).sum(axis=1)
        first = int(np.argmax(shown > 0)) if shown.any() else 0
        margin = 0 < first <= most
        widths.append(first if margin else 0)
        cut.append(_longest_cut(part[first : first + _DEEPER + 1]) if margin else 0)
        ignored.append(int(np.argmin(np.append((part == IGNORE).all(axis=1), False))))
    frame = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    known = frame[frame != IGNORE]
    share = float((known != 0).mean()) if known.size else 0.0
    return Margins(tuple(widths), tuple(cut), tuple(ignored), round(share, 3))


def _shows_foreground(row: NDArray[np.uint8]) -> bool:
    return bool(((row != 0) & (row != IGNORE)).any())


def _longest_cut(rows: NDArray[np.uint8]) -> int:
    """Return the length of the longest run in the first row of objects that are hardly longer in the last."""
    objects, _ = ndimage.label((rows != 0) & (rows != IGNORE))
    ends = np.flatnonzero(np.diff(objects[0], prepend=0, append=0))
    runs = [(int(end - start), int(objects[0, start])) for start, end in zip(ends[::2], ends[1::2], strict=True)]
    deeper = np.bincount(objects[-1])
    return max((n for n, which in runs if which >= len(deeper) or n >= _STRAIGHT * deeper[which]), default=0)
