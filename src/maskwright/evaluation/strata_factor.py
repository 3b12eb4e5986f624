"""What one column has to do with the scores: its strata, its test, and whether that is worth speaking of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.evaluation.rank_tests import spearman
from maskwright.metrics.intervals import Score

Whole = NDArray[np.intp]

LEVEL = 0.02
_WORTH_SAYING = 0.01  # of the score
_SAME = 0.999  # a rank correlation beyond which two factors say the same


@dataclass(frozen=True)
class Stratum:
    """Pictures that are alike in a factor. low, high: their range of a number; value: their word."""

    score: Score
    pictures: int
    low: float | None = None
    high: float | None = None
    value: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return {low, high, pictures, score} of a number, {value, pictures, score} of a word."""
        known = {"low": self.low, "high": self.high} if self.value is None else {"value": self.value}
        return {**known, "pictures": self.pictures, "score": self.score.to_json()}


@dataclass(frozen=True)
class Factor:
    """What a column has to do with the score.

    strata: bins of a number from low to high; values of a word, worst first. others: the pictures of all other words.
    p: None where nothing could be tested. p_adjusted: for all factors together. correlation: Spearman's, of numbers.
    points: (number, score) of some pictures. column: of all pictures: ranks of the numbers, NaN where unknown; or
    numbers of the words, -1 where unknown.
    """

    name: str
    is_number: bool
    pictures: int
    strata: tuple[Stratum, ...]
    p: float | None
    p_adjusted: float | None = None
    correlation: float | None = None
    others: Stratum | None = None
    points: tuple[tuple[float, float], ...] = ()
    column: NDArray[Any] = field(default_factory=lambda: np.zeros(0), compare=False)

    @property
    def difference(self) -> float:
        """Return how much the score differs: of a number from its low to its high end, where ranks say so too."""
        values = [one.score.value or 0.0 for one in self.strata]
        if not self.is_number:
            return max(values) - min(values)
        rise = values[-1] - values[0]
        return abs(rise) if rise * (self.correlation or 0.0) > 0 else 0.0

    @property
    def matters(self) -> bool:
        """Whether the factor is worth speaking of: no noise, and not negligible."""
        return self.p_adjusted is not None and self.p_adjusted < LEVEL and self.difference >= _WORTH_SAYING

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: bins and points of a number, values and others of a word."""
        kind = "number" if self.is_number else "word"
        strata = [one.to_json() for one in self.strata]
        shared: dict[str, Any] = {"name": self.name, "kind": kind, "pictures": self.pictures, "p": self.p}
        shared |= {"p_adjusted": self.p_adjusted, "matters": self.matters}
        if self.is_number:
            return shared | {"correlation": self.correlation, "bins": strata, "points": [list(p) for p in self.points]}
        return shared | {"values": strata, "others": None if self.others is None else self.others.to_json()}


def doubled(factor: Factor, earlier: Sequence[Factor]) -> str:
    """Return why a factor says the same as an earlier one, "" if it does not."""
    for other in earlier:
        if other.is_number is factor.is_number and likeness(factor, other) > _SAME:
            return f"orders the pictures as '{other.name}' does" if factor.is_number else f"the same as '{other.name}'"
    return ""


def likeness(one: Factor, other: Factor) -> float:
    """Return how much two factors say the same, 0 to 1: numbers by rank correlation, words only if all is the same."""
    if one.is_number is not other.is_number:
        return 0.0
    if not one.is_number:
        return float(same_partition(one.column, other.column))
    both = ~np.isnan(one.column) & ~np.isnan(other.column)
    tested = spearman(one.column[both], other.column[both])
    return 0.0 if tested is None else abs(tested[0])


def same_partition(one: Whole, other: Whole) -> bool:
    """Whether two numberings put the same rows together; unknown ones (-1) are together too."""
    pairs = (one.astype(np.int64) + 1) * (int(other.max()) + 2) + other + 1
    return len(np.unique(pairs)) == len(np.unique(one)) == len(np.unique(other))
