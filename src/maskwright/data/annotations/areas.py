"""The areas that annotation tools can describe, and which pixels each covers: the pixel's centre decides.

Coordinates are (x, y) in pixels of the stated size, x to the right, y down; the top left pixel reaches from 0 to 1 and
has its centre at 0.5. Nothing is decoded or drawn before it is asked for.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from maskwright.data.annotations.bitmaps import brush_alpha, png_mask
from maskwright.data.annotations.rle import runs_to_mask
from maskwright.data.annotations.scanline import fill
from maskwright.errors import DataError

Points = NDArray[np.float64]
Window = tuple[int, int, NDArray[np.bool_]]
_AT_ONCE = 1_000_000  # pixels of an ellipse that are worked out together
_LARGER = 4  # times the picture's own side
_NUDGE = 1e-6  # of a pixel: far below what a tool can mean, far above the rounding of its numbers


class Area(Protocol):
    """An area of a picture."""

    def draw(self, size: tuple[int, int], where: str) -> Window:
        """Return (top, left, inside) of the part that lies in a picture of `size` (height, width).

        inside: (h, w), True for pixels whose centres are in the area; it may be empty. Raises DataError naming
        `where` for content that is broken.
        """

    def identity(self) -> Iterator[bytes]:
        """Yield bytes that are equal for equal areas and differ for others."""


@dataclass(frozen=True)
class Polygon:
    """The union of `rings`, each by the even-odd rule, without the union of `holes`; each ring is (n, 2) of x, y.

    closed: pixels whose centres lie on a border belong to it, on all sides. Otherwise those on the left and top do.
    shares: the coordinates are shares of the picture's width and height.
    """

    rings: tuple[Points, ...]
    holes: tuple[Points, ...] = ()
    closed: bool = False
    shares: bool = False

    def draw(self, size: tuple[int, int], where: str) -> Window:
        """Return the pixels inside; see Area."""
        scale = (size[1], size[0]) if self.shares else (1, 1)
        joined = np.concatenate(self.rings) * scale
        top, bottom = _span(joined[:, 1], size[0])
        left, right = _span(joined[:, 0], size[1])
        inside = np.zeros((max(0, bottom - top), max(0, right - left)), bool)
        if inside.size:
            for ring in self.rings:
                inside |= self._filled(ring * scale - (left, top), inside.shape)
            for hole in self.holes:
                inside &= ~self._filled(hole * scale - (left, top), inside.shape)
        return top, left, inside

    def _filled(self, ring: Points, size: tuple[int, ...]) -> NDArray[np.bool_]:
        if not self.closed:
            return fill(ring, (size[0], size[1]))
        inside = np.zeros(size, bool)
        for nudge in ((-_NUDGE, -_NUDGE), (-_NUDGE, _NUDGE), (_NUDGE, -_NUDGE), (_NUDGE, _NUDGE)):
            inside |= fill(ring + nudge, (size[0], size[1]))
        return inside

    def identity(self) -> Iterator[bytes]:
        """Yield what tells this area from others."""
        yield f"polygon {len(self.rings)} {len(self.holes)} {self.closed} {self.shares}".encode()
        for ring in (*self.rings, *self.holes):
            yield str(len(ring)).encode()
            yield np.ascontiguousarray(ring, "<f8").tobytes()


@dataclass(frozen=True)
class Ellipse:
    """An ellipse. centre: (x, y). radii: along its own axes. degrees: its turn, clockwise as seen."""

    centre: tuple[float, float]
    radii: tuple[float, float]
    degrees: float = 0.0

    def draw(self, size: tuple[int, int], where: str) -> Window:
        """Return the pixels inside; see Area."""
        (x, y), (a, b) = self.centre, self.radii
        turn = math.radians(self.degrees)
        reach = math.hypot(a * math.cos(turn), b * math.sin(turn)), math.hypot(a * math.sin(turn), b * math.cos(turn))
        left, right = _span(np.array([x - reach[0], x + reach[0]]), size[1])
        top, bottom = _span(np.array([y - reach[1], y + reach[1]]), size[0])
        inside = np.zeros((max(0, bottom - top), max(0, right - left)), bool)
        columns = np.arange(inside.shape[1])[None] + left + 0.5 - x
        at_once = max(1, _AT_ONCE // max(1, inside.shape[1]))
        for first in range(0, inside.shape[0], at_once):
            part = inside[first : first + at_once]
            rows = np.arange(first, first + len(part))[:, None] + top + 0.5 - y
            along = (columns * math.cos(turn) + rows * math.sin(turn)) / a
            across = (rows * math.cos(turn) - columns * math.sin(turn)) / b
            part[:] = along**2 + across**2 <= 1
        return top, left, inside

    def identity(self) -> Iterator[bytes]:
        """Yield what tells this area from others."""
        yield f"ellipse {self.centre} {self.radii} {self.degrees}".encode()


@dataclass(frozen=True)
class Runs:
    """A bitmap as lengths of runs: outside, inside, outside, ...; (height, width) large, its corner at (top, left).

    by_columns: the runs go down the columns (COCO) instead of along the rows (CVAT).
    """

    counts: NDArray[np.int64]
    size: tuple[int, int]
    corner: tuple[int, int] = (0, 0)
    by_columns: bool = False

    def draw(self, size: tuple[int, int], where: str) -> Window:
        """Return the pixels inside; see Area."""
        check_not_too_large(self.size, size, where)
        return _placed(runs_to_mask(self.counts, self.size, by_columns=self.by_columns), self.corner, size)

    def identity(self) -> Iterator[bytes]:
        """Yield what tells this area from others."""
        yield f"runs {self.size} {self.corner} {self.by_columns} {len(self.counts)}".encode()
        yield np.ascontiguousarray(self.counts, "<i8").tobytes()


@dataclass(frozen=True)
class PngBitmap:
    """A PNG, in base64, its corner at (top, left). packed: deflated once more (Supervisely).

    Pixels are inside where the transparency is not zero, or the value where there is no transparency.
    is_whole: it is as large as the picture, which is checked.
    """

    content: str
    corner: tuple[int, int]
    packed: bool = False
    is_whole: bool = False

    def draw(self, size: tuple[int, int], where: str) -> Window:
        """Return the pixels inside; see Area."""
        inside = png_mask(
            self.content, packed=self.packed, where=where, check=lambda own: check_not_too_large(own, size, where)
        )
        if self.is_whole:
            _check_same(inside, size, where)
        return _placed(inside, self.corner, size)

    def identity(self) -> Iterator[bytes]:
        """Yield what tells this area from others."""
        yield f"png {self.corner} {self.packed} {len(self.content)}{' whole' if self.is_whole else ''}".encode()
        yield self.content.encode("ascii", "replace")


@dataclass(frozen=True)
class Brush:
    """A brush mask of Label Studio: packed runs of an RGBA picture as large as the whole picture."""

    content: bytes
    size: tuple[int, int]

    def draw(self, size: tuple[int, int], where: str) -> Window:
        """Return the pixels inside; see Area."""
        return _placed(brush_alpha(self.content, self.size, where) > 127, (0, 0), size)

    def identity(self) -> Iterator[bytes]:
        """Yield what tells this area from others."""
        yield f"brush {self.size} {len(self.content)}".encode()
        yield self.content


@dataclass(frozen=True)
class MaskFile:
    """A file of its own that holds one object's mask (Label Studio's brush exports); `digest` of its content."""

    read: "ReadsMask"
    digest: str

    def draw(self, size: tuple[int, int], where: str) -> Window:
        """Return the pixels inside; see Area."""
        inside = self.read()
        _check_same(inside, size, where)
        return 0, 0, inside

    def identity(self) -> Iterator[bytes]:
        """Yield what tells this area from others."""
        yield f"file {self.digest}".encode()


class ReadsMask(Protocol):
    """Reads one mask file."""

    def __call__(self) -> NDArray[np.bool_]:
        """Return (H, W), True for the object. Raises DataError."""


def too_large(stated: tuple[int, int], own: tuple[int, int]) -> bool:
    """Whether a stated size is so far beyond a picture's own that it is taken for an error, or a trick."""
    return stated[0] > _LARGER * own[0] or stated[1] > _LARGER * own[1]


def check_not_too_large(stated: tuple[int, int], own: tuple[int, int], where: str) -> None:
    """Raise DataError for a mask that is far larger than its picture."""
    if too_large(stated, own):
        raise DataError(
            f"A mask is {stated[0]} x {stated[1]}, its picture {own[0]} x {own[1]} (height x width).",
            where=where, fix="export the annotations again, or put the right picture there",
        )  # fmt: skip


def _span(values: Points, limit: int) -> tuple[int, int]:
    """Return (first, one past the last) pixel that values can touch, within 0 to `limit`."""
    low, high = float(values.min()), float(values.max())
    return int(min(max(math.floor(low), 0), limit)), int(min(max(math.ceil(high) + 1, 0), limit))


def _check_same(mask: NDArray[np.bool_], size: tuple[int, int], where: str) -> None:
    if mask.shape != size:
        raise DataError(
            f"The mask is {mask.shape[0]} x {mask.shape[1]}, its picture {size[0]} x {size[1]} (height x width).",
            where=where, fix="export the masks again, or put the right picture there",
        )  # fmt: skip


def _placed(mask: NDArray[np.bool_], corner: tuple[int, int], size: tuple[int, int]) -> Window:
    """Cut away what of a bitmap lies outside of a picture."""
    top, left = corner
    rows = slice(max(0, -top), max(0, min(mask.shape[0], size[0] - top)))
    columns = slice(max(0, -left), max(0, min(mask.shape[1], size[1] - left)))
    return max(0, top), max(0, left), mask[rows, columns]
