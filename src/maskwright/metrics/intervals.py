"""A score with its 95 % interval, over pictures or over groups of related pictures.

Knows numbers only. Means over pictures: Student's t with variances between groups. Pooled measures: a bootstrap
that draws whole groups, with a fixed seed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
DRAWS = 2000
SEED = 0
_CHUNK = 4_000_000  # group numbers drawn at a time: bounds the memory


@dataclass(frozen=True)
class Score:
    """A value and its interval. None where it is not defined; `reason` then says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return {value, low, high}, and `reason` where one of them is null."""
        content: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        return content | {"reason": self.reason} if self.reason else content


NO_PIXEL = "no picture with a pixel that counts"
ONE_PICTURE = "an interval needs at least two pictures"
ONE_GROUP = "an interval needs at least two groups"


def mean_interval(values: ArrayLike, groups: Sequence[str] | None = None, level: float = LEVEL) -> Score:
    """Return the mean of the pictures' scores and its interval.

    values: (N,) in [0, 1]; NaN is a picture without a score and is left out.
    groups: a name for each picture; pictures of one group are related, so the interval comes from the differences
        between groups (cluster-robust, groups - 1 degrees of freedom). None: each picture is its own group, and
        this is the usual t interval of a mean.

    The bounds are clipped to [0, 1]. A single picture or group has a value and no bounds.
    """
    x = np.asarray(values, np.float64)
    keep = ~np.isnan(x)
    x = x[keep]
    if x.size == 0:
        return Score(None, reason=NO_PIXEL)
    mean = math.fsum(x) / x.size
    number, of_picture = _group_numbers(groups, keep)
    if number < 2:
        return Score(mean, reason=ONE_PICTURE if groups is None or x.size == 1 else ONE_GROUP)
    sums = np.bincount(of_picture, weights=x - mean, minlength=number)
    error = math.sqrt(number / (number - 1) * float(sums @ sums)) / x.size
    return _clipped(mean, mean - _quantile_t(level, number) * error, mean + _quantile_t(level, number) * error)


def bootstrap_totals(
    columns: NDArray[Any], groups: Sequence[str] | None = None, *, draws: int = DRAWS, seed: int = SEED
) -> NDArray[np.float64]:
    """Draw whole groups with replacement, as many as there are, and return the columns' totals of each draw.

    columns: (N, M) whole numbers, one row a picture. Returns (draws, M), exact below 2**53.
    The same seed and number of groups give the same draws.
    """
    number, of_picture = _group_numbers(groups, np.ones(len(columns), bool))
    by_group = columns.astype(np.float64)
    if number < len(columns):
        by_group = np.zeros((number, columns.shape[1]))
        np.add.at(by_group, of_picture, columns)
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // number)
    totals = []
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        drawn = generator.integers(0, number, (rows, number)) + number * np.arange(rows)[:, None]
        times = np.bincount(drawn.reshape(-1), minlength=rows * number).reshape(rows, number)
        totals.append(times.astype(np.float64) @ by_group)
    return np.concatenate(totals)


def bootstrap_interval(
    value: float, resampled: NDArray[np.float64], number: int, *, grouped: bool = False, level: float = LEVEL
) -> Score:
    """Return the expanded percentile interval of a value from its resampled values.

    number: how many groups (or pictures) were drawn from; the percentiles are moved outwards so that for a mean
    the interval is as wide as the t interval (Hesterberg 2015, The American Statistician 69, section 3.3).
    """
    if math.isnan(value):
        return Score(None, reason=NO_PIXEL)
    if number < 2:
        return Score(value, reason=ONE_GROUP if grouped else ONE_PICTURE)
    from scipy.special import ndtr

    tail = float(ndtr(-math.sqrt(number / (number - 1)) * _quantile_t(level, number)))
    low, high = np.quantile(resampled[~np.isnan(resampled)], [tail, 1 - tail])
    return _clipped(value, min(float(low), value), max(float(high), value))


def number_of_groups(groups: Sequence[str] | None, pictures: int) -> int:
    """Return how many units the pictures fall into: groups, or the pictures themselves."""
    return pictures if groups is None else len(set(groups))


def _group_numbers(groups: Sequence[str] | None, keep: NDArray[np.bool_]) -> tuple[int, NDArray[np.intp]]:
    """Return how many groups there are among the kept pictures, and the number of each picture's group."""
    if groups is None:
        number = int(keep.sum())
        return number, np.arange(number)
    names, numbers = np.unique(np.asarray(groups, dtype=str)[keep], return_inverse=True)
    return len(names), numbers.reshape(-1)


def _quantile_t(level: float, number: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(number - 1, 0.5 + level / 2))


def _clipped(value: float, low: float, high: float) -> Score:
    return Score(value, max(0.0, low), min(1.0, high))
