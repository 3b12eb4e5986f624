"""The page of `maskwright compare --html`: one file that holds everything, asks for nothing and runs no script.

Knows the document of a comparison as JSON values. Every text is escaped by the template engine; only the chart,
which escapes its own texts, is marked as safe. There are no pictures in it, only their names.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwright.data.names import shown
from maskwright.files import write_text
from maskwright.report.compare_chart import DifferenceRow, difference_chart
from maskwright.report.wording import harmless, plain

MOST = 15  # pictures in the table of those that differ most
_COLUMNS = 8  # entries in that table

Content = Mapping[str, Any]


def write_compare_page(path: Path, content: Content) -> None:
    """Write the page of a comparison's document, whole or not at all. Raises OutputError."""
    write_text(path, render_compare_page(content))


def render_compare_page(content: Content) -> str:
    """Return the page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("maskwright.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=harmless,
    )  # fmt: skip
    places = score_places(content["entries"])
    environment.filters |= {"plain": plain, "number": lambda value: "" if value is None else f"{value:.{places}f}"}
    return environment.get_template("compare.html.j2").render(
        content=content, chart=_chart(content), most=most_different(content), columns=content["entries"][:_COLUMNS],
        seeded=any(entry["spread"] for entry in content["entries"]), finer=places + 1,
        over=str(content["mean_over"]).partition(":")[0], differences=_differences(content),
        needed=any(one["needed_about"] is not None for one in content["differences"]),
    )  # fmt: skip


def score_places(entries: Sequence[Content]) -> int:
    """Return how many decimals scores get: 3 for shares, fewer for distances, which are larger."""
    return 3 if all((entry["high"] or entry["value"] or 0) <= 1 for entry in entries) else 2


def most_different(content: Content, number: int = MOST) -> list[Content]:
    """Return the pictures on which the entries lie furthest apart, the furthest first."""
    names = [entry["name"] for entry in content["entries"]]
    if len(names) < 2:
        return []

    def apart(picture: Content) -> float:
        scores = [float(picture["scores"][name]) for name in names]
        return max(scores) - min(scores)

    return [one for one in sorted(content["pictures"], key=apart, reverse=True)[:number] if apart(one) > 0]


def _differences(content: Content) -> list[dict[str, Any]]:
    """Return the lines of the table of differences, numbers as they are to be shown."""
    return [{**one, "shown": interval_text(one)} for one in content["differences"]]


def interval_text(difference: Content) -> str:
    """Return "0.012 [0.004, 0.020]" with as many decimals as the interval needs."""
    low, high = difference["low"], difference["high"]
    places = 3
    while low is not None and places < 6 and 0 < high - low < 20 * 10**-places:
        places += 1
    value, low, high = (None if end is None else round(end, places) + 0.0 for end in (difference["value"], low, high))
    bounds = "" if low is None else f" [{low:.{places}f}, {high:.{places}f}]"
    return f"{value:.{places}f}{bounds}"  # no minus before a zero


def _chart(content: Content) -> Any:
    from markupsafe import Markup  # the chart escapes its own texts

    rows = [
        DifferenceRow(
            f"{shown(one['second'])} minus {shown(one['first'])}", one["value"], one["low"], one["high"],
            one["told_apart"], interval_text(one),
        )
        for one in content["differences"]
    ]  # fmt: skip
    return Markup(difference_chart(f"Difference in {shown(content['label'], 60)} per picture", rows))
