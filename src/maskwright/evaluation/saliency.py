"""Salient-object scores over pictures: of each a few numbers, and the sums of their curves.

Knows grey maps of one foreground class. What the measures are is `metrics/saliency.py`'s affair.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ConfigError
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE, Classes
from maskwright.metrics import saliency
from maskwright.metrics.intervals import mean_interval

_AVERAGED = ("mae", "s_measure", "f_beta", "f_beta_adaptive", "e_measure", "e_measure_adaptive")
_IN_TABLE = ("mae", "s_measure", "f_beta", "e_measure")
_NO_INTERVAL = "the best cut is chosen on these very pictures, so an interval around it would be too narrow"
_NOTHING = "no picture with a pixel that counts"


@dataclass(frozen=True, eq=False)
class SaliencySeen:
    """What is kept of one picture. numbers: as in `_AVERAGED`. f_curve, e_curve: (256,), one number a cut."""

    numbers: tuple[float, ...]
    f_curve: NDArray[np.float64]
    e_curve: NDArray[np.float64]


class SaliencyMeter:
    """Scores probabilities of the foreground as papers on salient objects do.

    classes: background and one foreground class. normalise: stretch each map as the papers' toolboxes do.

    Raises ConfigError for other classes, and when a picture comes without probabilities.
    """

    name = "saliency"

    def __init__(self, classes: Classes, *, normalise: bool = True) -> None:
        if not classes.binary:
            raise ConfigError(
                f"Salient-object scores are for a background and one class, not for {len(classes.names)} "
                f"{'exclusive' if classes.exclusive else 'overlapping'} classes.",
                fix="leave them out, or score a set with one foreground class",
            )
        self._normalise = normalise
        self._columns = {name: array("d") for name in _AVERAGED}
        self._curves = np.zeros((2, saliency.LEVELS))
        self._pictures = 0

    def measure(self, seen: Seen) -> SaliencySeen:
        """Return the scores of a picture; NaN where no pixel counts."""
        if seen.probabilities is None:
            raise ConfigError(
                "Salient-object scores need probabilities, and there are only masks.",
                where=seen.id,
                fix="score a model, or leave these scores out",
            )
        table = saliency.saliency_table(
            seen.probabilities[0], seen.truth == 1, seen.truth != IGNORE, normalise=self._normalise
        )
        f_curve, e_curve = saliency.f_curve(table), saliency.e_curve(table)
        numbers = (
            saliency.mae(table), saliency.s_measure(table), float(f_curve.mean()), saliency.f_adaptive(table),
            float(e_curve.mean()), saliency.e_adaptive(table),
        )  # fmt: skip
        return SaliencySeen(numbers, f_curve, e_curve)

    def add(self, measured: SaliencySeen) -> None:
        """Keep the numbers of a picture, and add its curves to the sums."""
        for column, number in zip(self._columns.values(), measured.numbers, strict=True):
            column.append(number)
        if not np.isnan(measured.f_curve[0]):
            self._curves += (measured.f_curve, measured.e_curve)
            self._pictures += 1

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return mae, s_measure, and the means of F-beta and E-measure over the 256 cuts, of each picture."""
        return {name: np.array(self._columns[name]) for name in _IN_TABLE}

    def to_json(self, groups: Sequence[str] | None) -> dict[str, Any]:
        """Return the means over pictures with intervals, the largest values of the mean curves, and the curves."""
        per_image = {name: mean_interval(column, groups).to_json() for name, column in self._columns.items()}
        f_curve, e_curve = self._curves / self._pictures if self._pictures else (None, None)
        return {
            "per_image": per_image,
            "f_beta_max": _largest(f_curve),
            "e_measure_max": _largest(e_curve),
            "curves": {"f_beta": _listed(f_curve), "e_measure": _listed(e_curve)},
            "beta_squared": saliency.BETA_SQUARED,
            "alpha": saliency.ALPHA,
            "normalised": self._normalise,
            "images": self._pictures,
            "left_out": {"nothing_counts": len(self._columns["mae"]) - self._pictures},
            "conventions": self._conventions(),
        }

    def _conventions(self) -> dict[str, str]:
        return {
            "maps": saliency.MAP_RULE,
            "stretching": saliency.NORMALISED_RULE if self._normalise else saliency.RAW_RULE,
            "mae": "mean absolute difference of the map and the truth, 0 to 1",
            "f_beta": saliency.F_RULE,
            "e_measure": saliency.E_RULE,
            "s_measure": saliency.S_RULE,
            "ignored": saliency.IGNORED_RULE,
            "averaging": "each picture counts the same; a picture in which no pixel counts is in no mean; per_image "
            "f_beta and e_measure are means over the cuts, f_beta_max and e_measure_max the largest of the mean curve",
        }


def _largest(curve: NDArray[np.float64] | None) -> dict[str, Any]:
    """Return the largest value of a mean curve and its cut (of 0 to 255; the lowest of equals)."""
    if curve is None:
        return {"value": None, "low": None, "high": None, "cut": None, "reason": _NOTHING}
    cut = int(curve.argmax())
    return {"value": float(curve[cut]), "low": None, "high": None, "cut": cut, "reason": _NO_INTERVAL}


def _listed(curve: NDArray[np.float64] | None) -> list[float] | None:
    return None if curve is None else [float(value) for value in curve]
