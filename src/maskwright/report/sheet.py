"""The overlay sheet: a PNG with a row a picture: picture, truth, prediction, and both overlaid as right, missed, extra.

Knows arrays and Pillow's own font; the rows are handed in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from maskwright.errors import ShapeError
from maskwright.files import write_with
from maskwright.images.classes import Classes
from maskwright.images.sizes import resize_labels
from maskwright.metrics.counts import count
from maskwright.metrics.measures import summary
from maskwright.report.pixels import (
    EXTRA,
    IGNORED,
    MISSED,
    RIGHT,
    WRONG,
    Colour,
    error_thumbnail,
    thumbnail,
    tinted_thumbnail,
)

SIDE = 300  # the longer side of a thumbnail, in pixels

_MARGIN, _GAP, _HEAD, _NAME = 28, 12, 34, 30
INK, SOFT, LINE = (28, 32, 36), (106, 114, 122), (226, 229, 232)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class SheetRow(NamedTuple):
    """One picture of the sheet.

    image: (H, W, C) uint8 or uint16. truth: its mask, or None where there is none. prediction: a mask.
    Masks of another size than the picture are stretched to it. dice: written beside the name; None: counted here.
    """

    name: str
    image: NDArray[Any]
    truth: NDArray[Any] | None
    prediction: NDArray[Any]
    dice: float | None = None


@dataclass(frozen=True)
class _Drawn:
    name: str
    score: str
    panels: tuple[Image.Image, ...]


def write_sheet(
    path: Path,
    rows: Iterable[SheetRow | tuple[str, NDArray[Any], NDArray[Any] | None, NDArray[Any]]],
    classes: Classes,
    *,
    title: str = "",
    side: int = SIDE,
) -> None:
    """Write the sheet as PNG, whole or not at all. Rows are taken one at a time and only thumbnails are kept.

    Raises ShapeError when there is no row, OutputError when the file cannot be written.
    """
    drawn = [_draw(SheetRow(*row), classes, side) for row in rows]
    if not drawn:
        raise ShapeError("An overlay sheet needs at least one picture.")
    sheet = _compose(drawn, classes, title)
    write_with(path, lambda temporary: sheet.save(temporary, format="PNG", compress_level=4))


def row_dice(truth: NDArray[Any], prediction: NDArray[Any], classes: Classes) -> float | None:
    """Return the Dice of one picture on the truth's grid (prediction by nearest); None where no pixel counts."""
    found = resize_labels(prediction, truth.shape[:2])
    value = float(summary("dice", count(truth, found, len(classes.names)), exclusive=classes.exclusive))
    return None if value != value else value


def _draw(row: SheetRow, classes: Classes, side: int) -> _Drawn:
    picture = thumbnail(row.image, side)
    prediction = tinted_thumbnail(row.image, row.prediction, classes, side)
    if row.truth is None:
        return _Drawn(row.name, "", (picture, prediction))
    truth = tinted_thumbnail(row.image, row.truth, classes, side)
    errors = error_thumbnail(row.image, row.truth, row.prediction, classes, side)
    dice = row_dice(row.truth, row.prediction, classes) if row.dice is None else row.dice
    measure = "Dice" if classes.binary else "mean Dice"
    return _Drawn(row.name, "" if dice is None else f"{measure} {dice:.3f}", (picture, truth, prediction, errors))


def _compose(drawn: list[_Drawn], classes: Classes, title: str) -> Image.Image:
    with_truth = any(len(row.panels) == 4 for row in drawn)
    columns = ("picture", "truth", "prediction", "overlay of both") if with_truth else ("picture", "prediction")
    cell = max(panel.width for row in drawn for panel in row.panels)
    cell = max(cell, 150)
    legend = _legend_entries(classes, with_truth)
    width = 2 * _MARGIN + len(columns) * cell + (len(columns) - 1) * _GAP
    legend_lines = _wrap(legend, width - 2 * _MARGIN)
    top = _MARGIN + (40 if title else 0)
    heights = [_NAME + max(panel.height for panel in row.panels) + 18 for row in drawn]
    sheet = Image.new("RGB", (width, top + _HEAD + sum(heights) + 26 * len(legend_lines) + _MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    if title:
        pen.text((_MARGIN, _MARGIN - 6), cut_text(title, font(22), width - 2 * _MARGIN), INK, font(22))
    places = [_MARGIN + at * (cell + _GAP) for at in range(len(columns))]
    for left, column in zip(places, columns, strict=True):
        pen.text((left, top), column, SOFT, font(16))
    y = top + _HEAD
    for row, height in zip(drawn, heights, strict=True):
        _draw_row(sheet, pen, row, places if len(row.panels) == len(columns) else [places[0], places[2]], y, width)
        y += height
    for line in legend_lines:
        _draw_legend(pen, line, y)
        y += 26
    return sheet


def _draw_row(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: _Drawn, places: list[int], y: int, width: int) -> None:
    pen.line((_MARGIN, y - 6, width - _MARGIN, y - 6), LINE)
    score_width = int(pen.textlength(row.score, font(16)))
    room = width - 2 * _MARGIN - score_width - 20
    pen.text((_MARGIN, y), cut_text(row.name, font(16), room), INK, font(16))
    pen.text((width - _MARGIN - score_width, y), row.score, INK, font(16))
    for left, panel in zip(places, row.panels, strict=True):
        sheet.paste(panel, (left, y + _NAME))


def _legend_entries(classes: Classes, with_truth: bool) -> list[tuple[Colour, str]]:
    """Return the colours that may occur, with their names."""
    first = 1 if classes.exclusive else 0
    entries = list(zip(classes.colours[first:], classes.names[first:], strict=True))
    if classes.ignored:
        entries.append((IGNORED, f"{classes.ignored} (ignored)"))
    if with_truth:
        entries += [(RIGHT, "right"), (MISSED, "missed"), (EXTRA, "extra")]
        if len(classes.names) > 2 or not classes.exclusive:
            entries.append((WRONG, "wrong class"))
    return entries


def _wrap(entries: list[tuple[Colour, str]], width: int) -> list[list[tuple[Colour, str]]]:
    lines: list[list[tuple[Colour, str]]] = [[]]
    used = 0.0
    for colour, name in entries:
        shown = cut_text(name, font(15), width - 24)
        needed = font(15).getlength(shown) + 46
        if lines[-1] and used + needed > width:
            lines.append([])
            used = 0
        lines[-1].append((colour, shown))
        used += needed
    return lines


def _draw_legend(pen: ImageDraw.ImageDraw, line: list[tuple[Colour, str]], y: int) -> None:
    x = float(_MARGIN)
    for colour, name in line:
        pen.rounded_rectangle((x, y + 3, x + 14, y + 17), 3, fill=colour)
        pen.text((x + 21, y), name, SOFT, font(15))
        x += font(15).getlength(name) + 46


def cut_text(text: str, face: Font, room: float) -> str:
    """Shorten a text in the middle, where file names differ least, until it fits; control characters become spaces."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    if face.getlength(clean) <= room:
        return clean
    keep = len(clean)
    while keep > 2 and face.getlength(_shortened(clean, keep)) > room:
        keep -= 1
    return _shortened(clean, keep)


def _shortened(text: str, keep: int) -> str:
    head = (keep + 1) // 2
    return f"{text[:head]}...{text[len(text) - (keep - head) :]}"


def font(size: int) -> Font:
    """Return Pillow's own font at a size in pixels."""
    return ImageFont.load_default(size)
