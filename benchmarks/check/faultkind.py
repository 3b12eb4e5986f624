"""What a fault of the bench is: a kind of finding, a strength, and a function that brings it into a copy."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from copies import CleanSet, Copy, Pair, each

from maskwright.recipe import DataOptions

Rng = np.random.Generator
Names = frozenset[str]
Expected = tuple[Names, ...]  # alternatives: a finding must name all of one of them; an empty one asks for no name


@dataclass(frozen=True)
class Damage:
    """What a fault did. expected: one entry for each finding that must come. size, options: for the check."""

    expected: tuple[Expected, ...]
    size: tuple[int, int] | None = None
    options: DataOptions | None = None


PairDamage = Callable[[Copy, Pair, Rng], str | Names | None]  # who is damaged; None: not this pair
SetDamage = Callable[[Copy, Rng], Damage | None]


def anywhere(clean: CleanSet) -> str:
    """Say that a fault can be brought into any set."""
    return ""


@dataclass(frozen=True)
class Fault:
    """One way to damage a set. Either `pair` damages single pairs, or `whole` the set at once.

    strength: in words; the mildest of a kind stands first. suits: why not for this set, "" if it does. accepted:
    kinds that say the same. most: pairs damaged in one set. alone: no other strength at the same time.
    """

    kind: str
    strength: str
    pair: PairDamage | None = None
    whole: SetDamage | None = None
    suits: Callable[[CleanSet], str] = anywhere
    accepted: tuple[str, ...] = ()
    most: int = 12
    alone: bool = False
    also: tuple[str, ...] = field(default=())  # findings of the whole set that the damage causes besides

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of finding that count as found."""
        return (self.kind, *self.accepted)


def how_many(pairs: int, most: int = 12) -> int:
    """Return how many pairs are damaged: a tenth, at least 3, at most `most`, never more than a third."""
    return max(1, min(max(3, round(pairs / 10)), pairs // 3, most))


def bring_in(fault: Fault, copy: Copy, rng: Rng, free: Iterable[Pair]) -> tuple[Damage | None, list[Pair]]:
    """Damage a copy; return what was done, None if nothing could be, and the pairs that were used.

    free: pairs that may be damaged.
    """
    if fault.whole is not None:
        return fault.whole(copy, rng), []
    if fault.pair is None:
        raise ValueError(f"{fault.kind} {fault.strength}: no damage")
    wanted = how_many(len(copy.pairs), fault.most)
    expected: list[Expected] = []
    used: list[Pair] = []
    for pair in each(list(free), rng):
        if len(used) == wanted:
            break
        names = fault.pair(copy, pair, rng)
        if names is not None:
            expected.append((frozenset({names}) if isinstance(names, str) else names,))
            used.append(pair)
    return (Damage(tuple(expected)) if expected else None), used


def strengths(kind: str, table: Sequence[tuple[str, PairDamage]], **options: object) -> tuple[Fault, ...]:
    """Return the faults of a kind: (strength, damage to a pair) for each, the mildest first."""
    return tuple(replace(Fault(kind, strength, pair=damage), **options) for strength, damage in table)  # type: ignore[arg-type]
