"""The pictures' scores held against what is known of the pictures: numbers by thirds, words value by value.

Which factors are spoken of is tested, so that noise is spoken of in about one of fifty sets at most, however many
factors there are. Knows columns only; has never seen a picture.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.evaluation.rank_tests import holm, kruskal_wallis, ranks, spearman
from maskwright.evaluation.strata_factor import LEVEL, Factor, Stratum, doubled, likeness, same_partition
from maskwright.evaluation.strata_words import WORDINGS, said_of_number, said_of_words
from maskwright.metrics.intervals import mean_interval, numbered_texts

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]

BINS, LEAST = 3, 5  # thirds, each of at least so many pictures
LEAST_OF_VALUE = 3  # pictures: words that fewer have are pooled
SHOWN = 12  # words of a factor
POINTS = 300  # of a scatter
_UNITS = 10  # pictures or groups: with fewer, nothing is tested
_ALIKE = 0.8  # a rank correlation of two factors beyond which only one is spoken of
_SPOKEN = 4
_UNKNOWN = ("", "nan", "na", "n/a", "null")  # among numbers
TESTED = (
    "numbers by Spearman's rank correlation with the score, words by Kruskal and Wallis' test; where pictures are "
    "grouped, on the means of groups; p is adjusted for the number of factors (Holm), and a factor is spoken of where "
    f"it is below {LEVEL}: pure noise is spoken of in about one of fifty sets at most"
)


def score_against(
    scores: Floats,
    *,
    numbers: Mapping[str, Floats],
    words: Mapping[str, Sequence[str]],
    groups: Sequence[str] | None = None,
    measure: str = "Dice",
) -> dict[str, Any]:
    """Hold scores (N,) in [0, 1], NaN where undefined, against what else is known of the N pictures.

    numbers: facts, NaN where unknown. words: columns of texts, "" where unknown: "group" and those of a manifest; of
        the latter, those that hold numbers count as numbers.
    groups: of each picture, where related pictures share one; intervals and tests are then over groups. Words that
        divide the pictures as the groups do are tested over pictures: do groups differ at all?

    Returns {tested, factors, left_out, said}. factors: in the order given, numbers first. left_out: {name, why} of
    those that say nothing, or the same as an earlier one. said: sentences on the few that matter most.
    """
    table = _Table(np.asarray(scores, np.float64), groups)
    more, words = split_columns(words)
    factors: list[Factor] = []
    left_out: list[dict[str, str]] = []
    for found, name in table.factors({**numbers, **more}, words):
        why = found if isinstance(found, str) else doubled(found, factors)
        if isinstance(found, Factor) and not why:
            factors.append(found)
        else:
            left_out.append({"name": name, "why": why})
    factors = _adjusted(factors)
    told = [
        said_of_number(one.name, one.strata, measure) if one.is_number else said_of_words(one.name, one.strata, measure)
        for one in _telling(factors)
    ]
    return {"tested": TESTED, "factors": [one.to_json() for one in factors], "left_out": left_out, "said": told}


def split_columns(texts: Mapping[str, Sequence[str]]) -> tuple[dict[str, Floats], dict[str, Sequence[str]]]:
    """Return the columns of texts that hold numbers, and those that hold words.

    Numbers: of the cells that are filled in, at least 19 in 20 are numbers, and three differ; the rest is unknown.
    Groups are words whatever they are called. A column named as one of the facts is told apart by "(manifest)".
    """
    numbers: dict[str, Floats] = {}
    words: dict[str, Sequence[str]] = {}
    for name, column in texts.items():
        called = f"{name} (manifest)" if name in WORDINGS else name
        parsed = np.array([_parsed(cell) for cell in column], np.float64)
        finite = parsed[~np.isnan(parsed)]
        filled = sum(cell.casefold() not in _UNKNOWN for cell in column)
        many = finite.size >= 0.95 * filled and np.unique(finite).size >= 3
        if many and name != "group":
            numbers[called] = parsed
        else:
            words[called] = column
    return numbers, words


def _parsed(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


class _Table:
    """The pictures' scores and groups."""

    def __init__(self, scores: Floats, groups: Sequence[str] | None) -> None:
        self.scores = scores
        self.known = ~np.isnan(scores)
        self.grouped = groups is not None
        self.of_group = np.arange(scores.size) if groups is None else numbered_texts(groups)[0]

    def factors(
        self, numbers: Mapping[str, Floats], words: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[Factor | str, str]]:
        """Yield each factor, or why it is left out, with its name."""
        for name, column in numbers.items():
            yield self.of_numbers(name, np.asarray(column, np.float64)), name
        for name, texts in words.items():
            yield self.of_words(name, texts), name

    def of_numbers(self, name: str, column: Floats) -> Factor | str:
        here = self.known & ~np.isnan(column)
        x, y = column[here], self.scores[here]
        if x.size < 2 * LEAST:
            return f"fewer than {2 * LEAST} pictures"
        if x.min() == x.max():
            return "the same in all pictures"
        order = np.argsort(x, kind="stable")
        bins = tuple(
            self._stratum(
                here.nonzero()[0][order[part]], low=_digits(x[order[part[0]]]), high=_digits(x[order[part[-1]]])
            )
            for part in _bins(x[order])
        )
        tested = self._correlated(x, y, self.of_group[here])
        correlation, p = (None, None) if tested is None else tested
        thin = order[np.unique(np.linspace(0, x.size - 1, min(POINTS, x.size)).round().astype(int))]
        points = tuple((_digits(x[at]), _digits(y[at])) for at in thin)
        ranked = np.full(column.size, np.nan)
        ranked[here] = ranks(x)
        return Factor(name, True, x.size, bins, p, correlation=correlation, points=points, column=ranked)

    def of_words(self, name: str, texts: Sequence[str]) -> Factor | str:
        here = self.known & np.fromiter((text != "" for text in texts), bool, len(texts))
        if not here.any():
            return "no picture"
        kinds, values = numbered_texts([text for text, shown in zip(texts, here, strict=True) if shown])
        often = np.flatnonzero(np.bincount(kinds) >= LEAST_OF_VALUE)
        if len(values) < 2:
            return "the same in all pictures"
        if len(often) < 2:
            return f"fewer than two values that {LEAST_OF_VALUE} pictures have"
        numbered = np.full(here.size, -1)
        numbered[here] = kinds
        shown = [self._stratum(np.flatnonzero(numbered == k), value=values[k]) for k in often]
        shown.sort(key=lambda one: (one.score.value or 0.0, one.value or ""))
        named = {one.value for one in shown[:SHOWN]}
        rest = np.flatnonzero(here & ~np.isin(numbered, [k for k in often if values[k] in named]))
        others = self._stratum(rest, value="others") if rest.size else None
        p = self._differing(numbered, len(values))
        return Factor(name, False, int(here.sum()), tuple(shown[:SHOWN]), p, others=others, column=numbered)

    def _stratum(
        self, rows: Whole, *, low: float | None = None, high: float | None = None, value: str | None = None
    ) -> Stratum:
        groups = self.of_group[rows] if self.grouped else None
        return Stratum(mean_interval(self.scores[rows], groups), rows.size, low, high, value)

    def _correlated(self, x: Floats, y: Floats, of_group: Whole) -> tuple[float, float] | None:
        """Test numbers against scores, on the means of groups."""
        unit = _numbered(of_group)
        if unit.max() + 1 < _UNITS:
            return None
        return spearman(_means(x, unit), _means(y, unit))

    def _differing(self, numbered: Whole, number: int) -> float | None:
        """Test whether scores differ between words, on the means of each group's pictures with the same word."""
        here = numbered >= 0
        kinds, scores = numbered[here], self.scores[here]
        if not same_partition(numbered, self.of_group):
            unit = _numbered(self.of_group[here].astype(np.int64) * number + kinds)
            kinds, scores = np.rint(_means(kinds.astype(np.float64), unit)).astype(np.intp), _means(scores, unit)
        enough = np.bincount(kinds, minlength=number)[kinds] >= LEAST_OF_VALUE
        if enough.sum() < _UNITS:
            return None
        return kruskal_wallis(scores[enough], _numbered(kinds[enough]))


def _numbered(values: NDArray[Any]) -> Whole:
    """Return the number of each value among the different ones."""
    found: Whole = np.unique(values, return_inverse=True)[1].reshape(-1)
    return found


def _means(values: Floats, unit: Whole) -> Floats:
    means: Floats = np.bincount(unit, weights=values) / np.bincount(unit)
    return means


def _bins(rising: Floats) -> list[Whole]:
    """Return the rows of up to three bins of equal size; equal numbers stay together, and none is below five."""
    number = min(BINS, rising.size // LEAST)
    changes = np.flatnonzero(np.diff(rising)) + 1
    cuts = {int(changes[np.abs(changes - rising.size * part / number).argmin()]) for part in range(1, number)}
    borders = [0]
    for cut in sorted(cuts):
        if cut - borders[-1] >= LEAST and rising.size - cut >= LEAST:
            borders.append(cut)
    return np.split(np.arange(rising.size), borders[1:])


def _adjusted(factors: Sequence[Factor]) -> list[Factor]:
    adjusted = iter(holm([one.p for one in factors if one.p is not None]))
    return [one if one.p is None else replace(one, p_adjusted=next(adjusted)) for one in factors]


def _telling(factors: Sequence[Factor]) -> list[Factor]:
    """Return the factors to speak of, the largest difference first, none that is much like one before it."""
    told: list[Factor] = []
    for one in sorted((one for one in factors if one.matters), key=lambda one: -one.difference):
        if len(told) < _SPOKEN and all(likeness(one, other) <= _ALIKE for other in told):
            told.append(one)
    return told


def _digits(value: np.float64) -> float:
    """Return a number with six digits: what a chart can show."""
    return float(f"{value:.6g}")
