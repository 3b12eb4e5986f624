"""The JSON of an evaluation as a `ScoredSet`: what others wrote is held against what a comparison relies on."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.names import shown
from maskwright.errors import DataError
from maskwright.evaluation.comparing_measures import KNOWN
from maskwright.evaluation.comparing_sets import HELD_OUT, ScoredSet, Size
from maskwright.evaluation.result import SCHEMA_VERSION

# What a table of pictures holds besides scores: names, sizes, and facts of the picture itself.
FACTS = ("object_side", "object_share", "objects", "foreground", "brightness", "contrast", "people_dice")
_NOT_MEASURES = ("id", "group", "size_truth", "size_prediction", *FACTS)
_DETAILED = ("boundary", "saliency", "calibration")  # measurements with conventions of their own
_FOLDED = ("the pictures of all folds", "by the model of the fold that held it out")
_LONGEST = 4096  # characters of an id
_LARGEST = 1e12  # of any score
_FIX = "it is not what maskwright evaluate writes, or was changed since: score it again"


def read_scores(content: Mapping[str, Any], *, name: str, where: str, fingerprint: str = "") -> ScoredSet:
    """Read an evaluation's JSON values. Raises DataError for what is damaged, too new, or has no pictures.

    fingerprint: of the data where it is known from elsewhere; else what the document says of it.
    """
    version = content.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DataError("This is no evaluation: it has no schema_version.", where=where, fix=_FIX)
    if version > SCHEMA_VERSION:
        what = f"It was written by a newer maskwright (schema {version}, this one knows {SCHEMA_VERSION})."
        raise DataError(what, where=where, fix="use that version, or score it again")
    rows = content.get("pictures")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError("It has no table of pictures.", where=where, fix=_FIX)
    ids = _ids(rows, where)
    grouped = content.get("groups") is not None
    data = content.get("data")
    said = data.get("fingerprint") if isinstance(data, dict) else ""
    return ScoredSet(
        name=name,
        ids=ids,
        groups=tuple(_text(row.get("group"), "a group", where) or row["id"] for row in rows) if grouped else None,
        sizes=tuple(_size(row.get("size_truth"), where) for row in rows),
        columns=_columns(rows, where),
        classes=_classes(content.get("classes"), where),
        mean_over=_text(content.get("mean_over"), "mean_over", where),
        part=_part(_text(content.get("part"), "part", where)),
        fingerprint=fingerprint or _text(said, "the data's fingerprint", where),
        conventions=_all_conventions(content, where),
        runtime=_text(content.get("runtime"), "runtime", where),
        precision=_text(content.get("precision"), "precision", where),
    )


def _ids(rows: Sequence[Mapping[str, Any]], where: str) -> tuple[str, ...]:
    ids = tuple(_text(row.get("id"), "a picture's id", where) for row in rows)
    if not all(ids):
        raise DataError("A picture has no id.", where=where, fix=_FIX)
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise DataError(f"The picture '{shown(one)}' is there twice.", where=where, fix=_FIX)
        seen.add(one)
    return ids


def _text(value: Any, what: str, where: str) -> str:
    """Return a text as it is, "" for null. Raises DataError for other types, control characters and endless text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{what[:1].upper()}{what[1:]} is no text: {shown(str(value)[:200])}.", where=where, fix=_FIX)
    if len(value) > _LONGEST or not value.isprintable():
        told = "is too long" if len(value) > _LONGEST else "holds control characters"
        raise DataError(f"{what[:1].upper()}{what[1:]} {told}: '{shown(value[:300])}'.", where=where, fix=_FIX)
    return value


def _size(value: Any, where: str) -> Size | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(type(side) is int and 0 < side < 2**31 for side in value):
        return value[0], value[1]
    raise DataError(f"A size is no [height, width]: {shown(str(value)[:200])}.", where=where, fix=_FIX)


def _columns(rows: Sequence[Mapping[str, Any]], where: str) -> dict[str, NDArray[np.float64]]:
    """Return every column of numbers. A column is one if no picture has anything but a number or null there."""
    names = dict.fromkeys(name for row in rows for name in row if name not in _NOT_MEASURES)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if not all(value is None or type(value) in (int, float) for value in values):
            if name in KNOWN:
                raise DataError(f"The measure '{name}' holds what is no number.", where=where, fix=_FIX)
            continue
        columns[name] = _numbers(name, values, where)
    return columns


def _numbers(name: str, values: Sequence[Any], where: str) -> NDArray[np.float64]:
    measure = KNOWN.get(name)
    most = 1.0 if measure is not None and measure.unit_range else _LARGEST
    least = -_LARGEST if measure is None else 0.0
    for value in values:
        if value is not None and not least <= value <= most:  # neither is NaN
            told = f"The measure '{shown(name)}' holds {shown(str(value)[:40])}, which it cannot be."
            raise DataError(told, where=where, fix=_FIX)
    return np.array([math.nan if value is None else value for value in values], np.float64)


def _classes(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise DataError("It does not name the classes.", where=where, fix=_FIX)
    return tuple(_text(name, "a class", where) for name in value)


def _all_conventions(content: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return those of all measures by their names, and those of boundaries as "boundary.NAME"."""
    told = _conventions(content.get("conventions"), where)
    for detail in _DETAILED:
        if isinstance(part := content.get(detail), dict):
            of_detail = _conventions(part.get("conventions"), where)
            told |= {f"{detail}.{name}": said for name, said in of_detail.items()}
    return told


def _conventions(value: Any, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DataError("Its conventions are no object.", where=where, fix=_FIX)
    return {_text(key, "a convention", where): _text(said, "a convention", where) for key, said in value.items()}


def _part(part: str) -> str:
    """Return HELD_OUT for what its model had not seen: a test part, or all pictures over folds."""
    return HELD_OUT if part == "test" or part.endswith(_FOLDED) else part
