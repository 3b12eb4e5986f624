"""Small pictures of a picture: 8-bit RGB for the eye, tints, outlines, and errors in two colours.

Knows arrays and Pillow images. Every picture made here is new: no metadata of a source file comes along.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.sizes import resize_labels

Colour = tuple[int, int, int]

MISSED: Colour = (214, 24, 118)  # truth without prediction; the three differ in lightness too, so that
EXTRA: Colour = (45, 110, 255)  # a print in grey and a colour-blind eye can tell them apart
WRONG: Colour = (255, 176, 0)  # a foreground class where the truth has another one
RIGHT: Colour = (176, 196, 186)
IGNORED: Colour = (150, 150, 150)

_COLOURFUL = 60  # between the strongest and the weakest of red, green, blue: below, a colour looks grey
_TINT = 105  # of 255
_STRIPE = 7  # pixels from one line of a hatching to the next, at a line's width of 1
SUPERSAMPLING = 2  # thumbnails are composed at this many times their size, then made smaller smoothly


def clear_colours(classes: Classes) -> Classes:
    """Return the classes with colours that show on photographs: grey, white and black ones are replaced.

    The colours of masks' own palettes may be any; an outline in white over a white car is none.
    """
    usual = Classes(classes.names).colours
    first = 1 if classes.exclusive else 0
    colours = [
        colour if number < first or max(colour) - min(colour) >= _COLOURFUL else usual[max(1, number)]
        for number, colour in enumerate(classes.colours)
    ]
    return replace(classes, colours=tuple(colours))


def to_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture as (H, W, 3) uint8 for looking at.

    image: (H, W) or (H, W, C) uint8 or uint16. One or two bands: the first as grey; more: the first three as
    red, green, blue. 16 bit: stretched linearly from the 0.1 to the 99.9 % quantile.
    """
    if image.ndim not in (2, 3) or image.dtype not in (np.uint8, np.uint16) or not image.size:
        raise ShapeError(f"A picture is (H, W) or (H, W, C), uint8 or uint16; got {image.shape} {image.dtype}.")
    bands = image[..., None] if image.ndim == 2 else image
    bands = bands[..., :3] if bands.shape[2] >= 3 else bands[..., :1]
    if bands.dtype == np.uint16:
        bands = _stretched(bands)
    rgb: NDArray[np.uint8] = np.ascontiguousarray(np.broadcast_to(bands, (*bands.shape[:2], 3)))
    return rgb


def overlay(image: NDArray[Any], mask: NDArray[Any], classes: Classes) -> NDArray[np.uint8]:
    """Return the picture with each class tinted and outlined in its colour, (H, W, 3) uint8.

    image: (H, W, C) uint8 or uint16. mask: (H, W) index or IGNORE, or (H, W, K) of 0, 1, IGNORE; the same H, W.
    The first of exclusive classes, the background, stays as it is; ignored pixels are grey and hatched.
    """
    rgb = to_rgb(image)
    if mask.shape[:2] != rgb.shape[:2]:
        raise ShapeError(f"overlay wants picture and mask of one size; got {rgb.shape[:2]} and {mask.shape[:2]}.")
    canvas = Image.fromarray(rgb)
    _tint(canvas, mask, classes, width=max(1, round(max(mask.shape[:2]) / 400)))
    return np.asarray(canvas)


def cut_out(rgb: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) as (H, W, 4), transparent where no class is found, and black underneath.

    mask: (H, W), 0 being none, or (H, W, K). What is cut away is gone: nobody can make it visible again.
    """
    found = mask > 0 if mask.ndim == 2 else mask.max(axis=2) > 0
    cut = np.empty((*rgb.shape[:2], 4), np.uint8)
    np.multiply(rgb, np.expand_dims(found, 2), out=cut[..., :3])
    np.multiply(found, np.uint8(255), out=cut[..., 3])
    return cut


def thumbnail(image: NDArray[Any], side: int) -> Image.Image:
    """Return the picture with its longer side at most `side`."""
    return smaller(Image.fromarray(to_rgb(image)), thumbnail_size(image.shape, side))


def thumbnail_size(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return (height, width) of a picture's thumbnail: the longer side at most `side`, none below 1."""
    factor = min(1.0, side / max(shape[:2]))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def tinted_thumbnail(image: NDArray[Any], mask: NDArray[Any], classes: Classes, side: int) -> Image.Image:
    """Return a thumbnail of the picture with a mask over it; the mask is stretched to the picture."""
    size = thumbnail_size(image.shape, side)
    large = (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
    canvas = enlarged(Image.fromarray(to_rgb(image)), large)
    _tint(canvas, resize_labels(mask, large), classes, width=SUPERSAMPLING)
    return smaller(canvas, size)


def error_thumbnail(
    image: NDArray[Any], truth: NDArray[Any], prediction: NDArray[Any], classes: Classes, side: int
) -> Image.Image:
    """Return a pale grey thumbnail with what was missed, what is extra and what is of the wrong class."""
    size = thumbnail_size(image.shape, side)
    large = (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
    canvas = enlarged(Image.fromarray(to_rgb(image)), large).convert("L").convert("RGB")
    canvas = Image.blend(canvas, Image.new("RGB", canvas.size, "white"), 0.45)
    for colour, where, strength in error_areas(resize_labels(truth, large), resize_labels(prediction, large), classes):
        canvas.paste(colour, mask=alpha(where, strength))
    return smaller(canvas, size)


def error_areas(
    truth: NDArray[Any], prediction: NDArray[Any], classes: Classes
) -> tuple[tuple[Colour, NDArray[np.bool_], int], ...]:
    """Return (colour, where, strength 0..255) of right, missed, extra, wrong-class and ignored pixels, (H, W)."""
    if classes.exclusive:
        kept, true, found = truth != IGNORE, truth > 0, prediction > 0
        same = truth == prediction
        missed, extra, wrong = kept & true & ~found, kept & ~true & found, kept & true & found & ~same
        right, ignored = kept & true & same, ~kept
    else:
        kept, true, found = truth != IGNORE, truth == 1, prediction == 1
        missed, extra = (kept & true & ~found).any(axis=2), (kept & ~true & found).any(axis=2)
        wrong = missed & extra
        right, ignored = (kept & true & found).any(axis=2) & ~missed & ~extra, ~kept.any(axis=2)
    return (
        (RIGHT, right, 130), (MISSED, missed, 215), (EXTRA, extra, 215), (WRONG, wrong, 230), (IGNORED, ignored, 90),
    )  # fmt: skip


def hatched(size: tuple[int, int]) -> Image.Image:
    """Return what ignored pixels look like, (height, width), for a legend."""
    canvas = Image.new("RGB", (size[1], size[0]), IGNORED)
    canvas.paste("white", mask=alpha(_stripes(size, 1), 170))
    return canvas


def _stripes(shape: tuple[int, ...], width: int) -> NDArray[np.bool_]:
    """Return diagonal lines as (H, W)."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    lines: NDArray[np.bool_] = (rows + columns) % (_STRIPE * width) < width
    return lines


def _tint(canvas: Image.Image, mask: NDArray[Any], classes: Classes, *, width: int) -> None:
    """Tint and outline each class on the canvas, in place."""
    layers = mask[..., None] if mask.ndim == 2 else mask
    ignored = (layers == IGNORE).all(axis=2)
    if ignored.any():
        canvas.paste(IGNORED, mask=alpha(ignored, 150))
        canvas.paste("white", mask=alpha(ignored & _stripes(ignored.shape, width), 170))
    first = 1 if classes.exclusive else 0
    for k in range(first, len(classes.names)):
        area = layers[..., 0] == k if classes.exclusive else layers[..., k] == 1
        if area.any():
            canvas.paste(classes.colours[k], mask=alpha(area, _TINT))
            canvas.paste(classes.colours[k], mask=alpha(area & ~shrunk(area, width), 255))
            canvas.paste("white", mask=alpha(shrunk(~area, (width + 1) // 2) ^ ~area, 150))


def shrunk(area: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Return the area without the pixels within `width` of its edge; the picture's border is no edge."""
    inner = area
    for _ in range(width):
        outer, inner = inner, inner.copy()
        inner[1:] &= outer[:-1]
        inner[:-1] &= outer[1:]
        inner[:, 1:] &= outer[:, :-1]
        inner[:, :-1] &= outer[:, 1:]
    return inner


def alpha(where: NDArray[np.bool_], strength: int) -> Image.Image:
    """Return (H, W) as a mask for pasting, `strength` of 255 where it is true."""
    return Image.fromarray(where.view(np.uint8) * np.uint8(strength))


def enlarged(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture stretched to (height, width)."""
    return picture.resize((size[1], size[0]), Image.Resampling.BICUBIC, reducing_gap=3.0)


def smaller(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture made smaller to (height, width), as smoothly as can be."""
    if picture.size == (size[1], size[0]):
        return picture
    return picture.resize((size[1], size[0]), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _stretched(bands: NDArray[Any]) -> NDArray[np.uint8]:
    step = max(1, bands.shape[0] * bands.shape[1] // 1_000_000)
    low, high = np.quantile(bands[::step], [0.001, 0.999])
    scaled: NDArray[np.float32] = (bands.astype(np.float32) - np.float32(low)) * np.float32(255 / max(high - low, 1))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
