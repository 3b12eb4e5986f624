"""Differences between entries, with intervals that hold for all of them together and for the seeds as well.

One entry is a vector of scores, or several: one a seed. Knows numbers only; which pictures they are of is
`comparing_sets.py`'s affair.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from maskwright.metrics.intervals import numbered_texts
from maskwright.metrics.paired import ALIKE, Difference, difference_interval

ALL_PAIRS = 6  # entries: so many or fewer are all compared with each other, more with the first only
LEVEL = 0.95
MORE_SEEDS = "more seeds are needed, more pictures alone would not do"
FEW = 5  # pictures or groups: with fewer, how many would be needed is a guess
FEW_PICTURES = "with so few pictures nothing can be told"
FEW_GROUPS = "with so few groups nothing can be told"
FAR = 20.0  # how many times the largest value no interval of a mean reaches
_ROUNDING = 1e-22  # of a variance of values about 1
_POWER = 0.8416  # quantile of the normal distribution at 80 %
_DRAWS = 100_000
_NUMBERS = 4_000_000  # drawn at most: bounds the memory
_SEED = 0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """The difference of two entries, second minus first, by their numbers; on how many pictures each is higher."""

    first: int
    second: int
    difference: Difference
    higher: int
    lower: int
    equal: int


def pairs_of(number: int) -> list[tuple[int, int]]:
    """Return which entries are compared: all with each other where they are few, else all with the first."""
    return list(combinations(range(number), 2)) if number <= ALL_PAIRS else [(0, at) for at in range(1, number)]


def compare_scores(scores: Sequence[Floats], groups: Sequence[str] | None, *, unit_range: bool = True) -> list[Pair]:
    """Return the differences between entries, with intervals that hold at 95 % for all of them together.

    scores: of each entry (S, N): S seeds, N pictures, no NaN. groups: of the pictures, None: each by itself.
    unit_range: of a measure in [0, 1].

    One pair without seeds: the paired interval as it is. Several pairs: widened so that all intervals hold together
    (max-t, from the pairs' own correlations). Seeds: the variance of their means is added to that over pictures; an
    entry with one seed beside one with several is taken to vary as that one does.
    """
    means: list[Floats] = [np.mean(one, axis=0) for one in scores]
    pairs = pairs_of(len(scores))
    seeds = _seed_variances(scores)
    spread = _Spread(np.stack(means, axis=1), groups, seeds)
    plain = len(pairs) == 1 and not any(seeds)
    quantile = 0.0 if plain else spread.quantile(pairs)
    found = []
    for one, two in pairs:
        differences = means[two] - means[one]
        difference = paired_interval(differences, groups, unit_range=unit_range)
        if not plain:
            difference = _widened(difference, spread, (one, two), quantile, unit_range=unit_range)
        if spread.groups < FEW:
            difference = _without_a_number(difference, FEW_PICTURES if groups is None else FEW_GROUPS)
        higher, lower = int((differences > 0).sum()), int((differences < 0).sum())
        found.append(Pair(one, two, difference, higher, lower, len(differences) - higher - lower))
    return found


def seed_spread(scores: Floats) -> tuple[float, float, float] | None:
    """Return (standard deviation, least, largest) of the seeds' means; None for a single seed. scores: (S, N)."""
    means = scores.mean(axis=1)
    return (float(means.std(ddof=1)), float(means.min()), float(means.max())) if len(means) > 1 else None


@dataclass(frozen=True)
class SeedVariance:
    """Of the mean over an entry's seeds. freedom: degrees of freedom. own: False where another entry's was taken."""

    variance: float
    freedom: int
    own: bool = True


def _seed_variances(scores: Sequence[Floats]) -> list[SeedVariance | None]:
    """Return each entry's, all None where none has several seeds."""
    several = [one for one in scores if len(one) > 1]
    if not several:
        return [None] * len(scores)
    freedom = sum(len(one) - 1 for one in several)
    pooled = sum(float(one.mean(axis=1).var(ddof=1)) * (len(one) - 1) for one in several) / freedom
    return [
        SeedVariance(float(one.mean(axis=1).var(ddof=1)) / len(one), len(one) - 1)
        if len(one) > 1
        else SeedVariance(pooled, freedom, own=False)
        for one in scores
    ]


class _Spread:
    """How far differences of entries vary: over groups of pictures, and over seeds."""

    def __init__(self, means: Floats, groups: Sequence[str] | None, seeds: Sequence[SeedVariance | None]) -> None:
        """means: (N, M) of N pictures and M entries."""
        number = len(means)
        self.rounding = _ROUNDING * max(1.0, float(np.abs(means).max()) ** 2)
        of_picture = np.arange(number) if groups is None else numbered_texts(groups)[0]
        sizes = np.bincount(of_picture).astype(np.float64)
        self.groups = len(sizes)
        self.effective = number * number / float(sizes @ sizes)  # groups of equal size that are worth as much
        self.covariance: Floats = np.zeros((means.shape[1], means.shape[1]))
        if self.groups > 1:
            sums = np.zeros((self.groups, means.shape[1]))
            np.add.at(sums, of_picture, means - means.mean(axis=0))
            pulls = (self.groups - 1) * sums / (number - sizes)[:, None]  # as in metrics/interval_bounds.py
            self.covariance = np.atleast_2d(np.cov(pulls, rowvar=False)) / self.groups
        self.seeds = seeds

    def over_pictures(self, pair: tuple[int, int]) -> float:
        one, two = pair
        variance = float(self.covariance[one, one] + self.covariance[two, two] - 2 * self.covariance[one, two])
        return variance if variance * self.groups > self.rounding else 0.0

    def over_seeds(self, pair: tuple[int, int]) -> float:
        return sum(seed.variance for at in pair if (seed := self.seeds[at]) is not None)

    def freedom(self, pair: tuple[int, int]) -> float:
        """Return Satterthwaite's degrees of freedom of the two variances' sum."""
        parts = [(self.over_pictures(pair), max(1.0, self.effective - 1))]
        parts += [(seed.variance, float(seed.freedom)) for at in pair if (seed := self.seeds[at]) is not None]
        below = sum(variance**2 / freedom for variance, freedom in parts if variance)
        total: float = sum(variance for variance, _ in parts)
        return total**2 / below if below else max(1.0, self.effective - 1)

    def quantile(self, pairs: Sequence[tuple[int, int]]) -> float:
        """Return what standard errors are multiplied by, so that the intervals of all pairs hold together."""
        moving = [pair for pair in pairs if self.over_pictures(pair) + self.over_seeds(pair) > 0]
        if not moving or self.groups < 2:
            return 0.0
        freedom = min(self.freedom(pair) for pair in moving)
        if len(moving) == 1:
            return quantile_t(freedom)
        own = np.array([0.0 if seed is None else seed.variance for seed in self.seeds])
        contrasts = np.zeros((len(moving), len(own)))
        for row, (one, two) in enumerate(moving):
            contrasts[row, one], contrasts[row, two] = -1, 1
        covariance = contrasts @ (self.covariance + np.diag(own)) @ contrasts.T
        return _largest_of(covariance, freedom)


def _largest_of(covariance: Floats, freedom: float) -> float:
    """Return the 95 % quantile of the largest |t| of correlated differences, by drawing with a fixed seed."""
    scale = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    generator = np.random.default_rng(_SEED)
    draws = min(_DRAWS, _NUMBERS // len(scale))
    normal = generator.standard_normal((draws, len(scale))) @ root.T
    chi = np.sqrt(generator.chisquare(freedom, draws) / freedom)
    return float(np.quantile(np.abs(normal).max(axis=1) / chi, LEVEL))


def _widened(
    difference: Difference, spread: _Spread, pair: tuple[int, int], quantile: float, *, unit_range: bool
) -> Difference:
    """Return the difference with the interval that `quantile` and the seeds ask for, and what it needs then.

    unit_range: of a measure in [0, 1], whose differences lie in [-1, 1].
    """
    if difference.low is None or difference.high is None:
        return difference
    value, pictures, seeds = difference.value, spread.over_pictures(pair), spread.over_seeds(pair)
    below, above = value - difference.low, difference.high - value
    usual = quantile_t(max(1.0, spread.effective - 1))
    if pictures > 0:  # an interval that is longer on one side stays so
        wider = quantile * math.sqrt((pictures + seeds) / pictures) / usual
        below, above = wider * below, wider * above
    else:
        below, above = math.hypot(below, quantile * math.sqrt(seeds)), math.hypot(above, quantile * math.sqrt(seeds))
    needed, reason = _needed(difference, seeds, quantile, usual)
    low, high = value - below, value + above
    if unit_range:
        low, high = max(-1.0, low), min(1.0, high)
    return Difference(value, low, high, needed, reason)


def _without_a_number(difference: Difference, reason: str) -> Difference:
    """Return a difference that is not told apart without how many it needs, and why."""
    if difference.low is None or difference.told_apart or difference.reason == ALIKE:
        return difference
    return replace(difference, needed=None, reason=reason)


def _needed(difference: Difference, seeds: float, quantile: float, usual: float) -> tuple[int | None, str]:
    """Return how many pictures (groups) would do now, or None and why none would."""
    if difference.needed is None:
        return None, difference.reason
    left = 1 - (quantile + _POWER) ** 2 * seeds / difference.value**2
    if left <= 0:
        return None, MORE_SEEDS
    return math.ceil(difference.needed * ((quantile + _POWER) / (usual + _POWER)) ** 2 / left), ""


def paired_interval(values: Floats, groups: Sequence[str] | None, *, unit_range: bool) -> Difference:
    """Return the mean of values or of differences and its interval; unit_range: of a measure in [0, 1].

    What is no share of 1, such as a distance, is brought into [-1, 1] for it, far from the ends, and back.
    """
    if unit_range:
        return difference_interval(values, groups)
    scale = FAR * float(np.abs(values).max()) or 1.0
    found = difference_interval(values / scale, groups)
    low, high = (None if end is None else end * scale for end in (found.low, found.high))
    return Difference(found.value * scale, low, high, found.needed, found.reason)


def quantile_t(freedom: float) -> float:
    """Return the two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + LEVEL / 2))
