"""Supervisely: DATASET/ann/NAME.jpg.json beside DATASET/img/NAME.jpg, and meta.json with the classes.

Whole numbers are numbers of pixels, whose borders belong to an object, as Supervisely itself draws them; coordinates
with fractions are places between them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.annotations.areas import Area, PngBitmap, Polygon
from maskwright.data.annotations.documents import (
    Documents,
    box_ring,
    broken,
    entries,
    hex_colour,
    label_name,
    ring,
    stated_size,
    table,
    whole,
)
from maskwright.data.annotations.model import NO_AREA, NOTHING_ENCLOSED, Annotations, Colour, Record, Thing, merged
from maskwright.data.annotations.pictures import Match, Pictures
from maskwright.data.names import folder_of, folder_part

TITLE = "Supervisely"
_NO_AREA = ("point", "line", "graph", "cuboid", "multiline")


def is_supervisely(content: Any) -> bool:
    """Whether a parsed JSON file describes one picture as Supervisely does."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("objects"), list)
        and isinstance(content.get("size"), dict)
        and {"height", "width"} <= content["size"].keys()
    )


def is_meta(content: Any) -> bool:
    """Whether a parsed JSON file is Supervisely's list of classes."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("classes"), list)
        and all(isinstance(one, dict) and "title" in one for one in content["classes"])
    )


def read(documents: Documents, files: Sequence[str], pictures: Pictures) -> Annotations:
    """Read one file a picture, and meta.json if it is among the files. Raises DataError."""
    names: dict[str, int] = {}
    colours: dict[str, Colour] = {}
    skipped: Counter[str] = Counter()
    records: list[Record] = []
    missing: list[str] = []
    read_files: list[str] = []
    for path in sorted(files, key=lambda path: (path.rpartition("/")[2] != "meta.json", path)):
        where = documents.where(path)
        content = documents.json(path)
        if is_meta(content) and not records:
            _add_classes(content, names, colours, where)
        if not is_supervisely(content):  # the classes, or something else between the files
            continue
        match = _picture(path, pictures, where)
        if match is None:
            missing.append(path)
            continue
        record = _record(content, match.path, names, skipped, where)
        records.append(replace(record, file=path, name=match.name, fit=match.fit))
        read_files.append(path)
    order = tuple(names)
    shades = tuple(colours[name] for name in order) if all(name in colours for name in order) else ()
    kept, others = merged(records)
    return Annotations(TITLE, order, kept, tuple(read_files), shades, skipped, (*missing, *others))


def _add_classes(content: dict[str, Any], names: dict[str, int], colours: dict[str, Colour], where: str) -> None:
    for one in content["classes"]:
        if one.get("shape") in _NO_AREA:
            continue
        name = label_name(one.get("title"), where)
        names.setdefault(name, len(names))
        colour = hex_colour(one.get("color"))
        if colour is not None:
            colours.setdefault(name, colour)


def _picture(path: str, pictures: Pictures, where: str) -> Match | None:
    """Return ds/img/a.jpg of ds/ann/a.jpg.json, and of older exports ds/img/a.jpg of ds/ann/a.json."""
    folder, name = folder_of(path), path.rpartition("/")[2].removesuffix(".json")
    pieces = folder.split("/") if folder else []
    if pieces and pieces[-1] == "ann":
        pieces[-1] = "img"
    near = "/".join(pieces)
    return pictures.find(name, near=near, where=where) or pictures.by_stem(name, near=near)


def _record(content: dict[str, Any], image: str, names: dict[str, int], skipped: Counter[str], where: str) -> Record:
    stated = table(content.get("size"), "The size", where)
    size = stated_size(stated.get("height"), stated.get("width"), where)
    things = []
    for thing in content["objects"]:
        thing = table(thing, "An object", where)
        kind = thing.get("geometryType") or ("bitmap" if isinstance(thing.get("bitmap"), dict) else "polygon")
        if kind in _NO_AREA:
            skipped[NO_AREA] += 1
            continue
        name = label_name(thing.get("classTitle"), where)
        area = _area(thing, kind, where)
        if area is None:
            skipped[NOTHING_ENCLOSED] += 1
            continue
        things.append(Thing(names.setdefault(name, len(names)), area))
    return Record(image, size, tuple(things), where, folder_part(folder_of(image)))


def _area(thing: dict[str, Any], kind: Any, where: str) -> Area | None:
    if kind == "bitmap":
        bitmap = table(thing.get("bitmap"), "A bitmap", where)
        origin = bitmap.get("origin")
        place = [whole(value) for value in origin] if isinstance(origin, list) and len(origin) == 2 else []
        kept = [value for value in place if value is not None and abs(value) < 1e9]
        if len(kept) < 2 or not isinstance(bitmap.get("data"), str):
            raise broken("A bitmap has no data or no origin.", where)
        return PngBitmap(bitmap["data"], (kept[1], kept[0]), packed=True)
    if kind not in ("polygon", "rectangle"):
        raise broken(f"An object is of the type {str(kind)[:40]!r}, which cannot be drawn.", where)
    points = table(thing.get("points"), "An object's points", where)
    exterior = points.get("exterior")
    if kind == "rectangle":
        return _rectangle(exterior)
    outline = ring(exterior)
    if outline is None:
        return None
    holes = [found for hole in entries(points.get("interior") or [], "interior", where)
             if (found := ring(hole)) is not None]  # fmt: skip
    if not all(_whole(points) for points in (outline, *holes)):
        return Polygon((outline,), tuple(holes))
    return Polygon((outline + 0.5,), tuple(hole + 0.5 for hole in holes), closed=True)


def _rectangle(corners: Any) -> Area | None:
    """Return a rectangle of (left, top) and (right, bottom), both of which belong to it where they are whole."""
    try:
        points = np.asarray(corners, np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    if points.shape != (2, 2) or not np.isfinite(points).all() or np.abs(points).max() > 1e9:
        return None
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    more = 1 if _whole(points) else 0
    if left == right + more or top == bottom + more:
        return None
    return Polygon((box_ring(left, top, right + more, bottom + more),))


def _whole(points: NDArray[np.float64]) -> bool:
    return bool((points == np.round(points)).all())
