"""How well a picture's colours tell a mask's inside from its outside: learnt away from the outline, used along it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from maskwright.audit.blurring import blur
from maskwright.audit.working import Field, slopes

_BELIEVED = 6.0  # pixels that a colour must have to be believed
_EVEN = 0.02  # keeps likelihoods from growing beyond bounds
_SURE = 0.25  # pixels with at least 1 - _SURE of their surroundings inside teach the colours of the inside


def colour_codes(picture: Field) -> tuple[NDArray[np.int64], int]:
    """Return a code of each pixel's colour, (h, w), and how many there are: brightness and two hues, evenly cut."""
    if picture.shape[2] == 1:
        grey = blur(picture[:, :, 0], 0.7, mode="nearest")
        return _cut_evenly(grey, 18), 18
    red, green, blue = (picture[:, :, band] for band in range(3))
    brightness = _cut_evenly(red + green + blue, 6)
    return (brightness * 4 + _cut_evenly(red - green, 4)) * 4 + _cut_evenly(blue - green, 4), 96


def _cut_evenly(values: Field, parts: int) -> NDArray[np.int64]:
    codes = np.zeros(values.shape, np.int64)
    for border in np.quantile(values.ravel()[::4], np.arange(1, parts) / parts):
        codes += values > border
    return codes


class Inside:
    """How likely each pixel belongs inside one plane, by its colour; and the bands in which that is compared.

    likelihood: (h, w), positive inside. narrow, wide: (h, w), positive inside, negative outside, 0 far off.
    The colours are learnt away from the outline, so that a shifted mask does not teach its own mistake.
    """

    def __init__(self, plane: Field, colours: NDArray[np.int64], count: int) -> None:
        down, right = slopes(plane[None])
        thickness = 2 * float(plane.sum()) / max(1.0, float(np.hypot(down, right).sum()))
        around = blur(plane, 2.5, mode="nearest", truncate=3)
        self.plane = plane
        self.sure_inside = (np.clip((around - 1 + _SURE) / _SURE, 0, 1) + 0.02) * plane
        self.sure_outside = (np.clip((_SURE - around) / _SURE, 0, 1) + 0.02) * (1 - plane)
        self.narrow = _band(plane, 3.0)
        self.wide = _band(plane, float(np.clip(thickness, 2, 16)))
        self.likelihood = likelihood(self.sure_inside, self.sure_outside, colours, count)


def _band(plane: Field, sigma: float) -> Field:
    """Return a plane less its surroundings, two running means as wide as a normal curve of this spread."""
    width = 2 * round(np.sqrt(6 * sigma**2 + 1) / 2) + 1
    around = ndimage.uniform_filter(ndimage.uniform_filter(plane, width, mode="nearest"), width, mode="nearest")
    band: Field = plane - around
    return band


def likelihood(inside: Field, outside: Field, colours: NDArray[np.int64], count: int) -> Field:
    """Return the logarithm of how much likelier each pixel's colour is inside than outside, around 0: (h, w).

    inside, outside: (h, w) weights of the pixels that teach it. colours: (h, w) codes below `count`.
    """
    codes = colours.ravel()
    shares = []
    for weight in (inside, outside):
        counted = np.bincount(codes, weight.ravel(), count)
        shares.append(counted * (codes.size / 2 / max(1e-6, float(counted.sum()))))
    chance = (shares[0] + _BELIEVED / 2) / (shares[0] + shares[1] + _BELIEVED)
    logarithm = np.log((chance + _EVEN) / (1 - chance + _EVEN)).astype(np.float32)
    found: Field = np.take(logarithm, colours)
    found -= found.mean()
    return found
