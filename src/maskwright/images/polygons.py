"""Outlines of regions along the edges of their pixels, with holes, exactly; and simpler ones (Douglas, Peucker 1973).

Coordinates are (x, y) in pixels, x to the right, y down; the top left pixel reaches from 0 to 1. Where two pixels of
one region touch at a corner only, its rings pass that corner on the outside: each ring is simple, and a region is one
polygon that is valid by the rules of Simple Features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwright.images.regions import Labels

Ring = NDArray[np.int64]  # (n, 2) of x, y, not closed: the first point is not repeated

_RIGHT, _DOWN, _LEFT, _UP = range(4)
# Where the pixel ahead on the left of an edge's end (x, y) lies among the padded labels: rows and columns to add.
_AHEAD_ON_THE_LEFT = np.array([(0, 1), (1, 1), (1, 0), (0, 0)])


@dataclass(frozen=True)
class Outline:
    """A region's border. The sum of x(i) y(i+1) - x(i+1) y(i) is positive for the exterior, negative for holes.

    With y down, as pictures have it, the exterior so runs clockwise as seen.
    """

    exterior: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The exterior and the holes."""
        return (self.exterior, *self.holes)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The left, top, width and height."""
        (left, top), (right, bottom) = self.exterior.min(axis=0).tolist(), self.exterior.max(axis=0).tolist()
        return left, top, right - left, bottom - top

    def simplified(self, tolerance: float) -> "Outline":
        """Return an outline without points that lie up to `tolerance` pixels from it, with 0 itself.

        Below 0.5, no pixel's centre changes sides: it is at least that far from any edge of pixels.
        """
        if not tolerance:
            return self
        return Outline(simplified(self.exterior, tolerance), tuple(simplified(hole, tolerance) for hole in self.holes))


def trace(labels: Labels) -> list[Outline]:
    """Return the outline of each region of (H, W), in the order of their numbers 1, 2, ...

    Each number must be one region whose pixels hang together by their sides.
    """
    count = int(labels.max(initial=0))
    rings: list[list[Ring]] = [[] for _ in range(count)]
    for number, ring in _rings(np.pad(labels, 1)):
        rings[number - 1].append(ring)
    return [Outline(exterior, tuple(holes)) for exterior, *holes in rings]


def _rings(padded: Labels) -> list[tuple[int, Ring]]:
    """Return (region, ring) of all rings; of each region the exterior comes first.

    An edge lies between a pixel of the region and one that is not, which is on its left. Straight runs of edges are
    linked at their ends: to the left where the pixel ahead on the left is of the region too, else to the right.
    """
    parts = _runs(padded)
    starts, ends, regions = (np.concatenate([part[i] for part in parts]) for i in range(3))
    directions = np.repeat(np.arange(4), [len(part[0]) for part in parts])
    ahead = ends + _AHEAD_ON_THE_LEFT[directions][:, ::-1]
    left = padded[ahead[:, 1], ahead[:, 0]] == regions
    turned = (directions + np.where(left, 3, 1)) % 4
    width = padded.shape[1]
    keys = (starts[:, 1] * width + starts[:, 0]) * 4 + directions
    order = np.argsort(keys)
    following = order[np.searchsorted(keys, (ends[:, 1] * width + ends[:, 0]) * 4 + turned, sorter=order)]
    visited, lengths = _cycles(following.tolist(), len(parts[_RIGHT][0]))
    corners, beginnings = starts[visited], np.cumsum([0, *lengths])
    numbers = regions[np.array(visited, np.intp)[beginnings[:-1]]].tolist() if lengths else []
    return [(n, corners[a:b]) for n, a, b in zip(numbers, beginnings[:-1], beginnings[1:], strict=True)]


def _cycles(following: list[int], tops: int) -> tuple[list[int], list[int]]:
    """Return the runs of all rings one after the other, and how many each has.

    Every ring has a run along the top of pixels, and these are the first `tops` ones, from the top: the first to be met
    of a region is on its exterior.
    """
    seen = bytearray(len(following))
    visited: list[int] = []
    lengths: list[int] = []
    for first in range(tops):
        before, at = len(visited), first
        while not seen[at]:
            seen[at] = 1
            visited.append(at)
            at = following[at]
        if len(visited) > before:
            lengths.append(len(visited) - before)
    return visited, lengths


def _edges(padded: Labels, *, across: bool) -> tuple[NDArray[np.intp], ...]:
    """Return (line, place, one, other) of all edges along rows (across) or columns, in order.

    line: the row or column of corners that an edge lies on. place: of its pixels on that line, padded. one, other: the
    regions above and below it, or on its left and right.
    """
    one, other = (padded[:-1], padded[1:]) if across else (padded[:, :-1], padded[:, 1:])
    rows, columns = np.divmod(np.flatnonzero(one != other), one.shape[1])
    if not across:
        order = np.argsort(columns, kind="stable")
        rows, columns = rows[order], columns[order]
    line, place = (rows, columns) if across else (columns, rows)
    return line, place, one[rows, columns].astype(np.intp), other[rows, columns].astype(np.intp)


def _runs(padded: Labels) -> list[tuple[Ring, Ring, NDArray[np.intp]]]:
    """Return starts (n, 2), ends (n, 2) and regions (n,) of the longest straight runs of edges, for each direction."""
    found: dict[int, tuple[Ring, Ring, NDArray[np.intp]]] = {}
    for across, above, below in ((True, _LEFT, _RIGHT), (False, _DOWN, _UP)):
        line, place, one, other = _edges(padded, across=across)
        for direction, regions in ((above, one), (below, other)):
            found[direction] = _joined(line, place, regions, direction)
    return [found[direction] for direction in range(4)]


def _joined(
    line: NDArray[np.intp], place: NDArray[np.intp], regions: NDArray[np.intp], direction: int
) -> tuple[Ring, Ring, NDArray[np.intp]]:
    """Join edges that follow each other on one line around one region; those around none (0) are left out."""
    kept = np.flatnonzero(regions)
    line, place, regions = line[kept], place[kept], regions[kept]
    new = np.ones(len(kept) + 1, bool)
    new[1:-1] = (np.diff(line) != 0) | (np.diff(place) != 1) | (np.diff(regions) != 0)
    first, last = np.flatnonzero(new[:-1]), np.flatnonzero(new[1:])
    x_first = 1 if direction in (_RIGHT, _LEFT) else -1
    near = np.stack([place[first] - 1, line[first]][::x_first], axis=1)
    far = np.stack([place[last], line[last]][::x_first], axis=1)
    return (near, far, regions[first]) if direction in (_RIGHT, _DOWN) else (far, near, regions[first])


def simplified(ring: Ring, tolerance: float) -> Ring:
    """Return a ring with fewer of its points, none of those left out farther than `tolerance` from it.

    A ring of which fewer than three points would remain stays as it is.
    """
    if len(ring) <= 4:
        return ring
    points = np.concatenate([ring, ring[:1]]).astype(np.float64)
    middle = int(np.argmax(((points - points[0]) ** 2).sum(axis=1)))
    kept = np.zeros(len(points), bool)
    kept[[0, middle]] = True
    waiting = [(0, middle), (middle, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        distances = _from_segment(points[first + 1 : last], points[first], points[last])
        worst = int(np.argmax(distances))
        if distances[worst] > tolerance * tolerance:
            kept[first + 1 + worst] = True
            waiting += [(first, first + 1 + worst), (first + 1 + worst, last)]
    chosen = ring[kept[:-1]]
    return chosen if len(chosen) >= 3 else ring


def _from_segment(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the squared distance of each point (n, 2) from a segment."""
    along = end - start
    length = float(along @ along)
    away = points - start
    share = np.clip(away @ along / length, 0, 1) if length else np.zeros(len(points))
    distances: NDArray[np.float64] = ((away - share[:, None] * along) ** 2).sum(axis=1)
    return distances
