"""Connected regions of masks: pixels of one class that share a side belong together, those that share a corner do not.

That is decided here, once, for outlines, counts and cleaning: the inside of a region is then in one piece, so that one
polygon with holes draws it. Areas are in pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwright.images.classes import Classes

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Regions:
    """The regions of one mask, or of one class's plane of it.

    labels: (H, W) int32, 0 where there is none, else its number from 1. classes: the class of each region.
    areas: pixels of each region.
    """

    labels: Labels
    classes: NDArray[np.intp]
    areas: NDArray[np.int64]


def find_regions(mask: NDArray[np.uint8]) -> Regions:
    """Return the regions of (H, W) class numbers, without those of 0; by class, then from the top, then the left.

    Runs of equal pixels are joined with those above them: masks are calm, and have few of them.
    """
    starts = _run_starts(mask)
    values = mask.reshape(-1)[starts]
    lengths = np.diff(starts, append=mask.size)
    found = _joined(starts, values, lengths, mask.shape[1])
    _, first, region = np.unique(found, return_index=True, return_inverse=True)
    order = np.lexsort((first, values[first]))  # by class, then by the first run
    order = order[values[first[order]] > 0]
    number = np.zeros(len(first), np.int32)
    number[order] = np.arange(1, len(order) + 1)
    labels = np.repeat(number[region], lengths).reshape(mask.shape)
    areas = np.bincount(number[region], lengths, len(order) + 1)[1:].astype(np.int64)
    return Regions(labels, values[first[order]].astype(np.intp), areas)


def layers(mask: NDArray[np.uint8], classes: Classes) -> Iterator[Regions]:
    """Yield the regions of a mask as a model gives it: of all classes at once, or of one overlapping class each.

    Classes are numbered as in `classes`: exclusive ones without the first, which is background.
    """
    if classes.exclusive:
        yield find_regions(mask)
        return
    for k in range(mask.shape[2]):
        plane = find_regions((mask[..., k] == 1).view(np.uint8))
        yield Regions(plane.labels, np.full(len(plane.areas), k, np.intp), plane.areas)


def foreground(classes: Classes) -> range:
    """Return the numbers of the classes that are found rather than left over: background is none of them.

    >>> list(foreground(Classes(("background", "cell")))), list(foreground(Classes(("cell", "core"), exclusive=False)))
    ([1], [0, 1])
    """
    return range(1 if classes.exclusive else 0, len(classes.names))


def _run_starts(mask: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return where runs of equal pixels begin, counted along the rows; each row begins with one."""
    new = np.ones(mask.shape, bool)
    np.not_equal(mask[:, 1:], mask[:, :-1], out=new[:, 1:])
    return np.flatnonzero(new)


def _joined(
    starts: NDArray[np.intp], values: NDArray[np.uint8], lengths: NDArray[np.intp], width: int
) -> NDArray[np.int32]:
    """Return a number for each run, the same for runs that hang together."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    below = np.flatnonzero((starts >= width) & (values > 0))
    first = np.searchsorted(starts, starts[below] - width, "right") - 1
    last = np.searchsorted(starts, starts[below] + lengths[below] - 1 - width, "right") - 1
    counts = last - first + 1
    below = np.repeat(below, counts)
    above = np.arange(len(below)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    same = values[above] == values[below]
    links = (np.ones(int(same.sum()), bool), (above[same], below[same]))
    numbers: NDArray[np.int32] = connected_components(coo_matrix(links, (len(starts),) * 2), directed=False)[1]
    return numbers
