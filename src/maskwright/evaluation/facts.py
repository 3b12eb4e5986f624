"""Cheap facts of each scored picture, to hold its score against: how large its objects are, how bright it is.

Facts are of the truth and the picture alone, never of the prediction.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.sizes import resize_labels

SIDE = 256  # brightness and contrast are taken on every n-th pixel, so that the longer side has at most so many
FACTS = {
    "object_side": "side of an object in pixels of the mask: the square root of the median area of the picture's "
    "objects (foreground pixels that touch, also at a corner; specks below a thousandth of the largest are none)",
    "object_share": "the same side as a share of the picture's side, the square root of its area",
    "objects": "number of objects",
    "foreground": "share of the counted pixels that the truth gives to the foreground",
    "brightness": "mean grey of the picture, 0 to 1",
    "contrast": "difference between the mean grey of foreground and of background, 0 to 1",
}

_SPECK = 1000  # an area so many times smaller than the largest is dirt on the mask, no object
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class FactsMeter:
    """Collects the numbers named in `FACTS`, six of each picture. They are columns; the summary is empty."""

    name = "facts"

    def __init__(self, classes: Classes) -> None:
        self.classes = classes
        self._numbers = array("d")

    def measure(self, seen: Seen) -> tuple[float, ...]:
        """Return the facts of one picture in the order of `FACTS`, NaN where one is not defined."""
        areas = object_areas(foreground(seen.truth, self.classes))
        counted = _counted(seen.truth)
        pixels = int(np.count_nonzero(counted))
        objects = areas[areas * _SPECK >= areas.max(initial=0)]
        side = float(np.sqrt(np.median(objects))) if objects.size else np.nan
        share = float(areas.sum()) / pixels if pixels else np.nan
        brightness, contrast = _greys(seen, self.classes)
        return side, side / float(np.sqrt(counted.size)), float(objects.size), share, brightness, contrast

    def add(self, measured: tuple[float, ...]) -> None:
        """Keep the facts of a picture."""
        self._numbers.extend(measured)

    def columns(self) -> Mapping[str, NDArray[np.float64]]:
        """Return (N,) numbers of each fact."""
        table = np.array(self._numbers, np.float64).reshape(-1, len(FACTS))
        return {name: table[:, at] for at, name in enumerate(FACTS)}

    def to_json(self, groups: Sequence[str] | None) -> dict[str, Any]:
        """Return nothing: facts are of pictures."""
        return {}


def foreground(truth: NDArray[Any], classes: Classes) -> NDArray[np.bool_]:
    """Return where the truth shows anything but background, (H, W); ignored pixels are no foreground."""
    if truth.ndim == 3:
        found = np.zeros(truth.shape[:2], bool)
        for k in range(truth.shape[2]):
            found |= truth[..., k] == 1
        return found
    here: NDArray[np.bool_] = (truth != 0) & (truth != IGNORE)
    return here


def object_areas(area: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the pixels of each connected area, corners count as touching. Only the bounding box is looked at."""
    from scipy import ndimage

    rows = np.flatnonzero(area.any(axis=1))
    if not rows.size:
        return np.zeros(0, np.int64)
    columns = np.flatnonzero(area[rows[0] : rows[-1] + 1].any(axis=0))
    box = area[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    labels, _ = ndimage.label(box, structure=np.ones((3, 3), bool))
    return np.bincount(labels.reshape(-1))[1:]


def thinned(image: NDArray[Any], step: int) -> NDArray[Any]:
    """Return every n-th pixel of (H, W, C) in both directions, from the middle of the first n; at least one."""
    rows, columns = (min(step // 2, (side - 1) // 2) for side in image.shape[:2])
    return image[rows::step, columns::step]


def shades(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return (H, W, C) in [0, 1] of uint8 or uint16."""
    return np.asarray(image, np.float32) / np.float32(np.iinfo(image.dtype).max)


def grey(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the grey (H, W) of (H, W, C) in [0, 1]: luma of three bands, else the mean of all bands."""
    mixed = colours @ _LUMA if colours.shape[2] == len(_LUMA) else colours.mean(axis=2)
    return np.asarray(mixed, np.float32)


def _counted(truth: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the pixels (H, W) that count for some class."""
    counted: NDArray[np.bool_] = truth != IGNORE if truth.ndim == 2 else (truth != IGNORE).any(axis=2)
    return counted


def _greys(seen: Seen, classes: Classes) -> tuple[float, float]:
    """Return brightness and contrast; NaN without a picture, contrast also without foreground or background."""
    if seen.image is None:
        return np.nan, np.nan
    step = -(-max(seen.image.shape[:2]) // SIDE)
    small = grey(shades(thinned(seen.image, step)))
    truth = resize_labels(seen.truth, (small.shape[0], small.shape[1]))
    inside, counted = foreground(truth, classes), _counted(truth)
    outside = counted & ~inside
    contrast = abs(small[inside].mean() - small[outside].mean()) if inside.any() and outside.any() else np.nan
    return float(small.mean()), float(contrast)
