"""Small working copies of a picture and its mask, on which drawing and agreement are measured.

A copy's longer side is SIDE pixels at most, whatever the file's size, so that a large photograph costs no more.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from maskwright.audit.blurring import blur
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.modes import Pixels
from maskwright.images.present import count_values

Field = NDArray[np.float32]

SIDE = 128  # pixels of a working copy's longer side
_FINER = 4  # before it is averaged a picture is thinned out to this many times the size
_MOST = 5  # classes looked at in one mask: the largest
_FEWEST = 8.0  # working pixels that a class must have to be looked at
_SOFT = 2.5  # working pixels: reach of what fills ignored pixels
_THIN = 3  # working pixels: a class that erosion by as much leaves nothing of may be a mere border
_CORE = 0.2
_BETWEEN = 0.25  # a border class touches a second class with at least this share of its contacts


def working_size(height: int, width: int) -> tuple[int, int]:
    """Return (height, width) of the working copy: never larger than the mask, at least 8 x 8."""
    scale = min(1.0, SIDE / max(height, width))
    return max(8, round(height * scale)), max(8, round(width * scale))


def small_picture(image: Pixels, size: tuple[int, int]) -> Field:
    """Return (h, w, 1 or 3) float32, 0..255 about: at most three bands of (H, W, C), averaged down to `size`."""
    thin = image[:: _step(image.shape[0], size[0]), :: _step(image.shape[1], size[1])]
    bands = thin[:, :, : 3 if image.shape[2] >= 3 else 1]
    if bands.dtype != np.uint8:
        top = max(1.0, float(np.quantile(bands, 0.995)))
        bands = np.clip(bands * np.float32(255 / top), 0, 255).astype(np.uint8)
    return np.stack([_averaged(bands[:, :, k], size) for k in range(bands.shape[2])], axis=2)


def small_planes(mask: NDArray[np.uint8], size: tuple[int, int], classes: Classes) -> Field:
    """Return (K, h, w) float32 shares 0..1: one plane a class with an outline, largest first.

    With two exclusive classes the foreground's plane alone; else background too. Ignored pixels are shared out to
    the classes around them, so that the outline runs through their middle; so are pixels of a class that is a mere
    border between two others. K may be 0: no outline.
    """
    thin = mask[:: _step(mask.shape[0], size[0]), :: _step(mask.shape[1], size[1])]
    if thin.ndim == 3:
        planes = np.stack([_averaged((thin[:, :, k] == 1).view(np.uint8) * 255, size) for k in range(thin.shape[2])])
        return _outlined(planes / np.float32(255))
    labels = [label for label in range(len(classes.names)) if label or not classes.binary]
    counts = count_values(thin)
    shown = sorted((label for label in labels if counts[label]), key=lambda label: -counts[label])[: _MOST + 1]
    if not shown:
        return np.zeros((0, *size), np.float32)
    planes = np.stack([_averaged((thin == label).view(np.uint8) * 255, size) for label in shown]) / np.float32(255)
    known = np.ones(size, np.float32)
    if counts[IGNORE]:
        known -= _averaged((thin == IGNORE).view(np.uint8) * 255, size) / np.float32(255)
    if len(shown) > 2:
        planes, known = _without_borders(planes, known)
    if float(known.min()) < 0.9:
        planes = _filled(planes, known, binary=classes.binary)
    if len(planes) == 2 and not classes.binary and not counts[IGNORE]:
        planes = planes[1:]  # the other one is its complement
    return _outlined(planes)


def _step(large: int, small: int) -> int:
    return max(1, large // (_FINER * small))


def _averaged(band: NDArray[np.uint8], size: tuple[int, int]) -> Field:
    image = Image.fromarray(np.ascontiguousarray(band))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BOX)).astype(np.float32)


def _outlined(planes: Field) -> Field:
    """Keep planes that show something and not everything."""
    pixels = planes[0].size if len(planes) else 0
    covered = planes.sum(axis=(1, 2))
    kept: Field = planes[(covered >= _FEWEST) & (covered <= pixels - _FEWEST)]
    return kept[:_MOST]


def _filled(planes: Field, known: Field, *, binary: bool) -> Field:
    """Share unknown pixels out to the classes around them; those far from all keep half."""
    near = [blur(plane, _SOFT, mode="nearest", truncate=3) for plane in planes]
    total = blur(known, _SOFT, mode="nearest", truncate=3) if binary else sum(near)
    share = np.stack(near) / (total + np.float32(1e-4))
    sharper = np.clip((share - np.float32(0.5)) * 3 + np.float32(0.5), 0, 1)
    return np.where(known < np.float32(0.9), np.where(known < 0.1, sharper, planes + (1 - known) * sharper), planes)


def _without_borders(planes: Field, known: Field) -> tuple[Field, Field]:
    """Take out classes that are mere borders between two others; their pixels become unknown."""
    label = planes.argmax(axis=0)
    keep = [not _is_border(label, k, len(planes)) for k in range(len(planes))]
    if all(keep) or sum(keep) < 2:
        return planes, known
    kept = planes[keep]
    return kept, np.minimum(known, kept.sum(axis=0))


def _is_border(label: NDArray[np.int64], k: int, count: int) -> bool:
    """Whether class k is thin and lies between two others."""
    here = label == k
    area = int(here.sum())
    if area < _FEWEST or ndimage.binary_erosion(here, iterations=_THIN, border_value=1).sum() > _CORE * area:
        return False
    around = ndimage.binary_dilation(here) & ~here
    touching = np.sort(np.bincount(label[around], minlength=count))
    return bool(touching[-2] >= _BETWEEN * touching.sum())


def slopes(fields: Field) -> tuple[Field, Field]:
    """Return the slopes down and right of (N, h, w); 0 at the frame, which is no edge."""
    down, right = np.zeros_like(fields), np.zeros_like(fields)
    down[:, 1:-1] = (fields[:, 2:] - fields[:, :-2]) / 2
    right[:, :, 1:-1] = (fields[:, :, 2:] - fields[:, :, :-2]) / 2
    return down, right
