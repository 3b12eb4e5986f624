"""A score with its 95 % interval, over pictures or over groups of related pictures.

Knows numbers only: scores of pictures, or a pooled score with its values without each picture (or group). How far
an interval reaches is in `interval_bounds`, how much it covers in `coverage`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskwright.metrics.interval_bounds import LEVEL, Units, bounds, units_left_out, units_of_mean

Groups = Sequence[str] | NDArray[np.intp]


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


def mean_interval(values: ArrayLike, groups: Groups | None = None, level: float = LEVEL) -> Score:
    """Return the mean of the pictures' scores and its interval.

    values: (N,) in [0, 1]; NaN is a picture without a score and is left out.
    groups: a name (or number) for each picture; pictures of one group are related, so the interval comes from the
        differences between groups. None: each picture is its own group.

    The bounds are clipped to [0, 1]. A single picture or group has a value and no bounds.
    """
    return interval(mean_units(values, groups), level)


def interval(units: Units | Score, level: float = LEVEL) -> Score:
    """Return the score with its bounds; a score that has no units stays as it is."""
    return units if isinstance(units, Score) else Score(units.value, *bounds(units, level=level))


def mean_units(values: ArrayLike, groups: Groups | None = None) -> Units | Score:
    """Return what the mean of the pictures' scores is made of; with fewer than two units the score without bounds."""
    x = np.asarray(values, np.float64)
    keep = ~np.isnan(x)
    x = x[keep]
    if x.size == 0:
        return Score(None, reason=NO_PIXEL)
    mean = math.fsum(x) / x.size
    number, of_picture = numbered(groups, keep)
    if number < 2:
        return Score(mean, reason=ONE_PICTURE if groups is None or x.size == 1 else ONE_GROUP)
    return units_of_mean(x - mean, mean, number, None if groups is None else of_picture)


def pooled_interval(
    value: float,
    left_out: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    grouped: bool = False,
    level: float = LEVEL,
) -> Score:
    """Return the interval of a score of pooled counts; the arguments are those of `pooled_units`."""
    return interval(pooled_units(value, left_out, weights, grouped=grouped), level)


def pooled_units(
    value: float, left_out: NDArray[np.float64], weights: NDArray[np.float64], *, grouped: bool = False
) -> Units | Score:
    """Return what a score of pooled counts is made of; with fewer than two units the score without bounds.

    value: the score of all counts together.
    left_out: (G,) the score without each picture or group (of the rows of `totals_left_out`).
    weights: (G,) how much each counts, in any unit: the pixels that the score is taken over (of `totals_by_group`).
    """
    if math.isnan(value):
        return Score(None, reason=NO_PIXEL)
    if len(left_out) < 2 or np.isnan(left_out).any():
        return Score(value, reason=ONE_GROUP if grouped else ONE_PICTURE)
    return units_left_out(value, left_out, np.asarray(weights, np.float64))


def totals_by_group(columns: NDArray[Any], groups: Groups | None = None) -> NDArray[Any]:
    """Return the columns' totals of each group: (N, ...) whole numbers become (G, ...); without groups as they are."""
    number, of_picture = numbered(groups, np.ones(len(columns), bool))
    if groups is None:
        return columns
    totals = np.zeros((number, *columns.shape[1:]), columns.dtype)
    np.add.at(totals, of_picture, columns)
    return totals


def totals_left_out(by_group: NDArray[Any]) -> NDArray[Any]:
    """Return the totals over all rows but each: (G, ...) to (G, ...)."""
    others: NDArray[Any] = by_group.sum(axis=0) - by_group
    return others


def numbered(groups: Groups | None, keep: NDArray[np.bool_]) -> tuple[int, NDArray[np.intp]]:
    """Return how many groups there are among the kept pictures, and the number of each picture's group."""
    if groups is None:
        number = int(keep.sum())
        return number, np.arange(number)
    of_picture = groups if isinstance(groups, np.ndarray) else numbered_texts(groups)[0]
    names, numbers = np.unique(of_picture[keep], return_inverse=True)
    return len(names), numbers.reshape(-1)


def numbered_texts(texts: Sequence[str]) -> tuple[NDArray[np.intp], list[str]]:
    """Return the number of each text among the different ones, (N,), and those, sorted.

    No array of texts is made: it would give each of them the room of the longest.
    """
    different = sorted(set(texts))
    numbers = {text: number for number, text in enumerate(different)}
    return np.fromiter((numbers[text] for text in texts), np.intp, len(texts)), different
