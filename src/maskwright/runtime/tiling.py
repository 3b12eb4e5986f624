"""A picture of any size through a network that sees tiles: cut, run, blend.

Memory: the picture, one float32 map (K, H, W), and a few tiles. Knows nothing of runtimes: it is handed a function.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.images.resize import resize_float
from maskwright.images.sizes import resize_image, scaled_size
from maskwright.images.tiles import blend_shares, pad_to_tile, tile_starts
from maskwright.runtime.description import ModelDescription

PIXELS_AT_ONCE = 512 * 512  # of tiles run together: more gains no speed on a CPU and costs memory

TileFunction = Callable[[NDArray[Any]], NDArray[np.float32]]  # (N, T, T, C) -> (N, K, T, T)


def tiled_probabilities(
    image: NDArray[Any], description: ModelDescription, run_tiles: TileFunction
) -> NDArray[np.float32]:
    """Return (K, H, W) float32 for a picture (H, W, C): blended probabilities of overlapping tiles.

    With a scale below 1 the picture is first resized by it, and the probabilities back.
    """
    height, width = image.shape[:2]
    scaled = resize_image(image, scaled_size((height, width), description.scale))
    inner_height, inner_width = scaled.shape[:2]
    padded = pad_to_tile(scaled, description.size)
    tile_height, tile_width = description.size
    tops = tile_starts(padded.shape[0], tile_height, description.overlap)
    lefts = tile_starts(padded.shape[1], tile_width, description.overlap)
    shares_down = blend_shares(padded.shape[0], tile_height, description.overlap)
    shares_right = blend_shares(padded.shape[1], tile_width, description.overlap)
    down = list(zip(tops, shares_down, strict=True))
    right = list(zip(lefts, shares_right, strict=True))
    places = [(row, column) for row in down for column in right]
    blended = np.zeros((description.classes.num_outputs, *padded.shape[:2]), np.float32)
    at_once = max(1, PIXELS_AT_ONCE // (tile_height * tile_width))
    for first in range(0, len(places), at_once):
        group = places[first : first + at_once]
        tiles = np.stack([padded[top : top + tile_height, left : left + tile_width] for (top, _), (left, _) in group])
        for ((top, share_down), (left, share_right)), values in zip(group, run_tiles(tiles), strict=True):
            share = np.outer(share_down, share_right)
            blended[:, top : top + tile_height, left : left + tile_width] += values * share
    np.clip(blended, 0, 1, out=blended)  # sums of shares round to 1 +- 1e-7
    blended = np.ascontiguousarray(blended[:, :inner_height, :inner_width])
    return resize_float(blended, (height, width))
