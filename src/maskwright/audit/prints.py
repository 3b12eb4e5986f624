"""What is kept of a picture's pixels to find others that show the same: a small thumbnail, landmarks, its colours.

Knows arrays only. A print has a fixed length, so that prints of a large set can lie in one file.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.audit.landmarks import MOST, Landmarks, find_landmarks

THUMBNAIL = 56  # side of a square thumbnail; others cover as many pixels
LANDMARKED = 96  # the same of the picture in which landmarks are found
LOOKS = 8  # figures of colour and texture
SPREADS = slice(3, 6)  # which of them are the spreads of red, green and blue
STEPS = 6  # which of them is the mean step between neighbours
_LONGEST = 4.0  # sides in a larger ratio than this are squeezed to it
_HEAD = 4  # bytes: height, width, how many landmarks, spare
_PIXELS = THUMBNAIL * THUMBNAIL
_ROWS = 1024  # prints that are looked at together
_LANDMARK = 8 + 2 + 1
PRINT_BYTES = _HEAD + 4 * LOOKS + _PIXELS + _LANDMARK * MOST


@dataclass(frozen=True)
class PicturePrint:
    """thumbnail: (h, w) uint8 grey, of the picture's shape and about 56 * 56 pixels.

    landmarks: their places in a picture of the same shape and about 96 * 96 pixels. looks: (8,) float32 as `_looks`.
    """

    thumbnail: NDArray[np.uint8]
    landmarks: Landmarks
    looks: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """Return PRINT_BYTES bytes."""
        count = len(self.landmarks.codes)
        missing = MOST - count
        parts = (
            bytes((*self.thumbnail.shape, count, 0)),
            self.looks.astype("<f4").tobytes(),
            self.thumbnail.tobytes().ljust(_PIXELS, b"\0"),
            self.landmarks.codes.astype("<u8").tobytes() + bytes(8 * missing),
            self.landmarks.places.tobytes() + bytes(2 * missing),
            self.landmarks.turns.tobytes() + bytes(missing),
        )
        return b"".join(parts)

    @staticmethod
    def from_bytes(content: bytes) -> "PicturePrint":
        """Undo `to_bytes`."""
        height, width, count, _ = content[:_HEAD]
        at = _HEAD + 4 * LOOKS
        looks = np.frombuffer(content, "<f4", LOOKS, _HEAD).astype(np.float32)
        thumbnail = np.frombuffer(content, np.uint8, height * width, at).reshape(height, width)
        at += _PIXELS
        codes = np.frombuffer(content, "<u8", count, at).astype(np.uint64)
        places = np.frombuffer(content, np.uint8, 2 * count, at + 8 * MOST).reshape(count, 2)
        turns = np.frombuffer(content, np.uint8, count, at + 10 * MOST)
        return PicturePrint(thumbnail, Landmarks(codes, places, turns), looks)


def picture_print(image: NDArray[Any]) -> PicturePrint:
    """Return the print of a picture, (H, W, C) uint8 or uint16."""
    grey = grey_of(image)
    thumbnail = np.asarray(shrink(grey, THUMBNAIL))
    landmarks = find_landmarks(np.asarray(shrink(grey, LANDMARKED), np.float32))
    return PicturePrint(thumbnail, landmarks, _looks(image, thumbnail))


def landmark_codes(prints: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the codes (m,) of all landmarks of prints, (n, PRINT_BYTES), and the row of each (m,)."""
    codes, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    at = _HEAD + 4 * LOOKS + _PIXELS
    for start in range(0, len(prints), _ROWS):
        block = np.asarray(prints[start : start + _ROWS])
        there = np.arange(MOST) < block[:, 2:3]
        words = np.ascontiguousarray(block[:, at : at + 8 * MOST]).view("<u8").astype(np.uint64)
        codes.append(words[there])
        owners.append(start + np.nonzero(there)[0])
    return np.concatenate(codes), np.concatenate(owners)


def looks_of(prints: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the figures of colour and texture of prints, (n, PRINT_BYTES): (n, LOOKS)."""
    looks: NDArray[np.float32] = np.ascontiguousarray(prints[:, _HEAD : _HEAD + 4 * LOOKS]).view("<f4")
    return looks.astype(np.float32)


def fineness_of(prints: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how much wider the pixels of each picture are spread than its thumbnail's, as a logarithm: (n,).

    About 0 for photographs; noise and fine patterns average out in a thumbnail.
    """
    pixels = prints[:, :1].astype(np.float32) * prints[:, 1:2]
    at = _HEAD + 4 * LOOKS
    thumbnails = prints[:, at : at + _PIXELS].astype(np.float32)  # zeros behind the last pixel
    mean, square = (values.sum(axis=1) / pixels[:, 0] for values in (thumbnails, thumbnails**2))
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    fineness: NDArray[np.float32] = np.log((looks_of(prints)[:, SPREADS].mean(axis=1) + 1) / (spread + 1))
    return fineness


def grey_of(image: NDArray[Any]) -> Image.Image:
    """Return a picture, (H, W, C) uint8 or uint16, in grey levels of 8 bits."""
    pixels = image if image.dtype == np.uint8 else (image >> max(0, int(image.max()).bit_length() - 8)).astype(np.uint8)
    if pixels.shape[2] == 3:
        return Image.fromarray(np.ascontiguousarray(pixels)).convert("L")
    if pixels.shape[2] == 1:
        return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]))
    return Image.fromarray(pixels[:, :, :3].mean(axis=2).astype(np.uint8))


def shrink(grey: Image.Image, side: int) -> Image.Image:
    """Return the picture at its own shape, as far as sides go, and at most side * side pixels: means of areas."""
    root = min(max(grey.height / grey.width, 1 / _LONGEST), _LONGEST) ** 0.5
    size = max(1, int(side / root)), max(1, int(side * root))
    return grey.resize(size, Image.Resampling.BOX if min(grey.size) > side else Image.Resampling.BILINEAR)


def _looks(image: NDArray[Any], thumbnail: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return means and spreads of red, green and blue, mean step between neighbours, and mean colourfulness."""
    step = max(1, min(image.shape[:2]) // 48)
    pixels = image[::step, ::step, :3].astype(np.float32)
    if image.dtype != np.uint8:
        pixels /= 257
    if pixels.shape[2] != 3:
        pixels = np.repeat(pixels[:, :, :1], 3, axis=2)
    flat = pixels.reshape(-1, 3)
    steps = np.abs(np.diff(thumbnail.astype(np.float32), axis=1)).mean() if thumbnail.shape[1] > 1 else 0.0
    colourful = (flat.max(axis=1) - flat.min(axis=1)).mean()
    return np.array([*flat.mean(axis=0), *flat.std(axis=0), steps, colourful], np.float32)
