"""The cut on probabilities, chosen on validation pictures in one pass.

Each picture leaves two histograms of its probabilities, of pixels inside and outside the truth; from them the
measure follows for every cut at once.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ConfigError
from maskwright.evaluation.score import LoadedPicture
from maskwright.images.classes import IGNORE, Classes
from maskwright.metrics.counts import Counts
from maskwright.metrics.fbeta import chosen_measure, f_beta
from maskwright.metrics.measures import MEASURES

BINS = 1024  # a power of two, so that binning a float32 is exact
_PIXELS_AT_ONCE = 1 << 16  # few enough to stay in a core's cache
FLAT = 1e-4  # cuts that score within this of the best are taken as equal: no validation part can tell them apart

Measure = Literal["dice", "iou", "f_beta"]


@dataclass(frozen=True)
class ThresholdChoice:
    """The cut chosen, and the curve it was chosen from.

    threshold: the middle of the best plateau. value: the mean measure there.
    thresholds, values: the curve, one mean over pictures for each cut. pictures: how many had a score.
    """

    threshold: float
    value: float
    measure: str
    pictures: int
    thresholds: tuple[float, ...]
    values: tuple[float, ...]

    def to_json(self, *, points: int = 64) -> dict[str, Any]:
        """Return the choice with a thinned curve of about `points` points."""
        step = max(1, len(self.thresholds) // points)
        return {
            "threshold": self.threshold, "value": self.value, "measure": self.measure, "pictures": self.pictures,
            "curve": {"threshold": list(self.thresholds[::step]), "value": list(self.values[::step])},
        }  # fmt: skip


class ThresholdFit:
    """Adds up the curves of pictures that it is told of, and chooses a cut from their mean."""

    def __init__(self, classes: Classes, measure: Measure = "dice") -> None:
        """measure: whose mean over pictures is to be best.

        Raises ConfigError for several exclusive classes: they need no cut.
        """
        if classes.exclusive and not classes.binary:
            raise ConfigError(
                "Several exclusive classes need no threshold: the most probable class is taken.", fix="leave it out"
            )
        self._measure, self._total, self._pictures = measure, np.zeros(BINS - 1), 0

    def measure(self, loaded: LoadedPicture, probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return a picture's curve, from probabilities on its truth's grid."""
        return picture_curve(loaded.truth, probabilities, self._measure)

    def add(self, curve: NDArray[np.float64]) -> None:
        """Take in a picture's curve; one without a pixel that counts has no say."""
        if not np.isnan(curve[0]):
            self._total += curve
            self._pictures += 1

    def choice(self) -> ThresholdChoice:
        """Choose. Raises ConfigError when no picture had a score."""
        if self._pictures == 0:
            raise ConfigError(
                "No validation picture has a pixel that counts, so no threshold can be chosen.",
                fix="state one: --set evaluation.threshold=0.5",
            )
        return best_cut(self._total / self._pictures, self._measure, self._pictures)


def picture_curve(truth: NDArray[Any], probabilities: NDArray[np.float32], measure: str) -> NDArray[np.float64]:
    """Return one picture's measure for the cuts 1/1024 ... 1023/1024, (1023,); NaN where no pixel counts.

    truth: (H, W) of 0, 1, IGNORE, or (H, W, K). probabilities: (K, H, W) on the same grid.
    """
    channels = truth[..., None] if truth.ndim == 2 else truth
    each = [_curve_counts(channels[..., k], probabilities[k]) for k in range(channels.shape[-1])]
    counts = Counts.from_array(np.stack([one.as_array()[..., 0] for one in each], axis=-1))
    if truth.ndim == 2:
        return (f_beta(counts) if measure == "f_beta" else MEASURES[measure](counts))[:, 0]
    return chosen_measure(measure, counts, exclusive=False)


def _curve_counts(truth: NDArray[Any], probability: NDArray[np.float32]) -> Counts:
    """Return the counts (1023, 1) of one class for each cut; foreground is where the probability is above it."""
    both = np.zeros((2, BINS + 1), np.int64)
    for first in range(0, len(truth), max(1, _PIXELS_AT_ONCE // truth.shape[1])):
        rows = slice(first, first + max(1, _PIXELS_AT_ONCE // truth.shape[1]))
        both += _levels(truth[rows], probability[rows])
    above = both[:, ::-1].cumsum(axis=1)[:, ::-1][:, 2:]  # level > j for j = 1 ... BINS - 1
    fp, tp = above
    fn, pixels = both[1].sum() - tp, np.full(BINS - 1, both.sum())
    return Counts(tp[:, None], fp[:, None], fn[:, None], pixels[:, None])


def _levels(truth: NDArray[Any], probability: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count pixels outside and inside the truth (2, 1025) by the level of their probability; ignored ones nowhere."""
    # p > j / BINS  <=>  ceil(p * BINS) > j: exact, because BINS is a power of two
    level = np.ceil(probability * np.float32(BINS))
    np.clip(level, 0, BINS, out=level)
    place = level.astype(np.intp)
    place += (BINS + 1) * (truth == 1)
    place[truth == IGNORE] = 2 * (BINS + 1)
    return np.bincount(place.reshape(-1), minlength=2 * (BINS + 1) + 1)[:-1].reshape(2, BINS + 1)


def best_cut(values: NDArray[np.float64], measure: str, pictures: int) -> ThresholdChoice:
    """Pick the middle of the widest stretch of cuts that score as good as the best; nearest 0.5 among equals."""
    good = np.flatnonzero(values >= values.max() - FLAT)
    stretches = np.split(good, np.flatnonzero(np.diff(good) > 1) + 1)
    middles = [(int(stretch[0]) + int(stretch[-1])) / 2 for stretch in stretches]
    widths = [len(stretch) for stretch in stretches]
    centre = (len(values) - 1) / 2
    at = min(range(len(stretches)), key=lambda i: (-widths[i], abs(middles[i] - centre)))
    index = int(middles[at])
    thresholds = (np.arange(1, BINS) / BINS).tolist()
    return ThresholdChoice(
        (middles[at] + 1) / BINS, float(values[index]), measure, pictures, tuple(thresholds), tuple(values.tolist())
    )
