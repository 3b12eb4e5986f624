"""PNG files: their chunks, and the pixels of those with 16 bits a band in colour or with alpha; writing the former.

Pillow reads such pixels but keeps only the high byte of each; here all 16 bits are kept. Knows PNG alone.

Source: the PNG specification, third edition, W3C 2025, sections 5 (chunks), 8 (interlacing) and 9 (filters).
"""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError

_BANDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first row, first column, row step, column step of each pass.
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


@dataclass(frozen=True)
class PngHeader:
    """What the chunks say before anything is inflated.

    bits: of each band. colour: PNG's colour type (0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA).
    exif: content of the eXIf chunk. frames: of an animated PNG, else 1. transparency: whether there is a tRNS chunk.
    data: (offset, length) of each IDAT chunk.
    """

    width: int
    height: int
    bits: int
    colour: int
    interlaced: bool
    exif: bytes
    frames: int
    transparency: bool
    data: tuple[tuple[int, int], ...]


def read_png_header(file: BinaryIO) -> PngHeader:
    """Walk over the chunks without reading their pixels. A file that ends early gives what came before its end.

    Raises ValueError if the first chunk is no valid header.
    """
    file.seek(8)
    start = file.read(8 + 13)
    if len(start) < 21 or start[4:8] != b"IHDR":
        raise ValueError("truncated header")
    width, height, bits, colour, _, _, interlace = struct.unpack(">IIBBBBB", start[8:])
    if colour not in _BANDS:
        raise ValueError(f"colour type {colour} does not exist")
    exif, frames, transparency, data = b"", 1, False, []
    position = 8 + 8 + 13 + 4
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IDAT":
            data.append((position + 8, length))
        elif kind == b"eXIf":
            exif = file.read(min(length, 1 << 20))
        elif kind == b"acTL" and length == 8:
            frames = max(1, int.from_bytes(file.read(4), "big"))
        elif kind == b"tRNS":
            transparency = True
        position += 12 + length
    return PngHeader(width, height, bits, colour, interlace == 1, exif, frames, transparency, tuple(data))


def read_png16(file: BinaryIO, header: PngHeader) -> NDArray[np.uint16]:
    """Decode all bands of a PNG with 16 bits a band: (H, W, bands) uint16, alpha included.

    Raises zlib.error and ValueError on damage; "truncated" where the file ends too early.
    """
    bands = _BANDS[header.colour]
    pixel = 2 * bands
    passes = _PASSES if header.interlaced else ((0, 0, 1, 1),)
    shapes = [(-(-(header.height - y) // dy), -(-(header.width - x) // dx)) for y, x, dy, dx in passes]
    shapes = [shape if min(shape) > 0 else (0, 0) for shape in shapes]
    sizes = [height * (1 + width * pixel) if width else 0 for height, width in shapes]
    content = _inflate(file, header, sum(sizes))
    image = np.empty((header.height, header.width, pixel), np.uint8)
    offset = 0
    for (y, x, dy, dx), (height, width), size in zip(passes, shapes, sizes, strict=True):
        if size:
            rows = content[offset : offset + size].reshape(height, 1 + width * pixel)
            image[y::dy, x::dx] = _unfilter(rows[:, 0], rows[:, 1:].reshape(height, width, pixel))
        offset += size
    return image.view(">u2").astype(np.uint16)


def _inflate(file: BinaryIO, header: PngHeader, size: int) -> NDArray[np.uint8]:
    """Inflate exactly `size` bytes; what a crafted file holds beyond them is never unpacked."""
    inflater = zlib.decompressobj()
    parts: list[bytes] = []
    missing = size
    for offset, length in header.data:
        if not missing:
            break
        file.seek(offset)
        part = inflater.decompress(file.read(length), missing)
        parts.append(part)
        missing -= len(part)
    if missing:
        raise ValueError("truncated")
    return np.frombuffer(b"".join(parts), np.uint8)


def _unfilter(filters: NDArray[np.uint8], rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo the filter of each row: (H, W, bytes of a pixel) uint8 in and out.

    A pixel needs its left, upper and upper left neighbours, so all pixels of one anti-diagonal are done at once: in
    the padded, flattened result they lie `width` apart.
    """
    height, width, pixel = rows.shape
    if filters.max() > 4:
        raise ValueError(f"filter {filters.max()} does not exist")
    done = np.zeros(((height + 1) * (width + 1), pixel), np.uint8)
    flat = rows.reshape(height * width, pixel)
    kinds = filters[:, None]
    for diagonal in range(height + width - 1):
        top, bottom = max(0, diagonal - width + 1), min(height - 1, diagonal)
        first, last = top * width + diagonal + width + 2, bottom * width + diagonal + width + 2
        left = done[first - 1 : last : width].astype(np.int16)
        up = done[first - width - 1 : last - width : width].astype(np.int16)
        corner = done[first - width - 2 : last - width - 1 : width].astype(np.int16)
        step = max(1, width - 1)
        begin = top * width + diagonal - top
        filtered = flat[begin : begin + (bottom - top) * step + 1 : step]
        guess = _predict(kinds[top : bottom + 1], left, up, corner)
        done[first : last + 1 : width] = filtered + guess.astype(np.uint8)
    return done.reshape(height + 1, width + 1, pixel)[1:, 1:]


def _predict(
    kinds: NDArray[np.uint8], left: NDArray[np.int16], up: NDArray[np.int16], corner: NDArray[np.int16]
) -> NDArray[np.int16]:
    """Predict by each row's filter: 0 nothing, 1 left, 2 up, 3 their mean, 4 Paeth's choice."""
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
    return np.select(
        [kinds == 1, kinds == 2, kinds == 3, kinds == 4], [left, up, (left + up) >> 1, paeth], default=np.int16(0)
    )


def encode_png16(image: NDArray[np.uint16]) -> bytes:
    """Return a PNG of (H, W, 3) uint16 without any metadata; Pillow cannot write one.

    Each row is filtered by its difference from the row above (filter 2).
    """
    height, width, bands = image.shape
    if bands != 3 or image.dtype != np.uint16 or not image.size:
        raise ShapeError(f"A 16-bit colour PNG wants (H, W, 3) uint16; got {image.shape} {image.dtype}.")
    rows = np.ascontiguousarray(image, ">u2").view(np.uint8).reshape(height, 2 * bands * width)
    filtered = np.full((height, 1 + rows.shape[1]), 2, np.uint8)
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    content = zlib.compress(filtered.tobytes(), 6)
    chunks = ((b"IHDR", header), (b"IDAT", content), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
