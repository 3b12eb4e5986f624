"""Laying one picture over another: first by their landmarks, then by their pixels; and whether they then agree.

Two pictures of the same photograph differ by a mirroring or a turn by right angles, a scale and a shift along each
axis, and in brightness. Knows arrays only.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.alike import count_bits
from maskwright.audit.blurring import blur
from maskwright.audit.landmarks import Landmarks

Grey = NDArray[np.float32]

_BITS = 14  # of 64 in which the codes of one place may differ
_OFF = 0.035  # of the height or width: how far a landmark may lie from where the others say
_FEWEST = 6  # landmarks that must agree
_LEAST_SCALE, _LARGEST_SCALE = 0.6, 1.67
_STEPS = 12  # of fitting
_SETTLED = 2e-3  # pixels: a step that moves less ends the fitting
_SLOPES = 0.12  # of the side: brightness that changes more slowly is not compared
_BLUR = 1.5  # pixels, of a first rough fitting
FINEST = 1.0  # pixels that are blurred away before pictures are compared
_LEAST_GAIN = 0.2  # pictures that are likened less than this give no gain
_BLACK, _WHITE = 3, 250  # grey levels beyond which a brightened or darkened picture may have lost what it showed
_CLEAR = 0.3  # share of a block's pixels that must lie between them
_TEXTURE = 3.0  # grey levels, standard deviation: a flatter block tells nothing


@dataclass(frozen=True)
class Alignment:
    """How a second picture lies on a first one, once that is turned.

    place in the first = scale * place in the second + shift; places are shares of the height and width.
    turn: of the first picture: 1: rows, 2: columns are mirrored, then 4: rows become columns.
    """

    turn: int
    scale: tuple[float, float]
    shift: tuple[float, float]

    def window(self) -> tuple[float, float, float, float]:
        """Return what the second shows of the first: top, left, bottom, right, as shares of the (turned) first."""
        (down, right), (top, left) = self.scale, self.shift
        return top, left, top + down, left + right


def turned(image: NDArray[Any], turn: int) -> NDArray[Any]:
    """Return (H, W, ...) mirrored and turned as an Alignment says."""
    image = image[::-1] if turn & 1 else image
    image = image[:, ::-1] if turn & 2 else image
    return image.swapaxes(0, 1) if turn & 4 else image


def align_landmarks(
    first: Landmarks, second: Landmarks, first_size: tuple[int, int], second_size: tuple[int, int]
) -> Alignment | None:
    """Return how most of the landmarks that look the same lie; None if fewer than six agree.

    Sizes are (height, width) of the pictures in which the landmarks were found.
    """
    differing = count_bits(first.codes[:, None] ^ second.codes[None, :])
    a, b = np.nonzero(differing <= _BITS)
    if len(a) < _FEWEST:
        return None
    at_first = (first.places[a] + 0.0) / first_size
    at_second = (second.places[b] + 0.0) / second_size
    turns = _between(first.turns[a], second.turns[b])
    best: tuple[int, Alignment] | None = None
    for turn in np.unique(turns):
        rows = np.flatnonzero(turns == turn)
        found = _fit(_turned_places(at_first[rows], int(turn)), at_second[rows], int(turn))
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    return best[1] if best is not None else None


def _between(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the turn that makes the first picture stand like the second, from the turns to their common code."""
    transposed = (first ^ second) & 4
    flips = (first ^ second) & 3
    # undoing the second's transposition swaps what its flips mean, if the first was not transposed alike
    swapped = ((second & 1) << 1) | ((second & 2) >> 1)
    flips = np.where(transposed, (first & 3) ^ swapped, flips)
    result: NDArray[np.uint8] = (transposed | flips).astype(np.uint8)
    return result


def _turned_places(places: NDArray[np.float64], turn: int) -> NDArray[np.float64]:
    rows = 1 - places[:, 0] if turn & 1 else places[:, 0]
    columns = 1 - places[:, 1] if turn & 2 else places[:, 1]
    return np.stack([columns, rows] if turn & 4 else [rows, columns], 1)


def _fit(first: NDArray[np.float64], second: NDArray[np.float64], turn: int) -> tuple[int, Alignment] | None:
    """Return how many places agree on one scale and shift, and these; None if too few do."""
    if len(first) < _FEWEST:
        return None
    i, j = _each_two(len(first))
    gap = second[i] - second[j]
    far = (np.abs(gap) > 0.1).all(axis=1)
    i, j, gap = i[far], j[far], gap[far]
    if not len(i):
        return None
    if len(i) > 600:
        some = np.linspace(0, len(i) - 1, 600).astype(int)
        i, j, gap = i[some], j[some], gap[some]
    scales = (first[i] - first[j]) / gap
    sane = ((scales > _LEAST_SCALE) & (scales < _LARGEST_SCALE)).all(axis=1)
    scales, i = scales[sane], i[sane]
    if not len(i):
        return None
    shifts = first[i] - scales * second[i]
    off = np.abs(scales[:, None] * second + shifts[:, None] - first).max(axis=2)
    agree = off < _OFF
    best = int(agree.sum(axis=1).argmax())
    rows = np.flatnonzero(agree[best])
    places = len(np.unique((second[rows] * 100).astype(int), axis=0))
    if places < _FEWEST:
        return None
    spread = second[rows] - second[rows].mean(axis=0)
    scale = ((first[rows] * spread).sum(axis=0) / (spread**2).sum(axis=0)).clip(_LEAST_SCALE, _LARGEST_SCALE)
    shift = first[rows].mean(axis=0) - scale * second[rows].mean(axis=0)
    return places, Alignment(turn, (float(scale[0]), float(scale[1])), (float(shift[0]), float(shift[1])))


@lru_cache(256)
def _each_two(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the numbers of all pairs of so many, the first the lower."""
    i, j = np.triu_indices(count, 1)
    return i, j


# --- by pixels ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overlay:
    """Two pictures over each other, where they overlap: (h, w) float32 each, and how much brighter the second is."""

    first: Grey
    second: Grey
    alignment: Alignment
    gain: float


def lay_over(first: Grey, second: Grey, guess: Alignment) -> Overlay | None:
    """Move the first picture until it fits the second best; None where they hardly overlap.

    first, second: (H, W) float32 grey levels, each of its own size. Least squares from the guess, step by step, of
    blurred pictures first: they fit from further away.
    """
    base = np.ascontiguousarray(turned(first, guess.turn), np.float32)
    size, target = np.array(base.shape), np.array(second.shape)
    scale = np.array(guess.scale) * size / target
    place = _Place(scale, np.array(guess.shift) * size + 0.5 * scale - 0.5)
    slopes = [_slopes(grey) for grey in (base, second)]
    for rough in (True, False):
        greys = [blur(grey, _BLUR) if rough else grey for grey in (base, second)]
        plain, wanted = (grey - slow for grey, slow in zip(greys, slopes, strict=True))
        fitted = _fit_pixels(plain, wanted, place)
        if fitted is None:
            return None
        place = fitted
    overlap = _overlap(place, base.shape, second.shape)
    if overlap is None:
        return None
    rows, columns = overlap
    below = _sample(base, rows, columns, place)
    above = second[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    down, right = place.scale * target / size
    top, left = (place.shift - 0.5 * place.scale + 0.5) / size
    alignment = Alignment(guess.turn, (float(down), float(right)), (float(top), float(left)))
    return Overlay(below, above, alignment, float((above.mean() + 1) / (below.mean() + 1)))


@dataclass(frozen=True)
class _Place:
    """Pixel in first = scale * pixel in second + shift, along rows and columns."""

    scale: NDArray[np.float64]
    shift: NDArray[np.float64]


def _fit_pixels(plain: Grey, wanted: Grey, place: _Place) -> _Place | None:
    """Return where the first picture fits the second best, near where it lies; None if they come apart."""
    steep = np.stack([plain, *np.gradient(plain)])
    for _ in range(_STEPS):
        overlap = _overlap(place, plain.shape, wanted.shape)
        if overlap is None:
            return None
        rows, columns = overlap
        here, down, right = _sample(steep, rows, columns, place)
        there = wanted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        parts = np.empty((6, *there.shape))
        parts[0], parts[1], parts[2], parts[3] = down * rows[:, None], down, right * columns, right
        parts[4], parts[5] = here, 1
        matrix = parts.reshape(6, -1)
        normal = matrix @ matrix.T
        normal[np.diag_indices(6)] = normal[np.diag_indices(6)] * (1 + 1e-4) + 1e-6
        answer = np.linalg.solve(normal, matrix @ there.ravel().astype(np.float64))
        gain = answer[4] if abs(answer[4]) > _LEAST_GAIN else 1.0
        change = (answer[:4] / gain).clip(-4, 4)
        place = _Place(place.scale + change[[0, 2]], place.shift + change[[1, 3]])
        if np.abs(change[[1, 3]] + change[[0, 2]] * np.array(wanted.shape) / 2).max() < _SETTLED:
            break
    return place


def _slopes(grey: Grey) -> Grey:
    """Return the slow changes of brightness."""
    return blur(grey, _SLOPES * (grey.shape[0] * grey.shape[1]) ** 0.5)


def _overlap(
    place: _Place, size: tuple[int, ...], target: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Return the rows and columns of the second picture that the first covers; None if they are under a half."""
    lines = []
    for axis in (0, 1):
        if not _LEAST_SCALE < place.scale[axis] * target[axis] / size[axis] < _LARGEST_SCALE:
            return None
        at = np.arange(target[axis])
        from_there = place.scale[axis] * at + place.shift[axis]
        inside = at[(from_there >= 0) & (from_there <= size[axis] - 1)]
        if len(inside) < 0.5 * target[axis]:
            return None
        lines.append(inside)
    return lines[0], lines[1]


def _sample(greys: Grey, rows: NDArray[np.intp], columns: NDArray[np.intp], place: _Place) -> Grey:
    """Return (..., rows, columns) of pictures where the second's lines lie, linearly between their pixels."""
    for axis, at in ((-2, rows), (-1, columns)):
        there = place.scale[axis] * at + place.shift[axis]
        low = np.clip(there.astype(int), 0, greys.shape[axis] - 2)
        share = (there - low).astype(np.float32)
        before, after = np.take(greys, low, axis=axis), np.take(greys, low + 1, axis=axis)
        after -= before
        after *= share[:, None] if axis == -2 else share
        after += before
        greys = after
    return greys


def agreement(overlay: Overlay, block: int) -> NDArray[np.float32]:
    """Return the correlation of each textured block of `block` pixels: (n,), empty where nothing has texture.

    Both are blurred by a pixel: what recompressing and resizing change is finer. Pixels that are black or white in one
    of the two tell nothing: a brightened picture has lost them.
    """
    smooth = block / 2
    both = [blur(part, FINEST) for part in (overlay.first, overlay.second)]
    clear = np.logical_and(*((part > _BLACK) & (part < _WHITE) for part in both)).astype(np.float32)
    share = blur(clear, smooth) + 1e-3
    weights = _blocks(clear, block)
    sums = weights.sum(axis=1, keepdims=True) + 1e-3
    first, second = (_blocks(part - blur(part * clear, smooth) / share, block) for part in both)
    first, second = (part - (part * weights).sum(axis=1, keepdims=True) / sums for part in (first, second))
    power = [np.sqrt((part**2 * weights).sum(axis=1) / sums[:, 0]) for part in (first, second)]
    product = (first * second * weights).sum(axis=1) / sums[:, 0] / np.maximum(power[0] * power[1], 1e-3)
    textured = (np.maximum(*power) > _TEXTURE) & (weights.mean(axis=1) > _CLEAR)
    agreed: NDArray[np.float32] = product[textured]
    return agreed


def _blocks(image: Grey, block: int) -> Grey:
    """Return (n, block * block) pixels of whole blocks."""
    rows, columns = image.shape[0] // block, image.shape[1] // block
    part = image[: rows * block, : columns * block].reshape(rows, block, columns, block)
    return part.swapaxes(1, 2).reshape(rows * columns, block * block)
