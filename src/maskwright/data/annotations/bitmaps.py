"""Bitmaps inside annotation files: PNG in base64, and Label Studio's packed brush masks; none unfolds unbounded."""

import base64
import binascii
import io
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from maskwright.errors import DataError
from maskwright.images.opening import DECODING_ERRORS, max_pixels, pillow_unlimited

_FIX = "export the annotations again, or remove this object"
_LARGEST = 500_000_000  # bytes of a PNG before it is decoded


def png_mask(
    content: str, *, packed: bool, where: str, check: Callable[[tuple[int, int]], None] = lambda size: None
) -> NDArray[np.bool_]:
    """Return (h, w) of a PNG in base64: True where it is not transparent, or not zero if nothing is transparent.

    packed: deflated once more. check: called with (height, width) before decoding; it may raise.
    Raises DataError for what is broken or unfolds to too much.
    """
    try:
        raw = base64.b64decode(content, validate=False)
    except (binascii.Error, ValueError) as error:
        raise DataError("A bitmap is no valid base64.", where=where, fix=_FIX) from error
    if packed:
        raw = _inflated(raw, where)
    try:
        with pillow_unlimited():
            image = PngImagePlugin.PngImageFile(io.BytesIO(raw))
        _check_size(image.size, where)
        check(image.size[::-1])
        with pillow_unlimited():
            return _inside(image)
    except DataError:
        raise
    except DECODING_ERRORS as error:
        raise DataError("A bitmap is no PNG that can be decoded.", where=where, fix=_FIX) from error


def _inside(image: Image.Image) -> NDArray[np.bool_]:
    if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))[:, :, 3] > 0
    pixels = np.asarray(image)
    inside: NDArray[np.bool_] = pixels != 0
    return inside if inside.ndim == 2 else np.asarray(inside.any(axis=2))


def _inflated(raw: bytes, where: str) -> bytes:
    limit = min(_LARGEST, 4 * max_pixels())
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(raw, limit)
    except zlib.error as error:
        if raw.startswith(b"\x89PNG"):
            return raw
        raise DataError("A bitmap cannot be inflated.", where=where, fix=_FIX) from error
    if inflater.unconsumed_tail:
        raise DataError(f"A bitmap inflates to more than {limit} bytes.", where=where, fix=_FIX)
    return content


def _check_size(size: tuple[int, int], where: str) -> None:
    if size[0] * size[1] > max_pixels():
        raise DataError(
            f"A bitmap has {size[0] * size[1]:,} pixels ({size[0]} x {size[1]}); more than {max_pixels():,} are not "
            "read.", where=where,
            fix=f"if it is no trick, raise the limit: maskwright --max-pixels {size[0] * size[1]} ...",
        )  # fmt: skip


def brush_alpha(content: bytes, size: tuple[int, int], where: str) -> NDArray[np.uint8]:
    """Return the transparency (height, width) of a packed brush mask.

    32 bits: how many values; 5: bits of a value, less 1; four times 4: bits of a run's length, less 1. Then blocks:
    1 bit: one value repeated (1) or each its own (0); 2: which of the four lengths; the length less 1; the value(s).
    The values are R, G, B, A of each pixel. Raises DataError for anything else.

    Source: rle-pack of thi.ng/umbrella, as Label Studio's converter reads it.
    """
    wanted = size[0] * size[1] * 4
    bits = _Bits(content, where)
    values = bits.take(32)
    if values != wanted:
        raise DataError(
            f"A brush mask holds {values} values; {size[0]} x {size[1]} (height x width) pixels need {wanted}.",
            where=where, fix=_FIX,
        )  # fmt: skip
    word = bits.take(5) + 1
    lengths = [bits.take(4) + 1 for _ in range(4)]
    flat = np.zeros(wanted, np.uint8)
    at = 0
    while at < wanted:
        repeated = bits.take(1)
        end = at + 1 + bits.take(lengths[bits.take(2)])
        if end > wanted:
            raise DataError("A brush mask holds more values than it says.", where=where, fix=_FIX)
        if repeated:
            flat[at:end] = bits.take(word) & 255
        else:
            flat[at:end] = [bits.take(word) & 255 for _ in range(end - at)]
        at = end
    return flat.reshape(*size, 4)[:, :, 3]


class _Bits:
    """Reads numbers of any width from bytes, highest bit first."""

    def __init__(self, content: bytes, where: str) -> None:
        self._content, self._at, self._where = content, 0, where

    def take(self, width: int) -> int:
        end = self._at + width
        if end > 8 * len(self._content):
            raise DataError("A brush mask ends too early.", where=self._where, fix=_FIX)
        first, last = self._at // 8, (end + 7) // 8
        value = int.from_bytes(self._content[first:last], "big") >> (8 * last - end)
        self._at = end
        return value & ((1 << width) - 1)
