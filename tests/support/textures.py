"""Pictures with something to see everywhere, as photographs have."""

import numpy as np
from PIL import Image


def texture(seed=0, size=(120, 160)):
    """Soft patches of colour with a little noise: (H, W, 3) uint8; another for each seed."""
    rng = np.random.default_rng(seed)
    layers = np.zeros((*size, 3), np.float32)
    for cells, contrast in ((5, 50), (12, 40), (25, 20)):
        coarse = rng.integers(0, 256, (cells, cells * size[1] // size[0], 3)).astype(np.uint8)
        fine = Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC)
        layers += (np.asarray(fine, np.float32) - 128) * contrast / 64
    return (128 + layers + rng.normal(0, 3, layers.shape)).clip(0, 255).astype(np.uint8)
