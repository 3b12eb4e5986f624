"""Masks of pictures that are too large for memory, or lie somewhere on Earth: read and written window by window.

The mask is a TIFF or a Zarr array, as the picture is, and lies where the picture lies.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError, MaskwrightError, need
from maskwright.files import output_error, whole_file, write_bytes
from maskwright.images.classes import Classes
from maskwright.images.modes import Pixels
from maskwright.images.rasters import Raster, WriteWindow, layout_for_windows, open_raster, write_raster
from maskwright.images.zarrs import is_zarr, open_zarr, write_zarr
from maskwright.runtime.cut import cut_probabilities
from maskwright.runtime.predictor import Predictor

LARGE = 25_000_000  # pixels, beyond which a picture is not read whole where it need not be
_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".gtiff")
_alone = Lock()  # a large picture takes hundreds of megabytes, and all cores


@dataclass(frozen=True)
class Form:
    """How a picture is read by windows, and masks like it are written.

    suffix: of the masks' names. large: whether it must not be read whole.
    """

    suffix: str
    large: bool
    open: Callable[[], AbstractContextManager[Raster]]
    write: Callable[[Path, Raster, Classes], AbstractContextManager[WriteWindow]]


def form_of(path: Path) -> Form | None:
    """Return how a picture is read that is large, says where it lies, or is a Zarr array; None for all others.

    Of files only those are looked into whose name says TIFF. What is damaged is told when it is read.
    """
    if path.is_dir():
        return Form(".zarr", True, partial(open_zarr, path), _write_zarr) if is_zarr(path) else None
    if path.suffix.lower() not in _SUFFIXES:
        return None
    try:
        layout = layout_for_windows(path)
    except DataError:
        return None
    if layout is None:
        return None
    large = layout.width * layout.height > LARGE
    return Form(".tif", large, partial(open_raster, path, layout), _write_tiff) if large or layout.placed else None


def need_writers(forms: Iterable[Form | None]) -> None:
    """Raise MissingDependency where masks could not be written as their pictures are: before any is begun."""
    suffixes = {form.suffix for form in forms if form is not None}
    for suffix, module in ((".tif", "rasterio"), (".zarr", "zarr")):
        if suffix in suffixes:
            need(module, extra="geo", purpose="Predicting maps, arrays and pictures larger than memory")


def write_masks(form: Form, masks: Sequence[Path], mask: NDArray[np.uint8], classes: Classes) -> None:
    """Write a mask that is in memory as `predict_windows` would. Raises DataError, OutputError, MissingDependency."""
    with form.open() as raster:
        for file, plane in zip(masks, _planes(mask, classes), strict=True):
            with form.write(file, raster, classes) as write:
                write(0, 0, plane)


def predict_windows(predictor: Predictor, form: Form, masks: Sequence[Path], overlay: Path | None, side: int) -> None:
    """Write the masks of a picture, one for each overlapping class, and its overlay of at most `side` pixels a side.

    All of them whole or none; one picture at a time. Raises DataError, OutputError, MissingDependency.
    """
    classes, threshold = predictor.description.classes, predictor.description.threshold
    with ExitStack() as stack:
        stack.enter_context(_alone)
        raster = stack.enter_context(form.open())
        source = predictor.windows(raster)
        writers = [stack.enter_context(form.write(mask, raster, classes)) for mask in masks]
        small = _Reduced(raster.size, side, classes)
        for block in predictor.stream(source):
            mask = cut_probabilities(block.probabilities, classes, threshold)
            small.take(block.top, block.left, mask)
            for write, plane in zip(writers, _planes(mask, classes), strict=True):
                write(block.top, block.left, plane)
        if overlay is not None:
            write_bytes(overlay, _draw(raster.reduced(small.size), small.mask, classes))


def _planes(mask: NDArray[np.uint8], classes: Classes) -> list[NDArray[np.uint8]]:
    """Return what each mask file holds: class numbers, or 0 and 255 of an overlapping class."""
    return [mask] if classes.exclusive else [plane * np.uint8(255) for plane in np.moveaxis(mask, 2, 0)]


@contextmanager
def _write_tiff(path: Path, like: Raster, classes: Classes) -> Iterator[WriteWindow]:
    with (
        whole_file(path) as file,
        write_raster(file, like.size, like.place, classes.colours if classes.exclusive else None) as write,
    ):
        yield write


@contextmanager
def _write_zarr(path: Path, like: Raster, classes: Classes) -> Iterator[WriteWindow]:
    """Write beside what is there, and take its place at the end."""
    new, old = (path.with_name(f".{path.stem[:60]}.{word}{path.suffix}") for word in ("new", "old"))
    try:
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        with write_zarr(new, like.size, classes.names) as write:
            yield write
        if path.exists():
            path.rename(old)
        new.rename(path)
    except OSError as error:
        if isinstance(error, MaskwrightError):
            raise
        raise output_error(error, path) from error
    finally:
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)


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
