"""Cutting a picture into overlapping tiles and blending their results: positions, padding, weights.

Pure arithmetic on sizes and arrays. Knows nothing of networks.
"""

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError

Tile = int | tuple[int, int]  # a square's side, or (height, width)


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles start along one side: the first at 0, the last flush with the end, evenly between.

    overlap: pixels that neighbours share at least; tiles are spread evenly, so they may share more. A side that is not
    longer than the tile gets the single position 0 (see `pad_to_tile`). Raises ShapeError for an overlap that is not
    below the tile's side.
    """
    _sides(tile, overlap)
    if length < 1:
        raise ShapeError(f"A side of {length} pixels cannot be tiled.")
    if length <= tile:
        return [0]
    count = 1 + -(-(length - tile) // (tile - overlap))
    return [(length - tile) * index // (count - 1) for index in range(count)]


def blend_shares(length: int, tile: int, overlap: int) -> list[NDArray[np.float32]]:
    """Return for each of `tile_starts` the share (tile,) float32 that its pixels have in the blend along one side.

    Where tiles overlap, shares pass smoothly (sine squared) from one to the next, never to 0. At each position of the
    side the shares of all tiles add up to 1, so blended results need no division.
    """
    starts = tile_starts(length, tile, overlap)
    ramp = _ramp(tile, overlap)
    total = np.zeros(max(length, tile))
    for start in starts:
        total[start : start + tile] += ramp
    return [(ramp / total[start : start + tile]).astype(np.float32) for start in starts]


def pad_to_tile(image: NDArray[np.generic], tile: Tile) -> NDArray[np.generic]:
    """Pad (H, W) or (H, W, C) at the bottom and right to at least the tile's size.

    By reflection; along a side that is too short for it, by repeating the edge.
    """
    tile_height, tile_width = _sides(tile, 0)
    for axis, side in ((0, tile_height), (1, tile_width)):
        missing = side - image.shape[axis]
        if missing > 0:
            widths = [(0, missing if this == axis else 0) for this in range(image.ndim)]
            image = np.pad(image, widths, mode="reflect" if missing < image.shape[axis] else "edge")
    return image


def _sides(tile: Tile, overlap: int) -> tuple[int, int]:
    height, width = (tile, tile) if isinstance(tile, int) else tile
    if min(height, width) < 1 or not 0 <= overlap < min(height, width):
        raise ShapeError(
            f"Tiles of {height}x{width} cannot overlap by {overlap} pixels.",
            fix="the overlap must be at least 0 and smaller than the tile",
        )
    return height, width


def _ramp(tile: int, overlap: int) -> NDArray[np.float64]:
    """Return 1 inside and sine squared over `overlap` pixels at both ends: (tile,), positive."""
    if overlap == 0:
        return np.ones(tile)
    distance = np.minimum(np.arange(tile), np.arange(tile)[::-1]) + 0.5
    rising: NDArray[np.float64] = np.sin(0.5 * np.pi * np.minimum(distance / overlap, 1)) ** 2
    return rising
