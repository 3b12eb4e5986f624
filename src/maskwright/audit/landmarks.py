"""Places in a picture that can be found again in its copies, and a code of what each of them looks like.

Blobs of a few sizes, each with a square around it; the signs of the square's low frequencies make its code. The square
is first turned and mirrored so that its slopes point one way: the code is the same whether the picture was resized,
recompressed, brightened, cropped, mirrored or turned by a right angle. Knows arrays only.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from maskwright.audit.blurring import blur
from maskwright.images.resize import resize_float

MOST = 48  # codes of one picture
_HALF = 12  # of the square around a place, in pixels of its level
_SIDE = 2 * _HALF + 1
_LEVELS = (1.0, 0.7, 0.5)  # of the picture's size, where blobs are looked for
_FINE, _COARSE = 1.6, 2.6  # standard deviations, whose difference shows blobs
_APART = 5  # pixels: of blobs closer than half of this the stronger counts
_LEAST_BLOB, _LEAST_CONTRAST = 0.5, 2.0  # grey levels
_UNSURE = 0.15  # slopes closer to each other than this share of the contrast may be told either way
_WAVES = 9  # along each axis of the square


@dataclass(frozen=True)
class Landmarks:
    """codes: (n,) uint64, whose upper four bytes hold the lower frequencies, shared out evenly.

    places: (n, 2) uint8, row and column in pixels of the picture they were found in.

    turns: (n,) uint8: 1: rows, 2: columns were mirrored, then 4: rows became columns.
    """

    codes: NDArray[np.uint64]
    places: NDArray[np.uint8]
    turns: NDArray[np.uint8]


def find_landmarks(grey: NDArray[np.float32]) -> Landmarks:
    """Return at most MOST codes of a picture, (H, W) float32 grey levels, the clearest places first."""
    waves, places, strengths = [], [], []
    for level in _LEVELS:
        size = (round(grey.shape[0] * level), round(grey.shape[1] * level))
        if min(size) < _SIDE:
            continue
        small = resize_float(grey[None], size)[0]
        rows, columns, strength = _blobs(small)
        waves.append(_waves(small, rows, columns))
        places.append((np.stack([rows, columns], 1) + 0.5) / level)
        strengths.append(strength)
    if not waves:
        return Landmarks(np.zeros(0, np.uint64), np.zeros((0, 2), np.uint8), np.zeros(0, np.uint8))
    return _codes(np.concatenate(waves), np.concatenate(places), np.concatenate(strengths))


def _blobs(grey: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return rows, columns and strengths of light and dark blobs that lie a square's half inside the picture."""
    blobs = np.abs(blur(grey, _FINE) - blur(grey, _COARSE))
    margin = _HALF - 2
    inner = blobs[margin:-margin, margin:-margin]
    top = (ndimage.maximum_filter(inner, _APART) == inner) & (inner > _LEAST_BLOB)
    rows, columns = np.nonzero(top)
    return rows + margin, columns + margin, inner[rows, columns]


@cache
def _basis() -> NDArray[np.float32]:
    """Return (waves, side): cosines under a bell."""
    at = (np.arange(_SIDE) + 0.5) / _SIDE
    bell = np.exp(-(((at - 0.5) / 0.33) ** 2) / 2)
    basis: NDArray[np.float32] = (np.cos(np.pi * np.arange(_WAVES)[:, None] * at) * bell).astype(np.float32)
    return basis


@cache
def _order() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the 64 lowest (row, column) frequencies but the mean, the lowest first."""
    rows, columns = np.mgrid[:_WAVES, :_WAVES]
    order = np.lexsort((rows.ravel(), (rows**2 + columns**2).ravel()))[1:65]
    return rows.ravel()[order], columns.ravel()[order]


def _waves(grey: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return (n, waves, waves) of the squares around places, in units of each square's contrast; 0 for a flat one."""
    padded = np.pad(grey, _HALF, mode="reflect")
    squares = np.lib.stride_tricks.sliding_window_view(padded, (_SIDE, _SIDE))[rows, columns]
    squares = squares - squares.mean(axis=(1, 2), keepdims=True)
    contrast = squares.std(axis=(1, 2), keepdims=True)
    waves: NDArray[np.float32] = _basis() @ squares @ _basis().T
    return np.where(contrast < _LEAST_CONTRAST, 0, waves / np.maximum(contrast, 1e-3) / _SIDE)


def _codes(waves: NDArray[np.float32], places: NDArray[np.float64], strengths: NDArray[np.float32]) -> Landmarks:
    """Return each square's code, turned so that it rises downwards and rightwards, and most so downwards."""
    down, right = waves[:, 1, 0], waves[:, 0, 1]
    alternatives = []
    for turn in range(8):
        rises = (np.where(turn & 1, -down, down) > -_UNSURE) & (np.where(turn & 2, -right, right) > -_UNSURE)
        steeper = np.abs(right) - np.abs(down) if turn & 4 else np.abs(down) - np.abs(right)
        alternatives.append(rises & (steeper > -_UNSURE))
    which, turns = np.nonzero(np.stack(alternatives, 1) & (np.abs(waves).max(axis=(1, 2)) > 0)[:, None])
    best = np.argsort(-strengths[which], kind="stable")[:MOST]
    which, turns = which[best], turns[best]
    chosen = turn_waves(waves[which], turns)
    rows, columns = _order()
    bits = chosen[:, rows, columns].reshape(-1, 2, 8, 4).transpose(0, 1, 3, 2).reshape(-1, 64) > 0
    codes = np.ascontiguousarray(np.packbits(bits, axis=1)).view(">u8")[:, 0].astype(np.uint64)
    return Landmarks(codes, places[which].round().clip(0, 255).astype(np.uint8), turns.astype(np.uint8))


def turn_waves(waves: NDArray[np.float32], turns: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the waves of squares that are mirrored and turned."""
    odd = np.where(np.arange(waves.shape[1]) % 2, -1, 1).astype(np.float32)
    waves = np.where((turns & 1).astype(bool)[:, None, None], waves * odd[:, None], waves)
    waves = np.where((turns & 2).astype(bool)[:, None, None], waves * odd, waves)
    return np.where((turns & 4).astype(bool)[:, None, None], waves.transpose(0, 2, 1), waves)
