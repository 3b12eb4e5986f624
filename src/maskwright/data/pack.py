"""Pictures and masks decoded once, into flat arrays on disk that are then memory-mapped.

A pack's folder is named after all that determines its content: the files' hashes, the settings, the mask encoding.
It is built beside its place and renamed, so that a pack is whole or absent, however many processes build it.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import PIL
from numpy.typing import NDArray

from maskwright.data.hashing import hash_files
from maskwright.data.threads import in_threads
from maskwright.errors import DataError, ShapeError
from maskwright.files import cache_folder, whole_folder, write_json
from maskwright.images.formats import (
    resize_image,
    resize_labels,
    resize_labels_by_area,
    scaled_decoding_size,
)
from maskwright.images.modes import Pixels, with_bands
from maskwright.images.sizes import scaled_size
from maskwright.progress import Progress, Step, ignore

if TYPE_CHECKING:
    from maskwright.data.dataset import Dataset

PACK_VERSION = 1
_SCHEMA_VERSION = 2  # 2: a mask is made smaller by the centres of its pixels, exactly
_DTYPES: dict[str, np.dtype[Any]] = {"uint8": np.dtype("u1"), "uint16": np.dtype("<u2")}
_LEFTOVER = re.compile(r"\.[0-9a-f]{32}\.[0-9a-f]{8}\.part")
_DAY = 24 * 3600.0


@dataclass(frozen=True)
class PackSettings:
    """How pictures and masks are brought into a pack.

    size: (height, width) to which both are resized (whole mode); None keeps each at its own size times `scale`
    (tile mode). bands: of the pictures; grey and RGB are converted. version: changes when the making of packs does.
    """

    size: tuple[int, int] | None
    scale: float = 1.0
    bands: int = 3
    version: int = PACK_VERSION


class Pack:
    """Pictures and masks as views of two memory-mapped files; cheap to open, and to send to another process.

    Raises DataError where the folder holds no whole pack.
    """

    def __init__(self, folder: Path) -> None:
        content, self._sizes = _read_index(folder)
        self.folder = folder
        self.bands = int(content["bands"])
        self.dtype = str(content["dtype"])
        self._layers = int(content["mask_layers"])
        areas = self._sizes[:, 0] * self._sizes[:, 1]
        self._starts = np.concatenate([[0], np.cumsum(areas)])
        self._images = np.memmap(folder / "images.bin", _DTYPES[self.dtype], "r")
        self._masks = np.memmap(folder / "masks.bin", np.uint8, "r")

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._sizes)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy to another process as the folder's name; the pages are shared."""
        return type(self), (self.folder,)

    def size(self, i: int) -> tuple[int, int]:
        """Return (height, width) of picture and mask i."""
        height, width = self._sizes[i]
        return int(height), int(width)

    def image(self, i: int) -> Pixels:
        """Return picture i as a read-only view: (H, W, bands) uint8 or uint16."""
        view: Pixels = self._cut(self._images, i, self.bands).reshape(*self.size(i), self.bands)
        return view

    def mask(self, i: int) -> NDArray[np.uint8]:
        """Return mask i as a read-only view: (H, W) uint8, or (H, W, K) where classes overlap."""
        shape = (*self.size(i), self._layers) if self._layers else self.size(i)
        view: NDArray[np.uint8] = self._cut(self._masks, i, max(1, self._layers)).reshape(shape)
        return view

    def _cut(self, pixels: Any, i: int, layers: int) -> Any:
        place = range(len(self))[i]
        return pixels[self._starts[place] * layers : self._starts[place + 1] * layers]


def build_pack(
    dataset: "Dataset",
    indices: Sequence[int] | NDArray[np.integer[Any]],
    settings: PackSettings,
    *,
    folder: Path | None = None,
    workers: int | None = None,
    progress: Progress = ignore,
) -> Pack:
    """Open the pack of these pictures, made first where it is not there yet; picture j is `indices[j]`.

    folder: where packs are kept, by default in the cache. workers: threads that decode, by default one a core; the
    pack is the same for any number, and memory holds a few pictures for each. Whole mode stretches picture and mask
    to `settings.size`; in tile mode a mask of another size is brought to its picture's by nearest.

    Raises DataError naming the first picture that cannot be used, OutputError where the pack cannot be written.
    """
    chosen = [int(index) for index in indices]
    if not chosen:
        raise DataError("There is no picture to pack.", fix="give at least one pair of picture and mask")
    place = (folder or cache_folder() / "packs") / _key(dataset, chosen, settings, workers, progress)[:32]
    remove_leftovers(place.parent)
    if place.exists():
        try:
            return Pack(place)
        except DataError:
            shutil.rmtree(place, ignore_errors=True)  # damaged: it can be made again
    with whole_folder(place) as temporary:
        _build(dataset, chosen, settings, temporary, workers, progress)
    return Pack(place)


def remove_leftovers(folder: Path, *, older_than_seconds: float = _DAY) -> None:
    """Remove what builds that were killed left behind; what was written to lately may be a build at work."""
    if not folder.is_dir():
        return
    for leftover in [path for path in folder.iterdir() if _LEFTOVER.fullmatch(path.name)]:
        try:
            changed = max(path.stat().st_mtime for path in (leftover, *leftover.iterdir()))
        except OSError:
            continue  # it is being removed, or renamed, by another process
        if changed < time.time() - older_than_seconds:
            shutil.rmtree(leftover, ignore_errors=True)


def _key(
    dataset: "Dataset", indices: list[int], settings: PackSettings, workers: int | None, progress: Progress
) -> str:
    """Return the hash of all that the pack's bytes depend on."""
    columns, palette = dataset.columns, dataset.palette or {}
    head = {
        "settings": asdict(settings), "bands": dataset.bands, "dtype": dataset.dtype,
        "encoding": dataset.encoding.to_dict(), "palette": sorted(palette.items()),
        "classes": len(dataset.classes.names), "exclusive": dataset.classes.exclusive, "pillow": PIL.__version__,
    }  # fmt: skip
    samples = [dataset[index] for index in indices]
    paths = [path for sample in samples for path in (sample.image, *sample.masks)]
    hashes = iter(hash_files(paths, workers=workers, progress=progress))
    digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    for index, sample in zip(indices, samples, strict=True):
        labels = columns.labels[index] if columns.labels else ()
        row = [next(hashes) for _ in (sample.image, *sample.masks)]
        digest.update(json.dumps([row, labels]).encode())
    return digest.hexdigest()


def _build(
    dataset: "Dataset",
    indices: list[int],
    settings: PackSettings,
    folder: Path,
    workers: int | None,
    progress: Progress,
) -> None:
    sizes = np.empty((len(indices), 2), "<i8")
    layers = 0 if dataset.classes.exclusive else len(dataset.classes.names)
    with open(folder / "images.bin", "wb") as images, open(folder / "masks.bin", "wb") as masks:
        pairs = in_threads(lambda index: _decode_pair(dataset, index, settings), indices, workers=workers)
        for done, (image, mask) in enumerate(pairs, start=1):
            sizes[done - 1] = mask.shape[:2]
            images.write(np.ascontiguousarray(image, _DTYPES[dataset.dtype]).data)
            masks.write(np.ascontiguousarray(mask).data)
            progress(Step("pack", done, len(indices)))
        for file in (images, masks):
            _sync(file)
    with open(folder / "sizes.npy", "wb") as file:
        np.save(file, sizes, allow_pickle=False)
        _sync(file)
    content = {
        "schema_version": _SCHEMA_VERSION, "settings": asdict(settings), "count": len(indices),
        "bands": settings.bands, "dtype": dataset.dtype, "mask_layers": layers,
        "image_bytes": (folder / "images.bin").stat().st_size, "mask_bytes": (folder / "masks.bin").stat().st_size,
    }  # fmt: skip
    write_json(folder / "pack.json", content)


def _decode_pair(dataset: "Dataset", index: int, settings: PackSettings) -> tuple[Pixels, NDArray[np.uint8]]:
    """Return one picture and its mask as they go into the pack, of equal size.

    Only whole mode decodes JPEGs at reduced scale: prediction does the same.
    """
    at_least = None if settings.size is None else scaled_decoding_size(settings.size)
    towards = settings.size if settings.bands == dataset.bands else None
    image = dataset.read_image(index, at_least=at_least, towards=towards)
    image = with_bands(image, settings.bands, dataset[index].image)
    mask = dataset.read_mask(index)
    size = settings.size
    if size is None:
        own = (image.shape[0], image.shape[1])
        mask = resize_labels(mask, own).astype(np.uint8, copy=False)
        size = own if settings.scale == 1 else scaled_size(own, settings.scale)
    return resize_image(image, size), resize_labels_by_area(mask, size, len(dataset.classes.names))


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _read_index(folder: Path) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """Read what a pack says of itself, and check that all of it is there."""
    try:
        content = json.loads((folder / "pack.json").read_bytes())
        sizes: NDArray[np.int64] = np.load(folder / "sizes.npy", allow_pickle=False)
        bytes_there = tuple((folder / name).stat().st_size for name in ("images.bin", "masks.bin"))
        areas = int((sizes[:, 0] * sizes[:, 1]).sum())
        wide = _DTYPES[content["dtype"]].itemsize
        expected = (areas * int(content["bands"]) * wide, areas * max(1, int(content["mask_layers"])))
        if content["schema_version"] != _SCHEMA_VERSION or sizes.shape != (content["count"], 2) or sizes.min() < 1:
            raise ValueError("its index does not fit")
        if bytes_there != expected:
            raise ShapeError(f"it holds {bytes_there[0]} + {bytes_there[1]} bytes of {expected[0]} + {expected[1]}")
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"The pack is not whole ({error}).", where=str(folder), fix="remove the folder; it is made again"
        ) from error
    return content, sizes
