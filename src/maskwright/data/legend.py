"""A legend that lies beside the masks: which colour or number is which class.

label_colors.txt ("64 128 64 Animal" a line: CamVid), labelmap.txt ("leaf:51,221,255::" a line: CVAT), class_dict.csv
(name,r,g,b), codes.txt and class_names.txt (a name a line, in the order of the numbers: fast.ai, LabelMe). A legend
counts only where it names everything that the sampled masks hold.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwright.data.guess import MAX_CLASSES
from maskwright.data.looks import Look, RawColour
from maskwright.data.names import shown

IGNORED = frozenset("void ignore ignored unlabeled unlabelled".split())
_LARGEST = 1_000_000  # bytes of a legend
_LABELME = {"_background_": "background", "__ignore__": "ignore"}
_COLOUR_LINE = re.compile(r"(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\S.*)")
_LABEL_LINE = re.compile(r"([^:]*[^:\s])\s*:\s*(\d{1,3}),(\d{1,3}),(\d{1,3})\s*:[^:]*:[^:]*")  # CVAT
_COLOUR_FILES = ("label_colors.txt", "label_colours.txt", "class_dict.csv", "class_dict_seg.csv", "labelmap.txt")
_NAME_FILES = ("codes.txt", "class_names.txt")
Values = dict[str, int | RawColour]


@dataclass(frozen=True)
class Legend:
    """values: class name -> colour or number, in the file's order; "ignore" for what counts in nothing.

    note: what was read from where, or why not.
    """

    values: Values
    note: str


def find_legend(root: Path, others: Sequence[str], looks: Sequence[Look]) -> Legend | None:
    """Return the legend that lies nearest to the top, if it is one for these masks; None if there is none.

    A legend that does not name everything has no values, and its note says what it lacks.
    """
    coloured = any(look.colours for look in looks)
    names = _COLOUR_FILES if coloured else _NAME_FILES
    found = sorted((p for p in others if p.rpartition("/")[2].casefold() in names), key=lambda p: (p.count("/"), p))
    for path in found:
        values = _read_colours(root / path) if coloured else _read_names(root / path)
        count = len(values) - ("ignore" in values)
        if count > MAX_CLASSES:
            said = f"it names {count} classes, and at most {MAX_CLASSES} are possible"
            return Legend({}, f"{shown(path)} is not used: {said}")
        if len(values) >= 2:
            return _fitting(path, values, looks, coloured)
    return None


def _fitting(path: str, values: Values, looks: Sequence[Look], coloured: bool) -> Legend:
    seen: set[int | RawColour] = set()
    for look in looks:
        seen.update(look.colours or ((v, v, v) for v in look.values)) if coloured else seen.update(look.values)
    unknown = sorted(str(raw) for raw in seen - set(values.values()))
    if unknown:
        return Legend({}, f"{shown(path)} is not used: it does not name {unknown[0]}, which masks hold")
    classes = [name for name in values if name != "ignore"]
    return Legend(values, f"{len(classes)} classes from {shown(path)}")


def _usable(values: Values) -> Values:
    """Rename a class that is called void or unlabelled to "ignore"; {} where a name is none that people can read."""
    if not all(name.isprintable() and 0 < len(name) <= 200 for name in values):
        return {}
    return {"ignore" if name.casefold() in IGNORED else name: raw for name, raw in values.items()}


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LARGEST:
            return []
        return path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _read_colours(path: Path) -> Values:
    """Read colours, {} for a file of another form; a colour that is named twice makes it one."""
    rows = _table(path) if path.suffix.casefold() == ".csv" else _plain(path)
    colours = [colour for _, colour in rows]
    clear = len(set(colours)) == len(rows) == len({name for name, _ in rows})
    return _usable(dict(rows)) if clear and all(max(colour) <= 255 for colour in colours) else {}


def _plain(path: Path) -> list[tuple[str, RawColour]]:
    rows = []
    for line in _lines(path):
        found = _COLOUR_LINE.fullmatch(line.strip())
        if found:
            rows.append((found[4].strip(), (int(found[1]), int(found[2]), int(found[3]))))
        elif found := _LABEL_LINE.fullmatch(line.strip()):
            rows.append((found[1].strip(), (int(found[2]), int(found[3]), int(found[4]))))
        elif line.strip() and not line.startswith("#"):
            return []
    return rows


def _table(path: Path) -> list[tuple[str, RawColour]]:
    rows = []
    try:
        for row in csv.DictReader(_lines(path), skipinitialspace=True):
            cells = {str(key).strip().casefold(): str(value).strip() for key, value in row.items()}
            numbers = [cells.get(key, "") for key in "rgb"]
            if not cells.get("name") or not all(number.isdecimal() and len(number) <= 3 for number in numbers):
                return []
            rows.append((cells["name"], (int(numbers[0]), int(numbers[1]), int(numbers[2]))))
    except csv.Error:  # such as a field of more than 131,072 characters
        return []
    return rows


def _read_names(path: Path) -> Values:
    names = [_LABELME.get(line.strip(), line.strip()) for line in _lines(path) if line.strip()]
    return _usable({name: i for i, name in enumerate(names)}) if len(set(names)) == len(names) else {}
