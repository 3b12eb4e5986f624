"""A training's curves: loss, score and learning rate over epochs, with its phases; as parts of a page or as one SVG.

The file stands alone: its style is in it, its ground is white, and nothing is loaded.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path

from maskwright.files import write_text
from maskwright.report.charts import HEIGHT, WIDTH, line_chart
from maskwright.report.wording import label

History = Sequence[Mapping[str, float]]
Phases = Sequence[tuple[float, str]]

_GAP, _HEAD, _MARGIN = 26, 40, 18
_STYLE = (
    'text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }'
    ".name { font-size: 17px; font-weight: 600; fill: #1c2024; }"
    ".title { font-size: 14px; font-weight: 600; fill: #1c2024; }"
    ".tick { font-size: 11.5px; fill: #5c656e; }"
    ".grid { stroke: #e4e7ea; stroke-width: 1; }"
    ".mark { stroke: #1c2024; stroke-width: 1; stroke-dasharray: 4 3; }"
)


def epoch_charts(history: History, phases: Phases = (), best: float | None = None) -> dict[str, str]:
    """Return SVG of "loss", "score" and "rate", each "" where nothing is known.

    history: one mapping an epoch, with "epoch" (from 1) and numbers, drawn by what their names hold. phases: (first
    epoch, name); told where there are several. best: the epoch whose weights were kept; it gets a ring.
    """
    begins = [(epoch - 0.5, name) for epoch, name in phases]
    ring = f"ring: epoch {best:g}, whose weights were kept" if best is not None else ""
    loss, score, rate = (_curves(history, words) for words in (("loss",), ("dice", "iou"), ("rate",)))
    chart = partial(line_chart, x="epoch", whole_x=True, begins=begins, best=best)
    return {
        "loss": chart("Loss in training", loss),
        "score": chart("Score on validation pictures", score, note=ring, unit_range=True),
        "rate": chart("Learning rate", rate, from_zero=True),
    }


def write_curves(path: Path, title: str, history: History, phases: Phases = (), best: float | None = None) -> None:
    """Write the curves as one SVG file, whole or not at all; nothing where there is no epoch. Raises OutputError."""
    charts = [chart for chart in epoch_charts(history, phases, best).values() if chart]
    if charts:
        write_text(path, _standalone(title, charts))


def _curves(history: History, words: tuple[str, ...]) -> dict[str, list[tuple[float, float]]]:
    """Return the curves whose name holds one of the words."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for at, epoch in enumerate(history, start=1):
        for name, value in epoch.items():
            if any(word in name.lower() for word in words) and isinstance(value, int | float):
                curves.setdefault(label(name), []).append((float(epoch.get("epoch", at)), float(value)))
    return curves


def _standalone(title: str, charts: Sequence[str]) -> str:
    """Return one SVG with the charts side by side."""
    width = 2 * _MARGIN + len(charts) * WIDTH + (len(charts) - 1) * _GAP
    height = _MARGIN + _HEAD + HEIGHT + _MARGIN
    clean = "".join(letter if letter.isprintable() else " " for letter in title)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(clean)}"><style>{_STYLE}</style>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{_MARGIN + 14}" y="{_MARGIN + 16}" class="name">{escape(clean)}</text>',
    ]
    for number, chart in enumerate(charts):
        left, top = _MARGIN + number * (WIDTH + _GAP), _MARGIN + _HEAD
        place = f'x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}"'
        parts.append(chart.replace("<svg ", f"<svg {place} ", 1))
    return "\n".join([*parts, "</svg>", ""])
