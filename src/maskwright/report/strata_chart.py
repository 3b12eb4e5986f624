"""The score against one factor as SVG text: a cloud of pictures with bins for a number, rows for the values of a word.

Knows the factors of evaluation.json ("where"). As in `charts.py`: no script, no font to load, every text escaped.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from maskwright.report.charts import COLOURS, HEIGHT, WIDTH, ticks

LABELS = {
    "object_side": "side of an object, pixels of the mask",
    "object_share": "side of an object, share of the picture's side",
    "objects": "number of objects",
    "foreground": "share of foreground",
    "brightness": "brightness, 0 to 1",
    "contrast": "contrast of object and background, 0 to 1",
}

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 26, 38
_WIDE = 20  # largest over smallest size or count: beyond, an axis goes by powers of ten
_LETTERS = 21  # of a word with its pictures
_ROW, _LABEL, _VALUE = 24, 148, 44
_GREY = "#868e96"


class Bin(NamedTuple):
    """Pictures whose number lies in [low, high]: their mean score with its interval, None where there is none."""

    low: float
    high: float
    pictures: int
    value: float | None
    score_low: float | None
    score_high: float | None


class Row(NamedTuple):
    """Pictures of one word: their mean score with its interval, None where there is none."""

    name: str
    pictures: int
    value: float | None
    low: float | None
    high: float | None


def factor_chart(factor: Mapping[str, Any], measure: str = "Dice") -> str:
    """Return the chart of one factor of evaluation.json's "where"; "" where there is nothing to draw."""
    label = LABELS.get(factor["name"], factor["name"])
    if factor["kind"] == "word":
        found = factor["values"] + ([factor["others"]] if factor["others"] is not None else [])
        rows = [Row(one["value"], one["pictures"], *_score(one)) for one in found]
        return value_chart(f"{measure} by {label}", rows)
    bins = [Bin(one["low"], one["high"], one["pictures"], *_score(one)) for one in factor["bins"]]
    return scatter_chart(f"{measure} by {label.partition(',')[0]}", factor["points"], bins, x=label)


def scatter_chart(title: str, points: Sequence[Sequence[float]], bins: Sequence[Bin], *, x: str) -> str:
    """Return (number, score) of pictures as dots; each bin as a line at its mean, in a band that is its interval.

    Where all numbers are above 0 and the largest is above 1 and over 20 times the smallest, the axis goes by powers
    of ten. Points that are not finite are left out; "" without any.
    """
    known = [(a, b) for a, b in points if math.isfinite(a) and math.isfinite(b)]
    if not known:
        return ""
    numbers = [a for a, _ in known] + [end for one in bins for end in (one.low, one.high)]
    scores = [b for _, b in known] + [one.score_low for one in bins if one.score_low is not None]
    frame = _Frame(min(numbers), max(numbers), min(scores))
    dots = [
        f'<circle cx="{frame.x(a):.1f}" cy="{frame.y(b):.1f}" r="2.5" fill="{_GREY}" fill-opacity="0.5"/>'
        for a, b in known
    ]
    return _svg(title, [frame.axes(x), *dots, *(_drawn_bin(frame, one) for one in bins if one.value is not None)])


def value_chart(title: str, rows: Sequence[Row]) -> str:
    """Return the mean score of each word as a dot with its interval on an axis from 0 to 1, in the order given."""
    if not rows:
        return ""
    height = 30 + _ROW * len(rows) + 22
    body = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        at = _along(tick)
        body.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="24" y2="{height - 20}" class="grid"/>')
        body.append(f'<text x="{at:.1f}" y="{height - 6}" text-anchor="middle" class="tick">{tick:g}</text>')
    body += [_drawn_row(row, 30 + _ROW * number + _ROW / 2) for number, row in enumerate(rows)]
    return _svg(title, body, height)


def _score(one: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    score = one["score"]
    return score["value"], score["low"], score["high"]


def _drawn_bin(frame: "_Frame", one: Bin) -> str:
    left, right = frame.x(one.low), frame.x(one.high)
    right = max(right, left + 4)
    said = f"<title>{one.pictures} pictures: {one.value:.3f}</title>"
    band = ""
    if one.score_low is not None and one.score_high is not None:
        top, bottom = frame.y(one.score_high), frame.y(one.score_low)
        box = f'x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{max(1.0, bottom - top):.1f}"'
        band = f'<rect {box} fill="{COLOURS[0]}" fill-opacity="0.22"/>'
    y = frame.y(one.value or 0.0)
    line = f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{COLOURS[0]}" stroke-width="3"/>'
    return f"<g>{said}{band}{line}</g>"


def _along(score: float) -> float:
    return _LABEL + score * (WIDTH - _LABEL - _VALUE - 6)


def _drawn_row(row: Row, y: float) -> str:
    count = f" ({row.pictures})"
    room = _LETTERS - len(count)
    text = (row.name if len(row.name) <= room else row.name[: room - 1] + "…") + count
    parts = [f'<text x="{_LABEL - 10}" y="{y + 4:.1f}" text-anchor="end" class="tick">{escape(text)}</text>']
    shown = "n/a" if row.value is None else f"{row.value:.3f}"
    parts.append(f'<text x="{WIDTH - 6}" y="{y + 4:.1f}" text-anchor="end" class="tick">{shown}</text>')
    if row.low is not None and row.high is not None:
        ends = f'x1="{_along(row.low):.1f}" x2="{_along(row.high):.1f}" y1="{y:.1f}" y2="{y:.1f}"'
        look = f'stroke="{COLOURS[0]}" stroke-width="6" stroke-opacity="0.35" stroke-linecap="round"'
        parts.append(f"<line {ends} {look}/>")
    if row.value is not None:
        parts.append(f'<circle cx="{_along(row.value):.1f}" cy="{y:.1f}" r="4.5" fill="{COLOURS[0]}"/>')
    return f"<g><title>{escape(row.name)}</title>{''.join(parts)}</g>"


class _Frame:
    """The axes of a cloud: numbers from left to right, scores up to 1 from below the lowest."""

    def __init__(self, low: float, high: float, worst: float) -> None:
        self.powers = low > 0 and high / low > _WIDE and high > 1
        a, b = (math.log10(low), math.log10(high)) if self.powers else (low, high)
        room = 0.02 * (b - a) or 0.5
        self.low, self.high = a - room, b + room
        self.floor = max(0.0, worst - 0.05)
        self.floor = self.floor if self.floor < 0.9 else 0.9

    def x(self, value: float) -> float:
        at = math.log10(value) if self.powers else value
        return _LEFT + (at - self.low) / (self.high - self.low) * (WIDTH - _LEFT - _RIGHT)

    def y(self, score: float) -> float:
        return HEIGHT - _BOTTOM - (score - self.floor) / (1.02 - self.floor) * (HEIGHT - _TOP - _BOTTOM)

    def axes(self, x: str) -> str:
        parts = []
        for score in ticks(self.floor, 1.0, 5):
            y = self.y(score)
            parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" class="tick">{score:g}</text>')
        below = HEIGHT - _BOTTOM + 15
        for value in self._ticks():
            parts.append(
                f'<text x="{self.x(value):.1f}" y="{below}" text-anchor="middle" class="tick">{value:g}</text>'
            )
        parts.append(f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 5}" text-anchor="end" class="tick">{escape(x)}</text>')
        return "".join(parts)

    def _ticks(self) -> list[float]:
        if not self.powers:
            return ticks(self.low, self.high, 6)
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        steps = (1,) if self.high - self.low > 3 else (1, 2, 5)
        values = [step * 10.0**power for power in powers for step in steps]
        return [value for value in values if self.low <= math.log10(value) <= self.high]


def _svg(title: str, body: Sequence[str], height: int = HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f'<text x="14" y="14" class="title">{escape(title)}</text>{"".join(body)}</svg>'
    )
