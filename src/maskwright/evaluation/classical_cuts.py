"""Cutting a picture in two without learning: by similarity (Otsu, k-means), by discontinuity (watershed from edges).

Arrays in, regions out. Which region is the object is not asked here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.evaluation.facts import grey, shades, thinned
from maskwright.images.sizes import resize_image

SIDE = 256  # the longer side at which a picture is cut, in pixels: texture finer than that only misleads a threshold
_SAMPLE = 1 << 12  # pixels from which centres are learnt
_STEPS = 30

Floats = NDArray[np.float32]
Region = NDArray[np.bool_]


def reduced(image: NDArray[Any]) -> Floats:
    """Return (h, w, C) of a picture (H, W, C) as numbers in [0, 1], the longer side at most 256 pixels."""
    factor = SIDE / max(image.shape[:2])
    coarse = max(1, int(1 / (2 * factor)))  # every n-th pixel leaves at least twice the side to average over
    small = thinned(image, coarse)
    if factor < 1:
        height, width = (max(1, round(length * factor)) for length in image.shape[:2])
        small = resize_image(np.ascontiguousarray(small), (height, width))
    return shades(small)


def otsu(colours: Floats) -> Region:
    """Return where the grey lies above Otsu's threshold. Nothing where the grey is constant."""
    from skimage.filters import threshold_otsu

    level = grey(colours)
    if level.min() == level.max():
        return np.zeros(level.shape, bool)
    above: Region = level > threshold_otsu(level)  # type: ignore[no-untyped-call]
    return above


def kmeans(colours: Floats) -> Region:
    """Return the brighter of the two clusters of colours. Nothing where the colour is constant."""
    found, centres = clusters(colours, 2)
    if len(centres) < 2:
        return np.zeros(found.shape, bool)
    brighter: Region = found == int(grey(centres[None])[0].argmax())
    return brighter


def watershed(colours: Floats) -> Region:
    """Return the brighter basin when the picture is flooded over its edges (Sobel's gradient) from both extremes.

    Markers, as in scikit-image's own example: what is surely dark and what is surely bright; here darker than the
    mean of all that Otsu's threshold calls dark, brighter than the mean of all that it calls bright.
    """
    from skimage.filters import sobel
    from skimage.segmentation import watershed as flood

    level, bright = grey(colours), otsu(colours)
    if not bright.any():
        return bright
    markers = np.zeros(level.shape, np.int32)
    markers[level <= level[~bright].mean()] = 1
    markers[level >= level[bright].mean()] = 2
    edges = sobel(level)  # type: ignore[no-untyped-call]
    basins: Region = flood(edges, markers) == 2  # type: ignore[no-untyped-call]
    return basins


METHODS: dict[str, Callable[[Floats], Region]] = {"otsu": otsu, "kmeans": kmeans, "watershed": watershed}


def clusters(colours: Floats, number: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the cluster (h, w) of each pixel and the clusters' centres (k, C), k at most `number`.

    Lloyd's k-means on some of the pixels, begun with equal parts along the direction in which colours differ most:
    nothing is drawn at random. A cluster that loses all its pixels is gone.
    """
    pixels = colours.reshape(-1, colours.shape[2])
    sample = pixels[:: -(-len(pixels) // _SAMPLE)]
    around = (sample - sample.mean(axis=0)).astype(np.float64)
    along = around @ np.linalg.eigh(around.T @ around)[1][:, -1]
    order = np.argsort(along, kind="stable")
    which = np.empty(len(sample), np.intp)
    which[order] = np.arange(len(sample)) * number // len(sample)
    for _ in range(_STEPS):
        centres = _means(sample, which, number)
        before, which = which, nearest(sample, centres)
        if np.array_equal(before, which):
            break
    centres = np.unique(_means(sample, which, number), axis=0)
    return nearest(pixels, centres).reshape(colours.shape[:2]), centres


def nearest(pixels: Floats, centres: Floats) -> NDArray[np.intp]:
    """Return the number of the nearest centre (k, C) of each pixel (P, C), the first of equals."""
    distances = (centres**2).sum(axis=1) - 2 * (pixels @ centres.T)
    return np.asarray(distances.argmin(axis=1), np.intp)


def _means(pixels: Floats, which: NDArray[np.intp], number: int) -> Floats:
    """Return the mean (k, C) of each cluster that has pixels."""
    members = np.bincount(which, minlength=number)
    bands = range(pixels.shape[1])
    sums = np.stack([np.bincount(which, weights=pixels[:, band], minlength=number) for band in bands], axis=1)
    return (sums[members > 0] / members[members > 0, None]).astype(np.float32)
