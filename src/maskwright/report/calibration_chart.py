"""The reliability diagram as SVG text: how often the answer was right, for each probability that was given.

Bars stand on the diagonal where probabilities mean what they say; below, how many pixels each bin holds. The parts
are those of `charts.py`: no script, no font to load, every text escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from maskwright.report.charts import COLOURS, WIDTH

_LEFT, _SIDE, _TOP = 92, 256, 44  # a square
_STRIP, _GAP = 44, 30  # of the pixels, below
_HEIGHT = _TOP + _SIDE + _GAP + _STRIP + 34
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Bins = Sequence[Mapping[str, Any]]


def reliability_chart(
    title: str, calibration: Mapping[str, Any], *, before: Mapping[str, Any] | None = None, of: str = "the foreground"
) -> str:
    """Return the diagram; nothing where no pixel counted.

    calibration: {bins, ece, ...} as a calibration meter writes it. before: the same before a temperature was applied,
    drawn as a line. of: whose probability it is. A bin's bar stands as high as the frequency; a mark shows its mean
    probability, where the bar would end if it were right.
    """
    bins: Bins = calibration.get("bins") or ()
    if not any(one["pixels"] for one in bins):
        return ""
    body = [_axes(of), *_bars(bins), _diagonal()]
    if before and before.get("bins"):
        body.append(_line(before["bins"]))
        body += _entry(0, COLOURS[1], f"before the temperature: ECE {before['ece']:.3f}")
        body += _entry(1, COLOURS[0], f"with it: ECE {calibration['ece']:.3f}")
    else:
        body += _entry(0, COLOURS[0], f"ECE {calibration['ece']:.3f}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<text x="14" y="14" class="title">{escape(title)}</text>{"".join([*body, *_pixels(bins)])}</svg>'
    )


def _x(value: float) -> float:
    return _LEFT + value * _SIDE


def _y(value: float) -> float:
    return _TOP + (1 - value) * _SIDE


def _axes(of: str) -> str:
    parts, right = [], _LEFT + _SIDE
    for tick in _TICKS:
        x, y = _x(tick), _y(tick)
        parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" class="tick">{tick:g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{_y(0) + 15:.1f}" text-anchor="middle" class="tick">{tick:g}</text>')
    parts.append(f'<text x="{_LEFT - 6}" y="{_TOP - 8}" text-anchor="end" class="tick">frequency</text>')
    below = f"probability of {of}; below: pixels"
    parts.append(f'<text x="{right}" y="{_HEIGHT - 6}" text-anchor="end" class="tick">{escape(below)}</text>')
    return "".join(parts)


def _bars(bins: Bins) -> list[str]:
    parts = []
    for one in bins:
        if not one["pixels"]:
            continue
        left, width, top = _x(one["low"]) + 0.7, (one["high"] - one["low"]) * _SIDE - 1.4, _y(one["frequency"])
        said = f"{one['confidence']:.3f} given, {one['frequency']:.3f} found, {one['pixels']:,} pixels"
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_y(0) - top:.1f}" fill="{COLOURS[0]}" '
            f'fill-opacity="0.75"><title>{said}</title></rect>'
        )
        mean = _y(one["confidence"])
        ends = f'x1="{left:.1f}" x2="{left + width:.1f}" y1="{mean:.1f}" y2="{mean:.1f}"'
        parts.append(f'<line {ends} stroke="#212529" stroke-width="2"/>')
    return parts


def _diagonal() -> str:
    ends = f'x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}"'
    return f'<line {ends} class="mark"/>'


def _line(bins: Bins) -> str:
    """Return the bins of before as a line through (mean probability, frequency)."""
    points = [(one["confidence"], one["frequency"]) for one in bins if one["pixels"]]
    path = " ".join(f"{_x(a):.1f},{_y(b):.1f}" for a, b in points)
    return f'<polyline points="{path}" fill="none" stroke="{COLOURS[1]}" stroke-width="2"/>'


def _entry(number: int, colour: str, text: str) -> list[str]:
    """Return a line of the legend, in the upper left corner, where a sensible model has no bars."""
    y = _TOP + 12 + 17 * number
    return [
        f'<rect x="{_LEFT + 6}" y="{y}" width="12" height="4" fill="{colour}"/>',
        f'<text x="{_LEFT + 23}" y="{y + 6}" class="tick">{escape(text)}</text>',
    ]


def _pixels(bins: Bins) -> list[str]:
    """Return how many pixels each bin holds, as a strip; a bin that holds any is seen."""
    most, base = max(one["pixels"] for one in bins), _TOP + _SIDE + _GAP + _STRIP
    parts = [f'<text x="{_LEFT - 6}" y="{base - _STRIP + 10}" text-anchor="end" class="tick">{most:,}</text>']
    for one in bins:
        if one["pixels"]:
            height = max(1.0, _STRIP * one["pixels"] / most)
            left, width = _x(one["low"]) + 0.7, (one["high"] - one["low"]) * _SIDE - 1.4
            box = f'x="{left:.1f}" y="{base - height:.1f}" width="{width:.1f}" height="{height:.1f}"'
            parts.append(f'<rect {box} fill="#868e96"/>')
    return parts
