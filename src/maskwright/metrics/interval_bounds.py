"""The 95 % interval of any score that many units make together: t with jackknifed spread, stretched where it is skewed.

Knows only how much each unit (a picture, or a group of related ones) pulls at the score. docs/intervals.md compares
this with other methods.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95
STRETCH = 4.0  # a small sample leans less than its population: its skewness counts 1 + STRETCH / sqrt(units) times
MOST = 1.25  # what leans more than this is moved no further: with so few units the skewness itself is a guess
_NO_SPREAD = 1e-12


@dataclass(frozen=True, eq=False)
class Units:
    """What a score is made of.

    value: the score. pulls: (G,) the jackknife's pseudo-values less the score; for a plain mean the deviations.
    effective: how many units of equal weight would be worth as much; G if all weigh the same.
    """

    value: float
    pulls: Floats
    effective: float

    @property
    def number(self) -> int:
        """Return G."""
        return len(self.pulls)

    @cached_property
    def spread(self) -> float:
        """Return the standard deviation of the pulls; 0 where they differ by rounding only."""
        spread = float(self.pulls.std(ddof=1))
        return spread if spread > _NO_SPREAD else 0.0

    @cached_property
    def skewness(self) -> float:
        """Return the adjusted sample skewness of the pulls (G1 of Joanes and Gill 1998); 0 for two units."""
        number = self.number
        if number < 3 or self.spread == 0:
            return 0.0
        away = self.pulls - self.pulls.mean()
        square = away * away
        third = float((square * away).mean()) / math.pow(float(square.mean()), 1.5)
        return third * math.sqrt(number * (number - 1)) / (number - 2)


def units_of_mean(away: Floats, value: float, number: int, of_picture: NDArray[np.intp] | None = None) -> Units:
    """Return the units of a mean over pictures.

    away: (N,) each picture's deviation from the mean. of_picture: (N,) the number, below `number`, of each picture's
    group; None: each picture is a unit.
    """
    if of_picture is None:
        return Units(value, away, float(number))
    sums = np.bincount(of_picture, away, number).astype(np.float64)
    sizes = np.bincount(of_picture, minlength=number).astype(np.float64)
    return Units(value, (number - 1) * sums / (len(away) - sizes), effective_number(sizes))


def units_left_out(value: float, left_out: Floats, weights: Floats) -> Units:
    """Return the units of any score from its values without each unit. weights: (G,) how much each counts."""
    return Units(value, (len(left_out) - 1) * (value - left_out), effective_number(weights))


def effective_number(weights: Floats) -> float:
    """Return how many units of equal weight would be worth as much as these: (sum w)^2 / sum w^2."""
    square = float(weights @ weights)
    return float(weights.sum()) ** 2 / square if square else float(len(weights))


def bounds(units: Units, *, level: float = LEVEL, floor: float = 0.0) -> tuple[float, float]:
    """Return the lower and upper bound, between `floor` and 1. At least two units.

    Student's t over the jackknife's standard error, with `effective` - 1 degrees of freedom (1 at least); on the side
    of the long tail the bound is moved outwards by the Edgeworth expansion's term for skewness and its square. Where no
    unit pulls at all, the bounds are those for a share of units, never seen, that score otherwise ("rule of three").

    Source: Hall 1992, Journal of the Royal Statistical Society B 54, for the first-order term; the second-order one and
    both constants were chosen by measured coverage (docs/intervals.md); the t for weighted units: Imbens and Kolesar
    2016, Review of Economics and Statistics 98; rule of three: Hanley 1983, JAMA 249.
    """
    if units.spread == 0:
        unseen = 1 - (0.5 - level / 2) ** (1 / units.number)
        return units.value - unseen * (units.value - floor), units.value + unseen * (1 - units.value)
    error = units.spread / math.sqrt(units.number)
    below, above = critical(units.skewness, units.number, units.effective, level)
    return max(floor, units.value - below * error), min(1.0, units.value + above * error)


def critical(skewness: float, number: int, effective: float, level: float = LEVEL) -> tuple[float, float]:
    """Return how many standard errors the interval reaches below and above the value."""
    from scipy.special import ndtri, stdtrit

    t = float(stdtrit(max(effective - 1, 1.0), 0.5 + level / 2))
    z = float(ndtri(0.5 + level / 2))
    lean = (1 + STRETCH / math.sqrt(number)) * skewness / math.sqrt(number)
    return t + outwards(z, max(0.0, -lean)), t + outwards(z, max(0.0, lean))


def outwards(z: float, lean: float) -> float:
    """Return how many standard errors further a bound reaches on the side of the long tail.

    z: the normal quantile. lean: |skewness| / sqrt(number). Rising without a jump, at most 4.9 for 95 %: a little more
    skewness moves the bound a little further, whatever the sample.
    """
    lean = min(lean, MOST)
    return lean * (2 * z * z + 1) / 6 + lean * lean * z
