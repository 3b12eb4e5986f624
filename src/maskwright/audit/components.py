"""How many objects a mask shows, class by class, and how large they are. An object: pixels of a class that touch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from maskwright.images.classes import Classes

_PIXELS = 2_000_000  # larger masks are thinned out to about as many
_PARTS = 4  # kinds of size within a doubling
_CALM = 16  # runs no shorter than this many pixels on average, those without anything included, are put together
_CORNERS = np.ones((3, 3), bool)  # pixels that touch at a corner are one object


@dataclass(frozen=True)
class ObjectSizes:
    """The objects of one class. smallest: pixels of the mask. sizes: kind of size -> objects."""

    count: int
    smallest: int
    sizes: Mapping[int, int]

    def count_below(self, pixels: float) -> int:
        """Return how many objects have fewer pixels of the mask, to within a fifth of their size."""
        if self.smallest >= pixels:
            return 0
        border = _PARTS * np.log2(max(1.0, pixels))
        return max(1, sum(objects for kind, objects in self.sizes.items() if kind + 0.5 < border))

    def area_below(self, pixels: float) -> float:
        """Return how many pixels of the mask such objects cover together, to within a fifth."""
        return self._area(pixels) if self.smallest < pixels else 0.0

    @property
    def area(self) -> float:
        """How many pixels of the mask all objects cover, to within a fifth."""
        return self._area(np.inf)

    def _area(self, below: float) -> float:
        middles = {2 ** ((kind + 0.5) / _PARTS): objects for kind, objects in self.sizes.items()}
        return float(sum(area * objects for area, objects in middles.items() if area < below))

    def to_json(self) -> list[Any]:
        """Return plain values."""
        return [self.count, self.smallest, [[kind, objects] for kind, objects in sorted(self.sizes.items())]]

    @staticmethod
    def from_json(content: list[Any]) -> "ObjectSizes":
        """Undo `to_json`."""
        return ObjectSizes(int(content[0]), int(content[1]), {int(kind): int(objects) for kind, objects in content[2]})


def count_objects(mask: NDArray[np.uint8], classes: Classes) -> dict[int, ObjectSizes]:
    """Return class index -> sizes of its objects, for each foreground class that a decoded mask shows.

    mask: (H, W), or (H, W, K) for overlapping classes. Background is class 0 of exclusive classes if it is named so,
    or if there are two. Of masks of more than two million pixels every second, third, ... row and column is looked at.
    """
    step = max(1, int(np.ceil(np.sqrt(mask.shape[0] * mask.shape[1] / _PIXELS))))
    thin = mask[::step, ::step]
    background = classes.exclusive and (classes.binary or classes.names[0] == "background")
    found = {}
    for label in range(len(classes.names)):
        if label or not background:
            shown = _shown((thin == label) if thin.ndim == 2 else (thin[:, :, label] == 1))
            if shown.size:
                found[label] = _sizes(shown, step * step)
    return found


def _shown(here: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the part of a plane that shows something, which may be nothing."""
    for axis in (0, 1):
        lines = np.flatnonzero(here.any(axis=1 - axis))
        first, end = (int(lines[0]), int(lines[-1]) + 1) if lines.size else (0, 0)
        here = here[first:end] if axis == 0 else here[:, first:end]
    return here


def _sizes(shown: NDArray[np.bool_], scale: int) -> ObjectSizes:
    areas = object_areas(shown) * scale
    kinds = np.floor(_PARTS * np.log2(areas)).astype(int)
    found, times = np.unique(kinds, return_counts=True)
    return ObjectSizes(len(areas), int(areas.min()), {int(k): int(n) for k, n in zip(found, times, strict=True)})


def object_areas(shown: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the pixels of each object of a plane, (H, W), that shows something, in no order.

    Objects are put together from the runs of their rows, of which a calm mask has few: that takes a third of the time
    of labelling its pixels.
    """
    starts, ends, stride = _runs(shown)
    if _CALM * len(starts) > shown.size:
        return np.bincount(ndimage.label(shown, structure=_CORNERS)[0].ravel())[1:]
    # runs of the next row that touch a run: from the first that does not end before it to the last that begins in time
    first = np.searchsorted(ends, starts + stride, "left")
    touched = np.searchsorted(starts, ends + stride, "right") - first
    row = np.concatenate([np.zeros(1, np.intp), np.cumsum(touched)])
    others = np.arange(row[-1]) - np.repeat(row[:-1] - first, touched)
    graph = csr_array((np.ones(len(others), np.int8), others, row), shape=(len(starts), len(starts)))
    count, labels = connected_components(graph, directed=False)
    return np.bincount(labels, ends - starts, count).astype(np.int64)


def _runs(shown: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Return where the runs of all rows begin and end, and how far apart rows lie: one pixel more than they are wide.

    So no run goes on in the next row, and none touches a run of the row after at the other side.
    """
    stride = shown.shape[1] + 1
    flat = np.zeros(len(shown) * stride + 1, np.bool_)
    flat[1:].reshape(-1, stride)[:, :-1] = shown
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return edges[::2], edges[1::2], stride
