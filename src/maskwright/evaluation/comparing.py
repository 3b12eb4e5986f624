"""Comparing scored sets on the pictures that all of them have: means, differences with intervals, seeds of one recipe.

Pure: takes tables of scores by picture, returns a `Comparison`. Reading files and naming entries is `runs/`' affair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ConfigError, DataError
from maskwright.evaluation.comparing_measures import Measure, find_measure
from maskwright.evaluation.comparing_pairs import FAR, Pair, compare_scores, seed_spread
from maskwright.evaluation.comparing_sets import ELSEWHERE, ScoredSet, check_comparable, shared_pictures
from maskwright.metrics.intervals import Score, mean_interval


@dataclass(frozen=True)
class Candidate:
    """What is one entry of the comparison: a scored set, or those of several seeds of one recipe.

    seeds: of the sets, where they are known. places: where each was found. recipe: what seeds of one recipe have in
    common, "" where not known.
    """

    name: str
    sets: tuple[ScoredSet, ...]
    seeds: tuple[int, ...] = ()
    places: tuple[str, ...] = ()
    recipe: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of the table. score: the mean over the shared pictures, of the seeds' mean where there are several.

    spread: (standard deviation, least, largest) of the seeds' means, None for a single set. each: of every seed.
    pictures: that it was scored on, also those that others do not have. recipe: as in `Candidate`. elsewhere: whether
    its predictions were made by another program, so that it has no seed here.
    """

    name: str
    score: Score
    pictures: int
    seeds: tuple[int, ...] = ()
    each: tuple[float, ...] = ()
    spread: tuple[float, float, float] | None = None
    places: tuple[str, ...] = ()
    recipe: str = ""
    elsewhere: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("deviation", "least", "largest")
        return {
            "name": self.name, **self.score.to_json(), "pictures": self.pictures, "places": list(self.places),
            "seeds": list(self.seeds), "each": list(self.each),
            "spread": None if self.spread is None else dict(zip(names, self.spread, strict=True)),
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """The entries' scores on the same pictures, and their differences. The first entry is what others are held against.

    pictures: that count. groups: of related pictures, None where intervals are over pictures. ids, names_of_groups,
    values: of the pictures, values (M, N) of M entries. undefined: shared pictures without a score in some entry.
    """

    measure: Measure
    mean_over: str
    classes: tuple[str, ...]
    groups: int | None
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    undefined: int
    notes: tuple[str, ...]
    ids: tuple[str, ...]
    names_of_groups: tuple[str, ...] | None
    values: NDArray[np.float64]

    @property
    def pictures(self) -> int:
        """How many pictures count."""
        return len(self.ids)

    @property
    def seeded(self) -> bool:
        """Whether the differences' intervals hold for the seeds too."""
        return any(entry.spread is not None for entry in self.entries)

    @property
    def says(self) -> tuple[str, ...]:
        """The verdicts in sentences, a pair each."""
        from maskwright.evaluation.comparing_words import verdicts

        return verdicts(self)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        from maskwright.evaluation.comparing_document import document

        return document(self)


def compare_sets(candidates: Sequence[Candidate], measure: str = "dice") -> Comparison:
    """Compare scored sets, picture by picture, on the pictures that all have.

    Up to six entries are all compared with each other, more with the first only. With several comparisons their
    intervals hold together.

    Raises DataError for sets that were not scored on the same thing, or share fewer than two pictures; ConfigError
    for fewer than two sets, or a measure that not all have.
    """
    sets = [one for candidate in candidates for one in candidate.sets]
    if len(sets) < 2:
        raise ConfigError("There is nothing to compare with.", fix="name two or more: maskwright compare A B")
    shared = shared_pictures(sets)
    notes = check_comparable(sets, measure)
    chosen = find_measure(measure, set.intersection(*(set(one.columns) for one in sets)))
    table = np.stack([one.columns[measure][rows] for one, rows in zip(sets, shared.rows, strict=True)])
    kept: NDArray[np.bool_] = np.logical_not(np.isnan(table).any(axis=0))
    if kept.sum() < 2:
        raise DataError(
            f"Of the {len(kept)} pictures that all have, {int(kept.sum())} have the measure '{measure}' in all.",
            fix="choose another measure (--measure dice)",
        )
    ids = tuple(name for name, keep in zip(shared.ids, kept, strict=True) if keep)
    groups = None if shared.groups is None else tuple(g for g, keep in zip(shared.groups, kept, strict=True) if keep)
    scores = _by_candidate(candidates, table[:, kept])
    return Comparison(
        measure=chosen,
        mean_over=sets[0].mean_over,
        classes=sets[0].classes,
        groups=None if groups is None else len(set(groups)),
        entries=tuple(_entry(*one, chosen, groups) for one in zip(candidates, scores, strict=True)),
        pairs=tuple(compare_scores(scores, groups, unit_range=chosen.unit_range)) if len(scores) > 1 else (),
        undefined=int((~kept).sum()),
        notes=(*shared.notes, *notes, *_undefined_notes(sets, table, measure)),
        ids=ids,
        names_of_groups=groups,
        values=np.stack([one.mean(axis=0) for one in scores]),
    )


def _by_candidate(candidates: Sequence[Candidate], table: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return (S, N) scores of each entry's S sets."""
    ends = np.cumsum([len(candidate.sets) for candidate in candidates])
    return np.split(table, ends[:-1])


def _entry(
    candidate: Candidate, scores: NDArray[np.float64], measure: Measure, groups: tuple[str, ...] | None
) -> Entry:
    return Entry(
        name=candidate.name,
        score=_mean(scores.mean(axis=0), measure, groups),
        pictures=max(len(one.ids) for one in candidate.sets),
        seeds=candidate.seeds,
        each=tuple(float(mean) for mean in scores.mean(axis=1)) if len(scores) > 1 else (),
        spread=seed_spread(scores),
        places=candidate.places,
        recipe=candidate.recipe,
        elsewhere=any(one.runtime == ELSEWHERE for one in candidate.sets),
    )


def _mean(values: NDArray[np.float64], measure: Measure, groups: tuple[str, ...] | None) -> Score:
    """Return the mean and its interval; what is no share of 1 is not cut off at 1."""
    if measure.unit_range:
        return mean_interval(values, groups)
    scale = FAR * float(np.abs(values).max()) or 1.0
    found = mean_interval(values / scale, groups)
    value, low, high = (None if end is None else end * scale for end in (found.value, found.low, found.high))
    return Score(value, low, high, found.reason)


def _undefined_notes(sets: Sequence[ScoredSet], table: NDArray[np.float64], measure: str) -> list[str]:
    """Say which pictures are left out because the measure is not defined, and of which sets: that may flatter them."""
    missing = np.isnan(table)
    if not missing.any():
        return []
    numbers = ", ".join(
        f"{one.name} {int(row.sum())}" for one, row in zip(sets, missing, strict=True) if row.any()
    )  # fmt: skip
    told = f"Pictures on which '{measure}' is not defined in every entry are left out: {int(missing.any(axis=0).sum())}"
    uneven = len({row.tobytes() for row in missing}) > 1
    return [f"{told} (undefined in: {numbers})." + (" That may flatter those that fail there." if uneven else "")]
