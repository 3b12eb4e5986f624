"""What every annotation format becomes: pictures, and the things outlined on each, with a class number.

Knows neither formats nor files; the geometry of a thing is in `areas.py`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from maskwright.data.annotations.areas import Area

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
    where: the file, and the place in it, for errors. part: "train", "val", "test" or "".
    """

    image: str
    size: tuple[int, int] | None
    things: tuple[Thing, ...]
    where: str
    part: str = ""


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


def merged(records: Sequence[Record]) -> tuple[Record, ...]:
    """Join records of the same picture, in the order of the first of each."""
    found: dict[str, Record] = {}
    for record in records:
        known = found.get(record.image)
        if known is None:
            found[record.image] = record
        else:
            things = (*known.things, *record.things)
            found[record.image] = Record(record.image, known.size or record.size, things, known.where, known.part)
    return tuple(found.values())
