"""From probabilities to a mask: the rule of a model file's graph, and the same for a picture larger than the network.

Enlarged probabilities are means of two by two neighbours. Where all four say the same class, so does every pixel
between them: only the others, a few per cent along the borders of objects, are calculated.
"""

import numpy as np
from numpy.typing import NDArray

from maskwright.images.classes import Classes
from maskwright.images.resize import line_taps, resize_float

Floats = NDArray[np.float32]
Mask = NDArray[np.uint8]
_PIXELS_AT_ONCE = 1 << 18  # so that what is looked at stays in a core's cache, however large the picture


def cut_probabilities(probabilities: Floats, classes: Classes, threshold: float | None) -> Mask:
    """Return the mask of probabilities (K, H, W), by the same rule as the graph of a model file.

    Two exclusive classes: (H, W), 1 where above the threshold; several: the index of the largest, the first of equals;
    overlapping: (H, W, K), each class above the threshold or not.
    """
    if threshold is None:
        index: Mask = probabilities.argmax(axis=0).astype(np.uint8)
        return index
    above = (probabilities > np.float32(threshold)).astype(np.uint8)
    return above[0] if classes.exclusive else np.ascontiguousarray(above.transpose(1, 2, 0))


def cut_resized(probabilities: Floats, size: tuple[int, int], classes: Classes, threshold: float | None) -> Mask:
    """Return the mask at `size` (height, width) of probabilities (K, h, w), without making them all at that size.

    What `cut_probabilities` gives of `resize_float`, but for pixels that lie on the threshold to their last bits.
    """
    if size[0] < probabilities.shape[1] or size[1] < probabilities.shape[2]:
        return cut_probabilities(np.clip(resize_float(probabilities, size), 0, 1), classes, threshold)
    if classes.exclusive:
        return _cut_enlarged(probabilities, size, classes, threshold)
    one = Classes(("", "1"))
    planes = [_cut_enlarged(plane[None], size, one, threshold) for plane in probabilities]
    return np.stack(planes, axis=2)


def _cut_enlarged(probabilities: Floats, size: tuple[int, int], classes: Classes, threshold: float | None) -> Mask:
    labels = cut_probabilities(probabilities, classes, threshold)
    unsure = _corners_differ(labels)
    tops, down = _two_taps(labels.shape[0], size[0])
    lefts, right = _two_taps(labels.shape[1], size[1])
    wide_labels, wide_unsure = (np.take(plane, lefts, axis=1) for plane in (labels, unsure))
    mask = np.empty(size, np.uint8)
    at_once = max(1, _PIXELS_AT_ONCE // size[1])
    for first in range(0, size[0], at_once):
        block = slice(first, first + at_once)
        np.take(wide_labels, tops[block], axis=0, out=mask[block])
        places = np.flatnonzero(np.take(wide_unsure, tops[block], axis=0))
        if places.size:
            rows, columns = np.divmod(places, size[1])
            rows += first
            corner = np.take(tops, rows), np.take(lefts, columns)
            values = _between(probabilities, corner, np.take(down, rows, axis=1), np.take(right, columns, axis=1))
            mask.reshape(-1)[places + first * size[1]] = cut_probabilities(values[:, None], classes, threshold)[0]
    return mask


def _corners_differ(labels: Mask) -> NDArray[np.bool_]:
    """Return whether a label differs from one of those to the right, below, and below to the right."""
    padded = np.pad(labels, ((0, 1), (0, 1)), mode="edge")
    differs: NDArray[np.bool_] = padded[1:, :-1] != labels
    differs |= padded[:-1, 1:] != labels
    differs |= padded[1:, 1:] != labels
    return differs


def _two_taps(n_in: int, n_out: int) -> tuple[NDArray[np.int64], Floats]:
    """Return each output pixel's first input pixel (n_out,) and its weights of that and the next (2, n_out)."""
    first, weights = line_taps(n_in, n_out)
    return first, np.ascontiguousarray(weights[:, :2].T)


def _between(
    probabilities: Floats, corner: tuple[NDArray[np.int64], NDArray[np.int64]], down: Floats, right: Floats
) -> Floats:
    """Return (K, n) probabilities of n pixels by rows and columns of their upper left neighbours, and shares (2, n)."""
    height, width = probabilities.shape[1:]
    top, left = corner
    first = top * width + left
    to_below = np.where(top + 1 < height, width, 0)
    to_beside = (left + 1 < width).astype(np.int64)
    flat = probabilities.reshape(len(probabilities), -1)
    near = np.take(flat, first, axis=1) * down[0] + np.take(flat, first + to_below, axis=1) * down[1]
    first += to_beside
    far = np.take(flat, first, axis=1) * down[0] + np.take(flat, first + to_below, axis=1) * down[1]
    between: Floats = np.clip(near * right[0] + far * right[1], 0, 1)
    return between
