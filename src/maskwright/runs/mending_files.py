"""Writing one pair of a mended set: its picture as it is, or anew with as little change as possible, and its mask."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwright.audit.facts import MaskFacts, PairFacts
from maskwright.data.dataset import Dataset
from maskwright.data.names import some, suffix_of
from maskwright.errors import DataError
from maskwright.files import write_bytes
from maskwright.images.formats import ImageInfo, read_image, read_info, resize_labels_by_area, turn
from maskwright.images.jpeg import first_picture
from maskwright.images.modes import Pixels
from maskwright.images.opening import open_file
from maskwright.images.writing import picture_suffix, write_picture
from maskwright.runs.changes import Change
from maskwright.runs.mending_rows import Treatment
from maskwright.runs.written_set import Line, copy_file, write_masks

_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), "MPO": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png",), "GIF": (".gif",), "BMP": (".bmp", ".dib"), "TIFF": (".tif", ".tiff"), "WEBP": (".webp",),
}  # fmt: skip
_BACK = {6: 8, 8: 6}  # what undoes a turn; the others undo themselves
_LARGEST_CUT = 200_000_000  # bytes of a JPEG file that is cut without decoding it
_ELSEWHERE = "The copy has folders and names of its own."
_BARE = "without metadata (place, time, camera)"


@dataclass(frozen=True)
class Job:
    """One pair to be written. name: below images/ and masks/. parent: a copy's original, by its source path."""

    row: int
    name: str
    treatment: Treatment
    facts: PairFacts
    group: str
    part: str
    parent: str = ""


def write_pair(dataset: Dataset, folder: Path, job: Job) -> tuple[Line, list[Change]]:
    """Write a picture and its mask; return the line of pairs.csv and what was done. On an error nothing is left of it.

    Raises DataError where the files cannot be read as they were when they were checked, OutputError.
    """
    written: list[str] = []
    try:
        masks, changes = _write_mask(dataset, folder, job, written)
        image, done = _write_picture(dataset, folder, job, written)
    except DataError:
        for path in written:
            (folder / path).unlink(missing_ok=True)
        raise
    return Line(image, masks, job.group, job.part, job.parent), [*done, *changes]


# --- the picture ----------------------------------------------------------------------------------------------------


def _write_picture(dataset: Dataset, folder: Path, job: Job, written: list[str]) -> tuple[str, list[Change]]:
    info = _info(job)
    source, old = dataset[job.row].image, dataset.columns.images[job.row]
    suffix, usual = suffix_of(old), _SUFFIXES[info.format]
    if not job.treatment.rewrites:
        path = f"images/{job.name}{suffix if suffix in usual else usual[0]}"
        written.append(path)
        copy_file(source, folder, path)
        if read_info(folder / path) != info:
            raise DataError("The picture has changed since it was checked.", where=str(source), fix="check it again")
        return path, _renamed(old, path, info, suffix in usual)
    path, how = _rewrite(source, folder, job, info, written)
    said = [(kind, found, f"{done}, {how}, {_BARE}") for kind, found, done in _reasons(job, info)]
    if suffix not in usual:
        said.append(("wrong-extension", _misnamed(info), f"named as what it is now, {how}"))
    return path, [Change(old, kind, found, "mended", done, old, path) for kind, found, done in said]


def _info(job: Job) -> ImageInfo:
    info = job.facts.picture.info
    if info is None:
        raise ValueError("a pair without a picture is left out")
    return info


def _renamed(old: str, path: str, info: ImageInfo, fits: bool) -> list[Change]:
    if not fits:
        return [Change(old, "wrong-extension", _misnamed(info), "mended", "renamed; copied as it is", old, path)]
    if path != old:
        return [Change(old, "place", _ELSEWHERE, "moved", "copied as it is, to another place or name", old, path)]
    return []


def _misnamed(info: ImageInfo) -> str:
    return f"The picture is a {info.format} and is not named as one."


def _reasons(job: Job, info: ImageInfo) -> list[tuple[str, str, str]]:
    """Return (kind, what was found, what is done) for a picture that is written anew."""
    treatment, found = job.treatment, []
    if treatment.turn == "upright":
        said = f"The picture is to be turned as its EXIF entry says (orientation {info.orientation})."
        found.append(("exif-rotated", said, "turned upright"))
    if treatment.turn == "stored":
        said = f"Picture and mask agree only without the EXIF entry (orientation {info.orientation})."
        found.append(("exif-conflict", said, "kept as it is stored, not turned"))
    if treatment.first:
        said = f"The file holds {info.frames} pictures ({info.format})."
        found.append(("multi-frame", said, "only the first one kept"))
    if treatment.opaque:
        found.append(("mixed-modes", "The picture has transparency.", "transparency dropped"))
    return found


def _rewrite(source: Path, folder: Path, job: Job, info: ImageInfo, written: list[str]) -> tuple[str, str]:
    """Write a picture anew; return its path and how it was saved. The pixels are those that the check saw."""
    pixels = read_image(source)
    if job.treatment.turn == "stored":
        pixels = turn(pixels, _BACK.get(info.orientation, info.orientation))
    if info.format in ("JPEG", "MPO") and job.treatment.turn != "upright" and not job.treatment.opaque:
        path = f"images/{job.name}.jpg"
        written.append(path)
        if _cut(source, folder / path, pixels):
            return path, "the JPEG's data unchanged"
    suffix = picture_suffix(pixels.shape[2], str(pixels.dtype))
    path = f"images/{job.name}{suffix}"
    written.append(path)
    write_picture(folder / path, pixels)
    return path, f"saved as {'PNG' if suffix == '.png' else 'TIFF'} without loss"


def _cut(source: Path, target: Path, pixels: Pixels) -> bool:
    """Write the first picture of a JPEG file as it is stored, if that decodes to these pixels."""
    with open_file(source) as file:
        content = file.read(_LARGEST_CUT + 1)
    try:
        if len(content) > _LARGEST_CUT:
            raise ValueError("too large to be cut in memory")
        write_bytes(target, first_picture(content))
        same = np.array_equal(read_image(target), pixels)
    except (ValueError, DataError):
        same = False
    if not same:
        target.unlink(missing_ok=True)
    return same


# --- the mask -------------------------------------------------------------------------------------------------------


def _write_mask(dataset: Dataset, folder: Path, job: Job, written: list[str]) -> tuple[tuple[str, ...], list[Change]]:
    mask, classes, size = dataset.read_mask(job.row), dataset.classes, job.treatment.resize
    before = (mask.shape[0], mask.shape[1])
    if size is not None:
        mask = resize_labels_by_area(mask, size, len(classes.names))
    paths = write_masks(mask, classes, folder, job.name)
    written += paths
    return paths, _mask_changes(dataset, job, before, paths)


def _mask_changes(dataset: Dataset, job: Job, size: tuple[int, int], paths: Sequence[str]) -> list[Change]:
    facts, old = job.facts.mask, dataset.columns.masks[job.row]
    file, before, after = old[0], some(list(old), 8), some(list(paths), 8)
    found: list[tuple[str, str, str]] = []
    form = "index PNG" if dataset.classes.exclusive else "PNG, one file a class"
    if dataset.drawn:
        file = before = dataset.columns.images[job.row]
        found.append(("outlines", "The mask is drawn from outlines.", f"saved as {form}"))
    elif facts.soft:
        said = f"The mask has blurred or lossy borders ({facts.soft} pixel{'s' * (facts.soft != 1)})."
        found.append(("mask-antialiased", said, f"cut at half, saved as {form}"))
    elif any(info.format in ("JPEG", "MPO") for info in facts.infos):
        found.append(("mask-lossy", "The mask is a JPEG.", f"decoded and saved as {form}"))
    elif not _is_written_so(dataset, facts):
        said = f"The mask's encoding is {dataset.encoding.kind} ({', '.join(sorted({i.format for i in facts.infos}))})."
        found.append(("mask-encoding", said, f"saved as {form}"))
    changes = [Change(file, kind, said, "mended", done, before, after) for kind, said, done in found]
    if job.treatment.resize is not None:
        said, old_size = "Picture and mask differ in size.", _in_words(size)
        done = "resized to its picture, each pixel the label that covers most of it"
        changes.append(Change(file, "size-mismatch", said, "mended", done, old_size, _in_words(job.treatment.resize)))
    if not changes and before != after:
        changes.append(Change(file, "place", _ELSEWHERE, "moved", "saved under another place or name", before, after))
    return changes


def _in_words(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} (height x width)"


def _is_written_so(dataset: Dataset, facts: MaskFacts) -> bool:
    """Whether a mask's files hold what is written for it: class numbers, or 0 and 255 for each class."""
    if any(info.format != "PNG" or info.orientation != 1 or info.frames > 1 for info in facts.infos):
        return False
    if not dataset.classes.exclusive:
        return len(facts.infos) == len(dataset.classes.names) and all(info.mode == "L" for info in facts.infos)
    plain = all(raw == label for raw, label in dataset.encoding.table)
    return plain and dataset.encoding.kind in ("index", "binary") and facts.infos[0].mode in ("1", "L", "P")
