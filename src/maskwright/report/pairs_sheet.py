"""The sheet of pairs: one PNG that shows a set before training, each picture beside its mask in class colours.

Knows arrays and Pillow's own font; which pairs are shown, and what is said of them, is handed in.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from maskwright.errors import OutputError, ShapeError
from maskwright.files import write_with
from maskwright.images.classes import Classes
from maskwright.report.pixels import Colour, hatched, thumbnail, tinted_thumbnail
from maskwright.report.sheet import INK, LINE, SOFT, cut_text, font

SIDE = 250  # the longer side of a thumbnail, in pixels
_MARGIN, _GAP, _BETWEEN, _HEAD, _SAID = 30, 26, 4, 70, 44
_SHAPE = 1.45  # width to height of a whole sheet
_MARK = ("Software", "maskwright show")


class Pair(NamedTuple):
    """A cell of the sheet. image: (H, W, C) uint8 or uint16. mask: labels of any size. name, said: under the two.

    said: as many of these as fit, the first first.
    """

    name: str
    said: Sequence[str]
    image: NDArray[Any]
    mask: NDArray[Any]


class Entry(NamedTuple):
    """A line of the legend. kind: "class", "background" (drawn hollow, since it is not tinted) or "ignored"."""

    kind: str
    colour: Colour
    name: str
    said: str


@dataclass(frozen=True)
class _Cell:
    name: str
    said: Sequence[str]
    picture: Image.Image
    tinted: Image.Image


def write_pairs_sheet(
    path: Path,
    pairs: Iterable[Pair],
    classes: Classes,
    legend: Sequence[Entry],
    *,
    title: str,
    subtitle: str = "",
    side: int = SIDE,
) -> None:
    """Write the sheet as PNG, whole or not at all. Pairs are taken one at a time and only thumbnails are kept.

    Raises ShapeError when there is no pair, OutputError when the file cannot be written or is no sheet of ours.
    """
    _refuse_foreign(path)
    cells = [
        _Cell(pair.name, pair.said, thumbnail(pair.image, side), tinted_thumbnail(pair.image, pair.mask, classes, side))
        for pair in pairs
    ]
    if not cells:
        raise ShapeError("A sheet of pairs needs at least one.")
    sheet = _compose(cells, legend, title, subtitle)
    note = PngInfo()
    note.add_text(*_MARK)
    write_with(path, lambda temporary: sheet.save(temporary, format="PNG", optimize=True, pnginfo=note))


def _refuse_foreign(path: Path) -> None:
    """Never replace a file that is no sheet: it may be somebody's picture."""
    if not path.exists():
        return
    try:
        with Image.open(path) as there:
            ours = there.info.get(_MARK[0]) == _MARK[1]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        ours = False
    if not ours:
        raise OutputError("The file that is there is no sheet of pairs.", where=str(path), fix="choose another -o")


def _compose(cells: list[_Cell], legend: Sequence[Entry], title: str, subtitle: str) -> Image.Image:
    box = max(110, *(cell.picture.width for cell in cells))
    tallest = [cell.picture.height for cell in cells]
    cell_size = 2 * box + _BETWEEN, sum(tallest) // len(cells) + _SAID + 14
    columns = _columns(len(cells), cell_size)
    width = 2 * _MARGIN + columns * cell_size[0] + (columns - 1) * _GAP
    lines = _legend_lines(legend, width - 2 * _MARGIN)
    rows = [cells[first : first + columns] for first in range(0, len(cells), columns)]
    heights = [max(cell.picture.height for cell in row) + _SAID + 14 for row in rows]
    top = _MARGIN + _HEAD
    height = top + sum(heights) + 12 + 27 * len(lines) + _MARGIN
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    room = width - 2 * _MARGIN
    pen.text((_MARGIN, _MARGIN - 8), cut_text(title, font(26), room), INK, font(26))
    pen.text((_MARGIN, _MARGIN + 28), cut_text(subtitle, font(16), room), SOFT, font(16))
    y = top
    for row, row_height in zip(rows, heights, strict=True):
        for at, cell in enumerate(row):
            _draw_cell(sheet, pen, cell, _MARGIN + at * (cell_size[0] + _GAP), y, cell_size[0])
        y += row_height
    y += 4
    pen.line((_MARGIN, y - 6, width - _MARGIN, y - 6), LINE)
    for line in lines:
        _draw_legend(sheet, pen, line, y + 6)
        y += 27
    return sheet


def _columns(count: int, cell: tuple[int, int]) -> int:
    """Return how many cells go side by side, so that the sheet has a good shape."""

    def off(columns: int) -> float:
        rows = -(-count // columns)
        empty = columns * rows - count
        return abs(math.log(columns * (cell[0] + _GAP) / (rows * cell[1] + _HEAD + 60) / _SHAPE)) + 0.15 * empty

    return min(range(1, min(count, 8) + 1), key=off)


def _draw_cell(sheet: Image.Image, pen: ImageDraw.ImageDraw, cell: _Cell, left: int, top: int, room: int) -> None:
    """Draw picture and mask side by side, name and shares below."""
    sheet.paste(cell.picture, (left, top))
    beside = left + cell.picture.width + _BETWEEN
    sheet.paste(cell.tinted, (beside, top))
    y = top + cell.picture.height + 5
    pen.text((left, y), cut_text(cell.name, font(15), room), INK, font(15))
    pen.text((left, y + 19), _as_fits(cell.said, room), SOFT, font(14))


def _as_fits(said: Sequence[str], room: int) -> str:
    for number in range(len(said), 0, -1):
        text = ", ".join(said[:number]) + (", ..." if number < len(said) else "")
        if font(14).getlength(text) <= room:
            return text
    return cut_text(said[0], font(14), room) if said else ""


def _legend_lines(legend: Sequence[Entry], width: int) -> list[list[tuple[int, Entry]]]:
    """Return the legend in lines of (x, entry), in columns of equal width where several fit."""
    widest = max((_entry_width(entry) for entry in legend), default=0)
    columns = max(1, width // max(1, widest))
    step = width // columns if len(legend) > columns else widest
    return [
        [(_MARGIN + at * step, entry) for at, entry in enumerate(legend[first : first + columns])]
        for first in range(0, len(legend), columns)
    ]


def _entry_width(entry: Entry) -> int:
    return round(font(16).getlength(_short(entry.name)) + font(15).getlength(entry.said)) + 26 + 10 + 30


def _draw_legend(sheet: Image.Image, pen: ImageDraw.ImageDraw, line: list[tuple[int, Entry]], y: int) -> None:
    for x, entry in line:
        swatch = (x, y + 2, x + 16, y + 18)
        if entry.kind == "ignored":
            sheet.paste(hatched((16, 16)), swatch[:2])
        elif entry.kind == "background":
            pen.rounded_rectangle(swatch, 3, outline=SOFT)
        else:
            pen.rounded_rectangle(swatch, 3, fill=entry.colour)
        name = _short(entry.name)
        pen.text((x + 25, y), name, INK, font(16))
        pen.text((x + 25 + font(16).getlength(name) + 9, y + 1), entry.said, SOFT, font(15))


def _short(name: str) -> str:
    return cut_text(name, font(16), 260)
