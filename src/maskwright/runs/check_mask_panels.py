"""The pictures behind findings about masks: values marked, borders enlarged, outlines where they would fit better.

Knows what the evidence of these kinds says; how things are drawn stands in `report/evidence.py`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from maskwright.audit.agreement import TURNS
from maskwright.audit.findings import Finding
from maskwright.errors import MaskwrightError
from maskwright.images.classes import IGNORE
from maskwright.images.modes import Pixels
from maskwright.report.check_page import SIDE, Panel
from maskwright.report.evidence import (
    AS_IT_IS,
    BETTER,
    Box,
    densest,
    marked_thumbnail,
    moved,
    outlined_thumbnail,
    zoomed,
)
from maskwright.report.pixels import thumbnail
from maskwright.runs.check_evidence import EXAMPLES, Evidence, attempt, boxed, boxes_of, pair_panels, picture_panel

_VANISHED = 4.0  # pixels at the planned size: fewer are lost in resizing
_MARKED = 50  # objects that are marked in one picture
_ZOOM = 40  # pixels of a mask's side that are shown enlarged


def unknown_values_panels(source: Evidence, finding: Finding) -> list[Panel]:
    """Return the pixels that are no class, marked in the picture and enlarged as they lie in the file."""
    row = source.row_of(finding)
    if row is None or not source.dataset.columns.masks[row]:
        return pair_panels(source, finding)
    try:
        raw = source.raw(row)
    except MaskwrightError as error:
        return [picture_panel(source, row), Panel("mask", None, error.what)]
    where = ~_known(raw, source)
    if not where.any():
        return [picture_panel(source, row), Panel("mask as it lies in the file", _whole(raw))]
    box = densest(where, _ZOOM)
    return [
        picture_panel(source, row),
        attempt("pixels that are no class, in red", lambda: marked_thumbnail(source.image(row), where, SIDE)),
        Panel(f"mask at row {box[0]}, column {box[1]}, enlarged", zoomed(_for_eyes(raw), box, SIDE)),
    ]


def borders_panels(source: Evidence, finding: Finding) -> list[Panel]:
    """Return the mask over the picture, and its blurred border enlarged as it lies in the file."""
    row = source.example(finding)
    if row is None or not source.dataset.columns.masks[row]:
        return []
    panels = [source.tinted(row, "mask over the picture")]
    try:
        raw = source.raw(row)
    except MaskwrightError as error:
        return [*panels, Panel("mask", None, error.what)]
    where = ~_known(raw, source)
    if where.any():
        box = densest(where, _ZOOM)
        panels.append(Panel(f"mask at row {box[0]}, column {box[1]}, enlarged", zoomed(_for_eyes(raw), box, SIDE)))
    return panels


def _whole(raw: Pixels) -> Image.Image:
    """Return raw values of a mask as a grey or coloured thumbnail, small values made visible."""
    return thumbnail(_for_eyes(raw), SIDE)


def _for_eyes(raw: Pixels) -> Pixels:
    """Return raw values spread over the greys where they are few and small, so that they can be told apart."""
    most = int(raw.max()) if raw.size else 0
    if raw.ndim == 3 or most > 64 or most == 0:
        return raw if raw.dtype == np.uint8 else (raw >> 8).astype(np.uint8)
    return (raw.astype(np.uint16) * 255 // most).astype(np.uint8)


def _known(raw: Pixels, source: Evidence) -> NDArray[np.bool_]:
    """Return (H, W), true where a raw value is one that the encoding names."""
    table = source.dataset.encoding.table
    if raw.ndim == 2:
        values = [value for value, _ in table if isinstance(value, int)]
        return np.isin(raw, values) if values else np.ones(raw.shape, np.bool_)
    colours = {value if isinstance(value, tuple) else (value, value, value) for value, _ in table}
    known = np.zeros(raw.shape[:2], np.bool_)
    for colour in colours:
        known |= (raw[:, :, :3] == np.array(colour[:3], raw.dtype)).all(axis=2)
    return known


def shifted_panels(source: Evidence, finding: Finding) -> list[Panel]:
    """Return the mask's outline as it is, and as it would fit the picture's edges better."""
    row = source.row_of(finding)
    if row is None:
        return pair_panels(source, finding)

    def as_it_is() -> Any:
        return outlined_thumbnail(source.image(row), [(source.dataset.read_mask(row), AS_IT_IS)], SIDE)

    def better() -> Any:
        mask = source.dataset.read_mask(row)
        fits = fitted(mask, finding.evidence)
        return outlined_thumbnail(source.image(row), [(mask, AS_IT_IS), (fits, BETTER)], SIDE)

    return [
        picture_panel(source, row),
        attempt("as it is (red)", as_it_is),
        attempt("would fit better (green)", better),
    ]


def fitted(mask: NDArray[Any], evidence: Mapping[str, Any]) -> NDArray[Any]:
    """Return the mask, (H, W) or (H, W, K), turned and moved as the evidence of a `mask-shifted` says."""
    turn = TURNS.get(str(evidence.get("turn")))
    if turn is not None:
        mask = turn(mask) if mask.ndim == 2 else np.moveaxis(turn(np.moveaxis(mask, 2, 0)), 0, 2)
    shift = evidence.get("shift")
    if isinstance(shift, list | tuple) and len(shift) == 2:
        return moved(mask, (round(shift[0]), round(shift[1])))
    return mask


def tiny_panels(source: Evidence, finding: Finding) -> list[Panel]:
    """Return some pictures with the objects marked that would vanish at the planned size."""
    rows = [row for row in (source.row_of(finding), *source.several(finding)) if row is not None]
    size, name = finding.evidence.get("size"), finding.evidence.get("class")
    if not (isinstance(size, list | tuple) and len(size) == 2) or name not in source.classes.names:
        return pair_panels(source, finding)
    label = source.classes.names.index(name)

    def draw(row: int) -> Image.Image:
        mask = source.dataset.read_mask(row)
        boxes = small_objects(mask == label if mask.ndim == 2 else mask[:, :, label] == 1, (size[0], size[1]))
        return boxed(source, row, boxes)

    return [attempt(f"{source.dataset.columns.ids[row]}; marked", partial(draw, row)) for row in rows[:EXAMPLES]]


def small_objects(where: NDArray[np.bool_], size: tuple[int, int]) -> list[Box]:
    """Return the boxes of objects, (H, W), that would have fewer than four pixels at `size` (height, width)."""
    labels, _ = ndimage.label(where, structure=np.ones((3, 3), bool))
    areas = np.bincount(labels.ravel())
    scale = min(1.0, size[0] * size[1] / where.size)
    found = zip(ndimage.find_objects(labels), areas[1:], strict=True)
    boxes = [
        (rows.start, columns.start, rows.stop, columns.stop) for (rows, columns), n in found if n * scale < _VANISHED
    ]
    return boxes[:_MARKED]


def ring_panels(source: Evidence, finding: Finding) -> list[Panel]:
    """Return the mask over the picture, and its margins marked: what lies outside the box is unlabelled."""
    row = source.example(finding)
    first = finding.evidence.get("first")
    boxes = boxes_of(finding.evidence) or boxes_of(first if isinstance(first, Mapping) else {})
    if row is None:
        return []
    panels = [source.tinted(row, "mask over the picture")]

    def margins() -> Any:
        mask = source.dataset.read_mask(row)
        layers = mask[..., None] if mask.ndim == 2 else mask
        where = (layers == IGNORE).all(axis=2) | (layers == 0).all(axis=2)
        for top, left, bottom, right in boxes[:1]:
            where[top:bottom, left:right] = False
        return marked_thumbnail(source.image(row), where, SIDE)

    return [*panels, attempt("the margins without a label, in red", margins)]
