"""What the service answers: a mask, polygons, an overlay, a cut-out or probabilities, as the caller accepts.

Bytes of files and of JSON; knows nothing of HTTP but the names of media types.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.data.annotations.written.geojson import geojson_document
from maskwright.data.annotations.written.shapes import outlined
from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.images.depth import to_depth
from maskwright.images.formats import read_image
from maskwright.images.label_png import encode_label_png
from maskwright.images.regions import layers
from maskwright.images.sizes import resize_labels
from maskwright.images.writing import encode_png
from maskwright.report.pixels import cut_out, overlay, to_rgb
from maskwright.runtime.cut import cut_resized
from maskwright.runtime.description import ModelDescription
from maskwright.serve.engine import Answer

SHOWN_SIDE = 1600  # pixels of what is made for looking at
MOST_REGIONS = 20_000  # whose polygons are drawn: noise has millions


@dataclass(frozen=True)
class Form:
    """A form of answer. media: its type. make: from an answer, the model's description and a threshold (None: its own).

    about: one line for people.
    """

    media: str
    make: Callable[[Answer, ModelDescription, float | None], bytes]
    about: str


def mask_of(answer: Answer, description: ModelDescription, threshold: float | None) -> NDArray[np.uint8]:
    """Return the mask at the picture's size: (H, W) class indices; overlapping classes: (H, W, K) of 0 and 1."""
    cut = description.threshold if threshold is None or description.threshold is None else threshold
    return cut_resized(answer.probabilities, answer.size, description.classes, cut)


def mask_png(answer: Answer, description: ModelDescription, threshold: float | None) -> bytes:
    """Return a palette PNG of class indices; of overlapping classes, their union as 0 and 255."""
    mask = mask_of(answer, description, threshold)
    if description.classes.exclusive:
        return encode_label_png(mask, description.classes.colours)
    return encode_label_png(mask.max(axis=2) * np.uint8(255))


def polygons_json(answer: Answer, description: ModelDescription, threshold: float | None) -> bytes:
    """Return size, pixels and share of each class, and a GeoJSON FeatureCollection of the regions.

    Raises DataError for a mask of more regions than anybody wants drawn.
    """
    mask, classes = mask_of(answer, description, threshold), description.classes
    regions = list(layers(mask, classes))
    count = sum(len(one.areas) for one in regions)
    if count > MOST_REGIONS:
        raise DataError(
            f"The mask has {count:,} regions; polygons are drawn of up to {MOST_REGIONS:,}.", where=answer.picture.name,
            fix="ask for the mask instead",
        )  # fmt: skip
    head = {"width": answer.size[1], "height": answer.size[0], "classes": _areas(mask, classes)}
    polygons = geojson_document(outlined(regions, tolerance=0.0), classes).strip()
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "polygons": {polygons}}}'.encode()


def overlay_jpeg(answer: Answer, description: ModelDescription, threshold: float | None) -> bytes:
    """Return the picture, tinted by its mask, of at most SHOWN_SIDE pixels a side."""
    small = _shown(answer)
    mask = resize_labels(mask_of(answer, description, threshold), (small.height, small.width))
    return _jpeg(Image.fromarray(overlay(np.asarray(small), mask, description.classes)))


def picture_jpeg(answer: Answer, description: ModelDescription, threshold: float | None) -> bytes:
    """Return the picture alone, of at most SHOWN_SIDE pixels a side."""
    return _jpeg(_shown(answer))


def cutout_png(answer: Answer, description: ModelDescription, threshold: float | None) -> bytes:
    """Return the picture's own pixels, transparent outside of the mask, and black underneath."""
    mask = mask_of(answer, description, threshold)
    rgb = to_rgb(to_depth(read_image(answer.picture), "uint8"))
    return encode_png(cut_out(rgb, mask), quick=True)


def probabilities_png(answer: Answer, description: ModelDescription, threshold: float | None) -> bytes:
    """Return a grey PNG, 255 being 1: of the foreground, or of the most probable class that is not background."""
    grey = np.empty(answer.size, np.uint8)
    first = 1 if description.classes.exclusive and len(answer.probabilities) > 1 else 0
    for rows, planes in answer.in_rows():
        grey[rows] = np.rint(planes[first:].max(axis=0) * 255)
    return encode_png(grey, quick=True)


FORMS = {
    "mask": Form("image/png", mask_png, "palette PNG of class indices at the picture's size"),
    "polygons": Form("application/json", polygons_json, "areas, and a GeoJSON polygon for each region"),
    "overlay": Form("image/jpeg", overlay_jpeg, "the picture tinted by its mask, for looking at"),
    "cutout": Form("image/png", cutout_png, "the picture's pixels, transparent outside of the mask"),
    "probabilities": Form("image/png", probabilities_png, "grey PNG, 255 for certain"),
    "picture": Form("image/jpeg", picture_jpeg, "the picture alone, for browsers that cannot read its format"),
}
_USUAL = {"image/png": "mask", "application/json": "polygons", "image/jpeg": "overlay"}  # of each media type


def accepted_form(accept: str) -> str | None:
    """Return the form that an Accept header wants most, "mask" where it does not care; None where it wants another.

    >>> accepted_form("image/jpeg;q=0.5, application/json"), accepted_form("*/*"), accepted_form("text/html")
    ('polygons', 'mask', None)
    """
    wanted: list[tuple[float, int, str]] = []
    for order, part in enumerate(accept.split(",")):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        share = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            weight = float(share)
        except ValueError:
            weight = 0.0
        for known in _USUAL:
            general = media in ("*/*", "") or media == f"{known.partition('/')[0]}/*"
            if weight > 0 and (media == known or general):
                wanted.append((-weight, order + len(_USUAL) * general, known))
                break
    return _USUAL[min(wanted)[2]] if wanted else None


def _shown(answer: Answer) -> Image.Image:
    scale = min(1.0, SHOWN_SIDE / max(answer.size))
    size = (max(1, round(answer.size[1] * scale)), max(1, round(answer.size[0] * scale)))
    pixels = to_rgb(read_image(answer.picture, at_least=(size[1], size[0])))
    return Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)


def _jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _areas(mask: NDArray[np.uint8], classes: Classes) -> list[dict[str, Any]]:
    planes = [mask == k for k in range(len(classes.names))] if classes.exclusive else list(np.moveaxis(mask == 1, 2, 0))
    pixels = [int(np.count_nonzero(plane)) for plane in planes]
    total = mask.shape[0] * mask.shape[1]
    return [
        {"name": name, "pixels": count, "share": round(count / total, 6)}
        for name, count in zip(classes.names, pixels, strict=True)
    ]
