"""The curve of a learning-rate range test as a PNG: loss over rate, the suggested rate marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwright.files import write_with


@dataclass(frozen=True)
class RateCurve:
    """A range test's numbers.

    rates: rising, one a step. ratios: each step's loss, divided by that of the same batch before any step.
    smoothed: the ratios without noise. suggestion: a rate, or None.
    """

    rates: Sequence[float]
    ratios: Sequence[float]
    smoothed: Sequence[float]
    suggestion: float | None


def draw_rate_curve(curve: RateCurve, path: Path, *, title: str) -> None:
    """Draw the curve, 1200 x 750 pixels. Raises OutputError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.plot(curve.rates, curve.ratios, ".", color="#868e96", markersize=5, label="one step")
    axes.plot(curve.rates, curve.smoothed, color="#0b5fa5", linewidth=2, label="smoothed")
    if curve.suggestion is not None:
        axes.axvline(curve.suggestion, color="#d9480f", linestyle="--", label=f"suggested: {curve.suggestion:.2g}")
    low, high = min([0.9, *curve.ratios, *curve.smoothed]), max([1.05, *curve.smoothed])
    axes.set_ylim(low - 0.05 * (high - low), high + 0.1 * (high - low))  # a loss that explodes leaves the picture
    axes.set_title(title, loc="left", parse_math=False)
    axes.set_xlabel("learning rate of decoder and head")
    axes.set_ylabel("loss, before any training = 1")
    axes.grid(True, which="major", color="#e2e5e8")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    write_with(path, lambda temporary: figure.savefig(temporary))
