"""How far two masks of one photograph say the same, once one lies on the other. Knows arrays only."""

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.alignment import Alignment, turned
from maskwright.images.classes import IGNORE

_SIDE = 512  # places along each axis that are compared
_AS_IT_IS = Alignment(0, (1.0, 1.0), (0.0, 0.0))


def mask_overlap(first: NDArray[np.uint8], second: NDArray[np.uint8], alignment: Alignment | None = None) -> float:
    """Return the share of places marked in either mask that are marked alike in both; 1 where nothing is marked.

    first, second: (H, W) labels or (H, W, K) of 0 and 1, each of its own size; ignored pixels do not count.
    alignment: how the second lies on the first; None: all on all.
    """
    lies = alignment or _AS_IT_IS
    base = turned(first, lies.turn)
    lines = [_lines(base.shape[axis], second.shape[axis], lies.scale[axis], lies.shift[axis]) for axis in (0, 1)]
    below = base[lines[0][0][:, None], lines[1][0]]
    above = second[lines[0][1][:, None], lines[1][1]]
    known = (below != IGNORE) & (above != IGNORE)
    marked = known & ((below > 0) | (above > 0))
    total = int(marked.sum())
    return float((marked & (below == above)).sum() / total) if total else 1.0


def _lines(size: int, target: int, scale: float, shift: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return indices of the first and the second along one axis that show the same places."""
    count = min(_SIDE, target)
    places = (np.arange(count) + 0.5) / count
    there = scale * places + shift
    inside = (there >= 0) & (there < 1)
    return (there[inside] * size).astype(int), (places[inside] * target).astype(int)
