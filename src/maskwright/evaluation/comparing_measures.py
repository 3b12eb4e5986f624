"""What is known of a measure that pictures can be compared by: its name in words, which end is better, its range."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from maskwright.data.names import shown
from maskwright.errors import ConfigError

Better = Literal["higher", "lower", ""]


@dataclass(frozen=True)
class Measure:
    """name: the column of the table of pictures. label: in a sentence. better: "" where nothing is known of it.

    unit_range: its values lie in [0, 1].
    """

    name: str
    label: str
    better: Better = ""
    unit_range: bool = False


_SHARES = {
    "dice": "Dice", "iou": "IoU", "precision": "precision", "recall": "recall", "specificity": "specificity",
    "accuracy": "accuracy", "boundary_iou": "boundary IoU", "boundary_f1": "boundary F1", "s_measure": "S-measure",
    "e_measure": "E-measure", "f_beta": "F-beta", "model_with_people_dice": "Dice with the people",
}  # fmt: skip
_DISTANCES = {
    "hd95": "HD95", "assd": "ASSD", "hd95_physical": "HD95 in its unit", "assd_physical": "ASSD in its unit",
}  # fmt: skip
_ERRORS = {"mae": "MAE", "brier": "Brier score"}
BOUNDARY = ("boundary_iou", "boundary_f1", *_DISTANCES)
# Conventions, beside those of all, that must be worded alike for a measure: the tolerance, the unit.
RULES = {"boundary_f1": "boundary.boundary_f1", "hd95_physical": "boundary.unit", "assd_physical": "boundary.unit"}
KNOWN = {
    **{name: Measure(name, label, "higher", True) for name, label in _SHARES.items()},
    **{name: Measure(name, label, "lower") for name, label in _DISTANCES.items()},
    **{name: Measure(name, label, "lower", True) for name, label in _ERRORS.items()},
}


def find_measure(name: str, there: Collection[str]) -> Measure:
    """Return what is known of a measure. there: columns that all have. Raises ConfigError for one that is not there."""
    if name in there:
        return KNOWN.get(name, Measure(name, name.replace("_", " ")))
    columns = ", ".join(shown(one) for one in sorted(there)[:20])
    close = get_close_matches(name, there, 1)
    if close:
        fix = f"did you mean '{close[0]}'?"
    elif name in KNOWN:
        fix = f"evaluate anew those that lack it, or choose one that all have: {columns or 'none'}"
    else:
        fix = f"choose one that all have: {columns or 'none'}"
    raise ConfigError(f"Not all pictures have a measure '{shown(name)}'.", where="--measure", fix=fix)


def decimals(measure: Measure, *sizes: float | None) -> int:
    """Return how many decimals a difference and its interval need, so that the narrower end still says something.

    sizes: half the interval's width, the difference.
    """
    known = [abs(size) for size in sizes if size]
    least = 3 if measure.unit_range else 2
    if not known:
        return least
    return min(6, max(least, 1 - math.floor(math.log10(max(known)))))
