"""LabelMe: a JSON file a picture. Regions with holes are bitmaps, which it has since version 5.4; others polygons."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from maskwright.data.annotations.written.shapes import Shape
from maskwright.images.classes import Classes
from maskwright.images.label_png import encode_label_png

_VERSION = "5.5.0"  # of LabelMe, whose format this is


def labelme_document(picture: str, size: tuple[int, int], shapes: Sequence[Shape], classes: Classes) -> str:
    """Return the file's text. picture: its path as seen from the file. size: (height, width)."""
    content: dict[str, Any] = {
        "version": _VERSION,
        "flags": {},
        "shapes": [_shape(shape, classes.names[shape.kind]) for shape in shapes],
        "imagePath": picture,
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }
    return json.dumps(content, ensure_ascii=False) + "\n"


def labels_text(classes: Classes) -> str:
    """Return labels.txt, which `labelme --labels` reads; our reader takes the order of classes from it."""
    names = classes.names[1:] if classes.exclusive else classes.names
    return "\n".join(["__ignore__", "_background_", *names]) + "\n"


def _shape(shape: Shape, label: str) -> dict[str, Any]:
    common: dict[str, Any] = {"label": label, "group_id": None, "description": "", "flags": {}}
    if not shape.outline.holes:
        points = shape.outline.exterior.astype(float).tolist()
        return {**common, "points": points, "shape_type": "polygon", "mask": None}
    left, top, width, height = shape.box
    corners = [[float(left), float(top)], [float(left + width - 1), float(top + height - 1)]]  # both lie inside
    bitmap = base64.b64encode(encode_label_png(shape.inside.view(np.uint8) * np.uint8(255))).decode()
    return {**common, "points": corners, "shape_type": "mask", "mask": bitmap}
