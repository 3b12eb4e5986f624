"""Small charts as SVG text: lines, a histogram, values with intervals. No script, no font to load, no request.

Each chart is drawn for a width of 440 units and scales with the page; colours tell curves apart by lightness too.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 440, 250
COLOURS = ("#0b5fa5", "#d9480f", "#5c940d", "#862e9c")
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 44, 34

Points = Sequence[tuple[float, float]]


def line_chart(
    title: str,
    series: Mapping[str, Points],
    *,
    x: str,
    mark: float | None = None,
    unit_range: bool = False,
    from_zero: bool = False,
    whole_x: bool = False,
    begins: Sequence[tuple[float, str]] = (),
    best: float | None = None,
    note: str = "",
) -> str:
    """Return curves over a shared axis. Points that are not finite are left out.

    mark: an x that gets a dashed line. unit_range: the y axis never leaves [0, 1]. from_zero: it begins at 0.
    whole_x: ticks at whole numbers only. begins: (x, name) of stretches, each from its x to the next one's, told
    where there are several. best: an x whose points get a ring. note: said at the right of the legend.
    """
    curves = {
        name: [p for p in points if math.isfinite(p[0]) and math.isfinite(p[1])] for name, points in series.items()
    }
    every = [point for points in curves.values() for point in points]
    if not every:
        return ""
    x_low, x_high = _widened(min(p[0] for p in every), max(p[0] for p in every), 0)
    y_low, y_high = _widened(min(p[1] for p in every), max(p[1] for p in every), 0.05)
    if unit_range:
        y_low, y_high = max(0.0, y_low), min(1.0, y_high)
    if from_zero:
        y_low, y_high = 0.0, 1.08 * max(0.0, *(p[1] for p in every)) or 1.0
    frame = _Frame(x_low, x_high, y_low, y_high)
    body = [frame.axes(x, whole_x=whole_x), *(_stretches(frame, begins) if len(begins) > 1 else ())]
    if mark is not None:
        at = frame.x(mark)
        body.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" class="mark"/>')
    for number, points in enumerate(curves.values()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{frame.x(a):.1f},{frame.y(b):.1f}" for a, b in points)
        if len(points) == 1:
            body.append(
                f'<circle cx="{frame.x(points[0][0]):.1f}" cy="{frame.y(points[0][1]):.1f}" r="3" fill="{colour}"/>'
            )
        elif points:
            body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for a, b in points:
            if a == best:
                ring = f'cx="{frame.x(a):.1f}" cy="{frame.y(b):.1f}" r="5"'
                body.append(f'<circle {ring} fill="#fff" stroke="{colour}" stroke-width="2.5"/>')
    if note:
        body.append(f'<text x="{WIDTH - _RIGHT}" y="33" text-anchor="end" class="tick">{escape(note)}</text>')
    return _svg(title, [_legend(list(curves)), *body])


def _stretches(frame: "_Frame", begins: Sequence[tuple[float, str]]) -> list[str]:
    """Return a line where each stretch but the first begins, and its name beside it where there is room."""
    parts = []
    ends = [x for x, _ in begins[1:]] + [frame.x_high]
    for number, ((begin, name), end) in enumerate(zip(begins, ends, strict=True)):
        left, right = frame.x(max(begin, frame.x_low)), frame.x(min(end, frame.x_high))
        if number:
            parts.append(f'<line x1="{left:.1f}" x2="{left:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" class="mark"/>')
        room = right - left - (52 if number == len(begins) - 1 else 8)  # the axis is named at the right
        if room >= 20:
            said = escape(_short(name, int(room / 6.4)))
            parts.append(f'<text x="{left:.1f}" y="{HEIGHT - 4}" class="tick">{said}</text>')
    return parts


def histogram(title: str, values: Sequence[float], *, x: str, bins: int = 20) -> str:
    """Return how many values of [0, 1] fall into each of `bins` equal bins."""
    if not values:
        return ""
    heights = [0] * bins
    for value in values:
        heights[min(bins - 1, max(0, int(value * bins)))] += 1
    frame = _Frame(0, 1, 0, max(heights) * 1.05, whole=True)
    body = [frame.axes(x)]
    for at, height in enumerate(heights):
        if height:
            left, right, top = frame.x(at / bins), frame.x((at + 1) / bins), frame.y(height)
            body.append(
                f'<rect x="{left + 0.7:.1f}" y="{top:.1f}" width="{right - left - 1.4:.1f}" '
                f'height="{HEIGHT - _BOTTOM - top:.1f}" fill="{COLOURS[0]}"><title>{height} pictures</title></rect>'
            )
    return _svg(title, body)


def interval_chart(title: str, rows: Sequence[tuple[str, float | None, float | None, float | None]]) -> str:
    """Return (name, value, low, high) as dots with bars on an axis from 0 to 1, the first row in colour."""
    step, height = 40, 40 + 40 * len(rows) + 26
    body = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        at = 14 + tick * (WIDTH - 28)
        body.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="32" y2="{height - 24}" class="grid"/>')
        body.append(f'<text x="{at:.1f}" y="{height - 8}" text-anchor="middle" class="tick">{tick:g}</text>')
    for number, (name, value, low, high) in enumerate(rows):
        y, colour = 40 + step * number, COLOURS[0] if number == 0 else "#868e96"
        body.append(f'<text x="14" y="{y + 8}" class="label">{escape(_short(name, 40))}</text>')
        shown = "n/a" if value is None else f"{value:.3f}"
        body.append(f'<text x="{WIDTH - 14}" y="{y + 8}" text-anchor="end" class="label">{shown}</text>')
        if value is None:
            continue
        at = 14 + value * (WIDTH - 28)
        if low is not None and high is not None:
            left, right = 14 + low * (WIDTH - 28), 14 + high * (WIDTH - 28)
            body.append(
                f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y + 20}" y2="{y + 20}" '
                f'stroke="{colour}" stroke-width="6" stroke-opacity="0.35" stroke-linecap="round"/>'
            )
        body.append(f'<circle cx="{at:.1f}" cy="{y + 20}" r="5" fill="{colour}"/>')
    return _svg(title, body, height)


class _Frame:
    """The axes of a chart, and where a value lies on them."""

    def __init__(self, x_low: float, x_high: float, y_low: float, y_high: float, *, whole: bool = False) -> None:
        self.x_low, self.x_high, self.y_low, self.y_high, self.whole = x_low, x_high, y_low, y_high, whole

    def x(self, value: float) -> float:
        return _LEFT + (value - self.x_low) / (self.x_high - self.x_low) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (value - self.y_low) / (self.y_high - self.y_low) * (HEIGHT - _TOP - _BOTTOM)

    def axes(self, x: str, *, whole_x: bool = False) -> str:
        parts = []
        small = max(abs(self.y_low), abs(self.y_high)) < 0.01
        for value in ticks(self.y_low, self.y_high, 5, whole=self.whole):
            y = self.y(value)
            parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
            parts.append(
                f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" class="tick">{_number(value, small)}</text>'
            )
        for value in ticks(self.x_low, self.x_high, 6, whole=whole_x or self.x_high - self.x_low >= 6):
            at, below = f"{self.x(value):.1f}", HEIGHT - _BOTTOM + 15
            parts.append(f'<text x="{at}" y="{below}" text-anchor="middle" class="tick">{value:g}</text>')
        parts.append(f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 4}" text-anchor="end" class="tick">{escape(x)}</text>')
        return "".join(parts)


def _number(value: float, small: bool) -> str:
    """Return a tick's number; small ones by powers of ten, where zeros would leave the chart."""
    if not small or value == 0:
        return f"{value:g}"
    digits, power = f"{value:.2e}".split("e")
    return f"{float(digits):g}e{int(power)}"


def ticks(low: float, high: float, about: int, *, whole: bool = False) -> list[float]:
    """Return round numbers within [low, high], about `about` of them."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    if whole:
        step = max(1.0, math.ceil(step))
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _widened(low: float, high: float, share: float) -> tuple[float, float]:
    if high - low < 1e-9 * max(1.0, abs(high)):
        return low - 0.5, high + 0.5
    return low - share * (high - low), high + share * (high - low)


def _legend(names: Sequence[str]) -> str:
    parts, x = [], float(_LEFT)
    for number, name in enumerate(names):
        shown = _short(name, 26)
        parts.append(f'<rect x="{x:.0f}" y="27" width="12" height="4" fill="{COLOURS[number % len(COLOURS)]}"/>')
        parts.append(f'<text x="{x + 17:.0f}" y="33" class="tick">{escape(shown)}</text>')
        x += 30 + 6.6 * len(shown)
    return "".join(parts)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _svg(title: str, body: Sequence[str], height: int = HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f'<text x="14" y="14" class="title">{escape(title)}</text>{"".join(body)}</svg>'
    )
