"""What is kept of a picture's pixels to find others that show the same: a small thumbnail, let go of all the rest.

Knows arrays only. A print has a fixed length, so that prints of a large set can lie in one file.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 16
PRINT_BYTES = THUMBNAIL * THUMBNAIL


@dataclass(frozen=True)
class PicturePrint:
    """thumbnail: (16, 16) uint8 grey, stretched to a square."""

    thumbnail: NDArray[np.uint8]

    def to_bytes(self) -> bytes:
        """Return PRINT_BYTES bytes."""
        return self.thumbnail.tobytes()

    @staticmethod
    def from_bytes(content: bytes) -> "PicturePrint":
        """Undo `to_bytes`."""
        return PicturePrint(np.frombuffer(content, np.uint8).reshape(THUMBNAIL, THUMBNAIL))


def picture_print(image: NDArray[Any]) -> PicturePrint:
    """Return the print of a picture, (H, W, C) uint8 or uint16."""
    return PicturePrint(make_thumbnail(image))


def make_thumbnail(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (16, 16) uint8: mean grey of each sixteenth, stretched to the picture's own shape."""
    step = max(1, min(image.shape[:2]) // 256)
    part = image[::step, ::step].astype(np.float32)
    grey = part[:, :, :3].mean(axis=2)
    if image.dtype != np.uint8:
        grey /= 257
    for axis in (0, 1):
        size = grey.shape[axis]
        if size < THUMBNAIL:
            grey = np.repeat(grey, -(-THUMBNAIL // size), axis=axis)
            size = grey.shape[axis]
        edges = np.arange(THUMBNAIL) * size // THUMBNAIL
        grey = np.add.reduceat(grey, edges, axis=axis)
        widths = np.diff(np.append(edges, size)).astype(np.float32)
        grey /= widths[:, None] if axis == 0 else widths[None, :]
    thumbnail: NDArray[np.uint8] = np.clip(grey.round(), 0, 255).astype(np.uint8)
    return thumbnail
