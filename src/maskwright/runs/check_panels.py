"""The pictures behind a finding, kind by kind: what is to be seen of it, with the evidence drawn in.

Knows how findings name their pictures and what their evidence says; reads through `check_evidence.py`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from maskwright.audit.findings import Finding
from maskwright.errors import MaskwrightError
from maskwright.images.formats import read_info, turn
from maskwright.report.check_groups import touched
from maskwright.report.check_page import SIDE, Panel
from maskwright.report.evidence import shapes_thumbnail
from maskwright.report.pixels import error_thumbnail, thumbnail, tinted_thumbnail
from maskwright.runs.check_evidence import (
    EXAMPLES,
    RELATIVES,
    Evidence,
    attempt,
    file_panels,
    listed,
    pair_panels,
    picture_panel,
)
from maskwright.runs.check_mask_panels import (
    borders_panels,
    ring_panels,
    shifted_panels,
    tiny_panels,
    unknown_values_panels,
)

_SAME = 0.02  # of the range of grey levels, in the mean
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
    said = f"picture {height} x {width} (blue), mask {mask_height} x {mask_width} (red)"
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
    rows = source.several(finding)
    if finding.kind == "group-suggested" and not rows:
        rows = _of_one_group(source)
    conflict = finding.kind == "label-conflict"
    panels = []
    for row in rows[:RELATIVES]:
        caption = _relative(source, finding, source.dataset.columns.ids[row])
        panels.append(source.tinted(row, caption) if conflict else picture_panel(source, row, caption))
    if conflict and len(rows) > 1 and _alike(source, rows[0], rows[1]):
        panels.append(attempt("the masks differ where it is coloured", partial(_difference, source, rows[0], rows[1])))
    more = max(len(rows), touched(finding.sample, finding.evidence)) - len(rows[:RELATIVES])
    return [*panels, Panel("", None, f"and {more} more")] if panels and more > 0 else panels


def _of_one_group(source: Evidence) -> list[int]:
    """Return the rows of the first group that has several, so that one can see what was taken for a group."""
    groups = source.dataset.columns.groups
    first: dict[str, int] = {}
    for row, name in enumerate(groups):
        if name in first:
            return [at for at in range(first[name], len(groups)) if groups[at] == name]
        first[name] = row
    return []


def _relative(source: Evidence, finding: Finding, name: str) -> str:
    """Return a member's name, the part that it lies in, and what was changed in it."""
    part = dict(zip(listed(finding, "samples"), listed(finding, "parts"), strict=False)).get(name, "")
    steps = finding.evidence.get("steps")
    how = {step[1]: str(step[2]) for step in steps if len(step) == 3} if isinstance(steps, list | tuple) else {}
    return " ".join(words for words in (name, part and f"({part})", how.get(name, "")) if words)


def _alike(source: Evidence, first: int, second: int) -> bool:
    """Whether two pictures are so much the same that their masks can be laid over each other."""
    try:
        images = source.image(first), source.image(second)
    except MaskwrightError:
        return False
    if images[0].shape != images[1].shape:
        return False
    return float(np.abs(images[0].astype(np.float32) - images[1]).mean()) < _SAME * np.iinfo(images[0].dtype).max


def _difference(source: Evidence, first: int, second: int) -> Image.Image:
    masks = source.dataset.read_mask(first), source.dataset.read_mask(second)
    return error_thumbnail(source.image(first), *masks, source.classes, SIDE)


_DRAWN_BY: dict[str, Callable[[Evidence, Finding], list[Panel]]] = {
    "exif-rotated": _turned, "exif-conflict": _turned,
    "image-without-mask": file_panels, "mask-without-image": file_panels, "ambiguous-pair": _ambiguous,
    "size-mismatch": _shapes, "aspect-mismatch": _shapes,
    "mask-values": unknown_values_panels, "mask-antialiased": borders_panels, "mask-lossy": borders_panels,
    "mask-shifted": shifted_panels, "tiny-objects": tiny_panels, "border-ring": ring_panels,
    "duplicate": _family, "near-duplicate": _family, "label-conflict": _family, "split-leak": _family,
    "group-suggested": _family,
}  # fmt: skip
