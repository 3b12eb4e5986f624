"""Histograms of a checked set as SVG text: how large pictures and objects are, how much of a picture is foreground.

Knows counts only. The parts are those of `charts.py`: no script, no font to load, every text escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from maskwright.report.charts import COLOURS, WIDTH

_FEW = 8  # sizes: so many or fewer are named one by one
_ROW, _LABEL, _NUMBER = 22, 132, 62


def bar_chart(title: str, rows: Sequence[tuple[str, int]]) -> str:
    """Return (label, count) as horizontal bars with their counts; nothing for no rows."""
    if not rows:
        return ""
    most = max(1, max(count for _, count in rows))
    body = []
    for number, (label, count) in enumerate(rows):
        y = 30 + _ROW * number
        length = (WIDTH - _LABEL - _NUMBER) * count / most
        body.append(f'<text x="{_LABEL - 8}" y="{y + 13}" text-anchor="end" class="tick">{escape(label)}</text>')
        if count:
            box = f'x="{_LABEL}" y="{y + 1}" width="{max(1.5, length):.1f}" height="{_ROW - 6}" rx="2"'
            body.append(f'<rect {box} fill="{COLOURS[0]}"/>')
        at = f"{_LABEL + length + 7:.1f}"
        body.append(f'<text x="{at}" y="{y + 13}" class="tick">{count:,}</text>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {36 + _ROW * len(rows)}" role="img" aria-label="{escape(title)}">'
        f'<text x="2" y="14" class="title">{escape(title)}</text>{"".join(body)}</svg>'
    )


def size_rows(sizes: Mapping[tuple[int, int], int]) -> list[tuple[str, int]]:
    """Return (label, pictures) of sizes, (height, width) -> how many: each by itself, or by the longer side."""
    if len(sizes) <= _FEW:
        largest = sorted(sizes.items(), key=lambda item: -item[1])
        return [(f"{width} x {height}", count) for (height, width), count in largest]
    longer: dict[float, int] = {}
    for (height, width), count in sizes.items():
        longer[max(height, width)] = longer.get(max(height, width), 0) + count
    return _in_steps(longer)


def object_rows(sides: Mapping[float, int]) -> list[tuple[str, int]]:
    """Return (label, objects) of objects' sides in pixels -> how many."""
    return _in_steps(sides)


def share_rows(shares: NDArray[np.float64]) -> list[tuple[str, int]]:
    """Return (label, masks) of shares of foreground, (N,) 0..1; small ones, where masks differ most, in finer steps."""
    bounds = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
    between = [f"{100 * low:g} to {100 * high:g} %" for low, high in pairwise(bounds)]
    labels = ["none", "below 0.1 %", *between, "90 % or more"]
    steps = np.where(shares > 0, 1 + np.searchsorted(bounds, shares, side="right"), 0)
    return _without_ends(labels, np.bincount(steps, minlength=len(labels)).tolist())


def _in_steps(lengths: Mapping[float, int]) -> list[tuple[str, int]]:
    """Return lengths in pixels gathered between 1, 2, 3, 4, 6, 8, 12, 16, 24, ...; empty steps at the ends left out."""
    bounds = [1, 2, 3]
    while bounds[-1] <= max(lengths, default=0):
        bounds.append(bounds[-2] * 2)
    counts = [0] * len(bounds)
    for length, count in lengths.items():
        counts[max(0, sum(length >= bound for bound in bounds) - 1)] += count
    labels = [_between(low, high) for low, high in zip(bounds, [*bounds[1:], bounds[-1] * 2], strict=True)]
    return _without_ends(labels, counts)


def _without_ends(labels: Sequence[str], counts: Sequence[int]) -> list[tuple[str, int]]:
    """Return (label, count) without the empty ones at both ends."""
    filled = [number for number, count in enumerate(counts) if count]
    return list(zip(labels, counts, strict=True))[filled[0] : filled[-1] + 1] if filled else []


def _between(low: int, high: int) -> str:
    return f"{low} px" if high == low + 1 else f"{low} to {high - 1} px"
