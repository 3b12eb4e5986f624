"""Thumbnails that show what is wrong with a mask: outlines, boxes, marked pixels, two shapes at one scale.

Knows arrays and Pillow images; what they are evidence of is said by whoever calls.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maskwright.images.classes import IGNORE, Classes
from maskwright.images.sizes import resize_labels
from maskwright.report.pixels import (
    EXTRA,
    IGNORED,
    MISSED,
    SUPERSAMPLING,
    Colour,
    alpha,
    enlarged,
    shrunk,
    smaller,
    thumbnail_size,
    tinted_thumbnail,
    to_rgb,
)

Box = tuple[int, int, int, int]  # top, left, bottom, right, in pixels, the last two exclusive

AS_IT_IS: Colour = MISSED
BETTER: Colour = (0, 200, 140)
MARKED: Colour = MISSED
_LEAST = 9  # pixels of a box's side in a thumbnail, at least, so that it is seen
_PAPER: Colour = (226, 229, 232)


def outlined_thumbnail(
    image: NDArray[Any], outlines: Sequence[tuple[NDArray[Any], Colour]], side: int, *, pale: bool = False
) -> Image.Image:
    """Return a thumbnail of the picture with the borders of masks over it, each in its colour with a light halo.

    image: (H, W, C). outlines: (mask, colour), masks (h, w) or (h, w, K), stretched to the picture; later ones lie
    on top. pale: the picture is grey and faint, so that the lines stand out.
    """
    size, canvas = _canvas(image, side, pale=pale)
    for mask, colour in outlines:
        lines = edges(resize_labels(mask, (canvas.height, canvas.width)))
        canvas.paste("white", mask=alpha(~shrunk(~lines, 3), 130))
        canvas.paste(colour, mask=alpha(~shrunk(~lines, 2), 255))
    return smaller(canvas, size)


def boxed_thumbnail(
    image: NDArray[Any],
    mask: NDArray[Any] | None,
    boxes: Sequence[Box],
    classes: Classes,
    side: int,
    *,
    grid: tuple[int, int],
) -> Image.Image:
    """Return a thumbnail with the mask over it and boxes drawn in. grid: (height, width) that boxes are counted in."""
    if mask is None:
        size, canvas = _canvas(image, side)
        canvas = smaller(canvas, size)
    else:
        canvas = tinted_thumbnail(image, mask, classes, side)
    draw_boxes(canvas, boxes, grid)
    return canvas


def draw_boxes(canvas: Image.Image, boxes: Sequence[Box], grid: tuple[int, int]) -> None:
    """Draw boxes on a thumbnail, in place; small ones are widened until they can be seen."""
    pen = ImageDraw.Draw(canvas)
    for top, left, bottom, right in boxes:
        y0, y1 = _wide_enough(top * canvas.height / grid[0], bottom * canvas.height / grid[0], canvas.height)
        x0, x1 = _wide_enough(left * canvas.width / grid[1], right * canvas.width / grid[1], canvas.width)
        pen.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline="white", width=4)
        pen.rectangle((x0, y0, x1, y1), outline=MARKED, width=2)


def marked_thumbnail(image: NDArray[Any], where: NDArray[np.bool_], side: int) -> Image.Image:
    """Return a pale thumbnail with pixels marked; single ones are widened until they can be seen.

    where: (h, w), stretched to the picture; a pixel of the thumbnail is marked where any pixel below it is.
    """
    size, canvas = _canvas(image, side, pale=True)
    large = (canvas.height, canvas.width)
    found = any_below(where, large)
    if np.count_nonzero(found) < 0.02 * found.size:
        found = ~shrunk(~found, SUPERSAMPLING)
    canvas.paste(MARKED, mask=alpha(found, 230))
    return smaller(canvas, size)


def mask_thumbnail(mask: NDArray[Any], classes: Classes, side: int) -> Image.Image:
    """Return the mask alone in the colours of its classes; the first of exclusive classes is light grey."""
    height, width = thumbnail_size(mask.shape, side)
    labels = resize_labels(mask, (height, width))
    layers = labels[..., None] if labels.ndim == 2 else labels
    canvas = Image.new("RGB", (width, height), _PAPER)
    for k in range(1 if classes.exclusive else 0, len(classes.names)):
        area = layers[..., 0] == k if classes.exclusive else layers[..., k] == 1
        canvas.paste(classes.colours[k], mask=alpha(area, 255 if classes.exclusive else 150))
    canvas.paste(IGNORED, mask=alpha((layers == IGNORE).all(axis=2), 255))
    return canvas


def shapes_thumbnail(picture: tuple[int, int], mask: tuple[int, int], side: int) -> Image.Image:
    """Return the frames of picture and mask, (height, width) each, at one scale with their corners together."""
    factor = (side - 8) / max(*picture, *mask)
    rows, columns = max(picture[0], mask[0]) * factor, max(picture[1], mask[1]) * factor
    canvas = Image.new("RGB", (round(columns) + 8, round(rows) + 8), "white")
    pen = ImageDraw.Draw(canvas, "RGBA")
    for (height, width), colour in ((picture, EXTRA), (mask, MISSED)):
        frame = (3, 3, 3 + max(2, round(width * factor)), 3 + max(2, round(height * factor)))
        pen.rectangle(frame, fill=(*colour, 45), outline=(*colour, 255), width=3)
    return canvas


def zoomed(pixels: NDArray[Any], box: Box, side: int) -> Image.Image:
    """Return a part of a picture or raw mask enlarged to `side`, each pixel a square."""
    top, left, bottom, right = box
    part = Image.fromarray(to_rgb(np.ascontiguousarray(pixels[top:bottom, left:right])))
    factor = max(1, side // max(part.size))
    return part.resize((part.width * factor, part.height * factor), Image.Resampling.NEAREST)


def densest(where: NDArray[np.bool_], side: int) -> Box:
    """Return the box of at most `side` pixels that holds most of the marked ones, on a grid of half its side."""
    step = max(1, side // 2)
    height, width = where.shape
    sums = np.add.reduceat(np.add.reduceat(where.astype(np.int64), np.arange(0, height, step), 0),
                           np.arange(0, width, step), 1)  # fmt: skip
    row, column = np.unravel_index(int(sums.argmax()), sums.shape)
    top = int(min(max(0, row * step - step // 2), max(0, height - side)))
    left = int(min(max(0, column * step - step // 2), max(0, width - side)))
    return top, left, min(height, top + side), min(width, left + side)


def edges(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (H, W), true where a label differs from the one to the right or below."""
    layers = mask[..., None] if mask.ndim == 2 else mask
    found = np.zeros(mask.shape[:2], np.bool_)
    found[:-1] |= (layers[:-1] != layers[1:]).any(axis=2)
    found[:, :-1] |= (layers[:, :-1] != layers[:, 1:]).any(axis=2)
    return found


def moved(mask: NDArray[Any], shift: tuple[int, int]) -> NDArray[Any]:
    """Return the mask moved by (rows down, columns to the right); what comes in is 0."""
    result = np.zeros_like(mask)
    height, width = mask.shape[:2]
    down, right = (max(-side, min(side, by)) for by, side in zip(shift, (height, width), strict=True))
    result[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = mask[
        max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)
    ]
    return result


def any_below(where: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Resize (H, W) to (height, width); where that is smaller, true where any of the pixels below is."""
    for axis in (0, 1):
        if where.shape[axis] > size[axis]:
            starts = np.arange(size[axis]) * where.shape[axis] // size[axis]
            where = np.logical_or.reduceat(where, starts, axis=axis)
    resized: NDArray[np.bool_] = resize_labels(where.view(np.uint8), size).astype(np.bool_)
    return resized


def _canvas(image: NDArray[Any], side: int, *, pale: bool = False) -> tuple[tuple[int, int], Image.Image]:
    """Return a thumbnail's size and the picture at a multiple of it, to draw on."""
    size = thumbnail_size(image.shape, side)
    canvas = enlarged(Image.fromarray(to_rgb(image)), (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
    if pale:
        canvas = Image.blend(canvas.convert("L").convert("RGB"), Image.new("RGB", canvas.size, "white"), 0.45)
    return size, canvas


def _wide_enough(low: float, high: float, limit: int) -> tuple[int, int]:
    if high - low < _LEAST:
        middle = (low + high) / 2
        low, high = middle - _LEAST / 2, middle + _LEAST / 2
    return round(max(1.0, low)), round(min(limit - 2.0, high))
