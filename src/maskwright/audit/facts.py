"""What is worth knowing of each picture and its mask, taken in one reading: sizes, formats, counts, hashes.

Pixels are let go at once, so that memory does not grow with the set by more than a kilobyte a picture.
"""

import hashlib
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.drawing import MaskDrawing, look_at_drawing
from maskwright.audit.prints import PicturePrint, picture_print
from maskwright.data.dataset import Dataset
from maskwright.errors import DataError, MissingDependency
from maskwright.images.classes import IGNORE
from maskwright.images.formats import ImageInfo, open_picture
from maskwright.images.masks import MaskEncoding, decode_many, decode_mask
from maskwright.images.modes import Pixels
from maskwright.images.present import calm_bytes, count_values

_LISTED = 20  # values of a mask that are kept as evidence
_LARGE = 50_000_000  # pixels: a hundred megabytes or more
_LARGE_ONES = threading.RLock()  # held while a large picture is in memory; a thread that has it takes it again


@dataclass(frozen=True)
class PictureFacts:
    """info: None if the file is unreadable, and then error says why. digest: of the decoded pixels.

    grey: its bands are equal although the file has colour. print: what finds its like. taken: EXIF's time of the
    photograph, "YYYY:MM:DD HH:MM:SS", or "".
    """

    path: Path
    info: ImageInfo | None = None
    error: DataError | None = None
    digest: bytes = b""
    grey: bool = False
    print: PicturePrint | None = None
    taken: str = ""


@dataclass(frozen=True)
class MaskFacts:
    """height, width: of the mask as decoded. error: it cannot be read or decoded. counts: label -> pixels.

    unknown: raw values that are no class -> pixels (a few of them). soft, undecided: pixels of an anti-aliased mask
    that have neither of its two values, and those of them in the middle between the two. raw_constant: the file holds
    this value throughout. digest: of the decoded labels.
    """

    paths: tuple[Path, ...]
    height: int = 0
    width: int = 0
    infos: tuple[ImageInfo, ...] = ()
    error: DataError | None = None
    unknown: dict[str, int] | None = None
    counts: dict[int, int] | None = None
    soft: int = 0
    undecided: int = 0
    raw_constant: int | None = None
    digest: bytes = b""
    drawing: MaskDrawing | None = None


@dataclass(frozen=True)
class PairFacts:
    """What one reading of a picture and its mask told."""

    picture: PictureFacts
    mask: MaskFacts


def fits_as_stored(info: ImageInfo, mask: MaskFacts) -> bool:
    """Return whether the mask has the picture's size as it is stored, height and width being exchanged by EXIF."""
    exchanged = info.orientation >= 5 and info.height != info.width
    return exchanged and (mask.height, mask.width) == (info.width, info.height)


def look_at_pair(dataset: Dataset, index: int) -> PairFacts:
    """Read one picture and its mask once. Of very large ones no two are in memory at a time."""
    with ExitStack() as held:
        picture, image = picture_facts(dataset[index].image, held)
        return PairFacts(picture, mask_facts(dataset, index, image, held))


def _wait_if_large(info: ImageInfo, held: ExitStack | None) -> None:
    if held is not None and info.height * info.width > _LARGE:
        held.enter_context(_LARGE_ONES)


def picture_facts(path: Path, held: ExitStack | None = None) -> tuple[PictureFacts, Pixels | None]:
    """Read one picture; return its facts and its pixels. What is wrong with it becomes part of the facts.

    held: what is let go of when the pixels are.
    """
    info, taken = None, ""
    try:
        with open_picture(path) as picture:
            info, taken = picture.info, picture.taken()
            _wait_if_large(info, held)
            image = picture.pixels()
    except (DataError, MissingDependency) as error:
        return PictureFacts(path, info, as_data_error(error, path), taken=taken), None
    digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16)
    digest.update(repr((image.shape, image.dtype.str)).encode())
    grey = image.shape[2] == 3 and _equal_bands(image)
    return PictureFacts(path, info, None, digest.digest(), grey, picture_print(image), taken), image


def as_data_error(error: DataError | MissingDependency, path: Path) -> DataError:
    """Return the error of one file that a package is missing for: the others can still be checked."""
    return error if isinstance(error, DataError) else DataError(error.what, where=str(path), fix=error.fix)


def _equal_bands(image: NDArray[Any]) -> bool:
    """Whether red, green and blue are the same: on a coarse grid first, since few pictures are grey."""
    for step in (16, 1):
        part = image[::step, ::step]
        if not (np.array_equal(part[:, :, 0], part[:, :, 1]) and np.array_equal(part[:, :, 0], part[:, :, 2])):
            return False
    return True


def mask_facts(dataset: Dataset, index: int, image: Pixels | None = None, held: ExitStack | None = None) -> MaskFacts:
    """Read the mask of one picture, (H, W, C) if it could be read. What is wrong with it becomes part of the facts."""
    paths = dataset[index].masks
    if not paths:
        return MaskFacts(paths)
    reader = dataset.mask_reader
    infos: list[ImageInfo] = []
    raws: list[NDArray[Any]] = []
    try:
        for path in paths:
            with open_picture(path) as picture:
                infos.append(picture.info)
                _wait_if_large(picture.info, held)
                raws.append(reader.raw_of(picture))
    except (DataError, MissingDependency) as error:
        return MaskFacts(paths, infos=tuple(infos), error=as_data_error(error, path))
    height, width = raws[0].shape[:2]
    labels = dataset.columns.labels[index] if dataset.columns.labels else None
    where = str(paths[0])
    try:
        if reader.encoding.kind in ("objects", "per-class"):
            named = [(None if labels is None else labels[i], raw) for i, raw in enumerate(raws)]
            mask = decode_many(named, reader.encoding, classes=dataset.classes, where=where)
        else:
            mask = decode_mask(raws[0], reader.encoding, classes=dataset.classes, where=where)
    except DataError as error:
        return MaskFacts(paths, height, width, tuple(infos), error, unknown_values(raws[0], reader.encoding))
    digest = hashlib.blake2b(calm_bytes(mask), digest_size=16)
    digest.update(repr(mask.shape).encode())
    blurred = reader.encoding.kind == "antialiased"
    soft = _soft_pixels(raws[0], reader.encoding) if blurred else 0
    undecided = _undecided_pixels(raws[0], reader.encoding) if soft else 0
    constant = _constant(raws[0]) if len(raws) == 1 else None
    return MaskFacts(
        paths,
        height,
        width,
        tuple(infos),
        counts=_count(mask),
        soft=soft,
        undecided=undecided,
        raw_constant=constant,
        digest=digest.digest(),
        drawing=look_at_drawing(image, mask, raws[0], dataset.classes),
    )


def _count(mask: NDArray[np.uint8]) -> dict[int, int]:
    """Return label -> pixels; for overlapping classes the pixels of each class, and those ignored."""
    if mask.ndim == 3:
        counts = {label: int((mask[:, :, label] == 1).sum()) for label in range(mask.shape[2])}
        return {**counts, IGNORE: int((mask == IGNORE).any(axis=2).sum())}
    found = count_values(mask)
    return {int(label): int(found[label]) for label in np.flatnonzero(found)}


def _constant(raw: NDArray[Any]) -> int | None:
    if raw.ndim != 2 or not raw.size:
        return None
    first = raw[0, 0]
    even = all(bool((part == first).all()) for part in (raw[::16, ::16], raw))  # few are, and a coarse look shows it
    return int(first) if even else None


def _soft_pixels(raw: NDArray[Any], encoding: MaskEncoding) -> int:
    """Count pixels that have neither of the two values (nor an ignored one)."""
    grey = raw if raw.ndim == 2 else raw[:, :, 0]
    known = [value for value, _ in encoding.table if isinstance(value, int)]
    if grey.dtype != np.uint8:
        return int(grey.size - np.isin(grey, known).sum())
    counts = count_values(grey)
    return int(grey.size - counts[sorted({value for value in known if value < 256})].sum())


def _undecided_pixels(raw: NDArray[Any], encoding: MaskEncoding) -> int:
    """Count pixels in the middle half between the two values."""
    grey = raw if raw.ndim == 2 else raw[:, :, 0]
    known = sorted(value for value, label in encoding.table if isinstance(value, int) and label != IGNORE)
    low, high = (known[0], known[-1]) if len(known) > 1 else (0, 255)
    quarter = (high - low) / 4
    return int(((grey > low + quarter) & (grey < high - quarter)).sum())


def unknown_values(raw: NDArray[Any], encoding: MaskEncoding) -> dict[str, int]:
    """Return raw values that the table does not name, with their pixels, the most frequent first, at most 20."""
    if encoding.kind in ("objects", "per-class", "antialiased"):
        return {}
    if raw.ndim == 2 and encoding.kind != "colour":
        known = {value for value, _ in encoding.table}
        counts = np.bincount(raw.ravel())
        found = {str(value): int(counts[value]) for value in np.flatnonzero(counts) if int(value) not in known}
    else:
        flat = (raw[:, :, :3] if raw.ndim == 3 else np.repeat(raw[:, :, None], 3, axis=2)).reshape(-1, 3)
        packed = (flat.astype(np.uint64) @ np.array([1 << 32, 1 << 16, 1], np.uint64)).ravel()
        values, times = np.unique(packed, return_counts=True)
        named = {(value, value, value) if isinstance(value, int) else value for value, _ in encoding.table}
        colours = [(int(v) >> 32, (int(v) >> 16) & 0xFFFF, int(v) & 0xFFFF) for v in values]
        found = {str(c): int(n) for c, n in zip(colours, times, strict=True) if c not in named}
    most = sorted(found, key=lambda value: -found[value])[:_LISTED]
    return {value: found[value] for value in most}
