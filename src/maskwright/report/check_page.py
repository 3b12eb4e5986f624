"""The page of `maskwright check --html`: one file that holds everything, asks for nothing and runs no script.

Knows findings as JSON values, and small pictures that are handed in. Every text is escaped by the template engine;
only the charts made here, which escape their own texts, are marked as safe.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskwright.files import write_text
from maskwright.images.classes import Classes
from maskwright.report.check_charts import bar_chart, object_rows, share_rows, size_rows
from maskwright.report.check_groups import count_levels, group
from maskwright.report.wording import harmless, plain

SIDE = 240  # the longer side of an embedded thumbnail, in pixels
BUDGET = 12_000_000  # bytes of all embedded pictures behind findings; what would go beyond is named without pictures
_CLASSES = 40  # classes that the page lists
_SHEET_BUDGET = 3_000_000


class Panel(NamedTuple):
    """A small picture and what it shows; without a picture `said` stands in its place."""

    caption: str
    picture: Image.Image | None
    said: str = ""


class Illustrated(NamedTuple):
    """A finding's pictures. number: of the finding among all. name: of the sample shown, where it is one of several."""

    number: int
    panels: Sequence[Panel]


class SheetPair(NamedTuple):
    """A pair on one of the sheets. heading: of its sheet. said: why it is there."""

    heading: str
    name: str
    said: str
    panels: Sequence[Panel]


class FirstStep(NamedTuple):
    """One of the things to do first: in words, its level, which kinds it puts right, how many pictures it is for."""

    action: str
    level: str
    kinds: Sequence[str]
    pictures: int


class ClassRow(NamedTuple):
    """A class in the masks: how many show it, its share of all pixels, and (least, median, largest) of a mask."""

    name: str
    masks: int
    share: float
    spread: tuple[float, float, float] | None


@dataclass(frozen=True)
class CheckFacts:
    """Everything the page tells beside pictures.

    name: the set's. made: when, as it is to be shown. images, masks: files. encoding: in a word. classes: of the set.
    findings: `Finding`s as JSON values, worst first. meanings: kind -> what it means. steps: what to do first.
    notes: what was guessed.
    rows: a line a class; looked_at: masks they are taken from. sizes: (height, width) -> pictures.
    shares: of foreground, (N,), one a mask. objects: side of an object in pixels -> objects, empty where not known.
    """

    name: str
    made: str
    pairs: int
    images: int
    masks: int
    encoding: str
    classes: Classes
    findings: Sequence[Mapping[str, Any]]
    meanings: Mapping[str, str]
    steps: Sequence[FirstStep] = ()
    notes: Sequence[str] = ()
    rows: Sequence[ClassRow] = ()
    looked_at: int = 0
    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    shares: NDArray[np.floating[Any]] | Sequence[float] = ()
    objects: Mapping[float, int] = field(default_factory=dict)


def write_page(
    path: Path,
    facts: CheckFacts,
    *,
    illustrated: Iterable[Illustrated] = (),
    sheets: Iterable[SheetPair] = (),
    pictures: bool = True,
) -> None:
    """Write the page, whole or not at all. Raises OutputError.

    illustrated, sheets: taken one at a time, and only until BUDGET bytes are embedded (about 12 MB, and 3 MB of
        sheets); thumbnails have at most 240 pixels and are made anew, so no metadata of the files comes along.
        pictures=False leaves them out, and the page says so; names of files stay.
    """
    drawn, cut = _within(BUDGET, illustrated) if pictures else ({}, False)
    pairs = _sheets(sheets) if pictures else []
    write_text(path, render_page(facts, drawn, pairs, pictures=pictures, cut=cut))


def render_page(
    facts: CheckFacts,
    drawn: Mapping[int, Sequence[Mapping[str, Any]]],
    sheets: Sequence[tuple[str, list[Mapping[str, Any]]]],
    *,
    pictures: bool = True,
    cut: bool = False,
) -> str:
    """Return the page as text. drawn: number of a finding -> its embedded pictures; cut: some had no room."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("maskwright.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=harmless,
    )  # fmt: skip
    environment.filters |= {"plain": plain, "percent": percent}
    groups = group(facts.findings, facts.meanings)
    return environment.get_template("check.html.j2").render(
        facts=facts, groups=groups, levels=count_levels(facts.findings), drawn=drawn,
        sheets=sheets, pictures=pictures, cut=cut, charts=_charts(facts), rows=facts.rows[:_CLASSES],
        more_rows=max(0, len(facts.rows) - _CLASSES), legend=_legend(facts.classes), side=SIDE,
    )  # fmt: skip


def percent(share: float) -> str:
    """Return a share of 0..1 in percent, with more digits where it is small."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 or value == 0 else f"{value:.1f} %" if value >= 0.1 else f"{value:.1g} %"


def _charts(facts: CheckFacts) -> list[Any]:
    from markupsafe import Markup

    drawn = (
        bar_chart("Foreground, share of a mask", share_rows(np.asarray(facts.shares, np.float64))),
        bar_chart("Pictures, width x height" if len(facts.sizes) <= 8 else "Pictures, longer side",
                  size_rows(facts.sizes)),
        bar_chart("Objects, side of a square of their area", object_rows(facts.objects)),
    )  # fmt: skip
    return [Markup(svg) for svg in drawn if svg]


def _within(budget: int, illustrated: Iterable[Illustrated]) -> tuple[dict[int, list[dict[str, Any]]], bool]:
    """Return number of a finding -> embedded pictures until the budget is spent, and whether it was."""
    drawn: dict[int, list[dict[str, Any]]] = {}
    for one in illustrated:
        embedded = [_embedded(panel) for panel in one.panels]
        budget -= sum(len(panel["uri"]) for panel in embedded)
        if budget < 0:
            return drawn, True
        drawn[one.number] = embedded
    return drawn, False


def _sheets(pairs: Iterable[SheetPair]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return the sheets under their headings, both in the order given."""
    budget = _SHEET_BUDGET
    sheets: dict[str, list[Mapping[str, Any]]] = {}
    for pair in pairs:
        panels = [_embedded(panel) for panel in pair.panels]
        budget -= sum(len(one["uri"]) for one in panels)
        if budget < 0:
            break
        sheets.setdefault(pair.heading, []).append({"name": pair.name, "said": pair.said, "panels": panels})
    return list(sheets.items())


def _embedded(panel: Panel) -> dict[str, Any]:
    from markupsafe import Markup  # base64 has no letter that HTML reads

    picture = panel.picture
    if picture is None:
        return {"caption": panel.caption, "uri": "", "said": panel.said, "width": SIDE, "height": 3 * SIDE // 4}
    fresh = Image.new("RGB", picture.size)
    fresh.paste(picture)
    fresh.thumbnail((SIDE, SIDE))
    buffer = BytesIO()
    fresh.save(buffer, format="JPEG", quality=84, subsampling=0)
    uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return {
        "caption": panel.caption,
        "uri": Markup(uri),
        "said": panel.said,
        "width": fresh.width,
        "height": fresh.height,
    }


def _legend(classes: Classes) -> list[tuple[str, str]]:
    """Return (CSS colour, name) of the classes that are tinted."""
    first = 1 if classes.exclusive else 0
    entries = list(zip(classes.colours[first:_CLASSES], classes.names[first:_CLASSES], strict=True))
    return [(f"rgb({int(r)}, {int(g)}, {int(b)})", name) for (r, g, b), name in entries]
