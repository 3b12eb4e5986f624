"""One depth for pictures of several: 8 bits to 16 and back. Training and prediction both read by it."""

import numpy as np

from maskwright.images.modes import Pixels


def to_depth(image: Pixels, dtype: str) -> Pixels:
    """Return uint8 or uint16 pixels as "uint8" or "uint16": scaled to the full range, or without the low byte.

    >>> to_depth(np.array([0, 1, 255], np.uint8), "uint16").tolist()
    [0, 257, 65535]
    >>> to_depth(np.array([0, 511, 65535], np.uint16), "uint8").tolist()
    [0, 1, 255]
    """
    if dtype == "uint16" and image.dtype == np.uint8:
        return image.astype(np.uint16) * np.uint16(257)
    if dtype == "uint8" and image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    return image
