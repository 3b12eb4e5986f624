"""A comparison in sentences: what is better by how much, what cannot be told apart, and what that leaves out."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from maskwright.evaluation.comparing_measures import decimals
from maskwright.evaluation.comparing_pairs import ALL_PAIRS, FEW_GROUPS, FEW_PICTURES, MORE_SEEDS, Pair

if TYPE_CHECKING:
    from maskwright.evaluation.comparing import Comparison, Entry

_SMALL = 0.005  # of a measure in [0, 1]: sure or not, few uses will feel it
_BEYOND = 100_000  # pictures: more are not worth a number
_SEEDS_APART = (
    "The intervals are over pictures only; without --each the seeds of one recipe are one entry, and the intervals "
    "hold for the seeds too."
)


def verdicts(comparison: "Comparison") -> tuple[str, ...]:
    """Return a sentence for each pair; for the seeds of one recipe alone, their spread."""
    if not comparison.pairs:
        return tuple(_alone(comparison, one, one.spread) for one in comparison.entries if one.spread is not None)
    return tuple(_verdict(comparison, pair) for pair in comparison.pairs)


def _alone(comparison: "Comparison", entry: "Entry", spread: tuple[float, float, float]) -> str:
    deviation, least, largest = spread
    places = decimals(comparison.measure, deviation)
    return (
        f"{entry.name}: {len(entry.each)} seeds of one recipe lie between {least:.{places}f} and {largest:.{places}f}, "
        f"with a standard deviation of {deviation:.{places}f} ({extent(comparison)}); --each compares them one by one."
    )


def _verdict(comparison: "Comparison", pair: Pair) -> str:
    first, second = comparison.entries[pair.first], comparison.entries[pair.second]
    if not pair.higher and not pair.lower:
        return f"{first.name} and {second.name} are the same on every picture{_of(comparison)}."
    difference = pair.difference
    if difference.low is None or difference.high is None:
        return (
            f"{second.name} minus {first.name} is {_number(comparison, pair, difference.value)}{_of(comparison)}, "
            f"without an interval: {difference.reason}."
        )
    said = _told_apart(comparison, pair) if difference.told_apart else _not_told_apart(comparison, pair)
    return said + _beside_seeds(comparison, pair)


def _told_apart(comparison: "Comparison", pair: Pair) -> str:
    """Name the better one first, and the difference as how much better it is."""
    upper = pair.difference.value > 0
    lower_is_better = comparison.measure.better == "lower"
    winner, other = (pair.second, pair.first) if upper != lower_is_better else (pair.first, pair.second)
    names = [comparison.entries[at].name for at in (winner, other)]
    word = "better" if comparison.measure.better else "higher"
    than = "" if len(comparison.entries) == 2 else f" than {names[1]}"
    size = abs(pair.difference.value)
    small = ": sure, but small" if comparison.measure.unit_range and size < _SMALL else ""
    return f"{names[0]} is {word}{than} by {_sized(comparison, pair)}{_of(comparison)}{small}."


def _sized(comparison: "Comparison", pair: Pair) -> str:
    """Return the size of a difference with its interval, both positive."""
    low, high = sorted((abs(pair.difference.low or 0), abs(pair.difference.high or 0)))
    value, low_, high_ = (_number(comparison, pair, number) for number in (abs(pair.difference.value), low, high))
    return f"{value} [{low_}, {high_}]"


def _not_told_apart(comparison: "Comparison", pair: Pair) -> str:
    first, second = (comparison.entries[at].name for at in (pair.first, pair.second))
    numbers = (pair.difference.value, pair.difference.low, pair.difference.high)
    value, low, high = (_number(comparison, pair, number) for number in numbers)
    needed = _needed(comparison, pair)
    if _brief(comparison):
        return f"{first} and {second} cannot be told apart: {second} minus {first} is {value} [{low}, {high}]{needed}."
    return (
        f"{first} and {second} cannot be told apart with these {_units(comparison)}: the difference "
        f"({second} minus {first}) is {value} [{low}, {high}] ({comparison.measure.label} per picture){needed}."
    )


def _needed(comparison: "Comparison", pair: Pair) -> str:
    needed, there = pair.difference.needed, comparison.groups or comparison.pictures
    if needed is None:
        reason = pair.difference.reason
        return f"; {reason}" if reason in (MORE_SEEDS, FEW_PICTURES, FEW_GROUPS) else ""
    unit = " groups" if comparison.groups is not None else " pictures" if _brief(comparison) else ""
    if needed > _BEYOND:
        return f"; more than {_BEYOND:,}{unit} would be needed"
    if needed <= there:
        return "; somewhat more would be needed"
    return f"; about {rounded_up(needed):,}{unit} would be needed"


def rounded_up(number: int) -> int:
    """Round up to two digits.

    >>> rounded_up(137), rounded_up(12_345), rounded_up(7)
    (140, 13000, 7)
    """
    step = int(10 ** max(0, len(str(number)) - 2))
    return math.ceil(number / step) * step


def _beside_seeds(comparison: "Comparison", pair: Pair) -> str:
    """Say whether seeds of one recipe lie as far apart as the two entries, where that is known."""
    ranges = [
        (entry.name, entry.spread[2] - entry.spread[1])
        for entry in (comparison.entries[at] for at in (pair.first, pair.second))
        if entry.spread is not None
    ]
    if not ranges:
        return ""
    places = decimals(comparison.measure, *(apart for _, apart in ranges))
    told = ", ".join(f"{name} by {apart:.{places}f}" for name, apart in ranges)
    less = max(apart for _, apart in ranges) < abs(pair.difference.value)
    return f" The seeds of one recipe lie {'less far' if less else 'as far'} apart ({told})."


def _brief(comparison: "Comparison") -> bool:
    """Whether there are so many sentences that measure and pictures are told once, beside them."""
    return len(comparison.pairs) > 1


def _of(comparison: "Comparison") -> str:
    return "" if _brief(comparison) else f" ({extent(comparison)})"


def extent(comparison: "Comparison") -> str:
    """Return "Dice per picture, 150 pictures"."""
    return f"{comparison.measure.label} per picture, {_units(comparison)}"


def _units(comparison: "Comparison") -> str:
    groups = "" if comparison.groups is None else f" in {comparison.groups:,} group{_s(comparison.groups)}"
    return f"{comparison.pictures:,} pictures{groups}"


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _number(comparison: "Comparison", pair: Pair, number: float | None) -> str:
    found = pair.difference
    half = None if found.low is None or found.high is None else (found.high - found.low) / 2
    places = decimals(comparison.measure, half, None if half else found.value)
    return f"{round(number or 0, places) + 0:.{places}f}"  # no minus before a zero


# --- what every reader should know --------------------------------------------------------------------------------


def remarks(comparison: "Comparison") -> list[str]:
    """Return how the intervals are meant, and what they leave out."""
    said = []
    pairs, several = len(comparison.pairs), comparison.seeded
    if pairs > 1:
        against = "" if len(comparison.entries) <= ALL_PAIRS else f", all with {comparison.entries[0].name}"
        said.append(
            f"{pairs} comparisons{against}: their intervals are widened so that all hold together at 95 % (max-t)."
        )
    if several and pairs:
        said.append(
            "The intervals also hold for other seeds: the variance of the seeds' mean is added to that over pictures."
        )
        if alone := [entry.name for entry in comparison.entries if entry.spread is None]:
            said.append(f"Taken to vary with the seed as the others do, which is not known: {', '.join(alone)}.")
    elif any(_between_recipes(comparison, pair) for pair in comparison.pairs):
        said.append(_SEEDS_APART if _seeds_listed(comparison.entries) else _seeds_unknown(comparison.entries))
    if comparison.measure.better == "lower":
        said.append(f"The lower {comparison.measure.label}, the better.")
    elif not comparison.measure.better:
        said.append(f"Which end of '{comparison.measure.name}' is better is not known here.")
    return said


def _between_recipes(comparison: "Comparison", pair: Pair) -> bool:
    """Whether other seeds might change what is said of a pair: not of masks made elsewhere, of seeds, of equals."""
    first, second = comparison.entries[pair.first], comparison.entries[pair.second]
    differ = pair.higher > 0 or pair.lower > 0
    return differ and not (first.elsewhere or second.elsewhere) and not _seeds_listed((first, second))


def _seeds_listed(entries: Sequence["Entry"]) -> bool:
    """Whether two seeds of one recipe are entries of their own."""
    trained = {(entry.recipe, entry.seeds) for entry in entries if entry.recipe}
    return len(trained) > len({recipe for recipe, _ in trained})


def _seeds_unknown(entries: Sequence["Entry"]) -> str:
    told = (
        "The intervals are over pictures only: how far two trainings of one recipe lie apart is not known, and may be "
        "as much."
    )
    trained = any(entry.seeds for entry in entries)
    return told + (" Train each with a few seeds (--seed 1, --seed 2) and name all the runs." if trained else "")
