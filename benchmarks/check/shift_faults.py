"""Masks that lie wrong on their pictures: shifted, flipped, turned, or pictures that EXIF turns and masks do not."""

import numpy as np
from copies import CleanSet, Copy, Pair, open_picture, put_picture, with_pixels
from faultkind import Fault, PairDamage, Rng, strengths
from file_faults import with_exif
from numpy.typing import NDArray
from PIL import Image

Labels = NDArray[np.uint8]
_ORIENTATION = 0x0112
_TURNED = {3: 2, 6: 3, 8: 1}  # orientation -> quarter turns to the left that a reader applies
_STEPS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
_LEAST_CHANGE = 0.15  # a mask that hardly changes when it is flipped is not wrong when it is


def resized(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Return labels at another (height, width), by nearest."""
    return np.asarray(Image.fromarray(labels).resize((shape[1], shape[0]), Image.Resampling.NEAREST))


def overlap(first: Labels, second: Labels) -> float:
    """Return the mean IoU of the labels that occur; `second` is brought to the size of `first`."""
    second = resized(second, first.shape)
    scores = []
    for label in np.union1d(np.unique(first), np.unique(second)):
        one, other = first == label, second == label
        scores.append((one & other).sum() / (one | other).sum())
    return float(np.mean(scores))


def _shows(labels: Labels) -> bool:
    """Whether a mask has enough of two classes to see where it lies."""
    return float(np.bincount(labels.ravel()).max()) < 0.99 * labels.size


def _moved(share: float) -> PairDamage:
    """Shift the mask in one of eight directions; what enters repeats the edge."""

    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        if not _shows(copy.labels(pair)):
            return None
        image = open_picture(pair.mask)
        raw = np.asarray(image)
        step = _STEPS[rng.integers(len(_STEPS))]
        down, right = (max(1, round(share * side)) * way for side, way in zip(raw.shape, step, strict=False))
        put_picture(pair.mask, with_pixels(shifted(raw, down, right), image), image.format or "")
        return pair.id

    return do


def shifted(raw: Labels, down: int, right: int) -> Labels:
    """Move rows down and columns right; what enters repeats the edge."""
    rows = np.clip(np.arange(raw.shape[0]) - down, 0, raw.shape[0] - 1)
    columns = np.clip(np.arange(raw.shape[1]) - right, 0, raw.shape[1] - 1)
    return raw[rows][:, columns]


def _mirrored(axes: tuple[int, ...]) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        labels = copy.labels(pair)
        if not _shows(labels) or overlap(labels, np.flip(labels, axes)) > 1 - _LEAST_CHANGE:
            return None
        image = open_picture(pair.mask)
        put_picture(pair.mask, with_pixels(np.flip(np.asarray(image), axes), image), image.format or "")
        return pair.id

    return do


def _quarter(copy: Copy, pair: Pair, rng: Rng) -> str | None:
    labels = copy.labels(pair)
    if labels.shape[0] != labels.shape[1] or not _shows(labels):
        return None
    if overlap(labels, np.rot90(labels)) > 1 - _LEAST_CHANGE:
        return None
    image = open_picture(pair.mask)
    put_picture(pair.mask, with_pixels(np.rot90(np.asarray(image)), image), image.format or "")
    return pair.id


def _exif_only(orientation: int) -> PairDamage:
    """Say in EXIF that the picture is to be turned, where picture and mask lie right as they are stored."""

    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        labels = copy.labels(pair)
        turned = np.rot90(labels, _TURNED[orientation])
        if not _shows(labels) or overlap(labels, turned) > 1 - _LEAST_CHANGE:
            return None
        if open_picture(pair.image).format not in ("JPEG", "PNG", "TIFF"):
            return None
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        with_exif(pair.image, exif)
        return pair.id

    return do


def _square(clean: CleanSet) -> str:
    return "" if any(clean.labels(i).shape[0] == clean.labels(i).shape[1] for i in range(len(clean))) else "no squares"


SHIFT_FAULTS: tuple[Fault, ...] = (
    *strengths("mask-shifted", (
        ("3 %", _moved(0.03)), ("6 %", _moved(0.06)), ("mirrored", _mirrored((1,))), ("upside down", _mirrored((0,))),
        ("turned by 180", _mirrored((0, 1))),
    )),
    *strengths("mask-shifted", (("turned by 90", _quarter),), suits=_square),
    *strengths("exif-conflict", tuple((f"orientation {number}", _exif_only(number)) for number in (6, 8, 3))),
)  # fmt: skip
