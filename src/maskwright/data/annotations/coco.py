"""COCO: one JSON file for many pictures, or one a part; outlines as polygons or run lengths.

Source: Lin et al. 2014, Microsoft COCO, arXiv:1405.0312, and the format that its API reads.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from maskwright.data.annotations.areas import Polygon, Runs
from maskwright.data.annotations.documents import (
    Documents,
    broken,
    entries,
    label_name,
    ring,
    stated_size,
    table,
    whole,
    word,
)
from maskwright.data.annotations.model import NOTHING_ENCLOSED, ONLY_A_BOX, Annotations, Record, Thing, merged
from maskwright.data.annotations.pictures import Pictures
from maskwright.data.annotations.rle import checked_runs, unpack_counts
from maskwright.data.names import PARTS, folder_of, folder_part, shown, some, stem_of, words
from maskwright.errors import DataError

TITLE = "COCO"


def is_coco(content: Any) -> bool:
    """Whether a parsed JSON file is an instances file: pictures, categories, and things that could have outlines."""
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in ("images", "categories")):
        return False
    things = content.get("annotations")
    if not isinstance(things, list):
        return False
    return not things or any(isinstance(thing, dict) and "category_id" in thing for thing in things[:20])


def read(documents: Documents, files: Sequence[str], pictures: Pictures) -> Annotations:
    """Read instances files, of parts or of disjoint sets. Raises DataError."""
    files, notes = _instances_only(files)
    names: dict[str, int] = {}
    records: list[Record] = []
    skipped: Counter[str] = Counter()
    missing: list[str] = []
    boxes = 0
    for path in files:
        content = table(documents.json(path), "The file", documents.where(path))
        one = _File(content, path, documents.where(path), pictures, names)
        records += one.records()
        skipped += one.skipped
        boxes += one.skipped[ONLY_A_BOX]
        missing += one.missing
        del content
    if boxes and not any(record.things for record in records):
        raise DataError(
            f"The COCO file holds {boxes} boxes and no outlines: 'segmentation' is empty.",
            where=documents.where(files[0]), fix="export the annotations with outlines (segmentation), or draw masks",
        )  # fmt: skip
    kept, others = merged(records)
    return Annotations(
        TITLE, tuple(names), kept, tuple(files), skipped=skipped, missing=(*missing, *others), notes=notes
    )


def _instances_only(files: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Where there are files called instances, the others (keypoints, panoptic) describe the same pictures again."""
    chosen = [path for path in files if "instances" in words(stem_of(path))]
    if not chosen or len(chosen) == len(files):
        return list(files), ()
    left = [path for path in files if path not in chosen]
    return chosen, (f"annotation files left out, since others are called instances: {some(left)}",)


class _File:
    """One instances file."""

    def __init__(
        self, content: dict[str, Any], path: str, where: str, pictures: Pictures, names: dict[str, int]
    ) -> None:
        self._content, self._path, self._where, self._pictures = content, path, where, pictures
        self.skipped: Counter[str] = Counter()
        self.missing: list[str] = []
        self._things = [
            table(thing, "An annotation", where) for thing in entries(content.get("annotations"), "annotations", where)
        ]
        self._labels = self._categories(names)
        self._part = _part_of(path)

    def _categories(self, names: dict[str, int]) -> dict[int, int]:
        """Return category id -> index into names, which grow."""
        used = {whole(thing.get("category_id")) for thing in self._things}
        found: list[tuple[int, str, Any]] = []
        for category in entries(self._content.get("categories"), "categories", self._where):
            category = table(category, "A category", self._where)
            number = whole(category.get("id"))
            if number is None:
                raise broken("A category has no id.", self._where)
            found.append((number, label_name(category.get("name"), self._where), category.get("supercategory")))
        above = {parent for _, _, parent in found}
        labels: dict[int, int] = {}
        for number, name, parent in found:
            if parent == "none" and name in above and number not in used:
                continue  # what some tools write as category 0: the family of all others
            if number in labels:
                raise broken(f"Two categories have the id {number}.", self._where)
            labels[number] = names.setdefault(name, len(names))
        return labels

    def records(self) -> list[Record]:
        """Return what is said of each picture that is there."""
        things: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for thing in self._things:
            number = whole(thing.get("image_id"))
            if number is None:
                raise broken("An annotation has no image_id.", self._where)
            things[number].append(thing)
        found: list[Record] = []
        known: set[int] = set()
        for image in entries(self._content.get("images"), "images", self._where):
            image = table(image, "An image", self._where)
            number = whole(image.get("id"))
            if number is None or number in known:
                raise broken("An image has no id, or one that another has too.", self._where)
            known.add(number)
            name = word(image.get("file_name"), "An image's file_name", self._where)
            where = f"{self._where}, image {shown(name)}"
            match = self._pictures.find(name, near=folder_of(self._path), where=where, part=self._part)
            if match is None:
                self.missing.append(name)
                continue
            size = stated_size(image.get("height"), image.get("width"), where)
            made = tuple(made for thing in things.pop(number, []) if (made := self._thing(thing, size, where)))
            found.append(Record(match.path, size, made, where, self._part, self._path, match.name, match.fit))
        strays = set(things) - known
        if strays:
            self.skipped["objects of no picture of their file"] += sum(len(things[number]) for number in strays)
        return found

    def _thing(self, thing: dict[str, Any], size: tuple[int, int] | None, where: str) -> Thing | None:
        category = whole(thing.get("category_id"))
        label = None if category is None else self._labels.get(category)
        if label is None:
            raise broken(f"An annotation has the category {str(thing.get('category_id'))[:40]}, which is none.", where)
        shape = thing.get("segmentation")
        crowd = thing.get("iscrowd") in (1, True, "1")
        if isinstance(shape, dict):
            return Thing(label, _runs(shape, size, where), crowd=crowd)
        if shape is None or shape == [] or shape == [[]]:
            self.skipped[ONLY_A_BOX] += 1
            return None
        parts = entries(shape, "A segmentation", where)
        if parts and not isinstance(parts[0], list):  # one ring without the list around it
            parts = [parts]
        rings = tuple(points for part in parts if (points := ring(part)) is not None)
        if len(rings) < len(parts):
            self.skipped[NOTHING_ENCLOSED] += 1
        return Thing(label, Polygon(rings), crowd=crowd) if rings else None


def _runs(shape: dict[str, Any], size: tuple[int, int] | None, where: str) -> Runs:
    """Return a mask of run lengths, plain or packed. Raises DataError."""
    stated = entries(shape.get("size"), "A mask's size", where)
    own = stated_size(stated[0], stated[1], where) if len(stated) == 2 else None
    if own is None or (size is not None and own != size):
        raise broken(f"A mask's size is {str(stated)[:60]}, its picture's {size} (height, width).", where)
    counts = shape.get("counts")
    if isinstance(counts, str):
        return Runs(unpack_counts(counts, own, where), own, by_columns=True)
    return Runs(checked_runs(entries(counts, "A mask's counts", where), own, where), own, by_columns=True)


def _part_of(path: str) -> str:
    """Return the part that a file's name or folder says."""
    named = {PARTS[piece] for piece in words(stem_of(path)) if piece in PARTS}
    return named.pop() if len(named) == 1 else folder_part(folder_of(path))
