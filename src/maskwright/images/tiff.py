"""TIFF files: what their tags say, and the pixels of those that Pillow would cut down.

Pillow keeps 8 bits of 16-bit colours and drops bands beyond the third; such files are read through tifffile (extra
`geo`), whole. Knows TIFF alone.
"""

from dataclasses import dataclass
from io import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from maskwright.errors import DataError, need

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 259, 262, 274
_SAMPLES, _EXTRA, _FORMAT = 277, 338, 339
_STRIP_HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 278, 322, 323
_PLACES = (33550, 33922, 34264, 34735, 50844)  # GeoTIFF's scale, tie points, transformation and keys; RPC
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_JPEG = 7  # compression
_ALPHA = (1, 2)  # kinds of extra sample: premultiplied and plain alpha; 0 is "unspecified"
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_MAX_BANDS = 1000


@dataclass(frozen=True)
class TiffLayout:
    """The first page as its tags describe it.

    samples: numbers a pixel, of `bits` each. kind: 1 unsigned, 2 signed, 3 floating point. extra: what the samples
    beyond the colours are. orientation: as in EXIF. width and height are before it. end: where the pixels end in the
    file, in bytes. placed: whether its tags say where on Earth it lies. block: (height, width)
    of a strip or tile, which is decoded as a whole.
    """

    width: int
    height: int
    samples: int
    bits: int
    kind: int
    photometric: int
    extra: tuple[int, ...]
    orientation: int
    end: int
    compression: int = 1
    placed: bool = False
    block: tuple[int, int] = (0, 0)

    @property
    def palette(self) -> bool:
        """Whether the values are indices of a palette."""
        return self.photometric == _PALETTE

    @property
    def windows(self) -> bool:
        """Whether any window of it can be read by itself, with the pixels that the whole picture has there."""
        if self.orientation > 1 or self.kind != _UNSIGNED or self.bits not in (8, 16) or 1 in self.extra:
            return False  # 1: colours multiplied by alpha
        if self.palette:
            return self.bits == 8 and self.samples == 1
        return self.photometric in (_BLACK_IS_ZERO, _RGB) or (self.photometric, self.compression) == (_YCBCR, _JPEG)

    @property
    def alpha(self) -> tuple[int, ...]:
        """Positions of alpha samples."""
        colours = self.samples - len(self.extra)
        return tuple(colours + i for i, kind in enumerate(self.extra) if kind in _ALPHA)

    @property
    def bands(self) -> int:
        """Bands that a picture has once alpha is dropped."""
        return self.samples - len(self.alpha)

    @property
    def needs_tifffile(self) -> bool:
        """Whether Pillow would lose bits or bands, or cannot read it at all."""
        if self.samples == 1:
            return False
        if self.bits != 8 or self.kind != _UNSIGNED:
            return True
        if self.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
            return not (self.samples == 2 and self.alpha)
        if self.photometric == _RGB:
            return self.bands != 3
        return False


def read_tiff_layout(file: BinaryIO) -> TiffLayout:
    """Read the tags of the first page. Raises ValueError, TypeError, struct.error or OSError on damaged ones."""
    tags = _read_tags(file)
    photometric = int(tags.get(_PHOTOMETRIC, 0))
    bits = _numbers(tags.get(_BITS, 1))
    samples = int(tags.get(_SAMPLES, len(bits) if len(bits) > 1 else (3 if photometric in (_RGB, _YCBCR) else 1)))
    if not 1 <= samples <= _MAX_BANDS or max(bits) not in (1, 2, 4, 8, 12, 16, 32, 64):
        raise ValueError(f"{samples} samples of {max(bits)} bits")
    extra = _numbers(tags.get(_EXTRA, ()))
    colours = {_RGB: 3, _YCBCR: 3, _LAB: 3, _CMYK: 4}.get(photometric, 1)
    if not extra and samples > colours:
        # Undeclared: a fourth sample beside RGB is taken as alpha, as all readers do; others are bands.
        extra = (2,) if photometric == _RGB and samples == 4 else (0,) * (samples - colours)
    return TiffLayout(
        width=int(tags.get(_WIDTH, 0)),
        height=int(tags.get(_HEIGHT, 0)),
        samples=samples,
        bits=max(bits),
        kind=max(_numbers(tags.get(_FORMAT, 1))),
        photometric=photometric,
        extra=extra[: max(0, samples - 1)],
        orientation=int(tags.get(_ORIENTATION, 1)),
        end=_end(tags),
        compression=int(tags.get(_COMPRESSION, 1)),
        placed=any(tag in tags for tag in _PLACES),
        block=_block(tags),
    )


def read_with_tifffile(file: BinaryIO, layout: TiffLayout, path: Path) -> NDArray[np.unsignedinteger[Any]]:
    """Decode the first page: (H, W, bands) uint8 or uint16, alpha dropped, not yet oriented.

    Raises MissingDependency without the extra `geo`, DataError for values that 16 unsigned bits cannot hold.
    """
    if layout.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
        raise DataError(
            f"The TIFF holds {layout.samples} samples of {layout.bits} bits in a colour space that is not read here.",
            where=str(path), fix="convert it to RGB")  # fmt: skip
    purpose = f"Reading {path.name} ({layout.samples} bands of {layout.bits} bits)"
    tifffile = need("tifffile", extra="geo", purpose=purpose)
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        if page.compression not in (1, 8, 32946, 32773):  # none, two names of deflate, PackBits: the rest needs codecs
            need("imagecodecs", extra="geo", purpose=purpose)
        pixels = page.asarray()
        if page.axes.startswith("S"):
            pixels = np.moveaxis(pixels, 0, -1)
    if pixels.shape != (layout.height, layout.width, layout.samples):
        raise ValueError(f"pixels of shape {pixels.shape}")
    kept = [band for band in range(layout.samples) if band not in layout.alpha]
    return fit_unsigned(pixels[:, :, kept], path)


def fit_unsigned(pixels: NDArray[Any], path: Path) -> NDArray[np.unsignedinteger[Any]]:
    """Return whole numbers as uint8 or uint16, unchanged in value. Raises DataError where they do not fit."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind == "f":
        raise DataError("The pixels are floating-point numbers.", where=str(path),
                        fix="save them as 8- or 16-bit whole numbers, scaled alike in all files")  # fmt: skip
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8)
    low, high = (int(pixels.min()), int(pixels.max())) if pixels.size else (0, 0)
    if low < 0 or high > 65535:
        raise DataError(f"The pixels hold values from {low} to {high}; 0 to 65535 can be read.", where=str(path),
                        fix="save them as 8- or 16-bit unsigned whole numbers")  # fmt: skip
    return pixels.astype(np.uint16)


def _read_tags(file: BinaryIO) -> ImageFileDirectory_v2:
    """Read the first directory. Raises ValueError, with "truncated" where the file ends before the directory does."""
    file.seek(0)
    head = file.read(8)
    if len(head) < 8:
        raise ValueError("truncated header")
    big = head[2] == 43 or head[3] == 43
    tags = ImageFileDirectory_v2(head + file.read(8) if big else head)
    file.seek(tags.next)
    count = int.from_bytes(file.read(8 if big else 2), "little" if head[:2] == b"II" else "big")
    end = file.seek(0, SEEK_END)
    if tags.next + (8 + 20 * count if big else 2 + 12 * count) > end:
        raise ValueError("truncated directory")
    file.seek(tags.next)
    tags.load(file)
    return tags


def _block(tags: ImageFileDirectory_v2) -> tuple[int, int]:
    width, height = int(tags.get(_WIDTH, 0)), int(tags.get(_HEIGHT, 0))
    if _TILE_WIDTH in tags:
        return int(tags.get(_TILE_HEIGHT, 0)), int(tags[_TILE_WIDTH])
    return min(height, int(tags.get(_STRIP_HEIGHT, height))), width


def _end(tags: ImageFileDirectory_v2) -> int:
    """Return the end of the last strip or tile, in bytes from the start of the file; 0 where it is not said."""
    ends = [0]
    for offsets, sizes in ((273, 279), (324, 325)):
        pieces = zip(_numbers(tags.get(offsets, ())), _numbers(tags.get(sizes, ())), strict=False)
        ends += [offset + size for offset, size in pieces]
    return max(ends)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(int(item) for item in value) if isinstance(value, tuple | list) else (int(value),)
