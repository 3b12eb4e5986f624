"""Label Studio: one JSON file of tasks with predictions, a brush mask a class, and the labelling interface they fit.

Brush masks hold the pixels exactly, holes too. Pictures are named as files that Label Studio serves itself, by their
path below its LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT. Tasks get their numbers when they are imported.
"""

import json
from typing import Any, TextIO
from urllib.parse import quote

from maskwright.data.annotations.written.runs import packed_brush
from maskwright.data.annotations.written.shapes import Drawn, hex_code, markup
from maskwright.images.classes import Classes
from maskwright.images.regions import foreground

_TOOL, _PICTURE = "mask", "image"  # what the labelling interface calls its brush and the picture


def interface(classes: Classes) -> str:
    """Return the labelling interface as XML, to be pasted into the project's settings."""
    labels = "".join(
        f'    <Label value="{markup(classes.names[kind])}" background="{hex_code(classes.colours[kind])}"/>\n'
        for kind in foreground(classes)
    )
    return (
        f'<View>\n  <Image name="{_PICTURE}" value="${_PICTURE}" zoom="true"/>\n'
        f'  <BrushLabels name="{_TOOL}" toName="{_PICTURE}">\n{labels}  </BrushLabels>\n</View>\n'
    )


class LabelStudioFile:
    """Writes label-studio.json into an open file, a picture at a time."""

    def __init__(self, file: TextIO, classes: Classes) -> None:
        self._file, self._classes, self._begun = file, classes, False
        file.write("[")

    def part(self, drawn: Drawn) -> dict[str, Any]:
        """Return a picture's task."""
        regions = [self._region(drawn, kind) for kind in foreground(self._classes)]
        result = [region for region in regions if region is not None]
        address = f"/data/local-files/?d={quote(drawn.name)}"
        return {"data": {_PICTURE: address}, "predictions": [{"model_version": "maskwright", "result": result}]}

    def put(self, part: dict[str, Any]) -> None:
        """Write a picture."""
        self._file.write((",\n" if self._begun else "\n") + json.dumps(part, ensure_ascii=False))
        self._begun = True

    def end(self) -> None:
        """Write the rest."""
        self._file.write("\n]\n")

    def _region(self, drawn: Drawn, kind: int) -> dict[str, Any] | None:
        plane = drawn.plane(kind, self._classes)
        if not plane.any():
            return None
        height, width = drawn.size
        value = {"format": "rle", "rle": packed_brush(plane), "brushlabels": [self._classes.names[kind]]}
        return {
            "id": f"class-{kind}", "type": "brushlabels", "from_name": _TOOL, "to_name": _PICTURE,
            "original_width": width, "original_height": height, "image_rotation": 0, "value": value,
        }  # fmt: skip
