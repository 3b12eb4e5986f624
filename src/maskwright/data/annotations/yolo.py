"""YOLO segmentation (Ultralytics): a text file of normalised outlines for each picture, and a file with the names.

`images/train/a.jpg` belongs to `labels/train/a.txt`; the last folder called images becomes labels. A line is a class
number and x y x y ... in shares of the width and height.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from maskwright.data.annotations.areas import Polygon
from maskwright.data.annotations.documents import Documents, broken, label_name, ring, whole
from maskwright.data.annotations.model import NOTHING_ENCLOSED, ONLY_A_BOX, Annotations, Record, Thing
from maskwright.data.annotations.pictures import Pictures
from maskwright.data.names import folder_of, shown, some, stem_of, suffix_of
from maskwright.data.plainyaml import PlainLoader
from maskwright.errors import DataError

TITLE = "YOLO"
_LARGEST_YAML = 5_000_000
_FARTHEST = 2.0  # shares; beyond it the numbers are pixels
_Outline = tuple[int, NDArray[np.float64] | None]


def is_names_file(content: Any) -> bool:
    """Whether parsed YAML is Ultralytics' description of a set: the classes' names, and where the parts lie."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("names"), list | dict)
        and any(key in content for key in ("train", "val", "test", "path", "nc"))
    )


def is_label_text(head: bytes) -> bool:
    """Whether the beginning of a text file is lines of a class number and at least four numbers."""
    lines = head.decode("ascii", "replace").splitlines()
    lines = [line for line in (lines[:-1] if len(head) >= 4096 and len(lines) > 1 else lines) if line.strip()]
    return bool(lines) and all(_is_label_line(line) for line in lines[:5])


def _is_label_line(line: str) -> bool:
    pieces = line.split()
    if len(pieces) < 5 or not pieces[0].removesuffix(".0").isdigit():
        return False
    try:
        return all(-_FARTHEST < float(piece) < _FARTHEST for piece in pieces[1:])
    except ValueError:
        return False


@dataclass(frozen=True)
class _Names:
    """names: of the classes by number. parts: folders or lists of pictures -> part."""

    names: dict[int, str]
    parts: dict[str, str]
    file: str


def read(documents: Documents, files: Sequence[str], pictures: Pictures) -> Annotations:
    """Read label files; `files` are they, and at most one YAML file with names. Raises DataError."""
    described = [path for path in files if suffix_of(path) in (".yaml", ".yml") or _is_list_of_names(path)]
    if len(described) > 1:
        raise DataError(
            f"Several YAML files describe the set: {some(described)}.", where=str(documents.root),
            fix=f"say which one: --annotations {shown(described[0])} (or annotations: in dataset.yaml)",
        )  # fmt: skip
    known = _read_names(documents, described[0]) if described else _Names({}, {}, "")
    labels = {path for path in files if path not in described}
    skipped: Counter[str] = Counter()
    outlines: list[tuple[str, list[_Outline], str]] = []
    used: set[str] = set()
    for image in pictures.paths:
        path = next((path for path in label_paths(image) if path in labels), None)
        if path is not None:
            outlines.append((image, _read_labels(documents, path, skipped), documents.where(path)))
            used.add(path)
    if skipped[ONLY_A_BOX] and not any(found for _, found, _ in outlines):
        raise DataError(
            f"The label files hold {skipped[ONLY_A_BOX]} boxes and no outlines: they are for detection.",
            where=documents.where(min(used)), fix="export the labels for segmentation (a class and x y x y ...)",
        )  # fmt: skip
    numbers = {number for _, found, _ in outlines for number, _ in found}
    names, index = _numbered(known, numbers, documents)
    parts = _parts(known, documents, pictures)
    records = tuple(
        Record(image, None, _things(found, index, skipped), where, parts.get(image, ""))
        for image, found, where in outlines
    )
    missing = tuple(sorted(labels - used))
    files = tuple((known.file, *sorted(used)) if known.file else sorted(used))
    return Annotations(TITLE, names, records, files, skipped=skipped, missing=missing)


def _is_list_of_names(path: str) -> bool:
    return path.rpartition("/")[2] == "classes.txt"


def label_paths(image: str) -> tuple[str, ...]:
    """Return where a picture's label file may lie: the last folder `images` called `labels`, or beside the picture."""
    parts = list(PurePosixPath(folder_of(image)).parts)
    beside = "/".join((*parts, f"{stem_of(image)}.txt"))
    for at in range(len(parts) - 1, -1, -1):
        if parts[at] == "images":
            return "/".join((*parts[:at], "labels", *parts[at + 1 :], f"{stem_of(image)}.txt")), beside
    return beside, "/".join(("labels", *parts, f"{stem_of(image)}.txt"))


def _read_labels(documents: Documents, path: str, skipped: Counter[str]) -> list[_Outline]:
    """Return (class number, outline in shares; None where it encloses nothing) of each line."""
    found: list[_Outline] = []
    for row, line in enumerate(documents.text(path).splitlines(), start=1):
        pieces = line.split()
        if not pieces:
            continue
        where = f"{documents.where(path)}, line {row}"
        label = whole(pieces[0])
        if label is None or not 0 <= label < 10_000:
            raise broken(f"A line begins with {shown(pieces[0], 40)}, which is no class number.", where)
        if len(pieces) == 5:
            skipped[ONLY_A_BOX] += 1
            continue
        try:
            values = np.array(pieces[1:], np.float64)
        except ValueError as error:
            raise broken("A line holds something that is no number.", where) from error
        if len(values) % 2 or len(values) < 6:
            raise broken(f"A line holds {len(values)} numbers after the class; an outline has x y pairs.", where)
        if np.abs(values[np.isfinite(values)]).max(initial=0) > _FARTHEST:
            raise DataError(
                "The coordinates are no shares of the picture's size: they go beyond 1.", where=where,
                fix="divide x by the width and y by the height",
            )  # fmt: skip
        found.append((label, ring(values)))
    return found


def _things(found: Sequence[_Outline], index: dict[int, int], skipped: Counter[str]) -> tuple[Thing, ...]:
    things = [Thing(index[label], Polygon((outline,), shares=True)) for label, outline in found if outline is not None]
    if len(things) < len(found):
        skipped[NOTHING_ENCLOSED] += len(found) - len(things)
    return tuple(things)


def _numbered(known: _Names, used: set[int], documents: Documents) -> tuple[tuple[str, ...], dict[int, int]]:
    """Return the classes' names and class number -> index into them."""
    unknown = sorted(used - known.names.keys())
    if known.names and unknown:
        raise DataError(
            f"The label files use class {unknown[0]}; the names are of {len(known.names)} classes "
            f"({min(known.names)}-{max(known.names)}).",
            where=documents.where(known.file), fix="add its name under 'names', or correct the label files",
        )  # fmt: skip
    names = dict(sorted(known.names.items())) or {
        number: f"class_{number}" for number in range(max(used, default=0) + 1)
    }
    order = tuple(dict.fromkeys(names.values()))
    return order, {number: order.index(name) for number, name in names.items()}


def read_yaml(documents: Documents, path: str) -> Any:
    """Return a YAML file's content; None where it is none, or far too large for a description."""
    if documents.size(path) > _LARGEST_YAML:
        return None
    try:
        return yaml.load(documents.text(path), PlainLoader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, DataError, ValueError, RecursionError):
        return None


def _read_names(documents: Documents, path: str) -> _Names:
    where = documents.where(path)
    if _is_list_of_names(path):
        lines = [line for line in documents.text(path).splitlines() if line.strip()]
        return _Names({number: label_name(line, where) for number, line in enumerate(lines)}, {}, path)
    content = read_yaml(documents, path)
    if not is_names_file(content):
        raise broken("The YAML file names no classes: 'names' and 'train' or 'val' are missing.", where)
    listed = content["names"]
    pairs = listed.items() if isinstance(listed, dict) else enumerate(listed)
    names: dict[int, str] = {}
    for key, name in pairs:
        number = whole(key)
        if number is None or not 0 <= number < 10_000:
            raise broken(f"'names' has the key {shown(str(key), 40)}, which is no class number.", where)
        names[number] = label_name(name, where)
    return _Names(names, _stated_parts(content, folder_of(path)), path)


def _stated_parts(content: dict[str, Any], folder: str) -> dict[str, str]:
    """Return folders or list files, below the data folder, -> part. What leads out of it is read as lying inside."""
    base = content.get("path")
    bases = [folder]
    if isinstance(base, str) and base not in ("", "."):
        tail = [piece for piece in PurePosixPath(base.replace("\\", "/")).parts if piece not in ("..", "/")]
        bases += ["/".join((*PurePosixPath(folder).parts, *tail[at:])) for at in range(len(tail))]
    parts: dict[str, str] = {}
    for key in ("train", "val", "test"):
        value = content.get(key)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and text.strip():
                pieces = [piece for piece in PurePosixPath(text.replace("\\", "/")).parts if piece not in ("..", "/")]
                for start in bases:
                    parts.setdefault("/".join((*PurePosixPath(start).parts, *pieces)), key)
    return parts


def _parts(known: _Names, documents: Documents, pictures: Pictures) -> dict[str, str]:
    """Return picture -> part, as the YAML file's folders and lists have it."""
    parts: dict[str, str] = {}
    for place, part in known.parts.items():
        if suffix_of(place) == ".txt" and documents.size(place):
            where = documents.where(place)
            for line in documents.text(place).splitlines():
                if line.strip():
                    match = pictures.find(line.strip(), near=folder_of(place), where=where)
                    if match is not None:
                        parts.setdefault(match.path, part)
            continue
        for image in pictures.below(place) if place else ():
            parts.setdefault(image, part)
    return parts
