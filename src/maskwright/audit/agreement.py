"""How well a mask's outline agrees with its picture, as it lies and after a shift, a flip or a turn.

Three measures, each a map over shifts, all by correlation: edges that run along the outline, fine and coarse; and how
well the picture's colours tell inside from outside, in a narrow band along the outline and in a wide one.
Knows small arrays only (`working.py`); which values are suspicious depends on the set (`shifted.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from maskwright.audit.working import Field

MEASURES = ("fine", "coarse", "area")
REACH = 0.09  # of the longer side: shifts looked at
TOLERANCE = 0.0175  # of the longer side: as inexact as outlines are often drawn
_FRAME = 0.035  # of the longer side: outlines closer to the frame do not count
_LEAST_SIDE = 40  # working pixels: below, such shifts are hardly a pixel
_BELIEVED = 6.0  # pixels that a colour must have to be believed
_EVEN = 0.02  # keeps likelihoods from growing beyond bounds
_SURE = 0.25  # pixels with at least 1 - _SURE of their surroundings inside teach the colours of the inside


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
    """

    shifts: tuple[tuple[float, ...], ...]
    turns: tuple[tuple[float, ...], ...]

    def to_json(self) -> list[list[list[float]]]:
        """Return plain values."""
        return [[list(row) for row in self.shifts], [list(row) for row in self.turns]]

    @staticmethod
    def from_json(content: Sequence[Sequence[Sequence[float]]]) -> "Agreement":
        """Undo `to_json`."""
        shifts, turns = (tuple(tuple(float(value) for value in row) for row in part) for part in content)
        return Agreement(shifts, turns)


def agreement(picture: Field, planes: Field) -> Agreement | None:
    """Compare a picture (h, w, 1 or 3) with the planes (K, h, w) of its mask, 0..1; None if there is nothing to see."""
    height, width = picture.shape[:2]
    if not len(planes) or max(height, width) < _LEAST_SIDE or min(height, width) < _LEAST_SIDE / 2:
        return None
    planes = _to_the_frame(planes)
    window = _window(height, width)
    colours, count = _colour_codes(picture)
    fine, coarse = _edges(picture, 1.0, 6), _edges(picture, 2.5, 8)
    inside = [_Inside(plane, colours, count) for plane in planes]
    outline, blurred = _outline(planes, 1.0), _outline(planes, 1.75)
    edge_map = window.correlate(outline.tensor, fine) / window.overlap(outline.weight)
    soft_map = window.correlate(blurred.tensor, coarse) / window.overlap(blurred.weight)
    narrow_map = window.correlate([i.narrow for i in inside], [i.likelihood for i in inside])
    wide_map = window.correlate([i.wide for i in inside], [i.likelihood for i in inside])
    even = window.even
    maps = (
        even(edge_map) + even(narrow_map) + even(wide_map),
        even(soft_map) + 2 * even(wide_map),
        even(wide_map),
    )
    return Agreement(tuple(window.best(found) for found in maps), _turned(fine, outline, inside, colours, count))


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

    def correlate(self, kernels: Sequence[Field] | Field, fields: Sequence[Field] | Field) -> Field:
        """Return the sum over x of kernel(x) * field(x + shift), (2 reach + 1) squared, rows first."""
        spectra = np.conj(fft.rfft2(np.asarray(kernels, np.float32), self.shape)) * fft.rfft2(
            np.asarray(fields, np.float32), self.shape
        )
        return self._cut(spectra.sum(axis=0))

    def overlap(self, weight: Field) -> Field:
        """Return how much of a weight still lies on the picture after each shift, at least half of it."""
        kept = self._cut(np.conj(fft.rfft2(weight, self.shape)) * self.ones)
        return np.maximum(kept, np.float32(0.5 * weight.sum() + 1e-6))

    def _cut(self, spectrum: NDArray[Any]) -> Field:
        around = np.arange(-self.reach, self.reach + 1)
        found: Field = fft.irfft2(spectrum, self.shape)[around[:, None], around]
        return found

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


def _slopes(fields: Field) -> tuple[Field, Field]:
    """Return the slopes down and right of (N, h, w); 0 at the frame, which is no edge."""
    down, right = np.zeros_like(fields), np.zeros_like(fields)
    down[:, 1:-1] = (fields[:, 2:] - fields[:, :-2]) / 2
    right[:, :, 1:-1] = (fields[:, :, 2:] - fields[:, :, :-2]) / 2
    return down, right


def _blurred(fields: Field, sigma: float) -> Field:
    blurred: Field = ndimage.gaussian_filter(fields, (0, sigma, sigma), mode="nearest", truncate=3)
    return blurred


def _edges(picture: Field, sigma: float, around: int) -> Field:
    """Return the picture's edges as (3, h, w): strength times squares and product of their direction.

    Strength is relative to that within `around` pixels, so that one strong edge does not outweigh all others.
    """
    down, right = _slopes(_blurred(np.moveaxis(picture, 2, 0), sigma))
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
    down, right = _slopes(_blurred(planes, sigma))
    tensor = np.stack([(down * down).sum(axis=0), (right * right).sum(axis=0), 2 * (down * right).sum(axis=0)])
    weight = np.sqrt(tensor[0] + tensor[1])
    return _Outline(tensor / (weight + np.float32(1e-3)), weight)


def _colour_codes(picture: Field) -> tuple[NDArray[np.int64], int]:
    """Return a code of each pixel's colour, (h, w), and how many there are: brightness and two hues, evenly cut."""
    if picture.shape[2] == 1:
        grey = ndimage.gaussian_filter(picture[:, :, 0], 0.7, mode="nearest")
        return _cut_evenly(grey, 18), 18
    red, green, blue = (picture[:, :, band] for band in range(3))
    brightness = _cut_evenly(red + green + blue, 6)
    return (brightness * 4 + _cut_evenly(red - green, 4)) * 4 + _cut_evenly(blue - green, 4), 96


def _cut_evenly(values: Field, parts: int) -> NDArray[np.int64]:
    codes = np.zeros(values.shape, np.int64)
    for border in np.quantile(values.ravel()[::4], np.arange(1, parts) / parts):
        codes += values > border
    return codes


class _Inside:
    """How likely each pixel belongs inside one plane, by its colour; and the bands in which that is compared.

    likelihood: (h, w), positive inside. narrow, wide: (h, w), positive inside, negative outside, 0 far off.
    The colours are learnt away from the outline, so that a shifted mask does not teach its own mistake.
    """

    def __init__(self, plane: Field, colours: NDArray[np.int64], count: int) -> None:
        down, right = _slopes(plane[None])
        thickness = 2 * float(plane.sum()) / max(1.0, float(np.hypot(down, right).sum()))
        around = ndimage.gaussian_filter(plane, 2.5, mode="nearest", truncate=3)
        self.plane = plane
        self.sure_inside = (np.clip((around - 1 + _SURE) / _SURE, 0, 1) + 0.02) * plane
        self.sure_outside = (np.clip((_SURE - around) / _SURE, 0, 1) + 0.02) * (1 - plane)
        self.narrow = _band(plane, 3.0)
        self.wide = _band(plane, float(np.clip(thickness, 2, 16)))
        self.likelihood = likelihood(self.sure_inside, self.sure_outside, colours, count)


def _band(plane: Field, sigma: float) -> Field:
    """Return a plane less its surroundings, two running means as wide as a normal curve of this spread."""
    width = 2 * round(np.sqrt(6 * sigma**2 + 1) / 2) + 1
    around = ndimage.uniform_filter(ndimage.uniform_filter(plane, width, mode="nearest"), width, mode="nearest")
    band: Field = plane - around
    return band


def likelihood(inside: Field, outside: Field, colours: NDArray[np.int64], count: int) -> Field:
    """Return the logarithm of how much likelier each pixel's colour is inside than outside, around 0: (h, w).

    inside, outside: (h, w) weights of the pixels that teach it. colours: (h, w) codes below `count`.
    """
    codes = colours.ravel()
    shares = []
    for weight in (inside, outside):
        counted = np.bincount(codes, weight.ravel(), count)
        shares.append(counted * (codes.size / 2 / max(1e-6, float(counted.sum()))))
    chance = (shares[0] + _BELIEVED / 2) / (shares[0] + shares[1] + _BELIEVED)
    logarithm = np.log((chance + _EVEN) / (1 - chance + _EVEN)).astype(np.float32)
    found: Field = logarithm[colours]
    found -= found.mean()
    return found


def _turned(
    edges: Field, outline: _Outline, inside: Sequence[_Inside], colours: NDArray[np.int64], count: int
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
