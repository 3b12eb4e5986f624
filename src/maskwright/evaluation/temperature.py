"""The temperature of a model: by what its logits are divided so that probabilities fit validation pictures best.

Chosen in one pass. Each picture leaves its mean negative log-likelihood for every temperature of a fine ladder; the
temperature is where their mean over pictures is least. Each picture counts the same, however many pixels it has: its
pixels are not independent of each other, and how many there are is the camera's affair.

Source: Guo et al. 2017, arXiv:1706.04599, section 4.2. A temperature changes no ranking of pixels.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ConfigError
from maskwright.evaluation.calibration import calibration_to_json
from maskwright.evaluation.score import LoadedPicture
from maskwright.images.classes import IGNORE, Classes
from maskwright.metrics.calibration import SMALLEST, CalibrationSums, calibration_sums, no_sums

LOWEST, HIGHEST = 0.25, 8.0
_STEPS = 16  # of the ladder, for each factor of 2
LADDER = 2.0 ** (np.arange(-2 * _STEPS, 3 * _STEPS + 1) / _STEPS)  # LOWEST ... HIGHEST
_ONE = 2 * _STEPS  # where the ladder has 1
MAX_PIXELS = 1 << 18  # looked at of a picture, on an even grid: neighbours say the same
_SAMPLE = 4096  # pixels of a picture for the ladder, several exclusive classes: drawn by chance, seeded
_PARTS = 8  # of the pictures, to judge a temperature on others than it was chosen on
_LEVELS, _REACH = 4096, 16.0  # of logits in -16 ... 16: a float32 probability tells no more apart


@dataclass(frozen=True)
class Fit:
    """How probabilities fit some pictures.

    sums: of the pixels looked at. nll_per_image: mean over pictures of their mean negative log-likelihood.
    pictures: how many have a pixel that counts.
    """

    sums: CalibrationSums
    nll_per_image: float
    pictures: int

    def to_json(self) -> dict[str, Any]:
        """Return {ece, mce, brier, nll, bins, nll_per_image}; all but the last are of pooled pixels."""
        return {**calibration_to_json(self.sums), "nll_per_image": self.nll_per_image}


@dataclass(frozen=True)
class TemperatureChoice:
    """The temperature chosen.

    proven_gain: by which share the mean negative log-likelihood per picture falls on pictures that a temperature was
    not chosen on: each eighth of the pictures is judged with what the other seven choose. On few pictures the gain on
    those that it was chosen on is mostly chance. The pictures of a group are judged together.
    The model file resizes after its activation, so that its own gain is to be measured with it.
    at_end: whether the ladder ended there: a still lower or higher one might fit better.
    fit: of the pictures as they were, at temperature 1.
    """

    temperature: float
    proven_gain: float
    at_end: bool
    fit: Fit


class FitTally:
    """Adds up how probabilities fit the pictures that it is told of, looking at MAX_PIXELS of each at most."""

    def __init__(self) -> None:
        self._sums, self._nll, self._pictures = no_sums(), 0.0, 0

    def measure(self, loaded: LoadedPicture, probabilities: NDArray[np.float32]) -> CalibrationSums:
        """Return a picture's sums, from probabilities on its truth's grid."""
        return calibration_sums(*thinned(loaded.truth, probabilities))

    def add(self, sums: CalibrationSums) -> None:
        """Take in a picture's sums; one without a pixel that counts has no say."""
        if sums.answers:
            self._sums += sums
            self._nll += sums.log / sums.answers
            self._pictures += 1

    def fit(self) -> Fit:
        """Return the figures. Raises ConfigError when no picture had a pixel that counts."""
        if self._pictures == 0:
            raise ConfigError(
                "No validation picture has a pixel that counts, so no temperature can be chosen.",
                fix="state one: --set evaluation.temperature=1",
            )
        return Fit(self._sums, self._nll / self._pictures, self._pictures)


class _Measured(NamedTuple):
    """Of one picture: its group, its sums, and its mean cost at each temperature; None where no pixel counts."""

    group: str
    sums: CalibrationSums
    ladder: NDArray[np.float64] | None


class TemperatureFit:
    """Adds up the ladders of pictures that it is told of, and chooses a temperature from their mean."""

    def __init__(self, classes: Classes) -> None:
        """classes: of the pictures: whether probabilities came from a softmax or from sigmoids."""
        self._softmax = classes.exclusive and not classes.binary
        self._ladders, self._tally = np.zeros((_PARTS, len(LADDER))), FitTally()
        self._told = 0

    def measure(self, loaded: LoadedPicture, probabilities: NDArray[np.float32]) -> _Measured:
        """Return what is kept of a picture, from probabilities at temperature 1 on its truth's grid."""
        truth, values = thinned(loaded.truth, probabilities)
        sums = calibration_sums(truth, values)
        return _Measured(loaded.group, sums, self._ladder(loaded.id, truth, values) if sums.answers else None)

    def add(self, measured: _Measured) -> None:
        """Take in a picture; one without a pixel that counts has no say."""
        self._tally.add(measured.sums)
        if measured.ladder is not None:
            part = crc32(measured.group.encode()) if measured.group else self._told
            self._ladders[part % _PARTS] += measured.ladder
            self._told += 1

    def _ladder(self, name: str, truth: NDArray[Any], values: NDArray[np.float32]) -> NDArray[np.float64]:
        if self._softmax:
            counted, chance = truth != IGNORE, np.random.default_rng(crc32(name.encode()))
            return _softmax_ladder(truth[counted], values[:, counted], chance)
        channels = truth[None] if truth.ndim == 2 else np.moveaxis(truth, 2, 0)
        counted = channels != IGNORE
        return _sigmoid_ladder(channels[counted] == 1, values[counted])

    def choice(self) -> TemperatureChoice:
        """Choose, from 0.25 to 8, to about 0.1 %. Raises ConfigError when no picture had a pixel that counts."""
        fit = self._tally.fit()
        temperature, at_end = _least(self._ladders.sum(axis=0))
        return TemperatureChoice(temperature, self._proven_gain(), at_end, fit)

    def _proven_gain(self) -> float:
        total = self._ladders.sum(axis=0)
        chosen = (total - self._ladders).argmin(axis=1)
        shown = self._ladders.any(axis=1)
        if shown.sum() < 2 or total[_ONE] == 0:
            return 0.0  # all are of one group: there is nothing to judge it on
        gains = self._ladders[:, _ONE] - self._ladders[np.arange(_PARTS), chosen]
        return float(gains[shown].sum() / total[_ONE])


def thinned(truth: NDArray[Any], probabilities: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return both on the finest even grid that has at most MAX_PIXELS."""
    height, width = truth.shape[:2]
    step = max(1, ceil(sqrt(height * width / MAX_PIXELS)))
    return truth[::step, ::step], probabilities[:, ::step, ::step]


def _sigmoid_ladder(true: NDArray[np.bool_], p: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean of -ln of the truth's probability for each temperature, by a histogram of 4096 logits.

    Its bins are 1/128 wide, which is off by less than 1e-5 (and mostly by 1e-6).
    """
    small = np.float32(SMALLEST)
    p = np.clip(p, small, 1 - small)
    level = ((np.log(p) - np.log1p(-p) + _REACH) * (_LEVELS / (2 * _REACH))).astype(np.intp)
    both = np.bincount(level + _LEVELS * true, minlength=2 * _LEVELS).reshape(2, _LEVELS)
    costs = _costs()
    ladder: NDArray[np.float64] = (both[0] @ costs + both[1] @ costs[::-1]) / true.size
    return ladder


@cache
def _costs() -> NDArray[np.float64]:
    """Return -ln(1 - sigmoid(z / T)), (levels of z, ladder)."""
    logits = (np.arange(_LEVELS) + 0.5) * (2 * _REACH / _LEVELS) - _REACH
    costs: NDArray[np.float64] = np.logaddexp(0, logits[:, None] / LADDER)
    return costs


def _softmax_ladder(t: NDArray[Any], p: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float64]:
    """Return the same for several exclusive classes, from pixels drawn by chance; t: (P,), p: (K, P)."""
    if t.size > _SAMPLE:
        drawn = chance.choice(t.size, _SAMPLE, replace=False)
        t, p = t[drawn], p[:, drawn]
    logs = np.log(np.clip(p, SMALLEST, 1)).astype(np.float64)  # logits, but for a constant that softmax takes out
    logs -= logs.max(axis=0)
    given = np.take_along_axis(logs, t[None].astype(np.intp), axis=0)[0]
    return np.array([float((np.log(np.exp(logs / T).sum(axis=0)) - given / T).mean()) for T in LADDER])


def _least(values: NDArray[np.float64]) -> tuple[float, bool]:
    """Return the temperature of the least value, by a parabola through three steps; whether it is at an end."""
    at = int(values.argmin())
    if at in (0, len(values) - 1):
        return float(LADDER[at]), True
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2 * here + after
    offset = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(LADDER[at] * 2 ** (offset / _STEPS)), False
