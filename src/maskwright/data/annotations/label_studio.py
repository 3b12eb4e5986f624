"""Label Studio: the JSON and JSON_MIN exports, and brush masks exported as PNG or NPY files beside one of them.

Coordinates are hundredths of the picture's sides. The classes are sorted by name: an export holds only those in use.
Of several annotations of a task the one marked as ground truth counts, else the one changed last; of brush masks in
files, whose names hold no time, the one with the highest number.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from maskwright.data.annotations.areas import Area
from maskwright.data.annotations.brush_files import brush_area, by_task, is_brush_file
from maskwright.data.annotations.documents import (
    Documents,
    broken,
    entries,
    label_name,
    stated_size,
    table,
    whole,
)
from maskwright.data.annotations.label_studio_shapes import region_area
from maskwright.data.annotations.model import NO_AREA, NOTHING_ENCLOSED, Annotations, Record, Thing, merged
from maskwright.data.annotations.pictures import Match, Pictures
from maskwright.data.names import SUFFIXES, folder_of, shown, some, suffix_of
from maskwright.errors import DataError

TITLE = "Label Studio"
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(.+)$")
_SHAPES = ("polygonlabels", "rectanglelabels", "ellipselabels", "brushlabels", "bitmasklabels", "labels")
_BARE = ("polygon", "rectangle", "ellipse", "brush", "bitmask")  # drawn without a class, or its class is another result
_LINES = ("keypointlabels", "vectorlabels", "keypoint", "vector")
_NO_REGIONS = (
    "choices", "datetime", "number", "pairwise", "ranker", "rating", "relation", "taxonomy", "textarea", "",
)  # fmt: skip
_PLACE = ("points", "x", "y", "width", "height", "rotation", "radiusX", "radiusY", "rle", "imageDataURL")
_UNNAMED = "regions without a class"


def is_export(content: Any) -> bool:
    """Whether a parsed JSON file is a list of Label Studio's tasks, whole or minimal."""
    if not isinstance(content, list) or not content:
        return False
    task = content[0]
    if not isinstance(task, dict) or "id" not in task:
        return False
    full = isinstance(task.get("data"), dict) and isinstance(task.get("annotations", task.get("completions", [])), list)
    return full or ("annotation_id" in task and "annotator" in task)


@dataclass(frozen=True)
class _Task:
    """record: of the picture, without its things yet. regions: (class, area) in order.

    truth: the number of the annotation that is marked as ground truth, None where none is.
    """

    number: int
    record: Record
    regions: list[tuple[str, Area]]
    truth: int | None


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
    loose, choices = _add_brushes(tasks, brushes, documents)
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
        notes=(*reader.notes(), *choices),
    )  # fmt: skip


def _add_brushes(tasks: Sequence[_Task], brushes: Sequence[str], documents: Documents) -> tuple[int, tuple[str, ...]]:
    """Give tasks without regions those of their brush files; return how many files belong to no task, and notes.

    Of several annotations of a task the ground truth counts, else the one with the highest number.
    """
    known = {task.number for task in tasks}
    held, loose = by_task(brushes, known)
    several = 0
    for task in tasks:
        annotations = held.get(task.number)
        if task.regions or not annotations:
            continue
        several += len(annotations) > 1
        for name, path in annotations.get(max(annotations) if task.truth is None else task.truth, ()):
            task.regions.append((label_name(name, documents.where(path)), brush_area(documents.root / path)))
    if not several:
        return loose, ()
    return loose, (
        f"tasks with brush masks of several annotations: {several}; of each the ground truth counts, or the one with "
        "the highest number",
    )


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
            yield _Task(number, record, regions, _truth(task))

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
                    kinds = [*(kind for kind in _SHAPES if kind in region), *region]
                    kind = next((kind for kind in kinds if kind.endswith("labels")), _BARE[0])
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
        bare: list[str] = []
        named: set[str] = set()
        for result in results:
            kind = str(result.get("type") or "").lower()
            value = result.get("value")
            if not isinstance(value, dict) or kind in _NO_REGIONS:
                continue
            if kind in _BARE or (kind in _SHAPES and not value.get(kind)):
                bare.append(_place(value))
                continue
            if kind not in _SHAPES:
                self._pass_over(kind, result, where)
                continue
            if not isinstance(value[kind], list):
                raise broken("The classes of a region are no list.", where)
            if kind == "labels" and not any(key in value for key in ("points", "radiusX", "rle", "imageDataURL",
                                                                      "height")):  # fmt: skip
                self.skipped[NO_AREA] += 1
                continue
            named.add(_place(value))
            size = self._size(result, size, where)
            area = region_area(value, size, where)
            if area is None:
                self.skipped[NOTHING_ENCLOSED] += 1
                continue
            regions += [(label_name(name, where), area) for name in value[kind]]
        unnamed = sum(place not in named for place in bare)
        if unnamed:
            self.skipped[_UNNAMED] += unnamed
        return size, regions

    def _pass_over(self, kind: str, result: dict[str, Any], where: str) -> None:
        """Count a region that covers no area; raise DataError for one that may cover some and is not read."""
        if kind in _LINES and result["value"].get("closed") is not True:
            self.skipped[NO_AREA] += 1
        elif not kind.endswith("labels") or result.get("original_width") is None:  # of a text, or of time
            self.skipped[f"regions of the kind {shown(kind, 40)}, which is not read"] += 1
        else:
            raise DataError(
                f"A region is of the kind {shown(kind, 40)}, which is not read; its area would be missing.",
                where=where, fix="draw it as a polygon, a brush or a bitmask, or take these regions out of the export",
            )  # fmt: skip

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


def _truth(task: dict[str, Any]) -> int | None:
    """Return the number of the annotation that is marked as ground truth."""
    annotations = task.get("annotations", task.get("completions"))
    held = annotations if isinstance(annotations, list) else []
    marked = [one for one in held if isinstance(one, dict) and one.get("ground_truth") is True]
    return whole(marked[0].get("id")) if marked else None


def _place(value: dict[str, Any]) -> str:
    """Return where a region lies, to find the other result that says the same with a class."""
    return json.dumps([value.get(key) for key in _PLACE])


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
