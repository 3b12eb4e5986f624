"""Masks of pictures that are too large for memory, or lie somewhere on Earth: read and written window by window.

The mask is a TIFF or a Zarr array, as the picture is, and lies where the picture lies.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.files import whole_file, write_bytes
from maskwright.images.classes import Classes
from maskwright.images.modes import Pixels
from maskwright.images.rasters import Raster, WriteWindow, layout_for_windows, open_raster, write_raster
from maskwright.images.zarrs import is_zarr, open_zarr, write_zarr
from maskwright.runtime.cut import cut_probabilities
from maskwright.runtime.predictor import Predictor

LARGE = 25_000_000  # pixels, from which on a picture is not read whole where it need not be


@dataclass(frozen=True)
class Form:
    """How a picture is read by windows, and masks like it are written. suffix: of the masks' names."""

    suffix: str
    open: Callable[[], AbstractContextManager[Raster]]
    write: Callable[[Path, Raster, Classes], AbstractContextManager[WriteWindow]]


def form_of(path: Path) -> Form | None:
    """Return how a picture is read that is large, says where it lies, or is a Zarr array; None for all others.

    Raises DataError for a file that cannot be opened.
    """
    if path.is_dir():
        return Form(".zarr", partial(open_zarr, path), _write_zarr) if is_zarr(path) else None
    layout = layout_for_windows(path)
    if layout is None or not (layout.placed or layout.width * layout.height > LARGE):
        return None
    return Form(".tif", partial(open_raster, path, layout), _write_tiff)


def predict_windows(predictor: Predictor, form: Form, masks: Sequence[Path], overlay: Path | None, side: int) -> None:
    """Write the masks of a picture, one for each overlapping class, and its overlay of at most `side` pixels a side.

    All of them whole or none. Raises DataError, OutputError, MissingDependency.
    """
    classes, threshold = predictor.description.classes, predictor.description.threshold
    with ExitStack() as stack:
        raster = stack.enter_context(form.open())
        source = predictor.windows(raster)
        writers = [stack.enter_context(form.write(mask, raster, classes)) for mask in masks]
        small = _Reduced(raster.size, side, classes)
        for block in predictor.stream(source):
            mask = cut_probabilities(block.probabilities, classes, threshold)
            small.take(block.top, block.left, mask)
            planes = [mask] if classes.exclusive else [plane * np.uint8(255) for plane in np.moveaxis(mask, 2, 0)]
            for write, plane in zip(writers, planes, strict=True):
                write(block.top, block.left, plane)
        if overlay is not None:
            write_bytes(overlay, _draw(raster.reduced(small.size), small.mask, classes))


@contextmanager
def _write_tiff(path: Path, like: Raster, classes: Classes) -> Iterator[WriteWindow]:
    with (
        whole_file(path) as file,
        write_raster(file, like.size, like.place, classes.colours if classes.exclusive else None) as write,
    ):
        yield write


@contextmanager
def _write_zarr(path: Path, like: Raster, classes: Classes) -> Iterator[WriteWindow]:
    with write_zarr(path, like.size, classes.names) as write:
        yield write


class _Reduced:
    """A mask at a size for looking at, gathered from blocks: each pixel the label at its centre."""

    def __init__(self, size: tuple[int, int], side: int, classes: Classes) -> None:
        scale = min(1.0, side / max(size))
        self.size = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        self._rows, self._columns = (
            (2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(self.size, size, strict=True)
        )
        layers = () if classes.exclusive else (len(classes.names),)
        self.mask = np.zeros((*self.size, *layers), np.uint8)

    def take(self, top: int, left: int, mask: NDArray[np.uint8]) -> None:
        """Take over what a block's mask says of the pixels in it."""
        rows = _inside(self._rows, top, mask.shape[0])
        columns = _inside(self._columns, left, mask.shape[1])
        self.mask[rows, columns] = mask[self._rows[rows] - top][:, self._columns[columns] - left]


def _inside(places: NDArray[np.int64], start: int, length: int) -> slice:
    first, beyond = np.searchsorted(places, (start, start + length))
    return slice(int(first), int(beyond))


def _draw(image: Pixels, mask: NDArray[np.uint8], classes: Classes) -> bytes:
    from maskwright.images.writing import encode_png
    from maskwright.report.pixels import overlay

    return encode_png(overlay(image, mask, classes), quick=True)
