"""Which pairs of a set are shown to give a look at it: some at random, and those at the ends of what it holds.

Knows what the audit saw of each row; reads only the pairs that it shows.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from maskwright.audit.facts import PairFacts
from maskwright.data.threads import in_threads
from maskwright.images.classes import IGNORE, Classes
from maskwright.report.check_page import SheetPair, percent
from maskwright.runs.check_evidence import Evidence

RANDOM = 12
_EACH = 3  # pairs at each end


@dataclass(frozen=True)
class RowLook:
    """What the sheets and histograms need of one row. share: of foreground. brightness: 0..255. None: not known."""

    row: int
    share: float | None
    brightness: float | None
    size: tuple[int, int] | None


def look(row: int, facts: PairFacts, classes: Classes) -> RowLook:
    """Return the few numbers of one row that are kept."""
    info, mask = facts.picture.info, facts.mask
    share = None
    if mask.counts is not None and (kept := mask.height * mask.width - mask.counts.get(IGNORE, 0)) > 0:
        first = 1 if classes.exclusive else 0
        pixels = sum(count for label, count in mask.counts.items() if first <= label < len(classes.names))
        share = min(1.0, pixels / kept)
    shown = facts.picture.print
    brightness = float(shown.thumbnail.mean()) if shown is not None else None
    return RowLook(row, share, brightness, (info.height, info.width) if info is not None else None)


def sheet_pairs(source: Evidence, looks: Sequence[RowLook], *, seed: int = 0) -> Iterator[SheetPair]:
    """Yield the pairs of all sheets, each sheet's together; those that cannot be read are in none."""
    chosen = [*_at_random(looks, seed), *_extremes(looks)]

    def draw(one: tuple[str, RowLook, str]) -> SheetPair:
        heading, found, said = one
        name = source.dataset.columns.ids[found.row]
        return SheetPair(heading, name, said, [source.tinted(found.row, "picture and mask")])

    yield from in_threads(draw, chosen)


def _at_random(looks: Sequence[RowLook], seed: int) -> list[tuple[str, RowLook, str]]:
    readable = [one for one in looks if one.share is not None and one.brightness is not None]
    drawn = random.Random(seed).sample(readable, min(RANDOM, len(readable)))
    heading = "All pairs" if len(drawn) == len(readable) else f"{len(drawn)} pairs at random"
    return [(heading, one, percent(one.share or 0)) for one in sorted(drawn, key=lambda one: one.row)]


def _extremes(looks: Sequence[RowLook]) -> list[tuple[str, RowLook, str]]:
    """Return the pairs at both ends of foreground, brightness and size, where the ends differ."""
    chosen = []
    ends: tuple[tuple[str, str, Callable[[RowLook], float | None], Callable[[RowLook], str]], ...] = (
        ("Least foreground", "Most foreground", lambda one: one.share, lambda one: percent(one.share or 0)),
        ("Darkest", "Brightest", lambda one: one.brightness, lambda one: f"mean grey {one.brightness or 0:.0f}"),
        ("Smallest pictures", "Largest pictures", lambda one: one.size and one.size[0] * one.size[1],
         lambda one: f"{one.size[1]} x {one.size[0]}" if one.size else ""),
    )  # fmt: skip
    for low, high, value, said in ends:
        known = [(number, one) for one in looks if (number := value(one)) is not None]
        if len(known) < 2 * _EACH or min(known, key=_first)[0] == max(known, key=_first)[0]:
            continue
        known.sort(key=_first)
        chosen += [(low, one, said(one)) for _, one in known[:_EACH]]
        chosen += [(high, one, said(one)) for _, one in known[: -_EACH - 1 : -1]]
    return chosen


def _first(pair: tuple[float, RowLook]) -> float:
    return pair[0]
