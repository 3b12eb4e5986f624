"""Pictures that are copies of others, such as augmented ones: which is a copy of which, and what follows from it.

A manifest's column `parent` names the picture that a row is a copy of, and so does a name: `a~copy2` is a copy of `a`.
A copy belongs where its parent belongs, whatever else is asked for: it has its parent's group, trains only where its
parent trains, and is in no validation part, no test part and no fold; nobody is scored on it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.names import folder_of, shown, some, stem_of
from maskwright.errors import DataError

if TYPE_CHECKING:
    from maskwright.data.dataset import Columns

MARK = "~copy"
_NAMED = re.compile(r"^(.+?)(?:~copy\d{1,9})+$", re.IGNORECASE | re.DOTALL)
Rows = NDArray[np.int64]


def copy_name(name: str, number: int) -> str:
    """Return what a copy of `name` is called, without its suffix.

    >>> copy_name("a", 2)
    'a~copy2'
    """
    return f"{name}{MARK}{number}"


# --- who is a copy of whom ------------------------------------------------------------------------------------------


def find_parents(images: Sequence[str], ids: Sequence[str], column: Sequence[str], where: str) -> tuple[str, ...]:
    """Return for each picture the path of the original that it is a copy of, "" for originals; () without any copy.

    images: relative paths. column: what a manifest says, () if nothing: a path, an id, a file's name or its stem; a
    picture that names itself is an original. A parent that is not among the pictures stays as it was written; a copy
    of a copy is a copy of the first one's original.

    Raises DataError where it is not clear who the parent is, for a circle, and where there are copies only.
    """
    named = [_NAMED.match(stem_of(image)) if MARK in image.casefold() else None for image in images]
    if not any(named) and not any(column):
        return ()
    known = _Known(images, ids)
    direct: list[str] = []
    for row, (image, match) in enumerate(zip(images, named, strict=True)):
        stated = column[row].replace("\\", "/") if column else ""
        parent = known.stated(stated, where) if stated else ""
        if parent in ("", image) and match is not None:
            parent = known.by_name(image, match[1], where)
        direct.append("" if parent == image else parent)
    if not any(direct):
        return ()
    if all(direct):
        raise DataError(
            f"Every picture is a copy of another one that is not here, such as {shown(images[0])} of "
            f"{shown(direct[0])}.",
            where=where,
            fix="add the originals; if the column 'parent' or the names mean something else, rename them",
        )
    return _to_originals(images, direct, where)


class _Known:
    """Finds pictures by what a manifest or a name calls them."""

    def __init__(self, images: Sequence[str], ids: Sequence[str]) -> None:
        self._paths = dict.fromkeys(images)
        self._ids = dict(zip(ids, images, strict=True))
        self._loose: dict[str, list[str]] = defaultdict(list)
        for image in images:
            for text in {image.rpartition("/")[2], stem_of(image)}:
                self._loose[text].append(image)

    def stated(self, text: str, where: str) -> str:
        """Return the path of the picture that a cell names, or the cell itself."""
        normal = str(PurePosixPath(text))
        for known in (text, normal):
            if known in self._paths:
                return known
        return self._ids.get(text) or self._only(text, self._loose.get(text, []), where)

    def by_name(self, image: str, stem: str, where: str) -> str:
        """Return the path of the picture of this stem: in the same folder, or the only one."""
        folder = folder_of(image)
        found = [other for other in self._loose.get(stem, []) if stem_of(other) == stem]
        beside = [other for other in found if folder_of(other) == folder]
        return self._only(f"{folder}/{stem}" if folder else stem, beside or found, where)

    def _only(self, text: str, found: list[str], where: str) -> str:
        if len(found) > 1:
            raise DataError(
                f"It is not clear which picture is the parent called {shown(text)}: {some(found)}.", where=where,
                fix="write the parent's path into the column 'parent' of a pairs.csv")  # fmt: skip
        return found[0] if found else text


def _to_originals(images: Sequence[str], direct: list[str], where: str) -> tuple[str, ...]:
    """Follow copies of copies up to an original, or to a picture that is not here."""
    parent_of = dict(zip(images, direct, strict=True))
    result = []
    for image, parent in zip(images, direct, strict=True):
        seen = {image}
        while parent_of.get(parent):
            if parent in seen:
                raise DataError(
                    f"These pictures are copies of each other in a circle: {some(sorted(seen))}.", where=where,
                    fix="leave the column 'parent' of the original empty")  # fmt: skip
            seen.add(parent)
            parent = parent_of[parent]
        result.append(parent)
    return tuple(result)


def parts_with_parents(parts: Sequence[str], images: Sequence[str], parents: Sequence[str]) -> tuple[str, ...]:
    """Return official parts in which a copy trains where its original does, and is in no part otherwise."""
    if not parents:
        return tuple(parts)
    part_of = dict(zip(images, parts, strict=True))
    return tuple(
        own if not parent else "train" if own in ("", "train") and part_of.get(parent, own) == "train" else ""
        for own, parent in zip(parts, parents, strict=True)
    )


# --- what follows ---------------------------------------------------------------------------------------------------


def originals(columns: "Columns") -> Rows:
    """Return the rows that are no copies, ascending."""
    if not columns.parents:
        return np.arange(len(columns.ids))
    return np.array([row for row, parent in enumerate(columns.parents) if not parent], np.int64)


def only_originals(columns: "Columns", rows: Sequence[int] | NDArray[np.integer[Any]]) -> Rows:
    """Return those of the rows that are no copies, in their order."""
    chosen = np.asarray(rows, np.int64)
    if not columns.parents:
        return chosen
    return np.array([row for row in chosen if not columns.parents[int(row)]], np.int64)


def with_copies(columns: "Columns", rows: Sequence[int] | NDArray[np.integer[Any]]) -> Rows:
    """Return the originals among the rows and the copies that may train with them, ascending."""
    chosen = only_originals(columns, rows)
    if not columns.parents:
        return np.sort(chosen)
    part_of_row = dict.fromkeys(map(int, chosen), "train")
    parts = parts_of_copies(columns, part_of_row)
    return np.sort(np.concatenate([chosen, np.array([row for row, part in parts.items() if part], np.int64)]))


def parts_of_copies(
    columns: "Columns",
    part_of: Mapping[int, str],
    *,
    own: Mapping[int, str] | None = None,
    elsewhere: Mapping[str, str] | None = None,
) -> dict[int, str]:
    """Return "train" or "" for each row that is a copy.

    part_of: the parts of originals by row; who is missing is in none. own: what is said of copies themselves: one
    that is said to be elsewhere than in training is left out. elsewhere: parts of originals that are not in the
    set, by path. A copy whose original is not here and in no part trains unless its group has pictures that do not.
    """
    if not columns.parents:
        return {}
    row_of = {image: row for row, image in enumerate(columns.images)}
    seen: dict[str, set[str]] = defaultdict(set)
    for row, (group, parent) in enumerate(zip(columns.groups, columns.parents, strict=True)):
        if not parent:
            seen[group].add(part_of.get(row, ""))
    found = {}
    for row, parent in enumerate(columns.parents):
        if not parent:
            continue
        if parent in row_of:
            trains = part_of.get(row_of[parent], "") == "train"
        elif elsewhere is not None and parent in elsewhere:
            trains = elsewhere[parent] == "train"
        else:
            trains = seen[columns.groups[row]] <= {"train"}
        said = (own or {}).get(row, "train")
        found[row] = "train" if trains and said == "train" else ""
    return found


def said_of_copies(parts: Mapping[int, str]) -> str:
    """Return what to say of a split's copies, beginning with "; ", or nothing."""
    count = Counter(parts.values())
    said = f"; {count['train']} copies train with their pictures" if count["train"] else ""
    return said + (f"; {count['']} copies of pictures that do not train are left out" if count[""] else "")


def note_of_copies(parents: Sequence[str], images: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence on the copies of a set; nothing where there are none."""
    copies = [parent for parent in parents if parent]
    if not copies:
        return ()
    here = set(images)
    lost = sum(parent not in here for parent in copies)
    rest = f", {lost} of them of pictures that are not here" if lost else ""
    return (f"{len(copies)} pictures are copies of others{rest}: they only train, and only where their pictures do",)
