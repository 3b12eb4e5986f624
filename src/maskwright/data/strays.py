"""Grey values that few masks hold in few pixels, and that are no class by their number: slips, told from rare classes.

A rare class continues the numbers of the others (0, 1, 2 and 3). A slip lies off them: 100 among 0, 1, 2, or anything
between 0 and 255. Where the others follow no such order nothing is called a slip.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from maskwright.data.looks import Look

_FEW_MASKS = 0.25  # of the masks: a slip is in fewer
_FEW_PIXELS = 0.005  # of each mask that holds it


def stray_values(looks: Sequence[Look]) -> dict[int, int]:
    """Return values that are no class -> how many of these masks hold them."""
    shares: dict[int, list[float]] = defaultdict(list)
    for look in looks:
        pixels = look.shape[0] * look.shape[1]
        for value, times in look.values.items():
            shares[value].append(times / pixels)
    rare = {value for value, held in shares.items() if is_rare(held, len(looks))}
    usual = sorted(set(shares) - rare)
    if usual == [0, 255]:
        return {value: len(shares[value]) for value in sorted(rare)}
    if len(usual) < 2 or usual[0] > 1:
        return {}
    end = usual[0]
    while end + 1 in shares:
        end += 1
    if usual[-1] > end:
        return {}
    return {value: len(shares[value]) for value in sorted(rare) if value > end and value != 255}


def is_rare(shares: Sequence[float], masks: int) -> bool:
    """Whether a value that covers these shares of the masks that hold it is in few of `masks`, and in few pixels."""
    return len(shares) < _FEW_MASKS * masks and max(shares) < _FEW_PIXELS


def without(looks: Iterable[Look], strays: Iterable[int]) -> list[Look]:
    """Return the looks as they would be without these values."""
    gone = set(strays)
    return [
        replace(look, values={v: times for v, times in look.values.items() if v not in gone})
        if gone & look.values.keys() else look for look in looks
    ]  # fmt: skip
