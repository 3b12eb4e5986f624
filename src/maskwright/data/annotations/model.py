"""What every annotation format becomes: pictures, and the things outlined on each, with a class number.

Knows neither formats nor files; the geometry of a thing is in `areas.py`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from maskwright.data.annotations.areas import Area
from maskwright.data.names import shown
from maskwright.errors import DataError

Colour = tuple[int, int, int]
NOTHING_ENCLOSED = "outlines that enclose nothing"
NO_AREA = "lines and points, which cover no area"
ONLY_A_BOX = "objects with a box and no outline"


@dataclass(frozen=True)
class Thing:
    """One outlined object. label: index into the annotations' names. layer: things of a higher one cover lower ones.

    crowd: a region in which objects were not told apart; it counts in nothing where no other thing lies.
    """

    label: int
    area: Area
    layer: int = 0
    crowd: bool = False


@dataclass(frozen=True)
class Record:
    """What is said of one picture. An empty tuple of things is a picture on which nothing is to be found.

    image: its path below the data folder. size: (height, width) that the file states, None where it states none.
    where: the file, and the place in it, for errors. part: "train", "val", "test" or "". file: its relative path.
    name, fit: what the file calls the picture, and how well that fits it, as `Pictures.find` found.
    """

    image: str
    size: tuple[int, int] | None
    things: tuple[Thing, ...]
    where: str
    part: str = ""
    file: str = ""
    name: str = ""
    fit: tuple[bool, bool, int] = (True, True, 0)


@dataclass(frozen=True)
class Annotations:
    """All that the files of one format say.

    names: of the classes, in the order of their numbers, without a background unless the files name one.
    colours: of the names, empty where the files give none. files: relative paths of what was read.
    skipped: what could not be drawn, in words -> how many. missing: pictures that are named and not there.
    notes: what was chosen while reading.
    """

    title: str
    names: tuple[str, ...]
    records: tuple[Record, ...]
    files: tuple[str, ...]
    colours: tuple[Colour, ...] = ()
    skipped: Counter[str] = field(default_factory=Counter)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def merged(records: Sequence[Record]) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """Return one record a picture, in the order of the first of each, and the names of pictures that are missing.

    Of several names that lead to one picture the one that fits best means it; the pictures of the others are missing.
    Records of one name are joined where they stand in one file. Raises DataError where two files annotate a picture,
    several names fit it equally well, or its records state different sizes.
    """
    held: dict[str, list[Record]] = {}
    for record in records:
        held.setdefault(record.image, []).append(record)
    kept: list[Record] = []
    missing: dict[str, None] = {}
    for several in held.values():
        best = max(record.fit for record in several)
        kept.append(_joined([record for record in several if record.fit == best]))
        missing.update((record.name, None) for record in several if record.fit != best)
    return tuple(kept), tuple(missing)


def _joined(records: Sequence[Record]) -> Record:
    """Return what is said of one picture as one record. Raises DataError."""
    first = records[0]
    for other in records[1:]:
        if other.file != first.file:
            raise DataError(
                f"Two files annotate the same pictures, such as {shown(first.image)}: {shown(first.file)} and "
                f"{shown(other.file)}.", where=other.where,
                fix=f"say which file counts: --annotations {shown(other.file)} (or annotations: in dataset.yaml), or "
                "take one out of the folder",
            )  # fmt: skip
        if other.name != first.name:
            raise DataError(
                f"The names {shown(first.name)} and {shown(other.name)} both lead to the picture {shown(first.image)}.",
                where=other.where, fix="put the pictures into folders as the names have them, or take one name out",
            )  # fmt: skip
        if None not in (first.size, other.size) and other.size != first.size:
            raise DataError(
                f"The picture {shown(first.image)} is stated to be {first.size} and {other.size} (height, width).",
                where=other.where, fix="export the annotations again, or take one of the two out",
            )  # fmt: skip
    size = next((record.size for record in records if record.size), None)
    return replace(first, size=size, things=tuple(thing for record in records for thing in record.things))
