"""Which pictures, or which tiles of them, make up step s of epoch e: a pure function of the seed.

A training that goes on after a stop asks for the same batch again and gets the same bytes.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.images.classes import Classes

_MARGIN = 1.45  # a tile is cut this much larger than it is used, so that turning and zooming out stay inside


class Pictures(Protocol):
    """What a pack offers: image(i) (H, W, C) uint8 or uint16, mask(i) (H, W) or (H, W, K) uint8."""

    def __len__(self) -> int: ...
    def image(self, index: int) -> NDArray[Any]: ...  # noqa: D102
    def mask(self, index: int) -> NDArray[np.uint8]: ...  # noqa: D102


@dataclass(frozen=True)
class Batch:
    """images: (N, h, w, C) as packed. masks: (N, h, w) or (N, h, w, K) uint8. pictures: N indices into the pack."""

    images: NDArray[Any]
    masks: NDArray[np.uint8]
    pictures: tuple[int, ...]


class WholeBatches:
    """Whole pictures of one size, each once an epoch, in batches as equal as can be."""

    def __init__(self, pack: Pictures, batch_size: int, seed: int) -> None:
        self.pack, self.seed = pack, seed
        self.steps = max(1, round(len(pack) / batch_size))

    def batch(self, epoch: int, step: int) -> Batch:
        """Return batch `step` (0 <= step < self.steps) of `epoch`."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.pack))
        chosen = np.array_split(order, self.steps)[step]
        images = np.stack([self.pack.image(int(i)) for i in chosen])
        masks = np.stack([self.pack.mask(int(i)) for i in chosen])
        return Batch(images, masks, tuple(int(i) for i in chosen))


class TileBatches:
    """Tiles from pictures of any size; half of them in cells that show a class drawn evenly, so that rare ones come up.

    The other half lie anywhere, each place of the set as likely as any other.
    """

    def __init__(
        self,
        pack: Pictures,
        classes: Classes,
        *,
        tile: tuple[int, int],
        batch_size: int,
        tiles_per_epoch: int,
        seed: int,
    ) -> None:
        self.pack, self.tile, self.seed, self.batch_size = pack, tile, seed, batch_size
        self.steps = max(1, round(tiles_per_epoch / batch_size))
        self.cells = _Cells(pack, classes, tile)

    def batch(self, epoch: int, step: int) -> Batch:
        """Return batch `step` of `epoch`: tiles cut with a margin for turning, mirrored at the picture's border."""
        rng = np.random.default_rng([self.seed, epoch, step])
        size = (round(self.tile[0] * _MARGIN), round(self.tile[1] * _MARGIN))
        images, masks, pictures = [], [], []
        for _ in range(self.batch_size):
            index, row, column = self.cells.draw(rng)
            images.append(cut_around(self.pack.image(index), row, column, size))
            masks.append(cut_around(self.pack.mask(index), row, column, size))
            pictures.append(index)
        return Batch(np.stack(images), np.stack(masks), tuple(pictures))


class _Cells:
    """The set divided into cells of half a tile, and which classes each shows: what rare classes are drawn from."""

    def __init__(self, pack: Pictures, classes: Classes, tile: tuple[int, int]) -> None:
        places: list[NDArray[np.int64]] = []
        shares: list[NDArray[np.int64]] = []
        for index in range(len(pack)):
            place, count = _cells_of(pack.mask(index), classes, (max(1, tile[0] // 2), max(1, tile[1] // 2)))
            places.append(np.column_stack([np.full(len(place), index), place]))
            shares.append(count)
        self.places = np.concatenate(places)
        counts = np.concatenate(shares).astype(np.float64)
        area = np.maximum(0, self.places[:, 3] - self.places[:, 1]) * (self.places[:, 4] - self.places[:, 2])
        self.anywhere = np.cumsum(area / area.sum())
        shown = [k for k in range(counts.shape[1]) if counts[:, k].any()]
        if not shown:
            raise DataError("Every pixel of every training mask is ignored.", fix="check the masks' encoding")
        self.of_class = [np.cumsum(np.sqrt(counts[:, k]) / np.sqrt(counts[:, k]).sum()) for k in shown]

    def draw(self, rng: np.random.Generator) -> tuple[int, int, int]:
        """Draw (picture, row, column of the tile's centre)."""
        weights = self.anywhere
        if rng.random() < 0.5:
            weights = self.of_class[int(rng.integers(len(self.of_class)))]
        cell = min(int(np.searchsorted(weights, rng.random(), side="right")), len(self.places) - 1)
        index, top, left, bottom, right = (int(v) for v in self.places[cell])
        return index, int(rng.integers(top, bottom)), int(rng.integers(left, right))


def _cells_of(
    mask: NDArray[np.uint8], classes: Classes, cell: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cells of one mask, (M, 4) top, left, bottom, right, and their pixels of each class, (M, K)."""
    tops, lefts = np.arange(0, mask.shape[0], cell[0]), np.arange(0, mask.shape[1], cell[1])
    planes = (
        [mask == k for k in range(len(classes.names))] if mask.ndim == 2 else [m == 1 for m in np.moveaxis(mask, 2, 0)]
    )
    counts = [
        np.add.reduceat(np.add.reduceat(plane.astype(np.int64), tops, axis=0), lefts, axis=1).ravel()
        for plane in planes
    ]
    grid = [
        (top, left, min(top + cell[0], mask.shape[0]), min(left + cell[1], mask.shape[1]))
        for top in tops
        for left in lefts
    ]
    return np.array(grid, dtype=np.int64), np.column_stack(counts)


def cut_around(array: NDArray[Any], row: int, column: int, size: tuple[int, int]) -> NDArray[Any]:
    """Cut `size` (H, W) around a pixel; what lies outside is mirrored (edge pixel once), as often as needed."""
    rows = _mirrored(row - size[0] // 2, size[0], array.shape[0])
    columns = _mirrored(column - size[1] // 2, size[1], array.shape[1])
    top, bottom = int(rows.min()), int(rows.max()) + 1
    left, right = int(columns.min()), int(columns.max()) + 1
    part = np.asarray(array[top:bottom, left:right])  # one read of a contiguous window, then the mirror
    return part[np.ix_(rows - top, columns - left)]


def _mirrored(start: int, count: int, length: int) -> NDArray[np.int64]:
    position = np.arange(start, start + count)
    if length == 1:
        return np.zeros(count, dtype=np.int64)
    period = 2 * (length - 1)
    position = np.abs(position) % period
    return np.where(position < length, position, period - position)
