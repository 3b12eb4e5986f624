"""The pictures behind a finding, kind by kind: what is to be seen of it, with the evidence drawn in.

Knows how findings name their pictures and what their evidence says; reads through `check_evidence.py`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from maskwright.audit.findings import Finding
from maskwright.images.formats import read_info, turn
from maskwright.report.check_page import SIDE, Panel
from maskwright.report.evidence import shapes_thumbnail
from maskwright.report.pixels import error_thumbnail, thumbnail, tinted_thumbnail
from maskwright.runs.check_evidence import (
    EXAMPLES,
    RELATIVES,
    Evidence,
    attempt,
    file_panels,
    pair_panels,
    picture_panel,
)
from maskwright.runs.check_mask_panels import borders_panels, ring_panels, shifted_panels, unknown_values_panels

_UNTURN = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}  # EXIF orientation -> the one that undoes it


def panels_of(source: Evidence, finding: Finding) -> list[Panel]:
    """Return what is to be seen of a finding; none where there is nothing to see."""
    return _DRAWN_BY.get(finding.kind, pair_panels)(source, finding)


def _ambiguous(source: Evidence, finding: Finding) -> list[Panel]:
    return pair_panels(source, finding) if source.row_of(finding) is not None else file_panels(source, finding)


def _shapes(source: Evidence, finding: Finding) -> list[Panel]:
    """Return mask over picture as it would be stretched, and both shapes at one scale."""
    rows = [row for row in (source.row_of(finding), *source.several(finding)) if row is not None]
    sizes = finding.evidence if "image" in finding.evidence else finding.evidence.get("first", {})
    panels = [source.tinted(row, "mask stretched over the picture") for row in rows[:1]]
    if not (isinstance(sizes, Mapping) and "image" in sizes and "mask" in sizes):
        return panels
    (height, width), (mask_height, mask_width) = sizes["image"], sizes["mask"]
    said = f"picture {width} x {height} (blue), mask {mask_width} x {mask_height} (red)"
    drawn = shapes_thumbnail((height, width), (mask_height, mask_width), SIDE)
    panels.append(Panel(said, drawn))
    return panels + [source.tinted(row, source.dataset.columns.ids[row]) for row in rows[1:EXAMPLES]]


def _turned(source: Evidence, finding: Finding) -> list[Panel]:
    """Return mask over picture upright, and over the picture as it lies in the file."""
    row = source.example(finding)
    if row is None:
        return []

    def unturned() -> Any:
        orientation = read_info(source.dataset[row].image).orientation
        image = np.ascontiguousarray(turn(source.image(row), _UNTURN[orientation]))
        if finding.kind != "exif-conflict":
            return thumbnail(image, SIDE)
        return tinted_thumbnail(image, source.dataset.read_mask(row), source.classes, SIDE)

    upright = "turned upright, with its mask"
    return [attempt("as it lies in the file", unturned), source.tinted(row, upright)]


def _family(source: Evidence, finding: Finding) -> list[Panel]:
    """Return pictures that are the same, or nearly so, side by side, with their parts; for conflicts the difference."""
    rows = source.several(finding)[:RELATIVES]
    parts = source.dataset.columns.parts
    how = finding.evidence.get("how", "")
    changed = list(how) if isinstance(how, list | tuple) and len(how) == len(source.several(finding)) else []
    panels = []
    for at, row in enumerate(rows):
        words = [source.dataset.columns.ids[row], parts[row] and f"({parts[row]})", str(changed[at]) if changed else ""]
        caption = " ".join(word for word in words if word)
        with_mask = finding.kind == "label-conflict"
        panels.append(source.tinted(row, caption) if with_mask else picture_panel(source, row, caption))
    if finding.kind == "label-conflict" and len(rows) > 1:
        panels.append(attempt("the masks differ where it is coloured", partial(_difference, source, rows[0], rows[1])))
    more = len(source.several(finding)) - len(rows)
    if how and not changed and panels:
        told = ", ".join(map(str, how)) if isinstance(how, list | tuple) else str(how)
        panels[-1] = panels[-1]._replace(caption=f"{panels[-1].caption}: {told}")
    return [*panels, Panel("", None, f"and {more} more")] if more > 0 else panels


def _difference(source: Evidence, first: int, second: int) -> Any:
    masks = source.dataset.read_mask(first), source.dataset.read_mask(second)
    return error_thumbnail(source.image(first), *masks, source.classes, SIDE)


_DRAWN_BY: dict[str, Callable[[Evidence, Finding], list[Panel]]] = {
    "exif-rotated": _turned, "exif-conflict": _turned,
    "image-without-mask": file_panels, "mask-without-image": file_panels, "ambiguous-pair": _ambiguous,
    "size-mismatch": _shapes, "aspect-mismatch": _shapes,
    "mask-values": unknown_values_panels, "mask-antialiased": borders_panels, "mask-lossy": borders_panels,
    "mask-shifted": shifted_panels, "border-ring": ring_panels,
    "duplicate": _family, "near-duplicate": _family, "label-conflict": _family, "split-leak": _family,
    "group-suggested": _family,
}  # fmt: skip
