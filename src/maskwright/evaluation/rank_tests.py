"""Whether numbers go together, and whether kinds differ: tests on ranks, so that no distribution is assumed.

Written out in numpy: importing scipy.stats takes most of a second, and these are a few lines each.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ranks(values: NDArray[Any]) -> Floats:
    """Return the ranks of (N,) numbers from 1 on; equals share their mean rank.

    >>> ranks(np.array([7, 3, 3])).tolist()
    [3.0, 1.5, 1.5]
    """
    _, which, times = np.unique(values, return_inverse=True, return_counts=True)
    shared: Floats = np.cumsum(times) - (times - 1) / 2
    return shared[which.reshape(-1)]


def spearman(x: Floats, y: Floats) -> tuple[float, float] | None:
    """Return the rank correlation of (N,) numbers and its two-sided p by Student's t; None where one is constant."""
    a, b = ranks(x), ranks(y)
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    if x.size < 3 or size == 0:
        return None
    r = max(-1.0, min(1.0, float(a @ b) / size))
    if abs(r) == 1:
        return r, 0.0
    from scipy.special import stdtr

    t = abs(r) * math.sqrt((x.size - 2) / (1 - r * r))
    return r, 2 * float(stdtr(x.size - 2, -t))


def kruskal_wallis(values: Floats, kinds: NDArray[np.intp]) -> float | None:
    """Return the p of Kruskal and Wallis' test that (N,) values differ between kinds 0, 1, ...; None if all are equal.

    By the chi-squared distribution, corrected for ties.
    """
    number, size = int(kinds.max()) + 1, values.size
    _, times = np.unique(values, return_counts=True)
    ties = 1 - float((times.astype(np.float64) ** 3 - times).sum()) / (size**3 - size)
    if number < 2 or ties <= 0:
        return None
    sums, members = np.bincount(kinds, weights=ranks(values)), np.bincount(kinds)
    h = 12 / (size * (size + 1)) * float((sums**2 / members).sum()) - 3 * (size + 1)
    from scipy.special import chdtrc

    return float(chdtrc(number - 1, max(0.0, h / ties)))


def holm(p: Sequence[float]) -> list[float]:
    """Return p values adjusted for their number (Holm 1979): of pure noise, any is below 0.05 in 5 % of cases at most.

    >>> holm([0.04, 0.01, 0.9])
    [0.08, 0.03, 0.9]
    """
    adjusted, highest = [0.0] * len(p), 0.0
    for place, at in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        highest = max(highest, min(1.0, (len(p) - place) * p[at]))
        adjusted[at] = highest
    return adjusted
