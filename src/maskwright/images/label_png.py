"""Masks as PNG files, made quickly: as few bits a pixel as the classes need, and only runs are looked for.

Masks are large even areas: the difference from the row above is nearly all zeros, so runs compress it better than
zlib's usual search for repetitions does, in a fifth of the time. Knows no photographs: those want another compressor.
Source: ISO/IEC 15948 (PNG), 11.2; filter 2 is "up".
"""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError

_GREY, _PALETTE = 0, 3  # colour types
_UP = 2


def encode_label_png(mask: NDArray[np.uint8], palette: Sequence[tuple[int, int, int]] | None = None) -> bytes:
    """Return a PNG of (H, W) uint8 without any metadata.

    palette: colours of the values, at most 256; a value beyond them is black. Without one it is a grey picture of 8
    bits. Raises ShapeError for other arrays.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or not mask.size or (palette is not None and len(palette) > 256):
        colours = "" if palette is None else f", {len(palette)} colours"
        raise ShapeError(
            f"A mask's PNG wants (H, W) uint8 and up to 256 colours; got {mask.shape} {mask.dtype}{colours}."
        )
    if palette is None:
        return _file(mask.shape, 8, _GREY, b"", mask)
    count = max(len(palette), int(mask.max()) + 1)
    bits = next(bits for bits in (1, 2, 4, 8) if count <= 1 << bits)
    table = bytes(value for colour in palette for value in colour).ljust(3 * count, b"\0")
    return _file(mask.shape, bits, _PALETTE, table, pack_bits(mask, bits))


def pack_bits(mask: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Return the rows of (H, W) values below 2**bits, `bits` (1, 2, 4 or 8) to each, the first in the highest bits."""
    if bits == 8:
        return mask
    if bits == 1:
        return np.packbits(mask, axis=1)
    each = 8 // bits
    missing = -mask.shape[1] % each
    columns = np.pad(mask, ((0, 0), (0, missing))) if missing else mask
    packed = np.zeros((mask.shape[0], columns.shape[1] // each), np.uint8)
    for place in range(each):
        packed |= columns[:, place::each] << np.uint8(8 - bits * (place + 1))
    return packed


def _file(shape: tuple[int, ...], bits: int, colour: int, palette: bytes, rows: NDArray[np.uint8]) -> bytes:
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    compressor = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    content = compressor.compress(filtered.data) + compressor.flush()
    header = struct.pack(">IIBBBBB", shape[1], shape[0], bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", content), (b"IEND", b"")]
    if palette:
        chunks.insert(1, (b"PLTE", palette))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
