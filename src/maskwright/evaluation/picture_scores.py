"""The counts of scored pictures, one by one to look at, as numbers in a row to keep: very many fit."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError
from maskwright.metrics.counts import Counts


@dataclass(frozen=True)
class PictureScore:
    """The counts of one picture.

    id, group: the picture's, as in the dataset. counts: (K,) pixels on the truth's grid.
    size_truth: (height, width) of the truth mask, on whose grid was counted.
    size_prediction: (height, width) of what the model returned, before it was brought to that grid.
    """

    id: str
    group: str
    counts: Counts
    size_truth: tuple[int, int]
    size_prediction: tuple[int, int]


class ScoreTable(Sequence[PictureScore]):
    """Scores of pictures in the order they came: 32 K + 16 bytes of each, and references to its id and group."""

    def __init__(self, scores: Iterable[PictureScore] = ()) -> None:
        self.ids: list[str] = []
        self.groups: list[str] = []
        self._classes = 0
        self._counts, self._sizes = array("q"), array("i")
        self.extend(scores)

    def add(self, score: PictureScore) -> None:
        """Keep one more. Raises ShapeError where its number of classes is another than the others'."""
        classes = score.counts.num_classes
        if self.ids and classes != self._classes:
            raise ShapeError(f"{score.id} has counts of {classes} classes; those before it of {self._classes}.")
        self._classes = classes
        self.ids.append(score.id)
        self.groups.append(score.group)
        self._counts.extend(score.counts.as_array().reshape(-1).tolist())
        self._sizes.extend((*score.size_truth, *score.size_prediction))

    def extend(self, scores: Iterable[PictureScore]) -> None:
        """Keep more."""
        for score in scores:
            self.add(score)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> PictureScore: ...
    @overload
    def __getitem__(self, at: slice) -> list[PictureScore]: ...
    def __getitem__(self, at: int | slice) -> PictureScore | list[PictureScore]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        numbers = np.array(self._counts[at * 4 * self._classes : (at + 1) * 4 * self._classes], np.int64)
        height, width, found_height, found_width = self._sizes[4 * at : 4 * at + 4]
        counts = Counts.from_array(numbers.reshape(4, self._classes))
        return PictureScore(self.ids[at], self.groups[at], counts, (height, width), (found_height, found_width))

    def counts(self) -> Counts:
        """Return the counts of all pictures, (N, K)."""
        return Counts.from_array(np.array(self._counts, np.int64).reshape(len(self), 4, self._classes))

    def sizes(self) -> NDArray[np.int32]:
        """Return (N, 4): height and width of the truth, then of the prediction."""
        return np.array(self._sizes, np.int32).reshape(len(self), 4)
