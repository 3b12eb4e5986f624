"""Gaussian blur as scipy's, whose kernels are kept: for many small pictures making them takes as long as using them."""

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def blur(
    fields: NDArray[np.float32],
    sigma: float,
    *,
    mode: Literal["reflect", "nearest"] = "reflect",
    truncate: float = 4.0,
) -> NDArray[np.float32]:
    """Return (..., h, w) float32 blurred along its last two axes: the same bits as scipy's `gaussian_filter`."""
    kernel = _kernel(sigma, truncate)
    blurred = np.empty(fields.shape, np.float32)
    ndimage.correlate1d(fields, kernel, -2, blurred, mode)
    ndimage.correlate1d(blurred, kernel, -1, blurred, mode)
    return blurred


@lru_cache(64)
def _kernel(sigma: float, truncate: float) -> NDArray[np.float64]:
    reach = int(truncate * float(sigma) + 0.5)
    kernel: NDArray[np.float64] = np.exp(-0.5 / (sigma * sigma) * np.arange(-reach, reach + 1) ** 2)
    kernel = (kernel / kernel.sum())[::-1]
    kernel.flags.writeable = False
    return kernel
