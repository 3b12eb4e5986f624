"""How far people agree who marked the same pictures: what a model can be held to.

Where several people's masks of a picture exist, the model is scored against each of them, and so is each person
against each other.
"""

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.sizes import resize_labels
from maskwright.metrics.counts import count
from maskwright.metrics.intervals import mean_interval
from maskwright.metrics.measures import summary

NAMES = ("dice", "iou")
ReadMask = Callable[[str], NDArray[np.uint8] | None]

_RULE = (
    "people: the mean over all pairs of people who marked the picture; model: the mean over these people, the first "
    "of whom is the truth of all other scores. Masks of other sizes are brought to the first one's grid by nearest; "
    "what any of a pair ignores is left out"
)


@dataclass
class AgreementMeter:
    """Scores people against each other, and the model against each of them.

    others: the further people's names, each with what returns their mask of a picture by its id, or None where they
    marked none. name: key in evaluation.json.
    """

    classes: Classes
    others: Mapping[str, ReadMask]
    name: str = field(default="agreement", init=False)
    _numbers: "array[float]" = field(default_factory=lambda: array("d"), init=False)

    def measure(self, seen: Seen) -> tuple[float, ...]:
        """Return dice and iou between people, then of the model with people, then the number of people."""
        size = (int(seen.truth.shape[0]), int(seen.truth.shape[1]))
        people = [seen.truth]
        people += [resize_labels(mask, size) for read in self.others.values() if (mask := read(seen.id)) is not None]
        if len(people) < 2:
            return (math.nan,) * 4 + (1.0,)
        between = [self._scores(one, other) for one, other in combinations(people, 2)]
        model = [self._scores(person, seen.mask) for person in people]
        return (*_means(between), *_means(model), float(len(people)))

    def _scores(self, truth: NDArray[Any], other: NDArray[Any]) -> list[float]:
        """Score one mask against another; pixels that either of them ignores do not count."""
        both = np.where(other == IGNORE, np.uint8(IGNORE), truth)
        counts = count(both, np.where(both == IGNORE, np.uint8(0), other), len(self.classes.names))
        return [float(summary(name, counts, exclusive=self.classes.exclusive)) for name in NAMES]

    def add(self, measured: tuple[float, ...]) -> None:
        """Keep the five numbers of a picture."""
        self._numbers.extend(measured)

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return the agreement of the people, and of the model with them, by Dice."""
        table = self._table()
        return {"people_dice": table[:, 0], "model_with_people_dice": table[:, 2]}

    def to_json(self, groups: Sequence[str] | None) -> dict[str, Any]:
        """Return {people, model: {dice, iou}, pictures, rule}; over the pictures that several people marked."""
        table = self._table()
        return {
            "people": {name: mean_interval(table[:, at], groups).to_json() for at, name in enumerate(NAMES)},
            "model": {name: mean_interval(table[:, 2 + at], groups).to_json() for at, name in enumerate(NAMES)},
            "pictures": int((table[:, 4] > 1).sum()),
            "names": ["the truth", *self.others],
            "rule": _RULE,
        }

    def _table(self) -> NDArray[np.float64]:
        return np.array(self._numbers, np.float64).reshape(-1, 5)


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the means of the columns, without what is not defined; NaN where nothing is."""
    table = np.array(rows, np.float64)
    known = ~np.isnan(table)
    totals, numbers = np.where(known, table, 0).sum(axis=0), known.sum(axis=0)
    return [total / number if number else math.nan for total, number in zip(totals, numbers, strict=True)]
