"""How well a mask's outline agrees with its picture, as it lies and after a shift, a flip or a turn.

Three measures, each a map over shifts, all by correlation: edges that run along the outline, fine and coarse; and how
well the picture's colours tell inside from outside, in a narrow band along the outline and in a wide one.
Knows small arrays only (`working.py`); which values are suspicious depends on the set (`shifted.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from maskwright.audit.blurring import blur
from maskwright.audit.insides import Inside, colour_codes, likelihood
from maskwright.audit.working import Field, slopes

MEASURES = ("fine", "coarse", "area")
REACH = 0.09  # of the longer side: shifts looked at
TOLERANCE = 0.0175  # of the longer side: as inexact as outlines are often drawn
_FRAME = 0.035  # of the longer side: outlines closer to the frame do not count
_MOVED = 0.012  # of the longer side: a smaller shift is not looked at again
_LEAST_SIDE = 40  # working pixels: below, such shifts are hardly a pixel


@dataclass(frozen=True)
class Turn:
    """transposed: rows and columns change places first; then rows, columns are flipped."""

    transposed: bool
    flip_rows: bool
    flip_columns: bool

    def __call__(self, fields: Field) -> Field:
        """Turn (..., h, w)."""
        turned = fields.swapaxes(-1, -2) if self.transposed else fields
        turned = turned[..., ::-1, :] if self.flip_rows else turned
        return turned[..., ::-1] if self.flip_columns else turned

    def outline(self, tensor: Field) -> Field:
        """Turn (3, h, w) as `_outline` makes it: squares change places, and the product its sign, with directions."""
        turned = self(tensor[[1, 0, 2]] if self.transposed else tensor)
        return (
            turned * np.array([1, 1, -1], np.float32)[:, None, None] if self.flip_rows != self.flip_columns else turned
        )


TURNS = {  # as a mask is turned to fit; in the order of EXIF's orientations 1 to 8
    "": Turn(False, False, False),
    "mirrored": Turn(False, False, True),
    "turned by 180 degrees": Turn(False, True, True),
    "turned upside down": Turn(False, True, False),
    "mirrored and turned left": Turn(True, False, False),
    "turned right": Turn(True, False, True),
    "mirrored and turned right": Turn(True, True, True),
    "turned left": Turn(True, True, False),
}


@dataclass(frozen=True)
class Agreement:
    """What the three measures say of one pair.

    shifts: for each of MEASURES (rows, columns, gain, peak): the shift of the mask that agrees best, in shares of the
    longer side, positive down and right; how much it gains over all shifts within TOLERANCE, 1 being the peak's height
    above far shifts; and that height over the spread of far shifts.
    turns: (edges, colours) for each of TURNS, those of 90 degrees only for square masks: agreement near no shift.
    moved: how much better edges and colours agree once the mask is moved by the median of the three shifts and the
    colours are learnt again; 0 and 0 where that is hardly a shift.
    """

    shifts: tuple[tuple[float, ...], ...]
    turns: tuple[tuple[float, ...], ...]
    moved: tuple[float, ...] = (0.0, 0.0)

    def to_json(self) -> list[list[list[float]]]:
        """Return plain values."""
        return [[list(row) for row in self.shifts], [list(row) for row in self.turns], [list(self.moved)]]

    @staticmethod
    def from_json(content: Sequence[Sequence[Sequence[float]]]) -> "Agreement":
        """Undo `to_json`."""
        shifts, turns, moved = (tuple(tuple(float(value) for value in row) for row in part) for part in content)
        return Agreement(shifts, turns, moved[0])


def agreement(picture: Field, planes: Field) -> Agreement | None:
    """Compare a picture (h, w, 1 or 3) with the planes (K, h, w) of its mask, 0..1; None if there is nothing to see."""
    height, width = picture.shape[:2]
    if not len(planes) or max(height, width) < _LEAST_SIDE or min(height, width) < _LEAST_SIDE / 2:
        return None
    planes = _to_the_frame(planes)
    window = _window(height, width)
    colours, count = colour_codes(picture)
    fine, coarse = _edges(picture, 1.0, 6), _edges(picture, 2.5, 8)
    inside = [Inside(plane, colours, count) for plane in planes]
    outline, blurred = _outline(planes, 1.0), _outline(planes, 1.75)
    edge_map, soft_map, narrow_map, wide_map = window.maps((fine, coarse), (outline, blurred), inside)
    even = window.even
    maps = (
        even(edge_map) + even(narrow_map) + even(wide_map),
        even(soft_map) + 2 * even(wide_map),
        even(wide_map),
    )
    shifts = tuple(window.best(found) for found in maps)
    shift = np.median([row[:2] for row in shifts], axis=0)
    moved = (0.0, 0.0)
    if np.hypot(*shift) > _MOVED:
        down, right = (int(steps) for steps in np.rint(shift * max(height, width)))
        again = _shifted(planes, down, right)
        other = _outline(again, 1.0), [Inside(plane, colours, count) for plane in again]
        before, after = _agree_here(fine, outline, inside), _agree_here(fine, *other)
        moved = round(after[0] - before[0], 3), round(after[1] - before[1], 3)
    return Agreement(shifts, _turned(fine, outline, inside, colours, count), moved)


def _shifted(planes: Field, down: int, right: int) -> Field:
    """Move (K, h, w); what comes in repeats the frame."""
    rows = np.clip(np.arange(planes.shape[1]) - down, 0, planes.shape[1] - 1)
    columns = np.clip(np.arange(planes.shape[2]) - right, 0, planes.shape[2] - 1)
    return planes[:, rows[:, None], columns]


def _agree_here(edges: Field, outline: "_Outline", inside: Sequence[Inside]) -> tuple[float, float]:
    """Return how well edges and colours agree with a mask where it lies."""
    area = sum(float(np.abs(plane.narrow).sum()) for plane in inside) + 1e-6
    apart = sum(float((plane.narrow * plane.likelihood).sum()) for plane in inside)
    return float((outline.tensor * edges).sum()) / (float(outline.weight.sum()) + 1e-6), apart / area


def _to_the_frame(planes: Field) -> Field:
    """Let what is near the frame go on up to it: objects are cut there, and masks often end a little before."""
    margin = max(1, round(_FRAME * max(planes.shape[1:])))
    inner = planes[:, margin:-margin, margin:-margin]
    return np.pad(inner, ((0, 0), (margin, margin), (margin, margin)), mode="edge")


class _Window:
    """The shifts looked at, and correlation over them."""

    def __init__(self, height: int, width: int) -> None:
        side = max(height, width)
        self.reach = max(3, round(REACH * side))
        self.side = side
        self.shape = tuple(fft.next_fast_len(length + self.reach, real=True) for length in (height, width))
        self.ones = fft.rfft2(np.ones((height, width), np.float32), self.shape)
        rows, columns = np.mgrid[-self.reach : self.reach + 1, -self.reach : self.reach + 1]
        distance = np.hypot(rows, columns)
        self.disc = distance <= self.reach + 0.5
        self.near = distance <= max(1.0, TOLERANCE * side)
        self.far = self.disc & (distance > 0.55 * self.reach)

    def maps(
        self, edges: tuple[Field, Field], outlines: tuple["_Outline", "_Outline"], inside: Sequence[Inside]
    ) -> Iterator[Field]:
        """Return the agreement after each shift, (2 reach + 1) squared, rows first; all are transformed at once.

        Of edges with their outlines: the sum over x of outline(x) * edges(x + shift), for each pixel of outline that
        still lies on the picture, at least half of them. Of narrow and wide bands: the same sum with likelihoods.
        """
        count = len(inside)
        tensors, weights = [one.tensor for one in outlines], [one.weight[None] for one in outlines]
        planes = [[getattr(one, name) for one in inside] for name in ("narrow", "wide", "likelihood")]
        parts = [*tensors, *edges, *weights, *(np.stack(one) for one in planes)]
        spectra = np.split(
            fft.rfft2(np.concatenate(parts).astype(np.float32, copy=False), self.shape),
            np.cumsum([3, 3, 3, 3, 1, 1, count, count]),
        )
        first, second, fine, coarse, *weighted, narrow, wide, likely = spectra
        pairs = [
            (first, fine),
            (second, coarse),
            *((one, self.ones) for one in weighted),
            (narrow, likely),
            (wide, likely),
        ]
        sums = fft.irfft2(np.stack([(np.conj(one) * other).sum(axis=0) for one, other in pairs]), self.shape)
        around = np.arange(-self.reach, self.reach + 1)
        found: Field = sums[:, around[:, None], around]
        for at, outline in enumerate(outlines):
            kept = np.maximum(found[2 + at], np.float32(0.5 * outline.weight.sum() + 1e-6))
            yield found[at] / kept
        yield from found[4:]

    def even(self, found: Field) -> Field:
        """Return a map around 0 with a spread of 1."""
        even: Field = (found - found[self.far].mean()) / (found[self.disc].std() + 1e-9)
        return even

    def best(self, found: Field) -> tuple[float, float, float, float]:
        """Return (rows, columns, gain, peak) of a map's highest place, as `Agreement` says."""
        row, column = (int(v) for v in np.unravel_index(np.where(self.disc, found, -np.inf).argmax(), found.shape))
        peak, far = float(found[row, column]), found[self.far]
        height = peak - float(far.mean()) + 1e-9
        gain = (peak - float(found[self.near].max())) / height
        down = row - self.reach + _vertex(found[:, column], row)
        right = column - self.reach + _vertex(found[row], column)
        steep = height / (float(far.std()) + 1e-9)
        return round(down / self.side, 4), round(right / self.side, 4), round(gain, 3), round(steep, 2)


@lru_cache(8)
def _window(height: int, width: int) -> _Window:
    return _Window(height, width)


def _vertex(line: Field, at: int) -> float:
    """Return where between -0.5 and 0.5 a parabola through a peak and its neighbours is highest."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = (float(line[at + step]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _blurred(fields: Field, sigma: float) -> Field:
    return blur(fields, sigma, mode="nearest", truncate=3)


def _edges(picture: Field, sigma: float, around: int) -> Field:
    """Return the picture's edges as (3, h, w): strength times squares and product of their direction.

    Strength is relative to that within `around` pixels, so that one strong edge does not outweigh all others.
    """
    down, right = slopes(_blurred(np.moveaxis(picture, 2, 0), sigma))
    tensor = np.stack([(down * down).sum(axis=0), (right * right).sum(axis=0), (down * right).sum(axis=0)])
    strength = np.sqrt(tensor[0] + tensor[1])
    usual = ndimage.uniform_filter(strength, 2 * around + 1, mode="reflect")
    edges: Field = tensor / ((strength + 1e-3) * (usual + 0.5 * strength.mean() + 0.3))
    return edges


@dataclass(frozen=True)
class _Outline:
    """tensor: (3, h, w), strength times the squares and twice the product of the direction. weight: the strength."""

    tensor: Field
    weight: Field


def _outline(planes: Field, sigma: float) -> _Outline:
    down, right = slopes(_blurred(planes, sigma))
    tensor = np.stack([(down * down).sum(axis=0), (right * right).sum(axis=0), 2 * (down * right).sum(axis=0)])
    weight = np.sqrt(tensor[0] + tensor[1])
    return _Outline(tensor / (weight + np.float32(1e-3)), weight)


def _turned(
    edges: Field, outline: _Outline, inside: Sequence[Inside], colours: NDArray[np.int64], count: int
) -> tuple[tuple[float, ...], ...]:
    """Return for each turn how well edges and colours agree with the mask so turned, near no shift."""
    square = edges.shape[1] == edges.shape[2]
    length = float(outline.weight.sum()) + 1e-6
    area = sum(float(np.abs(plane.narrow).sum()) for plane in inside) + 1e-6
    found = []
    for turn in TURNS.values():
        if turn.transposed and not square:
            break
        along = _near(turn.outline(outline.tensor), edges) / length
        apart = 0.0
        for plane in inside:
            told = likelihood(turn(plane.sure_inside), turn(plane.sure_outside), colours, count)
            apart += _near(turn(plane.narrow)[None], told[None]) / area
        found.append((round(along, 3), round(apart, 3)))
    return tuple(found)


def _near(kernel: Field, field: Field) -> float:
    """Return the best sum of products over shifts by none or two pixels, (N, h, w) both."""
    rows, columns = field.shape[1:]
    kernel = np.ascontiguousarray(kernel)
    best = -np.inf
    for row, column in ((0, 0), (-2, 0), (2, 0), (0, -2), (0, 2)):
        a = kernel[:, max(0, -row) : rows - max(0, row), max(0, -column) : columns - max(0, column)]
        b = field[:, max(0, row) : rows - max(0, -row), max(0, column) : columns - max(0, -column)]
        best = max(best, float(np.einsum("nij,nij->", a, b)))
    return best
