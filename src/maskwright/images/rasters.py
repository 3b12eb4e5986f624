"""Pictures of any size, read and written window by window: TIFF, with GeoTIFF and BigTIFF (extra `geo`).

Pixels are those that `formats.read_image` gives for the whole file. Knows nothing of masks or networks.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import need
from maskwright.images.modes import Pixels
from maskwright.images.opening import (
    DECODING_ERRORS,
    check_pixels,
    content_format,
    decoding,
    open_file,
    pillow_unlimited,
    without_warnings,
)
from maskwright.images.tiff import TiffLayout, read_tiff_layout

BLOCK = 512  # pixels a side of the blocks that are written
_CACHE = 64 << 20  # bytes of decoded blocks that GDAL keeps; its own choice is a twentieth of the machine's memory

WriteWindow = Callable[[int, int, NDArray[np.uint8]], None]  # top, left, values (h, w)


@dataclass(frozen=True)
class Raster:
    """An open picture that is read window by window.

    size: (height, width). place: where it lies on Earth, for whoever writes another; empty if nowhere.
    """

    path: Path
    size: tuple[int, int]
    bands: int
    dtype: str
    place: dict[str, Any]
    _window: Callable[[slice, slice], Pixels]
    _alone: Lock = field(default_factory=Lock, compare=False)  # a file answers one call at a time

    def read(self, rows: slice, columns: slice) -> Pixels:
        """Return (h, w, bands) of a window that lies inside the picture. Raises DataError."""
        with self._alone, decoding(self.path):
            return self._window(rows, columns)

    def reduced(self, size: tuple[int, int]) -> Pixels:
        """Return the whole picture at a smaller size, for looking at: (h, w, bands), each pixel the mean of its own."""
        rows, columns = (np.linspace(0, old, new + 1).astype(int) for old, new in zip(self.size, size, strict=True))
        sums = np.zeros((*size, self.bands), np.uint64)
        for top in range(0, self.size[0], BLOCK):  # whole blocks: none is decoded twice
            bottom = min(top + BLOCK, self.size[0])
            pixels = self.read(slice(top, bottom), slice(0, self.size[1]))
            across = np.add.reduceat(pixels, columns[:-1], axis=1, dtype=np.uint64)
            np.add.at(sums, np.searchsorted(rows, np.arange(top, bottom), side="right") - 1, across)
        means = sums / (np.diff(rows)[:, None] * np.diff(columns)[None, :])[..., None]
        small: Pixels = np.rint(means).astype(self.dtype)
        return small


def layout_for_windows(path: Path) -> TiffLayout | None:
    """Return the layout of a TIFF that can be read window by window with the pixels of `read_image`; None for others.

    Others: further formats, pictures that are turned, and colour spaces that need all of a file to be understood.
    Only the header is read. Raises DataError, also for one whose strips or tiles are too large for memory.
    """
    with open_file(path) as file:
        if file.read(2) not in (b"II", b"MM"):
            return None
        if content_format(file, path) != "TIFF":
            return None
        with decoding(path), pillow_unlimited():
            layout = read_tiff_layout(file)
    if not layout.windows:
        return None
    check_pixels(layout.block[1], layout.block[0], path)
    return layout


@contextmanager
def open_raster(path: Path, layout: TiffLayout) -> Iterator[Raster]:
    """Open a TIFF of which `layout_for_windows` gave the layout. Raises DataError, MissingDependency."""
    rasterio = need("rasterio", extra="geo", purpose=f"Reading {path.name} piece by piece")
    from rasterio.errors import NotGeoreferencedWarning

    with rasterio.Env(GDAL_CACHEMAX=_CACHE), decoding(path):
        with without_warnings(NotGeoreferencedWarning):
            dataset = rasterio.open(path.resolve(), driver="GTiff")
        with dataset:
            if (dataset.height, dataset.width, dataset.count) != (layout.height, layout.width, layout.samples):
                raise ValueError(f"{dataset.count} bands of {dataset.width} x {dataset.height} pixels")
            palette = _palette(dataset) if layout.palette else None
            kept = tuple(1 + band for band in range(layout.samples) if band not in layout.alpha)

            def window(rows: slice, columns: slice) -> Pixels:
                place = rasterio.windows.Window.from_slices((rows.start, rows.stop), (columns.start, columns.stop))
                pixels: Pixels = dataset.read(kept, window=place)
                return pixels.transpose(1, 2, 0) if palette is None else np.take(palette, pixels[0], axis=0)

            bands = layout.bands if palette is None else 3
            size = (layout.height, layout.width)
            yield Raster(path, size, bands, dataset.dtypes[0], _place(dataset), window)


@contextmanager
def write_raster(
    path: Path, size: tuple[int, int], place: dict[str, Any], colours: Sequence[tuple[int, int, int]] | None
) -> Iterator[WriteWindow]:
    """Write one band of bytes as a tiled, compressed TIFF, a BigTIFF where it has to be.

    colours: of the values from 0 on; None: shades of grey. Yields a function that writes a window; windows that begin
    at multiples of BLOCK are written fastest. Raises OSError.
    """
    rasterio = need("rasterio", extra="geo", purpose="Writing a TIFF piece by piece")
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.windows import Window

    profile = {
        "driver": "GTiff", "height": size[0], "width": size[1], "count": 1, "dtype": "uint8", "tiled": True,
        "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    with rasterio.Env(GDAL_CACHEMAX=_CACHE), ExitStack() as stack:
        with without_warnings(NotGeoreferencedWarning):
            dataset = stack.enter_context(rasterio.open(path, "w", **profile))
        if place.get("gcps"):
            dataset.gcps = place["gcps"]
        elif place:
            dataset.crs, dataset.transform = place["crs"], place["transform"]
        if place.get("rpcs"):
            dataset.rpcs = place["rpcs"]
        if colours is not None:
            dataset.write_colormap(1, {value: (*colour, 255) for value, colour in enumerate(colours)})

        def write(top: int, left: int, values: NDArray[np.uint8]) -> None:
            dataset.write(values, 1, window=Window(left, top, values.shape[1], values.shape[0]))

        yield write
    _check_written(path)


def _check_written(path: Path) -> None:
    """Raise OSError where a file is not whole: GDAL tells nobody when its last bytes do not fit on the disk."""
    with open(path, "rb") as file:
        try:
            end = read_tiff_layout(file).end
        except DECODING_ERRORS as error:
            raise OSError("the end of the file could not be written") from error
        if end > os.fstat(file.fileno()).st_size:
            raise OSError("the end of the file could not be written")


def _place(dataset: Any) -> dict[str, Any]:
    points, crs_of_points = dataset.gcps
    place = {"gcps": (points, crs_of_points)} if points else {}
    if dataset.rpcs is not None:
        place["rpcs"] = dataset.rpcs
    if dataset.crs is not None or not dataset.transform.is_identity:
        place |= {"crs": dataset.crs, "transform": dataset.transform}
    return place


def _palette(dataset: Any) -> NDArray[np.uint8]:
    table = np.zeros((256, 3), np.uint8)
    for value, colour in dataset.colormap(1).items():
        table[value] = colour[:3]
    return table
