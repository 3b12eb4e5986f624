"""What a 95 % interval really covers with few pictures or groups, and the sentence that says so.

Knows a table that was fitted by simulation; docs/intervals.md says on what, and how far it is off.
"""

import numpy as np
from numpy.typing import ArrayLike

from maskwright.metrics.interval_bounds import LEVEL, Units
from maskwright.metrics.intervals import Groups, mean_units

ENOUGH = 100  # from so many on the interval covers 93 to 97 % on the populations it was judged on
SLIGHT = 0.03  # a shortfall that is not worth a word
MOST = 0.45
TABLE = (  # number of units, base, near, tail: written by benchmarks/statistics/warning.py
    (2, -0.264, 0.722, 0.0),
    (3, -0.808, 0.992, 0.417),
    (4, -0.5, 0.757, 0.267),
    (5, -0.43, 0.669, 0.203),
    (7, -0.296, 0.303, 0.242),
    (10, -0.1, 0.049, 0.133),
    (14, -0.094, 0.135, 0.036),
    (20, 0.0, 0.0, 0.0),
)
POOLED_TABLE = (
    (2, -0.071, 0.293, 0.0),
    (3, -0.24, 0.706, -0.243),
    (4, -0.415, 0.511, 0.268),
    (5, -0.557, 0.713, 0.338),
    (7, -0.444, 0.567, 0.303),
    (10, -0.435, 0.506, 0.358),
    (14, -0.249, 0.237, 0.276),
    (20, -0.174, 0.22, 0.166),
    (30, -0.021, 0.012, 0.083),
    (50, -0.1, 0.093, 0.137),
    (100, 0.0, 0.0, 0.0),
)


def expected_coverage(values: ArrayLike, groups: Groups | None = None) -> float | None:
    """Return how often the interval of such a mean holds the truth; None where that is as good as 0.95, or no interval.

    values, groups: as for `mean_interval`.
    """
    units = mean_units(values, groups)
    return coverage_of(units) if isinstance(units, Units) else None


def coverage_of(units: Units, *, pooled: bool = False) -> float | None:
    """Return how often the interval of a score made of such units holds the truth; None where as good as 0.95.

    pooled: a pooled score over pictures. Over groups one table holds for means and for pooled scores.
    """
    if units.number >= ENOUGH or units.spread == 0:
        return None
    numbers, *columns = zip(*(POOLED_TABLE if pooled else TABLE), strict=True)
    at = np.log(units.number)
    base, near, tail = (float(np.interp(at, np.log(numbers), column)) for column in columns)
    return said(base + near * nearness(units) + tail * lopsidedness(units))


def said(shortfall: float) -> float | None:
    """Return the coverage to be told of; None where the shortfall is slight."""
    return None if shortfall < SLIGHT else LEVEL - min(shortfall, MOST)


def nearness(units: Units) -> float:
    """Return how near the score is to 0 or 1, in the units' spread: 1 at the end, 0 far from it."""
    return 1 / (1 + min(units.value, 1 - units.value) / units.spread) if units.spread else 0.0


def lopsidedness(units: Units) -> float:
    """Return the units' skewness by the largest that so many can have (about the root of their number)."""
    return abs(units.skewness) / float(np.sqrt(units.number))


def coverage_warning(number: int, unit: str, covered: float) -> str:
    """Return the sentence for a reader. unit: "picture" or "group"."""
    return f"95 % interval; with {number} {unit}{'' if number == 1 else 's'} it covers about {round(100 * covered)} %"
