"""Label Studio: the JSON and JSON_MIN exports, and brush masks exported as PNG or NPY files beside one of them.

Coordinates are hundredths of the picture's sides. The classes are sorted by name: an export holds only those in use.
Of several annotations of a task the one marked as ground truth counts, else the one changed last.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from maskwright.data.annotations.areas import Area, Brush, Ellipse, Polygon
from maskwright.data.annotations.brush_files import brush_area
from maskwright.data.annotations.documents import (
    Documents,
    box_ring,
    broken,
    entries,
    label_name,
    number,
    ring,
    stated_size,
    table,
    turned,
    whole,
)
from maskwright.data.annotations.model import NO_AREA, NOTHING_ENCLOSED, Annotations, Record, Thing, merged
from maskwright.data.annotations.pictures import Match, Pictures
from maskwright.data.names import SUFFIXES, folder_of, some, suffix_of
from maskwright.errors import DataError

TITLE = "Label Studio"
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(.+)$")
_BRUSH_FILE = re.compile(r"^task-(\d+)-annotation-(\d+)-by-[^-]*-(.+)-(\d+)\.(png|npy)$", re.DOTALL)
_NO_AREA = ("keypointlabels", "vectorlabels", "choices", "textarea", "rating", "number", "taxonomy", "relation")
_SHAPES = ("polygonlabels", "rectanglelabels", "ellipselabels", "brushlabels", "labels")


def is_export(content: Any) -> bool:
    """Whether a parsed JSON file is a list of Label Studio's tasks, whole or minimal."""
    if not isinstance(content, list) or not content:
        return False
    task = content[0]
    if not isinstance(task, dict) or "id" not in task:
        return False
    full = isinstance(task.get("data"), dict) and isinstance(task.get("annotations", task.get("completions", [])), list)
    return full or ("annotation_id" in task and "annotator" in task)


def is_brush_file(path: str) -> bool:
    """Whether a file is called as Label Studio calls exported brush masks."""
    return _BRUSH_FILE.match(path.rpartition("/")[2]) is not None


@dataclass(frozen=True)
class _Task:
    """record: of the picture, without its things yet. regions: (class, area) in order."""

    number: int
    record: Record
    regions: list[tuple[str, Area]]


def read(documents: Documents, files: Sequence[str], pictures: Pictures) -> Annotations:
    """Read exports, and the brush masks among the files. Raises DataError."""
    brushes = [path for path in files if is_brush_file(path)]
    exports = [path for path in files if path not in set(brushes)]
    if not exports:
        raise DataError(
            f"The {len(brushes)} brush masks of Label Studio name tasks by number (such as {some(brushes[:1])}), and "
            "nothing says which picture a task is of.", where=str(documents.root),
            fix="export the project as JSON too and put that file into the folder",
        )  # fmt: skip
    reader = _Reader(documents, pictures)
    tasks = [task for path in exports for task in reader.tasks(path)]
    loose = _add_brushes(tasks, brushes, documents)
    if loose:
        reader.skipped["brush masks of tasks that no file names"] += loose
    names = tuple(sorted({name for task in tasks for name, _ in task.regions}))
    label = {name: i for i, name in enumerate(names)}
    records, others = merged(
        [replace(task.record, things=tuple(Thing(label[name], area) for name, area in task.regions)) for task in tasks]
    )
    used = tuple(exports) + tuple(brushes)
    return Annotations(
        TITLE, names, records, used, skipped=reader.skipped, missing=(*reader.missing, *others),
        notes=tuple(reader.notes()),
    )  # fmt: skip


def _add_brushes(tasks: Sequence[_Task], brushes: Sequence[str], documents: Documents) -> int:
    """Give tasks without regions those of their brush files; return how many files belong to no task."""
    open_tasks = {task.number: task for task in tasks if not task.regions}
    known = {task.number for task in tasks}
    loose = 0
    for path in brushes:
        found = _BRUSH_FILE.match(path.rpartition("/")[2])
        if found is None or int(found[1]) not in known:
            loose += 1
            continue
        task = open_tasks.get(int(found[1]))
        if task is not None:
            name = found[3].partition("-")[2] or found[3]  # before it: the name of the control, such as "tag"
            task.regions.append((label_name(name, documents.where(path)), brush_area(documents.root / path)))
    return loose


class _Reader:
    """Reads exports one after the other."""

    def __init__(self, documents: Documents, pictures: Pictures) -> None:
        self._documents, self._pictures = documents, pictures
        self.skipped: Counter[str] = Counter()
        self.missing: list[str] = []
        self._several = self._unlabelled = 0

    def notes(self) -> Iterator[str]:
        """Yield what was chosen."""
        if self._several:
            yield f"{self._several} tasks have several annotations: of each the ground truth counts, or the latest"
        if self._unlabelled:
            yield f"{self._unlabelled} tasks have no finished annotation: their pictures count as unlabelled"

    def tasks(self, path: str) -> Iterator[_Task]:
        """Yield the tasks of one export whose pictures are there."""
        where = self._documents.where(path)
        for task in entries(self._documents.json(path), "The export", where):
            task = table(task, "A task", where)
            number = whole(task.get("id"))
            if number is None:
                raise broken("A task has no id.", where)
            place = f"{where}, task {number}"
            results = self._results(task, place)
            if results is None:
                self._unlabelled += 1
                continue
            match, named = self._picture(task, path, place)
            if match is None:
                self.missing.append(named)
                continue
            size, regions = self._regions(results, place)
            record = Record(match.path, size, (), place, "", path, named, match.fit)
            yield _Task(number, record, regions)

    def _results(self, task: dict[str, Any], where: str) -> list[dict[str, Any]] | None:
        """Return the regions of the annotation that counts; None for a task that nobody has finished."""
        if "data" not in task:
            return self._minimal(task, where)
        annotations = task.get("annotations", task.get("completions"))
        if annotations is None:  # a list of tasks alone, beside brush files
            return []
        finished = [table(one, "An annotation", where) for one in entries(annotations, "annotations", where)]
        finished = [one for one in finished if not one.get("was_cancelled") and not one.get("skipped")]
        if not finished:
            return None
        self._several += len(finished) > 1
        best = max(finished, key=lambda one: (one.get("ground_truth") is True, str(one.get("updated_at") or "")))
        return [table(one, "A region", where) for one in entries(best.get("result"), "result", where)]

    def _minimal(self, task: dict[str, Any], where: str) -> list[dict[str, Any]]:
        """Return the regions of a task of JSON_MIN, in the form of the full export."""
        found = []
        for key, value in task.items():
            for region in value if isinstance(value, list) else ():
                if isinstance(region, dict) and "original_width" in region:
                    kind = next((kind for kind in _SHAPES if kind in region), "")
                    sizes = {side: region.get(side) for side in ("original_width", "original_height")}
                    turn = region.get("image_rotation", 0)
                    found.append({"type": kind, "value": region, "from_name": key, "image_rotation": turn, **sizes})
        return found

    def _picture(self, task: dict[str, Any], path: str, where: str) -> tuple[Match | None, str]:
        """Return the task's picture, and what it is called there."""
        data = table(task["data"], "The data of a task", where) if "data" in task else task
        texts = [data.get("image"), *data.values(), task.get("file_upload")]
        candidates = list(dict.fromkeys(name for text in texts if isinstance(text, str) for name in _file_names(text)))
        called = candidates[0] if candidates else f"task {task.get('id')}"
        for name in candidates:
            found = self._pictures.find(name, near=folder_of(path), where=where)
            if found is not None:
                return found, called
        return None, called

    def _regions(
        self, results: list[dict[str, Any]], where: str
    ) -> tuple[tuple[int, int] | None, list[tuple[str, Area]]]:
        """Return the size that the regions state, None without any, and the areas with their classes."""
        size: tuple[int, int] | None = None
        regions: list[tuple[str, Area]] = []
        for result in results:
            kind = str(result.get("type", "")).lower()
            if kind in _NO_AREA:
                self.skipped[NO_AREA] += kind in ("keypointlabels", "vectorlabels")
                continue
            value = result.get("value")
            if not isinstance(value, dict) or kind not in _SHAPES or not isinstance(value.get(kind), list):
                continue  # a shape without its class: another result of the same id has both
            size = self._size(result, size, where)
            area = _area(value, size, where)
            if area is None:
                self.skipped[NOTHING_ENCLOSED] += 1
                continue
            regions += [(label_name(name, where), area) for name in value[kind]]
        return size, regions

    def _size(self, result: dict[str, Any], known: tuple[int, int] | None, where: str) -> tuple[int, int]:
        size = stated_size(result.get("original_height"), result.get("original_width"), where)
        if size is None:
            raise broken("A region does not say how large its picture is (original_width, original_height).", where)
        if known is not None and size != known:
            raise broken(f"Regions of one picture state different sizes: {known} and {size} (height, width).", where)
        if whole(result.get("image_rotation") or 0) != 0:
            raise DataError(
                f"The picture was turned by {str(result.get('image_rotation'))[:10]} degrees while it was annotated, "
                "which is not read.", where=where, fix="turn the picture back in Label Studio and export again",
            )  # fmt: skip
        return size


def _file_names(text: str) -> Iterator[str]:
    """Yield the file names that a task's text can mean: a path, an address, or an upload with a prefix."""
    if len(text) > 4000:
        return
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query)
    except ValueError:
        return
    for found in (*query.get("d", ()), unquote(parts.path), text):
        if suffix_of(found) not in SUFFIXES:
            continue
        yield found
        name = found.replace("\\", "/").rpartition("/")[2]
        uploaded = _UPLOADED.match(name)
        if uploaded:
            yield uploaded[1]


def _area(value: dict[str, Any], size: tuple[int, int], where: str) -> Area | None:
    height, width = size
    if "rle" in value:
        content = entries(value["rle"], "A brush mask", where)
        if not all(isinstance(byte, int) and 0 <= byte < 256 for byte in content):
            raise broken("A brush mask holds something that is no byte.", where)
        return Brush(bytes(content), size)
    if "points" in value:
        outline = ring(value["points"])
        return None if outline is None else Polygon((outline * (width / 100, height / 100),))
    if "radiusX" in value:
        sides = [number(value.get(key)) for key in ("x", "y", "radiusX", "radiusY")]
        kept = [side for side in sides if side is not None and abs(side) < 1e9]
        if len(kept) < 4 or kept[2] <= 0 or kept[3] <= 0:
            return None
        x, y, across, along = kept[0] * width, kept[1] * height, kept[2] * width, kept[3] * height
        turn = number(value.get("rotation")) or 0.0
        return Ellipse((x / 100, y / 100), (across / 100, along / 100), turn % 360)
    sides = [number(value.get(key)) for key in ("x", "y", "width", "height")]
    kept = [side for side in sides if side is not None and abs(side) < 1e9]
    if len(kept) < 4 or kept[2] <= 0 or kept[3] <= 0:
        return None
    left, top = kept[0] * width / 100, kept[1] * height / 100
    box = box_ring(left, top, left + kept[2] * width / 100, top + kept[3] * height / 100)
    return Polygon((turned(box, (left, top), number(value.get("rotation")) or 0.0),))  # it turns around its corner
