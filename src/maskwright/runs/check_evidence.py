"""Reading what a finding speaks of, to show it: a picture, its mask, the two together, files that are in no pair.

A file that cannot be read becomes a panel that says so. What is drawn for which kind stands in `check_panels.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.audit.findings import Finding
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown
from maskwright.errors import MaskwrightError
from maskwright.images.classes import Classes
from maskwright.images.formats import read_image
from maskwright.images.modes import Pixels
from maskwright.report.check_page import SIDE, Panel
from maskwright.report.evidence import Box, boxed_thumbnail, mask_thumbnail
from maskwright.report.pixels import clear_colours, thumbnail, tinted_thumbnail

RELATIVES = 4  # members of a family that are shown
FILES = ("files", "images", "masks")  # under which evidence names files of no pair
EXAMPLES = 3  # pictures shown of a finding of the whole set


@dataclass
class Evidence:
    """What reads for some findings of one set.

    classes: in colours that show. rows: id -> row, and files: a path of no pair as findings show it -> the path; of
    those that the findings name, since a set may hold millions.
    """

    dataset: Dataset
    findings: InitVar[Iterable[Finding]]
    classes: Classes = field(init=False)
    rows: Mapping[str, int] = field(init=False)
    files: Mapping[str, Path] = field(init=False)

    def __post_init__(self, findings: Iterable[Finding]) -> None:
        self.classes = clear_colours(self.dataset.classes)
        named = {name for finding in findings for name in _names(finding)}
        self.rows = {name: row for row, name in enumerate(self.dataset.columns.ids) if name in named}
        left = self.dataset.leftovers
        unclear = [path for one in left.unclear for path in (*one.images, *one.masks)]
        paths = (*left.images, *left.masks, *left.unused, *unclear)
        loose = ((path, self.dataset.root / path) for path in paths)
        self.files = {
            said: path for short, path in loose for text in (short, str(path)) if (said := shown(text, 500)) in named
        }

    def row_of(self, finding: Finding) -> int | None:
        """Return the row that a finding is about, None for the whole set or a file that is in no row."""
        return None if finding.sample is None else self.rows.get(finding.sample)

    def example(self, finding: Finding) -> int | None:
        """Return the row that a finding is about, or the first that its evidence names."""
        row = self.row_of(finding)
        return next(iter(self.several(finding)), None) if row is None else row

    def several(self, finding: Finding) -> list[int]:
        """Return the rows that the evidence names."""
        return [self.rows[name] for name in listed(finding, "samples") if name in self.rows]

    def image(self, row: int) -> Pixels:
        """Return a picture for looking at, (H, W, C), large JPEGs at reduced scale. Raises DataError."""
        return read_image(self.dataset[row].image, at_least=(2 * SIDE, 2 * SIDE))

    def raw(self, row: int) -> Pixels:
        """Return the values of a mask's first file. Raises DataError."""
        return self.dataset.mask_reader.read_raw(self.dataset[row].masks[0])

    def tinted(self, row: int, caption: str) -> Panel:
        """Return the picture with its mask over it; the picture alone, or the mask alone, where one is unreadable."""
        mask: NDArray[np.uint8] | None = None
        try:
            mask = self.dataset.read_mask(row)
            return Panel(caption, tinted_thumbnail(self.image(row), mask, self.classes, SIDE))
        except MaskwrightError as error:
            if mask is not None:
                return Panel("mask alone", mask_thumbnail(mask, self.classes, SIDE))
            return Panel("mask", None, error.what)


def _names(finding: Finding) -> list[str]:
    """Return what a finding names: its sample, its file, and the samples and files of its evidence."""
    lists = (name for key in ("samples", *FILES) for name in listed(finding, key))
    return [finding.sample or "", finding.where, *lists]


def listed(finding: Finding, key: str) -> list[str]:
    """Return the names that the evidence holds under a key."""
    names = finding.evidence.get(key)
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []


def attempt(caption: str, draw: Callable[[], Any]) -> Panel:
    """Return a panel with the picture that `draw` makes, or with what is wrong where a file cannot be read."""
    try:
        return Panel(caption, draw())
    except MaskwrightError as error:
        return Panel(caption, None, error.what)


def picture_panel(source: Evidence, row: int, caption: str = "picture") -> Panel:
    """Return the picture as it is."""
    return attempt(caption, lambda: thumbnail(source.image(row), SIDE))


def pair_panels(source: Evidence, finding: Finding) -> list[Panel]:
    """Return picture, and picture with mask and the boxes of the evidence; for the whole set some of its pictures."""
    row = source.row_of(finding)
    if row is None:
        rows = source.several(finding)[:EXAMPLES]
        return [source.tinted(one, source.dataset.columns.ids[one]) for one in rows] or file_panels(source, finding)
    panels = [picture_panel(source, row)]
    if not source.dataset.columns.masks[row]:
        return panels
    if finding.kind in ("mask-empty", "mask-constant"):
        return [*panels, attempt("mask", lambda: mask_thumbnail(source.dataset.read_mask(row), source.classes, SIDE))]
    boxes = boxes_of(finding.evidence)
    if not boxes:
        return [*panels, source.tinted(row, "mask over it")]
    return [*panels, attempt("mask over it; marked", partial(boxed, source, row, boxes))]


def boxed(source: Evidence, row: int, boxes: Sequence[Box]) -> Image.Image:
    """Return the picture with its mask over it, and boxes in pixels of the mask. Raises DataError."""
    mask = source.dataset.read_mask(row)
    grid = (mask.shape[0], mask.shape[1])
    return boxed_thumbnail(source.image(row), mask, boxes, source.classes, SIDE, grid=grid)


def boxes_of(evidence: Mapping[str, Any]) -> list[Box]:
    """Return the boxes of a finding's evidence, its own and those of its objects: (top, left, bottom, right)."""
    objects = evidence.get("objects", ())
    found = [evidence.get("box"), *(evidence.get("boxes") or ())]
    found += (
        [one.get("box") for one in objects if isinstance(one, Mapping)] if isinstance(objects, list | tuple) else []
    )
    boxes = []
    for box in found:
        if isinstance(box, list | tuple) and len(box) == 4:
            top, left, bottom, right = (int(side) for side in box)
            boxes.append((top, left, bottom, right))
    return boxes[:50]


def file_panels(source: Evidence, finding: Finding) -> list[Panel]:
    """Return files that belong to no pair: a picture as it is, a mask in the colours of its classes."""
    named = [(name, key == "masks") for key in FILES for name in listed(finding, key)]
    named = named or [(finding.where, finding.kind == "mask-without-image")]
    known = [(source.files[name], as_mask) for name, as_mask in named if name in source.files]
    return [
        _file(source, path, as_mask=as_mask or finding.kind == "mask-without-image")
        for path, as_mask in known[:RELATIVES]
    ]


def _file(source: Evidence, path: Path, *, as_mask: bool) -> Panel:
    def draw() -> Any:
        if as_mask and source.dataset.encoding.kind not in ("objects", "per-class"):
            return mask_thumbnail(source.dataset.mask_reader.read([path]), source.classes, SIDE)
        return thumbnail(read_image(path, at_least=(2 * SIDE, 2 * SIDE)), SIDE)

    return attempt(path.name, draw)
