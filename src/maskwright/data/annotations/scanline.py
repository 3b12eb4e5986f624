"""Filling a polygon: which pixel centres lie inside, by the even-odd rule, all edges at once.

A centre on the left or top border is inside, one on the right or bottom border is not: polygons that share a border
share no pixel, and (2, 3) to (5, 7) covers three columns and four rows.
"""

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 4_000_000  # crossings of edges and rows that are held in memory


def fill(ring: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (height, width), True for pixels whose centres lie in the closed ring (n, 2) of x, y; the rest is cut off.

    >>> fill(np.array([(1.0, 0.0), (3.0, 0.0), (3.0, 1.0), (1.0, 1.0)]), (2, 4)).astype(int).tolist()
    [[0, 1, 1, 0], [0, 0, 0, 0]]
    """
    height, width = size
    ends = np.roll(ring, -1, axis=0)
    low_y, high_y = np.minimum(ring[:, 1], ends[:, 1]), np.maximum(ring[:, 1], ends[:, 1])
    first = np.clip(np.ceil(low_y - 0.5), 0, height).astype(np.int64)  # rows whose centres an edge passes
    beyond = np.clip(np.ceil(high_y - 0.5), 0, height).astype(np.int64)
    crossed = beyond - first
    flips = np.zeros((height, width + 1), np.uint8)
    edges = np.flatnonzero(crossed > 0)
    for chunk in _chunks(edges, crossed):
        counts = crossed[chunk]
        edge = np.repeat(chunk, counts)
        row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
        share = (row + 0.5 - ring[edge, 1]) / (ends[edge, 1] - ring[edge, 1])
        x = ring[edge, 0] + share * (ends[edge, 0] - ring[edge, 0])
        column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
        np.bitwise_xor.at(flips, (row, column), np.uint8(1))
    inside = np.bitwise_xor.accumulate(flips[:, :width], axis=1)
    return inside.astype(bool)


def _chunks(edges: NDArray[np.int64], crossed: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Split edges so that each part crosses a bounded number of rows."""
    total = np.cumsum(crossed[edges])
    if not len(total) or total[-1] <= _AT_ONCE:
        return [edges] if len(edges) else []
    return np.split(edges, np.searchsorted(total, np.arange(_AT_ONCE, int(total[-1]), _AT_ONCE)))
