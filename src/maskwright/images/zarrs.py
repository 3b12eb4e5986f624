"""Zarr arrays as pictures, read and written window by window (extra `geo`): versions 2 and 3, and OME-Zarr.

Two axes are rows and columns. Of three, OME-Zarr names the bands'; elsewhere they are the shorter one of the first and
the last. Codecs that could run foreign code are refused before anything is decoded. Knows nothing of masks.
Source: Zarr storage specification, versions 2 and 3; OME-NGFF 0.4 and 0.5 ("multiscales", "axes").
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError, need
from maskwright.files import whole_folder
from maskwright.images.modes import Pixels
from maskwright.images.opening import check_pixels, decoding
from maskwright.images.rasters import BLOCK, Raster, WriteWindow

SUFFIX = ".zarr"
_METADATA = (".zarray", ".zgroup", "zarr.json")
_MAX_METADATA = 10 << 20  # bytes
# By name, since a codec's name in a file decides which program reads its bytes: "pickle" among them would run anything.
_CODECS = {
    "adler32", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset", "fletcher32",
    "gzip", "lz4", "lzma", "packbits", "sharding_indexed", "shuffle", "transpose", "zlib", "zstd",
}  # fmt: skip
_FIX = "save it anew as a plain array of 8 or 16 unsigned bits"


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return any((path / name).is_file() for name in _METADATA)


@contextmanager
def open_zarr(path: Path) -> Iterator[Raster]:
    """Open an array, or the finest level of an OME-Zarr. Raises DataError, MissingDependency."""
    zarr = need("zarr", extra="geo", purpose=f"Reading {path.name}")
    folder, names = _array_of(path)
    version = _check_codecs(folder, path)
    with decoding(path):  # a store of its own: a path as text could name other places
        array = zarr.open_array(zarr.storage.LocalStore(folder, read_only=True), mode="r", zarr_format=version)
    rows, columns, bands = _axes(array.shape, names, path)
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        raise DataError(f"The array holds numbers of type {array.dtype}.", where=str(path), fix=_FIX)
    size = (int(array.shape[rows]), int(array.shape[columns]))
    check_pixels(array.chunks[columns], array.chunks[rows], path)  # what has to be in memory at least
    if min(size) < 1:
        raise DataError(f"The picture is {size[1]} x {size[0]} pixels.", where=str(path), fix=_FIX)

    def window(down: slice, right: slice) -> Pixels:
        wanted: list[Any] = [0] * array.ndim  # of further axes, all of length 1
        wanted[rows], wanted[columns] = down, right
        kept = [rows, columns]
        if bands is not None:
            wanted[bands] = slice(None)
            kept.append(bands)
        pixels = np.asarray(array[tuple(wanted)]).transpose(np.argsort(np.argsort(kept)))
        values: Pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        return values if bands is not None else values[:, :, None]

    number = 1 if bands is None else int(array.shape[bands])
    yield Raster(path, size, number, array.dtype.newbyteorder("=").name, {}, window)


@contextmanager
def write_zarr(path: Path, size: tuple[int, int], names: Sequence[str]) -> Iterator[WriteWindow]:
    """Write (H, W) bytes as an array with one level of OME-Zarr metadata; the folder appears whole or not at all.

    names: of the values from 0 on, kept among its attributes. Raises OutputError.
    """
    zarr = need("zarr", extra="geo", purpose="Writing a Zarr array")
    with whole_folder(path, shared=False) as folder:
        group = zarr.create_group(str(folder), zarr_format=2, overwrite=True, attributes=_attributes(names))
        array = group.create_array("0", shape=size, chunks=(min(BLOCK, size[0]), min(BLOCK, size[1])), dtype="u1")

        def write(top: int, left: int, values: NDArray[np.uint8]) -> None:
            array[top : top + values.shape[0], left : left + values.shape[1]] = values

        yield write


def _attributes(names: Sequence[str]) -> dict[str, Any]:
    axes = [{"name": name, "type": "space"} for name in ("y", "x")]
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1.0, 1.0]}]}
    return {
        "multiscales": [{"version": "0.4", "axes": axes, "datasets": [level]}],
        "maskwright": {"classes": list(names)},
    }


def _array_of(path: Path) -> tuple[Path, list[str] | None]:
    """Return the folder of the array that a path means, and the names of its axes where a group tells them."""
    if (path / ".zarray").is_file():
        return path, None
    content = _read(path / ("zarr.json" if (path / "zarr.json").is_file() else ".zgroup"), path)
    if content.get("node_type") == "array":
        return path, None
    attributes = content.get("attributes", {})
    if (path / ".zattrs").is_file():
        attributes = _read(path / ".zattrs", path)
    scales: Any = attributes.get("ome", attributes).get("multiscales") if isinstance(attributes, dict) else None
    try:
        inside = scales[0]["datasets"][0]["path"]
        names = [axis["name"] if isinstance(axis, dict) else axis for axis in scales[0].get("axes", ())]
    except (LookupError, TypeError, AttributeError):
        raise DataError(
            "This Zarr group names no picture.", where=str(path), fix="give the folder of the array itself"
        ) from None
    folder = path / str(inside)
    if path.resolve() not in folder.resolve().parents:
        raise DataError(
            "The picture that this Zarr group names lies outside of it.", where=f"{path}: {inside}", fix=_FIX
        )
    return folder, [str(name) for name in names] or None


def _axes(shape: Sequence[int], names: list[str] | None, path: Path) -> tuple[int, int, int | None]:
    """Return which axes are rows, columns and bands. Raises DataError."""
    if names is not None and len(names) == len(shape) and {"y", "x"} <= set(names):
        bands = names.index("c") if "c" in names else None
        rows, columns = names.index("y"), names.index("x")
        others = [side for at, side in enumerate(shape) if at not in (rows, columns, bands)]
        if all(side == 1 for side in others):
            return rows, columns, bands
    elif len(shape) == 2:
        return 0, 1, None
    elif len(shape) == 3:
        return (1, 2, 0) if shape[0] < shape[2] else (0, 1, 2)
    raise DataError(
        f"The array has the shape {tuple(shape)}, which is no single picture.", where=str(path),
        fix="save one plane of it as an array of rows, columns and bands",
    )  # fmt: skip


def _check_codecs(folder: Path, path: Path) -> int:
    """Return the version of an array's metadata. Raises DataError unless all codecs that it names are known ones."""
    version = 2 if (folder / ".zarray").is_file() else 3
    if version == 2:
        content = _read(folder / ".zarray", path)
        codecs = [content.get("compressor"), *(content.get("filters") or ())]
        named = [codec.get("id") if isinstance(codec, Mapping) else codec for codec in codecs if codec is not None]
    else:
        named = list(_names_of(_read(folder / "zarr.json", path).get("codecs")))
    unknown = [str(name)[:40] for name in named if str(name).removeprefix("numcodecs.") not in _CODECS]
    if unknown:
        raise DataError(
            f"The array is stored by a codec that is not read here: {unknown[0]}.", where=str(path), fix=_FIX
        )
    return version


def _names_of(codecs: Any) -> Iterator[Any]:
    """Yield the names of version 3's codecs, and of those within them."""
    for codec in codecs if isinstance(codecs, list) else [codecs]:
        yield codec.get("name") if isinstance(codec, Mapping) else codec
        inside = codec.get("configuration") if isinstance(codec, Mapping) else None
        for key in ("codecs", "index_codecs"):
            if isinstance(inside, Mapping) and key in inside:
                yield from _names_of(inside[key])


def _read(file: Path, path: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_METADATA:
            raise ValueError(f"{file.name} is larger than {_MAX_METADATA:,} bytes")
        content = json.loads(file.read_bytes())
        if not isinstance(content, dict):
            raise ValueError(f"{file.name} holds no JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"The Zarr metadata cannot be read: {error}.", where=str(path), fix=_FIX) from error
    return content
