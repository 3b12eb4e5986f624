"""A picture set written as a folder that reads without a guess: images/, masks/, pairs.csv, dataset.yaml.

Names come from the pictures' ids, made safe for any file system. Knows nothing of why the set is written.
"""

import csv
import io
import re
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.names import suffix_of
from maskwright.errors import DataError, OutputError
from maskwright.files import make_folder, output_error, write_bytes, write_text
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.formats import encode_png, read_info
from maskwright.images.modes import Pixels
from maskwright.images.writing import picture_suffix, write_picture

_LONGEST = 100  # characters of a name's part
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$", re.IGNORECASE)
_GREY = (150, 150, 150)  # of pixels that count in nothing, where masks are looked at


@dataclass(frozen=True)
class Line:
    """A picture of pairs.csv: paths below the folder; masks: one, or one for each class of a set that overlaps."""

    image: str
    masks: tuple[str, ...]
    group: str
    part: str
    parent: str = ""


class Names:
    """Gives each picture a name that no other one has, whatever the case of letters and the suffix."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """Return the wanted name made safe, with a number where it is taken."""
        safe = "/".join(_safe(part) for part in wanted.split("/") if part.strip(". ")) or "picture"
        name, number = safe, 2
        while not self.take_exactly(name):
            name, number = f"{safe}-{number}", number + 1
        return name

    def take_exactly(self, name: str) -> bool:
        """Take a safe name, if nobody has it."""
        key = unicodedata.normalize("NFC", name).casefold()
        if key in self._taken:
            return False
        self._taken.add(key)
        return True


def _safe(part: str) -> str:
    """Return a file name that every file system can hold."""
    plain = _FORBIDDEN.sub("_", "".join(c if c.isprintable() else "_" for c in part)).strip(" ").rstrip(".")
    if plain.startswith((".", "~")) or _RESERVED.match(plain):
        plain = f"_{plain}"
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST // 2]}..{plain[-_LONGEST // 2 :]}"


def suffix_for(dataset: Dataset, row: int) -> str:
    """Return the suffix of the format in which changed copies of a picture are written."""
    info = read_info(dataset[row].image)
    return picture_suffix(dataset.bands, dataset.dtype, lossy=info.format in ("JPEG", "MPO"))


def image_path(dataset: Dataset, row: int, name: str) -> str:
    """Return where a picture is copied to, below the folder."""
    return f"images/{name}{suffix_of(dataset.columns.images[row])}"


def refuse_place(target: Path, root: Path | None, what: str) -> None:
    """Raise OutputError for a place where a new set must not go.

    root: of the folder that is read for what is in it; None where a file says what is read. what: is written, in words.
    """
    if target.exists() and not target.is_dir():
        raise OutputError("A file stands where the folder should be.", where=str(target), fix="choose another -o")
    if target.is_dir() and any(target.iterdir()):
        raise OutputError(
            f"The folder is not empty: {what} is written whole, into a new folder.", where=str(target),
            fix="choose a new folder (-o FOLDER), or remove this one first")  # fmt: skip
    if root is not None and root.resolve() in (target.resolve(), *target.resolve().parents):
        raise OutputError(
            "The new folder lies inside the data: it would be read as part of it the next time.", where=str(target),
            fix="choose a folder outside of the data (-o FOLDER)")  # fmt: skip


def copy_picture(dataset: Dataset, row: int, folder: Path, name: str) -> str:
    """Copy a picture's file as it is; return its path below the folder. Raises DataError or OutputError."""
    relative = image_path(dataset, row, name)
    copy_file(dataset[row].image, folder, relative)
    return relative


def copy_file(source: Path, folder: Path, relative: str) -> None:
    """Copy a file's content to a path below the folder. Raises DataError or OutputError."""
    make_folder((folder / relative).parent)
    try:
        with open(source, "rb") as original:
            try:
                with open(folder / relative, "wb") as copy:
                    shutil.copyfileobj(original, copy, 1 << 20)
            except OSError as error:
                raise output_error(error, folder / relative) from error
    except OSError as error:
        if isinstance(error, DataError) or error.filename != str(source):
            raise
        fix = "check that it is there and may be read"
        raise DataError(f"The picture cannot be read: {error.strerror}.", where=str(source), fix=fix) from error


def write_image(image: Pixels, folder: Path, name: str, suffix: str) -> str:
    """Write a picture; return its path below the folder. Raises OutputError."""
    write_picture(folder / f"images/{name}{suffix}", image)
    return f"images/{name}{suffix}"


def write_masks(mask: NDArray[np.uint8], classes: Classes, folder: Path, name: str) -> tuple[str, ...]:
    """Write a mask as an index PNG, or one file for each class of a set that overlaps; return their paths.

    Raises DataError for ignored pixels of overlapping classes, which no files can hold, and OutputError.
    """
    if classes.exclusive:
        path = f"masks/{name}.png"
        write_bytes(folder / path, encode_png(mask, palette=mask_palette(classes)))
        return (path,)
    if (mask == IGNORE).any():
        raise DataError("Overlapping masks with ignored pixels cannot be written as one file a class.", where=name,
                        fix="take the picture out, or state a class for these pixels")  # fmt: skip
    paths = []
    for number in range(len(classes.names)):
        paths.append(f"masks/{name}.{number}-{_safe(classes.names[number])[:40].replace('/', '_')}.png")
        write_bytes(folder / paths[-1], encode_png(mask[..., number] * np.uint8(255)))
    return tuple(paths)


def mask_palette(classes: Classes) -> tuple[tuple[int, int, int], ...]:
    """Return the palette of index masks: the classes' colours, and grey for what is ignored.

    Greys are tinted by one level: a palette of greys alone is read as grey values, not as class numbers.
    """
    first, *others = classes.colours
    filler = ((0, 0, 0),) * (IGNORE - len(classes.names))
    return (first if first == (0, 0, 0) else _tinted(first), *map(_tinted, others), *filler, _tinted(_GREY))


def _tinted(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = colour
    return (red, green, blue + (1 if blue < 255 else -1)) if red == green == blue else colour


def write_pairs(lines: Iterable[Line], classes: Classes, folder: Path, *, parts: bool) -> None:
    """Write pairs.csv: image, mask, group, parent, and part unless `parts` is false. Raises OutputError."""
    head = ["image", "mask", "group", *(["part"] if parts else []), "parent"]
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(head if classes.exclusive else [*head, "class"])
    for line in lines:
        for number, mask in enumerate(line.masks):
            row = [line.image, mask, line.group, *([line.part] if parts else []), line.parent]
            table.writerow(row if classes.exclusive else [*row, classes.names[number]])
    write_bytes(folder / "pairs.csv", text.getvalue().encode())


def write_description(dataset: Dataset, folder: Path, notes: Sequence[str]) -> None:
    """Write dataset.yaml, so that nothing is guessed. notes: written above it as comments. Raises OutputError."""
    classes = dataset.classes
    content: dict[str, Any] = {"schema_version": 1, "pairs": "pairs.csv"}
    content["encoding"] = "index" if classes.exclusive else "per-class"
    content["classes"] = list(classes.names)
    if classes.exclusive:
        content["values"] = {name: number for number, name in enumerate(classes.names)}
        if classes.ignored or any(label == IGNORE for _, label in dataset.encoding.table):
            content["values"]["ignore"] = IGNORE
    comments = [f"# {line}" for note in notes for line in note.splitlines()]
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
    write_text(folder / "dataset.yaml", "\n".join([*comments, text]))
