"""LabelMe: a JSON file beside each picture. Shapes are polygons, rectangles, circles and small bitmaps.

The classes are sorted by name, or ordered as `labels.txt` has them where that lies in the folder: a file holds only
the names of its own picture. LabelMe's own names `_background_` and `__ignore__` keep their meaning.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from maskwright.data.annotations.areas import Area, Ellipse, PngBitmap, Polygon
from maskwright.data.annotations.documents import (
    Documents,
    box_ring,
    broken,
    label_name,
    number,
    ring,
    stated_size,
    table,
)
from maskwright.data.annotations.model import NO_AREA, NOTHING_ENCLOSED, Annotations, Record, Thing, merged
from maskwright.data.annotations.pictures import Match, Pictures
from maskwright.data.names import folder_of, shown, stem_of

TITLE = "LabelMe"
_LINES = ("line", "linestrip", "point", "points")


def is_labelme(content: Any) -> bool:
    """Whether a parsed JSON file is one of LabelMe's."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("shapes"), list)
        and ("imagePath" in content or "imageData" in content)
    )


def read(documents: Documents, files: Sequence[str], pictures: Pictures) -> Annotations:
    """Read one file a picture. Raises DataError."""
    skipped: Counter[str] = Counter()
    found: list[tuple[Record, list[tuple[str, Area]]]] = []
    missing: list[str] = []
    used: list[str] = []
    for path in files:
        where = documents.where(path)
        content = documents.json(path)
        if not is_labelme(content):  # something else between them
            continue
        match = _picture(content, path, pictures, where)
        if match is None:
            missing.append(str(content.get("imagePath") or path))
            continue
        used.append(path)
        size = stated_size(content.get("imageHeight"), content.get("imageWidth"), where)
        shapes = [table(shape, "A shape", where) for shape in content["shapes"]]
        areas = [(label_name(shape.get("label"), where), _area(shape, where, skipped)) for shape in shapes]
        record = Record(match.path, size, (), where, "", path, match.name, match.fit)
        found.append((record, [(name, area) for name, area in areas if area is not None]))
    names = _names(documents, {name for _, areas in found for name, _ in areas})
    label = {name: i for i, name in enumerate(names)}
    records, others = merged(
        [replace(record, things=tuple(Thing(label[name], area) for name, area in areas)) for record, areas in found]
    )
    return Annotations(TITLE, names, records, tuple(used), skipped=skipped, missing=(*missing, *others))


def _picture(content: dict[str, Any], path: str, pictures: Pictures, where: str) -> Match | None:
    name = content.get("imagePath")
    found = None
    if isinstance(name, str) and name.strip():
        found = pictures.find(name, near=folder_of(path), where=where)
    found = found or pictures.by_stem(stem_of(path), near=folder_of(path))
    return replace(found, name=str(name)) if found and name else found


def _names(documents: Documents, used: set[str]) -> tuple[str, ...]:
    """Return the names as labels.txt orders them, where it names them all; else sorted."""
    if documents.size("labels.txt"):
        lines = [line.strip() for line in documents.text("labels.txt").splitlines() if line.strip()]
        listed = [shown(line, 200) for line in dict.fromkeys(lines)]
        if used <= set(listed) and len(listed) <= 10_000:
            return tuple(name for name in listed if name in used or not name.startswith("_"))
    return tuple(sorted(used))


def _area(shape: dict[str, Any], where: str, skipped: Counter[str]) -> Area | None:
    kind = shape.get("shape_type", "polygon") or "polygon"
    points = shape.get("points")
    if kind in _LINES:
        skipped[NO_AREA] += 1
        return None
    if kind == "mask":
        return _bitmap(shape, points, where)
    if kind == "circle":
        area = _circle(points)
    elif kind == "rectangle" and isinstance(points, list) and len(points) == 2:
        area = _rectangle(points)
    elif kind in ("polygon", "rectangle", "oriented_rectangle"):
        outline = ring(points)
        area = None if outline is None else Polygon((outline,))
    else:
        raise broken(f"A shape is of the type {str(kind)[:40]!r}, which LabelMe does not know.", where)
    if area is None:
        skipped[NOTHING_ENCLOSED] += 1
    return area


def _pair(point: Any) -> tuple[float, float] | None:
    if not isinstance(point, list) or len(point) != 2:
        return None
    x, y = number(point[0]), number(point[1])
    return None if x is None or y is None or max(abs(x), abs(y)) > 1e9 else (x, y)


def _pairs(points: Any) -> tuple[tuple[float, float], tuple[float, float]] | None:
    if not isinstance(points, list) or len(points) != 2:
        return None
    first, second = _pair(points[0]), _pair(points[1])
    return None if first is None or second is None else (first, second)


def _circle(points: Any) -> Area | None:
    """Return the circle around the first point that passes through the second."""
    ends = _pairs(points)
    if ends is None:
        return None
    radius = math.dist(*ends)
    return Ellipse(ends[0], (radius, radius)) if radius > 0 else None


def _rectangle(points: Any) -> Area | None:
    ends = _pairs(points)
    if ends is None:
        return None
    (x0, y0), (x1, y1) = ends
    if x0 == x1 or y0 == y1:
        return None
    return Polygon((box_ring(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)),))


def _bitmap(shape: dict[str, Any], points: Any, where: str) -> Area:
    """Return a bitmap whose top left pixel is the first point."""
    ends = _pairs(points)
    if ends is None or not isinstance(shape.get("mask"), str):
        raise broken("A shape of the type 'mask' has no bitmap, or no corners.", where)
    return PngBitmap(shape["mask"], (round(ends[0][1]), round(ends[0][0])))
