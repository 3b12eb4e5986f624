"""Resizing pictures and masks of whole numbers, and how large to decode for a wanted size.

Pictures by antialiased bilinear weights, masks by nearest or by the label that covers most. Probabilities and other
real numbers are resized in `resize.py`.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE
from maskwright.images.modes import Pixels

_ROUNDING = np.float32(1e-5)  # shares of a pixel closer than this are equal


def scaled_decoding_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the least (height, width) at which a JPEG may be decoded that is then resized to `size`.

    Twice the size: the reduced scales of a JPEG are coarse averages, and a further halving hides them. The pack and
    prediction both hand this to `read_image(at_least=...)`, so that a network is shown alike pictures by both.
    """
    return 2 * size[0], 2 * size[1]


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return (height, width) times `scale`, rounded, at least 1: the size at which tiles are cut."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize_image(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize (H, W, C) or (H, W) uint8 or uint16 to `size` (height, width): antialiased bilinear, same dtype.

    Raises ShapeError for other arrays or sizes.
    """
    _check(image, size)
    if image.shape[:2] == tuple(size):
        return image
    if image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] == 3):
        return np.array(_resample(image, size, Image.Resampling.BILINEAR))
    if image.ndim == 2:
        return _resize_band(image, size)
    return np.stack([_resize_band(image[:, :, band], size) for band in range(image.shape[2])], axis=2)


def resize_labels(mask: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize (H, W) or (H, W, K) labels to `size` (height, width): each pixel the label at its centre."""
    _check(mask, size)
    if mask.shape[:2] == tuple(size):
        return mask
    rows, columns = (
        ((2 * np.arange(new) + 1) * old // (2 * new)) for new, old in zip(size, mask.shape[:2], strict=True)
    )
    first, second = ((rows, 0), (columns, 1)) if size[0] < mask.shape[0] else ((columns, 1), (rows, 0))
    resized: Pixels = np.take(np.take(mask, first[0], axis=first[1]), second[0], axis=second[1])
    return resized  # one axis after the other: far quicker than both at once


def resize_labels_by_area(mask: NDArray[np.uint8], size: tuple[int, int], num_classes: int) -> NDArray[np.uint8]:
    """Resize labels to `size` (height, width): each pixel the label that covers most of it.

    mask: (H, W) of class indices below `num_classes` and IGNORE, or (H, W, K) of 0, 1 and IGNORE, channel by channel.
    Of labels that cover equal areas the lowest is taken. Raises ShapeError for other arrays or labels.
    """
    _check(mask, size)
    if mask.ndim == 3:
        layers = [resize_labels_by_area(mask[:, :, k], size, 2) for k in range(mask.shape[2])]
        return np.stack(layers, axis=2)
    if mask.shape == tuple(size):
        return mask
    labels = [label for label, pixels in enumerate(Image.fromarray(mask).histogram()) if pixels]
    unknown = [label for label in labels if label >= num_classes and label != IGNORE]
    if unknown:
        raise ShapeError(f"A mask of {num_classes} classes holds label {unknown[0]}.")
    best = np.full(size, labels[0], np.uint8)
    most = np.zeros(size, np.float32)
    left = np.ones(size, np.float32)
    for label in labels:
        area = left if label == labels[-1] else _covered(mask, label, size)  # all areas of a pixel sum to 1
        best[area > most + _ROUNDING] = label
        np.maximum(most, area, out=most)
        left -= area
    return best


def _covered(mask: NDArray[np.uint8], label: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the share of each new pixel that a label covers."""
    return np.asarray(_resample((mask == label).astype(np.float32), size, Image.Resampling.BOX))


def _resize_band(band: Pixels, size: tuple[int, int]) -> Pixels:
    if band.dtype == np.uint8:
        return np.array(_resample(band, size, Image.Resampling.BILINEAR))
    resized = np.array(_resample(band.astype(np.float32), size, Image.Resampling.BILINEAR))
    rounded: Pixels = np.clip(np.rint(resized), 0, 65535).astype(np.uint16)
    return rounded


def _resample(
    pixels: NDArray[np.uint8] | NDArray[np.float32], size: tuple[int, int], how: Image.Resampling
) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels)).resize((size[1], size[0]), how)


def _check(pixels: Pixels, size: tuple[int, int]) -> None:
    if pixels.ndim not in (2, 3) or not pixels.size or pixels.dtype not in (np.uint8, np.uint16):
        raise ShapeError(f"Resizing wants (H, W) or (H, W, C) uint8 or uint16; got {pixels.shape} {pixels.dtype}.")
    if min(size) < 1:
        raise ShapeError(f"A picture cannot be resized to {size[0]} x {size[1]}.")
