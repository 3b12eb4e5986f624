"""Which pairs of a set are shown to give a look at it: some at random, and those at the ends of what it holds.

Knows what one pass over the audit's facts told; reads only the pairs that it shows.
"""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskwright.data.threads import in_threads
from maskwright.report.check_page import SheetPair, percent
from maskwright.runs.check_evidence import Evidence
from maskwright.runs.check_tally import Tally

RANDOM = 12
_EACH = 3  # pairs at each end


class _Chosen(NamedTuple):
    heading: str
    row: int
    said: str


def sheet_pairs(source: Evidence, seen: Tally, *, seed: int = 0) -> Iterator[SheetPair]:
    """Yield the pairs of all sheets, each sheet's together; those that the audit could not read are in none."""

    def draw(one: _Chosen) -> SheetPair:
        name = source.dataset.columns.ids[one.row]
        return SheetPair(one.heading, name, one.said, [source.tinted(one.row, "picture and mask")])

    yield from in_threads(draw, [*_at_random(seen, seed), *_extremes(seen)])


def _at_random(seen: Tally, seed: int) -> list[_Chosen]:
    readable = np.flatnonzero(np.isfinite(seen.share) & np.isfinite(seen.brightness)).tolist()
    drawn = sorted(random.Random(seed).sample(readable, min(RANDOM, len(readable))))
    heading = "All pairs" if len(drawn) == len(readable) else f"{len(drawn)} pairs at random"
    return [_Chosen(heading, row, _foreground(seen, row)) for row in drawn]


def _extremes(seen: Tally) -> list[_Chosen]:
    """Return the pairs at both ends of foreground, brightness and size, where the ends differ."""
    area = seen.sizes[:, 0].astype(np.float64) * seen.sizes[:, 1]
    area[area == 0] = np.nan
    return [
        *_ends(seen, "Least and most foreground", seen.share, _foreground),
        *_ends(seen, "Darkest and brightest", seen.brightness, _grey),
        *_ends(seen, "Smallest and largest pictures", area, _size),
    ]


def _ends(seen: Tally, heading: str, values: NDArray[np.floating], said: Callable[[Tally, int], str]) -> list[_Chosen]:
    """Return the rows with the least and the largest values, none where all are the same or too few are known."""
    rows = np.flatnonzero(np.isfinite(values))
    if len(rows) < 2 * _EACH or values[rows].min() == values[rows].max():
        return []
    order = rows[np.argsort(values[rows], kind="stable")].tolist()
    return [_Chosen(heading, row, said(seen, row)) for row in (*order[:_EACH], *order[-_EACH:])]


def _foreground(seen: Tally, row: int) -> str:
    return f"foreground {percent(float(seen.share[row]))}"


def _grey(seen: Tally, row: int) -> str:
    return f"mean grey {seen.brightness[row]:.0f} of 255"


def _size(seen: Tally, row: int) -> str:
    height, width = seen.sizes[row]
    return f"{width} x {height}"
