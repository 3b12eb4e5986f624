"""How many objects a mask shows, class by class, and how large they are. An object: pixels of a class that touch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from maskwright.images.classes import Classes

_PIXELS = 2_000_000  # larger masks are thinned out to about as many
_PARTS = 4  # kinds of size within a doubling
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
        here = (thin == label) if thin.ndim == 2 else (thin[:, :, label] == 1)
        if (label or not background) and here.any():
            found[label] = _sizes(here, step * step)
    return found


def _sizes(here: NDArray[np.bool_], scale: int) -> ObjectSizes:
    rows, columns = (np.flatnonzero(here.any(axis=axis)) for axis in (1, 0))
    labels, count = ndimage.label(here[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], structure=_CORNERS)
    areas = (np.bincount(labels.ravel())[1:] if count > 1 else np.array([np.count_nonzero(labels)])) * scale
    kinds = np.floor(_PARTS * np.log2(areas)).astype(int)
    found, times = np.unique(kinds, return_counts=True)
    return ObjectSizes(int(count), int(areas.min()), {int(k): int(n) for k, n in zip(found, times, strict=True)})
