"""Resizing pictures and masks of whole numbers, and how large to decode for a wanted size.

Pictures by antialiased bilinear weights, masks by nearest or by the label that covers most. Probabilities and other
real numbers are resized in `resize.py`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE
from maskwright.images.modes import Pixels
from maskwright.images.present import present_values


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
        return np.array(_resample(image, size))
    if image.ndim == 2:
        return _resize_band(image, size)
    return np.stack([_resize_band(image[:, :, band], size) for band in range(image.shape[2])], axis=2)


def resize_window_of(
    read: Callable[[slice, slice], Pixels], full: tuple[int, int], size: tuple[int, int], rows: slice, columns: slice
) -> Pixels:
    """Return rows and columns of what `resize_image` makes of a picture of size `full` for `size`.

    read: returns (h, w, C) of a window of the picture; it is asked for what is needed. Pillow takes places in single
    precision, so that now and then a value is one grey level off.
    """
    if full == size:
        return read(rows, columns)
    top, down = _source_window(full[0], size[0], rows)
    left, right = _source_window(full[1], size[1], columns)
    pixels = read(top, left)
    box = (right[0], down[0], right[1], down[1])
    wanted = (columns.stop - columns.start, rows.stop - rows.start)
    bands = [_resize_box(pixels[:, :, band], wanted, box) for band in range(pixels.shape[2])]
    return np.stack(bands, axis=2)


def _source_window(n_in: int, n_out: int, part: slice) -> tuple[slice, tuple[float, float]]:
    """Return which of `n_in` pixels `part` of `n_out` is made of, and the box of that part within them."""
    scale = n_in / n_out
    reach = max(scale, 1.0) + 1
    first, last = part.start * scale, part.stop * scale
    window = slice(max(0, int(first - reach)), min(n_in, int(np.ceil(last + reach))))
    return window, (first - window.start, min(last, n_in) - window.start)


def _resize_box(band: Pixels, size: tuple[int, int], box: tuple[float, float, float, float]) -> Pixels:
    """Resize a box (left, top, right, bottom) of (H, W) to (width, height)."""
    plane = Image.fromarray(np.ascontiguousarray(band, np.uint8 if band.dtype == np.uint8 else np.float32))
    resized = np.asarray(plane.resize(size, Image.Resampling.BILINEAR, box=box))
    if band.dtype == np.uint8:
        return resized
    rounded: Pixels = np.clip(np.rint(resized), 0, 65535).astype(np.uint16)
    return rounded


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
    A pixel of the mask counts where its centre lies. Of labels that cover equal areas the lowest is taken.
    Raises ShapeError for other arrays or labels.
    """
    _check(mask, size)
    if mask.ndim == 3:
        layers = [resize_labels_by_area(mask[:, :, k], size, 2) for k in range(mask.shape[2])]
        return np.stack(layers, axis=2)
    if mask.shape == tuple(size):
        return mask
    counted = _pixels_each(mask.shape, size)
    if num_classes >= 2 and mask.max() <= 1:  # most masks: what is added up is the mask itself
        return (2 * _block_sums(mask, size) > counted).astype(np.uint8)
    labels = present_values(mask).tolist()
    unknown = [label for label in labels if label >= num_classes and label != IGNORE]
    if unknown:
        raise ShapeError(f"A mask of {num_classes} classes holds label {unknown[0]}.")
    best = np.full(size, labels[0], np.uint8)
    most = np.zeros(size, np.uint32)
    for label in labels:
        area = counted if label == labels[-1] else _block_sums((mask == label).view(np.uint8), size)
        best[area > most] = label
        np.maximum(most, area, out=most)
        counted = counted - area  # what is left in the end is the last label's
    return best


def _block_sums(ones: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint32]:
    """Return how many ones of (H, W) of 0 and 1 each of `size` pixels is made of: those whose centres it holds."""
    down, right = (-(-old // new) for old, new in zip(ones.shape, size, strict=True))
    rows, pixels = (np.uint8 if most < 256 else np.uint32 for most in (down, down * right))  # bytes add up the fastest
    return _line_sums(_line_sums(ones, size[0], 0, rows), size[1], 1, pixels).astype(np.uint32, copy=False)


def _line_sums(lines: NDArray[Any], number: int, axis: int, dtype: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    """Add up the lines along an axis of (H, W) to `number` of them, as `dtype`: each where its centre lies.

    Where there are fewer, the nearest is taken.
    """
    have = lines.shape[axis]
    if number >= have:
        nearest = ((2 * np.arange(number) + 1) * have) // (2 * number)
        repeated: NDArray[Any] = np.take(lines, nearest, axis).astype(dtype, copy=False)
        return repeated
    starts = _starts(have, number)
    each = np.diff(starts, append=have)
    least = int(each.min())
    sums: NDArray[Any] = np.take(lines, starts, axis).astype(dtype, copy=False)
    for further in range(1, least):
        sums += np.take(lines, starts + further, axis)
    for further in range(least, int(each.max())):
        longer = np.flatnonzero(each > further)
        part = (longer, slice(None)) if axis == 0 else (slice(None), longer)
        sums[part] += np.take(lines, starts[longer] + further, axis)
    return sums


def _starts(have: int, number: int) -> NDArray[np.int64]:
    """Return the first of `have` pixels that each of `number` holds; a centre on a border belongs to the one before."""
    starts: NDArray[np.int64] = (2 * np.arange(number, dtype=np.int64) * have + number) // (2 * number)
    return starts


def _pixels_each(shape: tuple[int, ...], size: tuple[int, int]) -> NDArray[np.uint32]:
    """Return how many pixels of a mask of `shape` belong to each pixel of `size`."""
    rows, columns = (
        np.ones(new, np.uint32) if new >= old else np.diff(_starts(old, new), append=old).astype(np.uint32)
        for new, old in zip(size, shape, strict=True)
    )
    return rows[:, None] * columns


def _resize_band(band: Pixels, size: tuple[int, int]) -> Pixels:
    if band.dtype == np.uint8:
        return np.array(_resample(band, size))
    resized = np.array(_resample(band.astype(np.float32), size))
    rounded: Pixels = np.clip(np.rint(resized), 0, 65535).astype(np.uint16)
    return rounded


def resize_picture(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resize a picture of Pillow's modes L, RGB or F as `resize_image` does."""
    return (
        image
        if (image.height, image.width) == tuple(size)
        else image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    )


def _resample(pixels: NDArray[np.uint8] | NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    return resize_picture(Image.fromarray(np.ascontiguousarray(pixels)), size)


def _check(pixels: Pixels, size: tuple[int, int]) -> None:
    if pixels.ndim not in (2, 3) or not pixels.size or pixels.dtype not in (np.uint8, np.uint16):
        raise ShapeError(f"Resizing wants (H, W) or (H, W, C) uint8 or uint16; got {pixels.shape} {pixels.dtype}.")
    if min(size) < 1:
        raise ShapeError(f"A picture cannot be resized to {size[0]} x {size[1]}.")
