"""What a model file's graph does around its network in mode 'whole', in numpy and Pillow: the cheap way to a mask.

The graph resizes by products of full matrices, nearly all of whose weights are zero; here only the others count. The
answers differ in the last bits alone.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.runtime.description import ModelDescription

Floats = NDArray[np.float32]


def network_input(image: NDArray[np.generic], description: ModelDescription) -> Floats:
    """Return (1, C, h, w) float32 as the network wants it, for a picture (H, W, C) uint8 or uint16 of any size."""
    height, width = description.size
    pixels = np.empty((1, image.shape[2], height, width), np.float32)
    for band in range(image.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(image[:, :, band], np.float32))
        pixels[0, band] = np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR))
    return normalise(pixels, description)


def normalise(pixels: Floats, description: ModelDescription) -> Floats:
    """Return resized pixels (N, C, h, w) as the network wants them; the same array, changed."""
    np.minimum(pixels, np.float32(description.value_range), out=pixels)
    std = np.asarray(description.std, np.float64)
    pixels *= (1 / (description.value_range * std)).astype(np.float32).reshape(1, -1, 1, 1)
    pixels += (-np.asarray(description.mean, np.float64) / std).astype(np.float32).reshape(1, -1, 1, 1)
    return pixels


def activate(logits: Floats, description: ModelDescription) -> Floats:
    """Return probabilities for logits (N, K, h, w): temperature, then sigmoid, or softmax over K."""
    values = logits / np.float32(description.temperature)
    if description.thresholded:
        small = np.exp(-np.abs(values))  # never overflows
        probabilities: Floats = np.where(values >= 0, np.float32(1), small) / (1 + small)
        return probabilities
    values -= values.max(axis=1, keepdims=True)
    np.exp(values, out=values)
    values /= values.sum(axis=1, keepdims=True)
    return values
