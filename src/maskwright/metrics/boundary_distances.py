"""How far each boundary pixel is from the nearest one of another boundary: exact Euclidean distances.

Pixels that lie on the other boundary or beside it are found by looking around them. For the rest two roads give the
same numbers: a k-d tree where boundaries are thin, and a distance transform, whose time and memory go with the pixels
alone, where there are very many.
"""

import numpy as np
from numpy.typing import NDArray

from maskwright.metrics.boundary_pixels import Mask

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]
Size = tuple[float, float]

UNIT: Size = (1.0, 1.0)
_PIXELS_A_POINT = 5  # a point asked of the tree costs as much as this many pixels of a distance transform (measured)
_LEAF = 32
_LOOK = 3  # pixels looked at around a point, in each direction


def nearest(boundary: Mask, other: Mask, size: Size = UNIT) -> Floats:
    """Return for each pixel of `boundary` the distance to the nearest pixel of `other`, in no particular order.

    boundary, other: bool (h, w), both with at least one pixel. size: (height, width) of a pixel.
    """
    on_it = np.count_nonzero(boundary & other)
    beside, rest = _look_around(np.flatnonzero(boundary & ~other), other, size)
    parts = [np.zeros(on_it), beside]
    if rest.size:
        points = np.stack(np.divmod(rest, boundary.shape[1]), axis=1)
        targets = np.count_nonzero(other)
        by_tree = _PIXELS_A_POINT * (len(points) + targets // 4) < boundary.size
        parts.append((_by_tree if by_tree else _by_transform)(points, other, size))
    return np.concatenate(parts)


def _look_around(places: Numbers, other: Mask, size: Size) -> tuple[Floats, Numbers]:
    """Return the distances of the places that have a pixel of `other` close by, and the places that have none."""
    around = np.pad(other, _LOOK)
    width = around.shape[1]
    rows, columns = np.divmod(places, other.shape[1])
    at = (rows + _LOOK) * width + columns + _LOOK
    found = []
    for down, right, length in _steps(size):
        hit = around.reshape(-1)[at + down * width + right]
        found.append(np.full(np.count_nonzero(hit), length))
        at, places = at[~hit], places[~hit]
    return np.concatenate([np.zeros(0), *found]), places


def _steps(size: Size) -> list[tuple[int, int, float]]:
    """Return the steps (rows, columns, length) around a point, shortest first, as far as no step is left out."""
    reach = range(-_LOOK, _LOOK + 1)
    steps = [(down, right, float(np.hypot(down * size[0], right * size[1]))) for down in reach for right in reach]
    return sorted((one for one in steps if 0 < one[2] <= _LOOK * min(size)), key=lambda one: one[2])


def _by_tree(points: Numbers, other: Mask, size: Size) -> Floats:
    from scipy.spatial import cKDTree

    targets = np.stack(np.divmod(np.flatnonzero(other), other.shape[1]), axis=1)
    tree = cKDTree(targets * np.array(size), leafsize=_LEAF, compact_nodes=False, balanced_tree=False)
    return np.asarray(tree.query(points * np.array(size))[0], np.float64)


def _by_transform(points: Numbers, other: Mask, size: Size) -> Floats:
    from scipy.ndimage import distance_transform_edt

    found = distance_transform_edt(~other, sampling=size, return_distances=False, return_indices=True)
    rows, columns = points.T
    down, right = ((found[axis, rows, columns] - points[:, axis]) * size[axis] for axis in (0, 1))
    return np.asarray(np.sqrt(down**2 + right**2), np.float64)
