"""Masks of pictures that are too large for memory, or lie somewhere on Earth: read and written window by window.

The mask is a TIFF like the picture, which lies where the picture lies. Other files are those of `predict`.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.files import whole_file, write_bytes
from maskwright.images.classes import Classes
from maskwright.images.modes import Pixels
from maskwright.images.rasters import layout_for_windows, open_raster, write_raster
from maskwright.images.tiff import TiffLayout
from maskwright.runtime.cut import cut_probabilities
from maskwright.runtime.predictor import Predictor

LARGE = 25_000_000  # pixels, from which on a picture is not read whole where it need not be


def layout_if_large(path: Path) -> TiffLayout | None:
    """Return the layout of a picture that is to be read by windows: it is large, or says where it lies. Else None.

    Raises DataError for a file that cannot be opened.
    """
    layout = layout_for_windows(path)
    return layout if layout is not None and (layout.placed or layout.width * layout.height > LARGE) else None


def predict_windows(
    predictor: Predictor, picture: Path, layout: TiffLayout, masks: Sequence[Path], overlay: Path | None, side: int
) -> None:
    """Write the masks of a picture, one for each overlapping class, and its overlay of at most `side` pixels a side.

    All of them whole or none. Raises DataError, OutputError, MissingDependency.
    """
    classes, threshold = predictor.description.classes, predictor.description.threshold
    colours = classes.colours if classes.exclusive else None
    with ExitStack() as stack:
        raster = stack.enter_context(open_raster(picture, layout))
        source = predictor.windows(raster)
        files = [stack.enter_context(whole_file(mask)) for mask in masks]
        with ExitStack() as open_files:
            writers = [
                open_files.enter_context(write_raster(file, raster.size, raster.place, colours)) for file in files
            ]
            small = _Reduced(raster.size, side, classes)
            for block in predictor.stream(source):
                mask = cut_probabilities(block.probabilities, classes, threshold)
                small.take(block.top, block.left, mask)
                planes = [mask] if classes.exclusive else [plane * np.uint8(255) for plane in np.moveaxis(mask, 2, 0)]
                for write, plane in zip(writers, planes, strict=True):
                    write(block.top, block.left, plane)
        if overlay is not None:
            write_bytes(overlay, _draw(raster.reduced(small.size), small.mask, classes))


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
