"""COCO: one JSON file for all pictures, an annotation a region: run lengths where it has holes, else a polygon.

Categories are numbered from 1 in the order of the classes. A file holds its pictures first, so the annotations wait in
a file beside it meanwhile: memory holds one picture, however many there are.
"""

import json
import shutil
from typing import Any, TextIO

from maskwright.data.annotations.written.runs import column_run_lengths
from maskwright.data.annotations.written.shapes import Drawn, Shape, class_numbers
from maskwright.images.classes import Classes

Part = tuple[dict[str, Any], list[dict[str, Any]]]


class CocoFile:
    """Writes annotations.json into an open file, a picture at a time. aside: an open file that is empty."""

    def __init__(self, file: TextIO, aside: TextIO, classes: Classes) -> None:
        self._file, self._aside = file, aside
        self._numbers = class_numbers(classes)
        categories = [{"id": number, "name": classes.names[kind]} for kind, number in self._numbers.items()]
        head = {"info": {"description": "masks made by maskwright"}, "licenses": [], "categories": categories}
        file.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "images": [')
        self._pictures = self._things = 0

    def part(self, drawn: Drawn) -> Part:
        """Return what is to be written of a picture, without the running numbers."""
        height, width = drawn.size
        things = [_thing(shape, drawn.size, self._numbers[shape.kind]) for shape in drawn.shapes]
        for thing, score in zip(things, drawn.scores or (), strict=bool(drawn.scores)):
            thing["score"] = score
        return {"file_name": drawn.name, "height": height, "width": width}, things

    def put(self, part: Part) -> None:
        """Write a picture."""
        image, things = part
        self._file.write(_line({"id": self._pictures + 1, **image}, first=not self._pictures))
        self._pictures += 1
        for thing in things:
            row = {"id": self._things + 1, "image_id": self._pictures, **thing}
            self._aside.write(_line(row, first=not self._things))
            self._things += 1

    def end(self) -> None:
        """Write the rest."""
        self._file.write('\n], "annotations": [')
        self._aside.seek(0)
        shutil.copyfileobj(self._aside, self._file)
        self._file.write("\n]}\n")


def _line(content: dict[str, Any], *, first: bool) -> str:
    return ("\n" if first else ",\n") + json.dumps(content, ensure_ascii=False)


def _thing(shape: Shape, size: tuple[int, int], number: int) -> dict[str, Any]:
    left, top, _, _ = shape.box
    segmentation: object = [shape.outline.exterior.reshape(-1).tolist()]
    if shape.outline.holes:
        segmentation = {"size": list(size), "counts": column_run_lengths(shape.inside, (top, left), size)}
    return {
        "category_id": number, "segmentation": segmentation, "area": shape.area, "bbox": list(shape.box), "iscrowd": 0,
    }  # fmt: skip
