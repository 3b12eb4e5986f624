"""GeoJSON (RFC 7946): a FeatureCollection a picture, a polygon with holes for each region, in pixels of the picture.

x runs to the right and y down, from the top left corner. Exteriors are counter-clockwise where y is drawn upwards, as
the RFC means it: the shoelace sum over the numbers is positive. QuPath takes the properties for class and colour.
"""

import json
from collections.abc import Sequence
from typing import Any

from maskwright.data.annotations.written.shapes import Shape
from maskwright.images.classes import Classes
from maskwright.images.polygons import Ring


def geojson_document(shapes: Sequence[Shape], classes: Classes) -> str:
    """Return the file's text."""
    content = {"type": "FeatureCollection", "features": [_feature(shape, classes) for shape in shapes]}
    return json.dumps(content, ensure_ascii=False) + "\n"


def _feature(shape: Shape, classes: Classes) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [_closed(ring) for ring in shape.outline.rings]},
        "properties": {
            "objectType": "annotation",
            "classification": {"name": classes.names[shape.kind], "color": list(classes.colours[shape.kind])},
            "pixels": shape.area,
        },
    }


def _closed(ring: Ring) -> list[list[int]]:
    points: list[list[int]] = ring.tolist()
    return [*points, points[0]]
