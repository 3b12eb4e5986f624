"""What is kept of how a mask is drawn: its objects, its margins, its values, how it agrees with the picture's edges.

Knows arrays only; what it means is decided in `masks.py` and its neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.agreement import Agreement, agreement
from maskwright.audit.components import ObjectSizes, count_objects
from maskwright.audit.margins import Margins, look_at_margins
from maskwright.audit.working import small_picture, small_planes, working_size
from maskwright.images.classes import Classes
from maskwright.images.modes import Pixels
from maskwright.images.present import count_values

_VALUES = 12  # raw values that are kept
_SAME_SHAPE = 0.02  # aspects that differ by less are the same
_PLATEAU = 0.05  # of the mask: a value of so many pixels is none that borders leave


@dataclass(frozen=True)
class MaskDrawing:
    """Figures of one mask, a kilobyte at most.

    agreement: None where there is no picture or no outline. objects: class index -> its objects' sizes.
    values: the most frequent raw values of a grey mask -> pixels. ringing: pixels with a value close to, but not one
    of, the mask's least and largest: what JPEG leaves around borders.
    """

    agreement: Agreement | None = None
    objects: Mapping[int, ObjectSizes] | None = None
    margins: Margins | None = None
    values: Mapping[int, int] | None = None
    ringing: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "agreement": None if self.agreement is None else self.agreement.to_json(),
            "objects": {str(label): sizes.to_json() for label, sizes in (self.objects or {}).items()},
            "margins": None if self.margins is None else self.margins.to_json(),
            "values": {str(value): pixels for value, pixels in (self.values or {}).items()},
            "ringing": self.ringing,
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "MaskDrawing":
        """Undo `to_json`."""
        agrees, margins = content["agreement"], content["margins"]
        return MaskDrawing(
            None if agrees is None else Agreement.from_json(agrees),
            {int(label): ObjectSizes.from_json(sizes) for label, sizes in content["objects"].items()},
            None if margins is None else Margins.from_json(margins),
            {int(value): int(pixels) for value, pixels in content["values"].items()},
            int(content["ringing"]),
        )


def look_at_drawing(
    image: Pixels | None, mask: NDArray[np.uint8], raw: NDArray[Any], classes: Classes
) -> MaskDrawing | None:
    """Return what is worth knowing of a decoded mask, (H, W) or (H, W, K), and its picture, (H, W, C) of any size.

    image: None if it cannot be read. raw: (H, W, ...) as the mask's file holds it. None for a mask without pixels.
    """
    if not mask.size:
        return None
    size = working_size(*_grid(image, mask))
    agrees = None
    if image is not None and image.size:
        agrees = agreement(small_picture(image, size), small_planes(mask, size, classes))
    values, ringing = _values(raw)
    return MaskDrawing(agrees, count_objects(mask, classes), look_at_margins(mask, classes), values, ringing)


def _grid(image: Pixels | None, mask: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the (height, width) that working copies are made of: the picture's where the mask's shape is another."""
    height, width = mask.shape[:2]
    if image is None or not image.size or abs(image.shape[0] * width / (image.shape[1] * height) - 1) < _SAME_SHAPE:
        return height, width
    share = min(1.0, max(height, width) / max(image.shape[:2]))  # no larger than the mask
    return max(1, round(image.shape[0] * share)), max(1, round(image.shape[1] * share))


def _values(raw: NDArray[Any]) -> tuple[dict[int, int], int]:
    """Return the most frequent values of grey pixels with their number, and how many ring around the two outer ones."""
    if raw.ndim != 2 or raw.dtype != np.uint8:
        return {}, 0
    counts = count_values(raw)
    found = np.flatnonzero(counts)
    most = sorted(found.tolist(), key=lambda value: -counts[value])[:_VALUES]
    low, high = int(found[0]), int(found[-1])
    near = (high - low) // 8
    ringing = 0
    if near > 4:
        close = np.concatenate([counts[low + 1 : low + near + 1], counts[high - near : high]])
        ringing = int(close[close < _PLATEAU * raw.size].sum())
    return {int(value): int(counts[value]) for value in most}, ringing
