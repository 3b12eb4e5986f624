"""Pillow's pixel modes to arrays: pictures without alpha, masks as they lie on disk, palettes.

Knows nothing of files; the pictures are loaded already.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.errors import DataError
from maskwright.images.tiff import fit_unsigned

Pixels = NDArray[np.unsignedinteger[Any]]  # uint8 or uint16

_GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"}
_ALPHA = {"LA", "La", "PA", "RGBA", "RGBa"}
_WIDE = {"I", "I;16", "I;16B", "I;16L", "I;16N", "F"}
_LUMA = np.array((19595, 38470, 7471), np.int64)  # ITU-R 601 in 65536ths, as Pillow's mode L


def bands_of(mode: str) -> int:
    """Return how many bands a picture of this mode has without alpha: 1 or 3."""
    return 1 if mode in _GREY else 3


def is_wide(mode: str) -> bool:
    """Whether a picture of this mode becomes uint16."""
    return mode in _WIDE


def has_alpha(image: Image.Image) -> bool:
    """Whether anything in the picture is transparent, or could be."""
    return image.mode in _ALPHA or "transparency" in image.info


def picture_pixels(image: Image.Image, path: Path) -> Pixels:
    """Return (H, W, 1 or 3) uint8 or uint16 without alpha. Raises DataError for values that do not fit."""
    mode = image.mode
    if mode in _WIDE:
        return _wide_pixels(image, path)[:, :, None]
    if mode in ("P", "PA"):
        return palette_of(image, full=True)[_indices(image)]
    if mode in ("1", "L", "LA", "La"):
        return _plain(image if mode == "L" else image.convert("LA" if mode == "La" else "L"))[:, :, None]
    if mode == "RGBa":
        image = image.convert("RGBA")
    return _plain(image.convert("RGB") if mode != "RGB" else image)


def label_pixels(image: Image.Image, path: Path) -> Pixels:
    """Return a mask's values unchanged: see `formats.read_labels`. Raises DataError for values that do not fit."""
    mode = image.mode
    if mode in _WIDE:
        return _wide_pixels(image, path)
    if mode in ("P", "PA"):
        return _indices(image)
    if mode == "1":
        return np.asarray(image).astype(np.uint8)
    if mode == "L":
        return _plain(image)
    if mode in ("LA", "La"):
        both = _plain(image.convert("LA") if mode == "La" else image)
        return both[:, :, 0].copy() if (both[:, :, 1] == 255).all() else both[:, :, [0, 0, 0, 1]]
    if mode in ("RGBA", "RGBa"):
        return _plain(image.convert("RGBA") if mode == "RGBa" else image)
    return _plain(image.convert("RGB") if mode != "RGB" else image)


def palette_of(image: Image.Image, *, full: bool = False) -> NDArray[np.uint8]:
    """Return the palette as (n, 3) uint8; full: 256 rows, black beyond the palette's end."""
    colours = np.array(image.getpalette("RGB") or (), np.uint8).reshape(-1, 3)
    if not full:
        return colours
    table = np.zeros((256, 3), np.uint8)
    table[: len(colours)] = colours[:256]
    return table


def with_bands(pixels: Pixels, bands: int | None, path: Path) -> Pixels:
    """Convert (H, W, C) between grey and RGB: `bands` 1 or 3; None leaves it. Raises DataError for other changes."""
    has = pixels.shape[2]
    if bands is None or bands == has:
        return pixels
    if has == 1 and bands == 3:
        return np.repeat(pixels, 3, axis=2)
    if has == 3 and bands == 1:
        return to_grey(pixels)
    raise DataError(
        f"The picture has {has} bands; {bands} are needed.",
        where=str(path),
        fix="all pictures of a set must have the same bands (grey and RGB are converted)",
    )


def to_grey(pixels: Pixels) -> Pixels:
    """Return the brightness of (H, W, 3) as (H, W, 1), same dtype: ITU-R 601, rounded."""
    grey = np.empty((*pixels.shape[:2], 1), pixels.dtype)
    for top in range(0, len(pixels), 256):  # in strips: the sums are eight times as large as the pixels
        strip = pixels[top : top + 256].astype(np.int64) @ _LUMA
        grey[top : top + 256, :, 0] = (strip + 0x8000) >> 16
    return grey


def _wide_pixels(image: Image.Image, path: Path) -> Pixels:
    """Return 16-bit, 32-bit or floating-point grey as (H, W) uint16. Raises DataError where values do not fit."""
    pixels: NDArray[Any] = np.asarray(image)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        return pixels.astype(np.uint16)
    return fit_unsigned(pixels, path)


def _indices(image: Image.Image) -> NDArray[np.uint8]:
    return _plain(image) if image.mode == "P" else _plain(image)[:, :, 0].copy()


def _plain(image: Image.Image) -> NDArray[np.uint8]:
    return np.array(image, dtype=np.uint8)
