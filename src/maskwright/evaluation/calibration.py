"""How well probabilities are calibrated, over all scored pictures: running sums, and one number a picture.

Pixels of all pictures are pooled, as the definition has it. The Brier score is also kept for each picture, since
pictures, unlike pixels, can carry an interval.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.evaluation.meters import Seen
from maskwright.images.classes import Classes
from maskwright.metrics.calibration import (
    DEFINITION,
    CalibrationSums,
    brier_score,
    calibration_sums,
    expected_error,
    maximum_error,
    negative_log_likelihood,
    no_sums,
    reliability,
)
from maskwright.metrics.intervals import mean_interval

NO_PROBABILITIES = "masks were given without probabilities"
NO_PIXEL = "no pixel counts"


class CalibrationMeter:
    """Measures calibration picture by picture; where masks alone are given, there is nothing to measure."""

    name = "calibration"

    def __init__(self, classes: Classes) -> None:
        """classes: of the scored pictures; they say whether a probability is the foreground's or the top class's."""
        self._top = classes.exclusive and not classes.binary
        self._total = no_sums()
        self._brier: list[float] = []
        self._given = False

    def measure(self, seen: Seen) -> CalibrationSums | None:
        """Return the picture's sums; None where it has no probabilities."""
        return None if seen.probabilities is None else calibration_sums(seen.truth, seen.probabilities)

    def add(self, measured: CalibrationSums | None) -> None:
        """Take in a picture."""
        self._given = self._given or measured is not None
        sums = measured or no_sums()
        self._total += sums
        self._brier.append(brier_score(sums))

    def columns(self) -> Mapping[str, NDArray[np.float64]]:
        """Return the pictures' own Brier scores; nothing where no picture had probabilities."""
        return {"brier": np.array(self._brier)} if self._given else {}

    def to_json(self, groups: Sequence[str] | None) -> dict[str, Any]:
        """Return {ece, mce, brier, nll, per_image: {brier}, bins, confidence_of, definition}; bins is a diagram."""
        reason = "" if self._total.answers else NO_PIXEL if self._given else NO_PROBABILITIES
        document = {
            **calibration_to_json(self._total),
            "per_image": {"brier": mean_interval(np.array(self._brier), groups).to_json()},
            "confidence_of": "the most probable class" if self._top else "the foreground",
            "definition": DEFINITION,
        }
        return document | {"reason": reason} if reason else document


def calibration_to_json(sums: CalibrationSums) -> dict[str, Any]:
    """Return {ece, mce, brier, nll, bins} as JSON values, null where no pixel counts."""
    if not sums.answers:
        return dict.fromkeys(("ece", "mce", "brier", "nll", "bins"))
    return {
        "ece": expected_error(sums), "mce": maximum_error(sums), "brier": brier_score(sums),
        "nll": negative_log_likelihood(sums), "bins": reliability(sums),
    }  # fmt: skip
