"""Scored sets that are to be compared: what they were scored on, which pictures all of them have, what forbids it.

Knows tables of numbers by picture; where they come from is `runs/comparing.py`'s affair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maskwright.data.names import some
from maskwright.errors import DataError
from maskwright.evaluation.comparing_measures import BOUNDARY, RULES

Size = tuple[int, int]
HELD_OUT = "held out"  # a part that the model had not seen, whichever pictures it holds
_ALL = "all"
ELSEWHERE = "made elsewhere"  # the runtime of predictions that another program made
_OF_RUN = "maskwright evaluate RUN DATA -o FOLDER"
_OF_MASKS = "maskwright evaluate --predictions DIR --truth DATA -o FOLDER"


@dataclass(frozen=True)
class ScoredSet:
    """The scores of one model, or of one folder of predictions, picture by picture.

    name: as it is shown. ids: no two alike. groups: of each picture, where its intervals are over groups; else None.
    sizes: (height, width) of each picture's truth. columns: measure -> (N,), NaN where it is not defined.
    classes: names. mean_over: in words. part: HELD_OUT, "all", another name. fingerprint: of
    the data. Both "" where not known.
    conventions: what could move a score, in words. runtime, precision: what made the predictions.
    """

    name: str
    ids: tuple[str, ...]
    groups: tuple[str, ...] | None
    sizes: tuple[Size | None, ...]
    columns: Mapping[str, NDArray[np.float64]]
    classes: tuple[str, ...]
    mean_over: str = ""
    part: str = ""
    fingerprint: str = ""
    conventions: Mapping[str, str] = field(default_factory=dict)
    runtime: str = ""
    precision: str = ""


@dataclass(frozen=True)
class Shared:
    """The pictures that all sets have. ids, groups: of N pictures, groups None where intervals are over pictures.

    rows: for each set, where it holds them. notes: what a reader should know of the choice.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...] | None
    rows: tuple[NDArray[np.intp], ...]
    notes: tuple[str, ...]


def check_comparable(sets: Sequence[ScoredSet], measure: str = "dice") -> tuple[str, ...]:
    """Return what should be noted of sets that were scored a little differently. Raises DataError for unlike sets."""
    rule = RULES.get(measure, "")
    first = sets[0]
    for other in sets[1:]:
        _must_equal("classes", ", ".join(first.classes), ", ".join(other.classes), first, other)
        _must_equal("averages", _averaged(first), _averaged(other), first, other)
        if rule in first.conventions and rule in other.conventions:
            _must_equal(f"rules of {measure}", first.conventions[rule], other.conventions[rule], first, other)
    parts = [one for one in sets if one.part not in ("", _ALL)]
    for other in parts[1:]:
        _must_equal("parts", parts[0].part, other.part, parts[0], other)
    conventions = _convention_notes(sets, "boundary." if measure in BOUNDARY else "")
    return (*_data_notes(sets), *_part_notes(sets), *_way_notes(sets), *conventions)


def _data_notes(sets: Sequence[ScoredSet]) -> list[str]:
    """Tell of sets of other pictures. Raises DataError where the pictures are the same by name, and the data is not."""
    known = [one for one in sets if one.fingerprint]
    if len({one.fingerprint for one in known}) < 2:
        return []
    by_pictures: dict[frozenset[str], ScoredSet] = {}
    for other in known:
        first = by_pictures.setdefault(frozenset(other.ids), other)
        if first.fingerprint != other.fingerprint:
            raise DataError(
                f"{first.name} and {other.name} were scored on different data: pictures or masks have changed.",
                where=f"data {first.fingerprint[:12]} and {other.fingerprint[:12]}",
                fix=_again(first, other),
            )
    return [
        "They were scored on different sets of pictures; that the shared ones have the same masks is known by their "
        "sizes only."
    ]


def _again(*sets: ScoredSet) -> str:
    """Say how to score them on the same data."""
    return f"score both on the same data: {_commands(sets)}"


def _commands(sets: Sequence[ScoredSet]) -> str:
    """Return what scores such sets: a run, masks that were made elsewhere, or either."""
    elsewhere = [one.runtime == ELSEWHERE for one in sets]
    if all(elsewhere):
        return _OF_MASKS
    return f"{_OF_RUN}; of masks made elsewhere {_OF_MASKS}" if any(elsewhere) else _OF_RUN


def _must_equal(what: str, one: str, two: str, first: ScoredSet, other: ScoredSet) -> None:
    if one != two:
        raise DataError(
            f"{first.name} and {other.name} were scored on different {what}: {_cut(one)}; {_cut(two)}.",
            fix=_again(first, other),
        )


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."


def _averaged(one: ScoredSet) -> str:
    """Return what a mean is taken over, without the details that versions word differently."""
    return one.mean_over.partition(":")[0]


def _part_notes(sets: Sequence[ScoredSet]) -> list[str]:
    """Warn of sets of all pictures beside those that were held out: a model may have been trained on some of them."""
    if all(one.part != _ALL for one in sets) or all(one.part in (_ALL, "") for one in sets):
        return []
    names = ", ".join(one.name for one in sets if one.part == _ALL)
    return [f"{names} was scored on all pictures: if its model was trained on some of these, it is not a fair match."]


def _way_notes(sets: Sequence[ScoredSet]) -> list[str]:
    ways = {one.name: " in ".join(part for part in (one.runtime, one.precision) if part) for one in sets}
    if len({way for way in ways.values() if way}) < 2:
        return []
    told = "; ".join(f"{name}: {way}" for name, way in ways.items() if way)
    return [f"They were not run in the same way, which moves scores a little: {told}."]


def _convention_notes(sets: Sequence[ScoredSet], kind: str) -> list[str]:
    """Name conventions that are worded differently. The cut is each model's own, the interval is taken anew here.

    kind: "boundary.": those of boundaries count too.
    """
    first, notes = sets[0], []
    for other in sets[1:]:
        both = sorted(set(first.conventions) & set(other.conventions) - {"cut", "interval", "averaging"})
        counting = [name for name in both if "." not in name or (kind and name.startswith(kind))]
        if different := [name for name in counting if _unlike(first.conventions[name], other.conventions[name])]:
            notes.append(
                f"{first.name} and {other.name} word these conventions differently, read them before you rely on the "
                f"difference: {', '.join(different)}."
            )
    return notes


def _unlike(one: str, two: str) -> bool:
    """Whether two conventions say different things; a later version may add to what an earlier one said."""
    return not one.startswith(two) and not two.startswith(one)


def shared_pictures(sets: Sequence[ScoredSet]) -> Shared:
    """Return the pictures that all sets have, in the order of the first. Raises DataError for fewer than two.

    Also where one picture's truth differs in size between sets: then these are not the same masks.
    """
    places = [{name: at for at, name in enumerate(one.ids)} for one in sets]
    ids = tuple(name for name in sets[0].ids if all(name in place for place in places))
    if len(ids) < 2:
        _raise_too_few(sets, len(ids))
    rows = tuple(np.array([place[name] for name in ids], np.intp) for place in places)
    _check_sizes(sets, ids, rows)
    groups, notes = _groups(sets, rows)
    return Shared(ids, groups, rows, (*_beyond(sets, len(ids)), *notes))


def _raise_too_few(sets: Sequence[ScoredSet], number: int) -> None:
    what = "No picture is" if not number else "Only one picture is"
    examples = "; ".join(f"{one.name}: {some(list(one.ids), 2)}" for one in sets[:4])
    raise DataError(
        f"{what} in all of them, and a comparison needs at least two.",
        where=examples,
        fix=f"score all on the same pictures ({_commands(sets)}); trainings on one set share their "
        "test part when they are given the same split (--set data.split=RUN/split.csv)",
    )


def _check_sizes(sets: Sequence[ScoredSet], ids: Sequence[str], rows: Sequence[NDArray[np.intp]]) -> None:
    first = [sets[0].sizes[at] for at in rows[0]]
    for other, places in zip(sets[1:], rows[1:], strict=True):
        for name, one, two in zip(ids, first, (other.sizes[at] for at in places), strict=True):
            if one is not None and two is not None and one != two:
                raise DataError(
                    f"The mask of a picture is {one[0]}x{one[1]} in {sets[0].name} and {two[0]}x{two[1]} in "
                    f"{other.name}: they were not scored on the same masks.",
                    where=some([name]),
                    fix=_again(sets[0], other),
                )


def _groups(sets: Sequence[ScoredSet], rows: Sequence[NDArray[np.intp]]) -> tuple[tuple[str, ...] | None, list[str]]:
    """Return the groups that intervals are taken over: the more cautious where sets differ."""
    grouped = [at for at, one in enumerate(sets) if one.groups is not None]
    if not grouped:
        return None, []
    named = [_at(sets[at].groups, rows[at]) for at in grouped]
    notes = []
    if len(grouped) < len(sets):
        without = next(one.name for one in sets if one.groups is None)
        notes.append(
            f"Intervals are over groups of related pictures, as in {sets[grouped[0]].name}; {without} has none."
        )
    if any(_partition(one) != _partition(named[0]) for one in named[1:]):
        notes.append(f"The pictures are grouped differently; the groups are those of {sets[grouped[0]].name}.")
    return named[0], notes


def _at(groups: tuple[str, ...] | None, rows: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple((groups or ())[at] for at in rows)


def _partition(groups: Sequence[str]) -> list[int]:
    """Number groups by their first picture, so that names do not count."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(name, len(numbers)) for name in groups]


def _beyond(sets: Sequence[ScoredSet], number: int) -> list[str]:
    more = [f"{one.name} has {len(one.ids) - number:,} more" for one in sets if len(one.ids) > number]
    return [f"Only the {number:,} pictures that all have are compared; {'; '.join(more)}."] if more else []
