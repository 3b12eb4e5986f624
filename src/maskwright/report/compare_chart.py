"""Differences with their intervals as SVG text, about a line at zero. Knows numbers and names only.

No script, no font to load, every text escaped; colours are the page's.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from maskwright.report.charts import WIDTH, ticks

_ROW, _EDGE, _TOP = 46, 8, 30
_BELOW_NAME = 17  # of a row's height: the name lies above
_LONGEST = 36  # characters of a row's name


class DifferenceRow(NamedTuple):
    """One difference. told_apart: its interval leaves out zero. text: its value as it is to be shown."""

    name: str
    value: float
    low: float | None
    high: float | None
    told_apart: bool
    text: str


def difference_chart(title: str, rows: Sequence[DifferenceRow]) -> str:
    """Return differences as dots with bars on a shared axis that shows zero; nothing for no rows."""
    if not rows:
        return ""
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = 0.06 * (high - low) or 1.0
    low, high = low - room, high + room
    height = _TOP + _ROW * len(rows) + 30

    def x(value: float) -> float:
        return _EDGE + (value - low) / (high - low) * (WIDTH - 2 * _EDGE)

    body = [_axis(x(0.0), len(rows), height, [(tick, x(tick)) for tick in ticks(low, high, 5)])]
    for number, row in enumerate(rows):
        y, kind = _TOP + _ROW * number, "apart" if row.told_apart else "open"
        name = row.name if len(row.name) <= _LONGEST else row.name[: _LONGEST - 1] + "…"
        body.append(f'<text x="{_EDGE}" y="{y + 12}" class="label">{escape(name)}</text>')
        body.append(f'<text x="{WIDTH - _EDGE}" y="{y + 12}" text-anchor="end" class="label">{escape(row.text)}</text>')
        if row.low is not None and row.high is not None:
            span = f'x1="{x(row.low):.1f}" x2="{x(row.high):.1f}" y1="{y + 26}" y2="{y + 26}"'
            body.append(f'<line {span} class="bar {kind}"/>')
        body.append(f'<circle cx="{x(row.value):.1f}" cy="{y + 26}" r="5" class="dot {kind}"/>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f'<text x="{_EDGE}" y="14" class="title">{escape(title)}</text>{"".join(body)}</svg>'
    )


def _axis(zero: float, rows: int, height: int, marks: Sequence[tuple[float, float]]) -> str:
    parts = []
    for value, at in marks:
        parts.append(_upright(at, rows, "grid"))
        parts.append(f'<text x="{at:.1f}" y="{height - 7}" text-anchor="middle" class="tick">{value:g}</text>')
    parts.append(_upright(zero, rows, "zero"))
    return "".join(parts)


def _upright(x: float, rows: int, kind: str) -> str:
    """Return a line from top to bottom that stops at the rows' names, so that it runs through none."""
    tops = (_TOP + _ROW * row for row in range(rows))
    return "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + _BELOW_NAME}" y2="{top + _ROW - 2}" class="{kind}"/>'
        for top in tops
    )  # fmt: skip
