"""A picture that is never whole in memory: windows of it are read, looked at, and given back block by block.

The probabilities are those that `Predictor.predict` gives, to their last bits; memory grows with neither side of the
picture. Knows nothing of files or runtimes: it is handed functions.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.images.modes import Pixels
from maskwright.images.resize import line_taps, resize_window
from maskwright.images.sizes import resize_window_of, scaled_size
from maskwright.images.tiles import blend_shares, pad_to_tile, tile_starts
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.tiling import PIXELS_AT_ONCE, TileFunction
from maskwright.runtime.whole import normalise

ROWS = 512  # of a block, a multiple of it but for the last one
BUDGET = 96 << 20  # bytes of a strip's pixels, and of its probabilities

T = TypeVar("T")
Floats = NDArray[np.float32]
ReadWindow = Callable[[slice, slice], Pixels]  # rows, columns -> (h, w, C)


@dataclass(frozen=True)
class Windows:
    """A picture to be read window by window. size: (height, width). read: with the model's bands and depth."""

    size: tuple[int, int]
    read: ReadWindow


@dataclass(frozen=True)
class Block:
    """Probabilities (K, h, w) float32 of a window of the picture, whose upper left pixel is at (top, left)."""

    top: int
    left: int
    probabilities: Floats


def stream_tiles(source: Windows, description: ModelDescription, run_tiles: TileFunction) -> Iterator[Block]:
    """Yield blocks that cover the picture, each pixel once: blended probabilities of overlapping tiles.

    Strip by strip from the left, in a strip from the top. Where there is more than one strip, the tiles between two of
    them are looked at twice.
    """
    for columns in _strips(source, description):
        yield from _Strip(source, description, columns).blocks(run_tiles)


def stream_whole(source: Windows, description: ModelDescription, look: Callable[[Floats], Floats]) -> Iterator[Block]:
    """Yield blocks that cover the picture, each pixel once, for a network that sees pictures whole.

    look: from (1, C, h, w) as the network wants it to probabilities (K, h, w).
    """
    small = look(normalise(_shrink(source, description), description))
    height, width = source.size
    wide = max(1, BUDGET // (4 * len(small) * ROWS) // ROWS) * ROWS
    for top, left in product(range(0, height, ROWS), range(0, width, wide)):
        rows, columns = slice(top, min(top + ROWS, height)), slice(left, min(left + wide, width))
        enlarged = resize_window(small, (0, 0), small.shape[1:], source.size, rows, columns)
        yield Block(top, left, np.clip(enlarged, 0, 1, out=enlarged))


def _shrink(source: Windows, description: ModelDescription) -> Floats:
    """Return the whole picture at the network's size, (1, C, h, w) float32, of its own values."""
    (height, width), (small_height, small_width) = source.size, description.size
    taps = line_taps(height, small_height)
    pixels = np.zeros((1, description.bands, small_height, small_width), np.float32)
    at_once = max(1, BUDGET // (4 * description.bands * width))
    windows = [slice(top, min(top + at_once, height)) for top in range(0, height, at_once)]
    read = [lambda rows=rows: (rows, source.read(rows, slice(0, width))) for rows in windows]
    for rows, band_of_rows in _ahead(read):
        down = _weights_of(rows, *taps)
        for band in range(description.bands):
            line = Image.fromarray(np.ascontiguousarray(band_of_rows[:, :, band], np.float32))
            narrow = line.resize((small_width, line.height), Image.Resampling.BILINEAR)
            pixels[0, band] += down @ np.asarray(narrow)
    return pixels


def _weights_of(rows: slice, first: NDArray[np.int64], weights: Floats) -> Floats:
    """Return the weights (n_out, rows) that some rows have in each row of what all of them become."""
    matrix = np.zeros((len(first), rows.stop - rows.start), np.float32)
    at = first[:, None] + np.arange(weights.shape[1]) - rows.start
    inside = (at >= 0) & (at < matrix.shape[1])
    matrix[np.nonzero(inside)[0], at[inside]] = weights[inside]
    return matrix


def _strips(source: Windows, description: ModelDescription) -> list[slice]:
    """Return the columns of each strip: as many as fit into BUDGET."""
    height, width = source.size
    rows = min(height, description.size[0] / description.scale)
    of_pixels = rows * description.bands * np.dtype(description.dtype).itemsize
    of_probabilities = 4 * description.classes.num_outputs * (description.size[0] + ROWS)
    at_once = max(1, int(BUDGET / max(of_pixels, of_probabilities)) // ROWS) * ROWS
    return [slice(left, min(left + at_once, width)) for left in range(0, width, at_once)]


class _Strip:
    """Some of the columns of a picture, from top to bottom.

    Three grids: the picture's own; the scaled one, in which tiles are cut; and the part of it that counts here.
    """

    def __init__(self, source: Windows, description: ModelDescription, columns: slice) -> None:
        self._source, self._description, self._columns = source, description, columns
        self._inner = scaled_size(source.size, description.scale)
        self._rows_done = _last_rows_needed(self._inner[0], source.size[0])
        first, beyond = _needed(self._inner[1], source.size[1], columns)
        self._left, self._right = first, beyond
        self._tops = _places(self._inner[0], description.size[0], description.overlap)
        across = _places(self._inner[1], description.size[1], description.overlap)
        self._across = [(at, share) for at, share in across if at < beyond and at + description.size[1] > first]

    def blocks(self, run_tiles: TileFunction) -> Iterator[Block]:
        canvas = _Canvas(self._description.classes.num_outputs, self._left, self._right)
        given = 0
        read = [lambda top=top: self._read(top) for top, _ in self._tops]
        for number, pixels in enumerate(_ahead(read)):
            self._look(pixels, *self._tops[number], canvas, run_tiles)
            last = number + 1 == len(self._tops)
            done = self._inner[0] if last else self._tops[number + 1][0]
            ready = int(np.searchsorted(self._rows_done, done, side="right"))
            upto = ready if last else given + (ready - given) // ROWS * ROWS
            if upto > given:
                yield self._block(canvas, slice(given, upto))
                given = upto
                if given < self._source.size[0]:
                    canvas.forget(_needed(self._inner[0], self._source.size[0], slice(given, given + 1))[0])

    def _read(self, top: int) -> Pixels:
        """Return the pixels of a line of tiles, scaled and padded."""
        height, width = self._description.size
        rows = slice(top, min(top + height, self._inner[0]))
        columns = slice(self._across[0][0], min(self._across[-1][0] + width, self._inner[1]))
        pixels = resize_window_of(self._source.read, self._source.size, self._inner, rows, columns)
        padded: Pixels = pad_to_tile(pixels, self._description.size)  # type: ignore[assignment]
        return padded

    def _look(self, pixels: Pixels, top: int, down: Floats, canvas: "_Canvas", run_tiles: TileFunction) -> None:
        height, width = self._description.size
        start = self._across[0][0]
        at_once = max(1, PIXELS_AT_ONCE // (height * width))
        for first in range(0, len(self._across), at_once):
            group = self._across[first : first + at_once]
            tiles = np.stack([pixels[:height, left - start : left - start + width] for left, _ in group])
            for (left, right), values in zip(group, run_tiles(tiles), strict=True):
                canvas.add(top, left, values * np.outer(down, right))

    def _block(self, canvas: "_Canvas", rows: slice) -> Block:
        values = np.clip(canvas.values, 0, 1)
        at = (canvas.top, self._left)
        return Block(
            rows.start, self._columns.start,
            resize_window(values, at, self._inner, self._source.size, rows, self._columns),
        )  # fmt: skip


class _Canvas:
    """Sums (K, rows, columns) of a part of the scaled grid, which grows at the bottom and is forgotten at the top."""

    def __init__(self, channels: int, left: int, right: int) -> None:
        self.top, self._left, self._right = 0, left, right
        self.values = np.zeros((channels, 0, right - left), np.float32)

    def add(self, top: int, left: int, values: Floats) -> None:
        """Add values (K, h, w) at a place of the grid; what lies beside the columns is dropped."""
        missing = top + values.shape[1] - self.top - self.values.shape[1]
        if missing > 0:
            self.values = np.pad(self.values, ((0, 0), (0, missing), (0, 0)))
        first, beyond = max(left, self._left), min(left + values.shape[2], self._right)
        rows = slice(top - self.top, top - self.top + values.shape[1])
        self.values[:, rows, first - self._left : beyond - self._left] += values[:, :, first - left : beyond - left]

    def forget(self, top: int) -> None:
        """Drop the rows above `top`."""
        self.values = self.values[:, top - self.top :].copy()
        self.top = top


def _places(length: int, tile: int, overlap: int) -> list[tuple[int, Floats]]:
    """Return where tiles start along a side, with their shares."""
    padded = max(length, tile)
    return list(zip(tile_starts(padded, tile, overlap), blend_shares(padded, tile, overlap), strict=True))


def _needed(n_in: int, n_out: int, part: slice) -> tuple[int, int]:
    """Return the first pixel of `n_in` that `part` of `n_out` is made of, and the first beyond."""
    if n_in == n_out:
        return part.start, part.stop
    first, weights = line_taps(n_in, n_out)
    return int(first[part.start]), min(n_in, int(first[part.stop - 1]) + weights.shape[1])


def _last_rows_needed(n_in: int, n_out: int) -> NDArray[np.int64]:
    """Return for each of `n_out` rows how many of `n_in`, from the top, must be known for it."""
    if n_in == n_out:
        return np.arange(1, n_out + 1)
    first, weights = line_taps(n_in, n_out)
    known: NDArray[np.int64] = np.minimum(first + weights.shape[1], n_in)
    return known


def _ahead(work: Sequence[Callable[[], T]]) -> Iterator[T]:
    """Yield what each function returns, in order; the next one is under way meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
        coming = None
        for one in work:
            under_way = pool.submit(one)
            if coming is not None:
                yield coming.result()
            coming = under_way
        if coming is not None:
            yield coming.result()
