"""The shapes of Label Studio's regions: polygons, rectangles, ellipses, brush masks and bitmasks.

Coordinates are hundredths of the picture's sides; masks are as large as the picture.
"""

from typing import Any

from maskwright.data.annotations.areas import Area, Brush, Ellipse, PngBitmap, Polygon
from maskwright.data.annotations.documents import box_ring, broken, entries, number, ring, turned


def region_area(value: dict[str, Any], size: tuple[int, int], where: str) -> Area | None:
    """Return the area of a region's value in a picture of (height, width); None where it encloses nothing.

    Raises DataError for content that is broken.
    """
    height, width = size
    if "rle" in value:
        content = entries(value["rle"], "A brush mask", where)
        if not all(isinstance(byte, int) and 0 <= byte < 256 for byte in content):
            raise broken("A brush mask holds something that is no byte.", where)
        return Brush(bytes(content), size)
    if "imageDataURL" in value:
        form, _, encoded = str(value["imageDataURL"]).partition(",")
        if form != "data:image/png;base64":
            raise broken("A bitmask is no PNG in base64.", where)
        return PngBitmap(encoded, (0, 0), is_whole=True)
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
