"""CVAT's XML, version 1.1: "for images", and "for video" where its frames lie there as pictures.

A higher z_order lies in front. Every picture of a task has an element, also one on which nothing was marked.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from maskwright.data.annotations.areas import Area, Ellipse, Polygon, Runs
from maskwright.data.annotations.documents import (
    Documents,
    box_ring,
    broken,
    hex_colour,
    label_name,
    number,
    ring,
    stated_size,
    turned,
    whole,
)
from maskwright.data.annotations.model import NO_AREA, NOTHING_ENCLOSED, Annotations, Colour, Record, Thing, merged
from maskwright.data.annotations.pictures import Pictures
from maskwright.data.annotations.rle import checked_runs
from maskwright.data.names import PARTS, folder_of, folder_part, shown
from maskwright.errors import DataError

TITLE = "CVAT"
_NO_AREA = ("polyline", "points", "cuboid", "skeleton")
_SHAPES = ("polygon", "box", "mask", "ellipse", *_NO_AREA)


def is_cvat(head: bytes) -> bool:
    """Whether the beginning of an XML file is CVAT's: annotations, with a version or meta first."""
    text = head.decode("utf-8", "replace")
    start = text.find("<annotations>")
    return start >= 0 and any(tag in text[start : start + 400] for tag in ("<version>", "<meta>", "<image ", "<track "))


def read(documents: Documents, files: Sequence[str], pictures: Pictures) -> Annotations:
    """Read one or more files of tasks. Raises DataError."""
    reader = _Reader(documents, pictures)
    for path in files:
        reader.read(path)
    names = tuple(reader.names)
    colours = tuple(reader.colours[name] for name in names) if all(name in reader.colours for name in names) else ()
    records, others = merged(reader.records)
    missing = (*reader.missing, *others)
    return Annotations(TITLE, names, records, tuple(files), colours, reader.skipped, missing)


class _Reader:
    """Reads files one after the other; names are shared."""

    def __init__(self, documents: Documents, pictures: Pictures) -> None:
        self._documents, self._pictures = documents, pictures
        self.names: dict[str, int] = {}
        self.colours: dict[str, Colour] = {}
        self.records: list[Record] = []
        self.skipped: Counter[str] = Counter()
        self.missing: list[str] = []

    def read(self, path: str) -> None:
        where = self._documents.where(path)
        frames: dict[int, list[Thing]] = defaultdict(list)
        size: tuple[int, int] | None = None
        for element in self._documents.xml(path, ("label", "image", "track", "original_size")):
            if element.tag == "label":
                self._add_label(element, where)
            elif element.tag == "original_size":
                size = stated_size(element.findtext("height"), element.findtext("width"), where)
            elif element.tag == "image":
                self._add_image(element, path, where)
            else:
                self._add_track(element, frames, where)
        if frames:
            self._add_frames(frames, size, path, where)

    def _add_label(self, element: Element, where: str) -> None:
        if element.findtext("parent"):  # a part of a skeleton
            return
        name = label_name(element.findtext("name"), where)
        self.names.setdefault(name, len(self.names))
        colour = hex_colour(element.findtext("color"))
        if colour is not None:
            self.colours.setdefault(name, colour)

    def _label(self, element: Element, where: str) -> int:
        name = label_name(element.get("label"), where)
        return self.names.setdefault(name, len(self.names))

    def _add_image(self, element: Element, path: str, where: str) -> None:
        name = element.get("name")
        if not name or not name.strip():
            raise broken("An image has no name.", where)
        where = f"{where}, image {shown(name)}"
        subset = (element.get("subset") or "").casefold()
        part = PARTS.get(subset, "") or folder_part(folder_of(path))
        near = "/".join(piece for piece in (folder_of(path), "images") if piece)
        match = self._pictures.find(name, near=near, where=where, part=part)
        if match is None:
            self.missing.append(name)
            return
        size = stated_size(element.get("height"), element.get("width"), where)
        things = [self._thing(shape, self._label(shape, where), where) for shape in element if shape.tag in _SHAPES]
        drawn = tuple(thing for thing in things if thing)
        self.records.append(Record(match.path, size, drawn, where, part, path, match.name, match.fit))

    def _add_track(self, element: Element, frames: dict[int, list[Thing]], where: str) -> None:
        label = self._label(element, where)
        for shape in element:
            if shape.tag not in _SHAPES:
                continue
            frame = whole(shape.get("frame"))
            if frame is None or frame < 0:
                raise broken("A shape of a track has no frame.", where)
            things = frames[frame]
            thing = None if shape.get("outside") == "1" else self._thing(shape, label, f"{where}, frame {frame}")
            if thing is not None:
                things.append(thing)

    def _add_frames(self, frames: dict[int, list[Thing]], size: tuple[int, int] | None, path: str, where: str) -> None:
        """Find the pictures of frames by the names that CVAT gives them: frame_000012."""
        near = "/".join(piece for piece in (folder_of(path), "images") if piece)
        found = {frame: self._pictures.by_stem(f"frame_{frame:06d}", near=near) for frame in sorted(frames)}
        if not any(found.values()):
            raise DataError(
                "These are tracks through a video ('CVAT for video'), and its frames are not there as pictures.",
                where=where, fix="export the task as 'CVAT for images 1.1' with 'Save images', and give that folder",
            )  # fmt: skip
        for frame, match in found.items():
            if match is None:
                self.missing.append(f"frame_{frame:06d}")
            else:
                place = f"{where}, frame {frame}"
                self.records.append(
                    Record(match.path, size, tuple(frames[frame]), place, "", path, match.name, match.fit)
                )

    def _thing(self, shape: Element, label: int, where: str) -> Thing | None:
        if shape.tag in _NO_AREA:
            self.skipped[NO_AREA] += 1
            return None
        area = _AREAS[shape.tag](shape, where)
        if area is None:
            self.skipped[NOTHING_ENCLOSED] += 1
            return None
        return Thing(label, area, layer=whole(shape.get("z_order")) or 0)


def _numbers(shape: Element, *names: str) -> tuple[float, ...] | None:
    found = [number(shape.get(name)) for name in names]
    kept = [value for value in found if value is not None and abs(value) <= 1e9]
    return tuple(kept) if len(kept) == len(names) else None


def _polygon(shape: Element, where: str) -> Area | None:
    try:
        points = [[float(value) for value in pair.split(",")] for pair in (shape.get("points") or "").split(";")]
    except ValueError:
        return None
    outline = ring(points)
    return None if outline is None else Polygon((outline,))


def _box(shape: Element, where: str) -> Area | None:
    sides = _numbers(shape, "xtl", "ytl", "xbr", "ybr")
    if sides is None or sides[0] == sides[2] or sides[1] == sides[3]:
        return None
    left, right = sorted((sides[0], sides[2]))
    top, bottom = sorted((sides[1], sides[3]))
    centre = ((left + right) / 2, (top + bottom) / 2)
    return Polygon((turned(box_ring(left, top, right, bottom), centre, number(shape.get("rotation")) or 0.0),))


def _ellipse(shape: Element, where: str) -> Area | None:
    sides = _numbers(shape, "cx", "cy", "rx", "ry")
    if sides is None or sides[2] <= 0 or sides[3] <= 0:
        return None
    return Ellipse((sides[0], sides[1]), (sides[2], sides[3]), math.fmod(number(shape.get("rotation")) or 0.0, 360))


def _mask(shape: Element, where: str) -> Area | None:
    """Return a bitmap: run lengths along the rows of its own box, outside first."""
    place = [whole(shape.get(name)) for name in ("top", "left", "height", "width")]
    kept = [value for value in place if value is not None and abs(value) < 1e9]
    size = stated_size(shape.get("height"), shape.get("width"), where)
    if len(kept) < 4 or size is None:
        raise broken("A mask has no place or size.", where)
    counts: list[object] = []
    for text in (shape.get("rle") or "").split(","):
        count = whole(text)
        if count is None:
            raise broken(f"A mask's run lengths hold {shown(text, 40)!r}.", where)
        counts.append(count)
    return Runs(checked_runs(counts, size, where), size, (kept[0], kept[1]))


_AREAS = {"polygon": _polygon, "box": _box, "mask": _mask, "ellipse": _ellipse}
