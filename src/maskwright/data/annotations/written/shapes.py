"""What files of outlines are written from: the regions of a mask with their classes, outlines and pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from maskwright.images.classes import Classes
from maskwright.images.polygons import Outline, trace
from maskwright.images.regions import Labels, Regions, foreground


@dataclass(frozen=True)
class Shape:
    """A region of a picture. kind: the number of its class. area: its pixels.

    outline: exact, or simplified. box: the left, top, width and height of its pixels.
    """

    kind: int
    area: int
    outline: Outline
    box: tuple[int, int, int, int]
    _labels: Labels
    _number: int

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(height, width) of the box, True for the region's pixels."""
        left, top, width, height = self.box
        inside: NDArray[np.bool_] = self._labels[top : top + height, left : left + width] == self._number
        return inside


def outlined(regions: Sequence[Regions], tolerance: float) -> list[Shape]:
    """Return all regions of a mask with their outlines, `tolerance` pixels simpler than exact."""
    return [shape for one in regions for shape in _of_one(one, tolerance)]


def _of_one(regions: Regions, tolerance: float) -> list[Shape]:
    found = zip(regions.classes.tolist(), regions.areas.tolist(), trace(regions.labels), strict=True)
    return [
        Shape(kind, area, outline.simplified(tolerance), outline.box, regions.labels, number)
        for number, (kind, area, outline) in enumerate(found, start=1)
    ]


def class_numbers(classes: Classes) -> dict[int, int]:
    """Return the number in files of each class that is found: from 1, in order; with exclusive classes its index."""
    return {kind: number for number, kind in enumerate(foreground(classes), start=1)}


def hex_code(colour: tuple[int, int, int]) -> str:
    """Return a colour as web pages write it.

    >>> hex_code((230, 85, 13))
    '#e6550d'
    """
    return "#{:02x}{:02x}{:02x}".format(*colour)


def markup(text: str) -> str:
    r"""Return text as XML can hold it, between quotes too: control characters are escaped as Python does.

    >>> print(markup('crop & "weed"\x01'))
    crop &amp; &quot;weed&quot;\x01
    """
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return escape(safe, quote=True)


@dataclass(frozen=True)
class Drawn:
    """A picture's mask, ready to be written into a file of many. name: what the file calls the picture.

    mask: as a model gives it. regions: of all classes at once, or of one overlapping class each. shapes: their
    outlines, where any file wants them. scores: the mean probability of each shape's pixels, where that is known.
    """

    name: str
    mask: NDArray[np.uint8]
    regions: tuple[Regions, ...]
    shapes: Sequence[Shape] = ()
    scores: Sequence[float] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """The picture's (height, width)."""
        return self.mask.shape[0], self.mask.shape[1]

    def plane(self, kind: int, classes: Classes) -> NDArray[np.bool_]:
        """Return the pixels (H, W) of a class."""
        plane: NDArray[np.bool_] = self.mask == kind if classes.exclusive else self.mask[..., kind] == 1
        return plane
