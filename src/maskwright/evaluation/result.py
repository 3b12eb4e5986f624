"""The scores of a model on a set of pictures: what `evaluation.json` holds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from maskwright.images.classes import Classes
from maskwright.metrics.intervals import Score

SCHEMA_VERSION = 1
Scores = dict[str, Score]


@dataclass(frozen=True)
class ClassScores:
    """One class against the rest.

    images: pictures whose truth shows it. pixels_truth, pixels_predicted: over all pictures.
    per_image: two exclusive classes: the mean over all pictures; otherwise over the pictures that show it.
    """

    name: str
    images: int
    pixels_truth: int
    pixels_predicted: int
    per_image: Scores
    pooled: Scores

    def to_json(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return {
            "images": self.images, "pixels_truth": self.pixels_truth, "pixels_predicted": self.pixels_predicted,
            "per_image": _scores_to_json(self.per_image), "pooled": _scores_to_json(self.pooled),
        }  # fmt: skip


@dataclass(frozen=True)
class TrivialScores:
    """What an answer scores that looks at no picture.

    answer: the answer in words. classes: what each pixel is given to. chosen_from: where that was looked up.
    """

    answer: str
    classes: tuple[str, ...]
    chosen_from: str
    per_image: Scores
    pooled: Scores

    def to_json(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return {
            "answer": self.answer, "classes": list(self.classes), "chosen_from": self.chosen_from,
            "per_image": _scores_to_json(self.per_image), "pooled": _scores_to_json(self.pooled),
        }  # fmt: skip


@dataclass(frozen=True)
class PictureRow:
    """One line of the table of pictures. scores: also facts such as brightness; None where not defined."""

    id: str
    group: str
    scores: dict[str, float | None]
    size_truth: tuple[int, int]
    size_prediction: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Return one flat object: id, group, every score and fact by its name, both sizes [height, width]."""
        return {
            "id": self.id, "group": self.group, **self.scores,
            "size_truth": list(self.size_truth), "size_prediction": list(self.size_prediction),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class PictureTable(Sequence[PictureRow]):
    """The table of pictures as columns; rows are made when they are asked for, so that very many pictures fit.

    columns: (N,) of each score and fact, NaN where not defined. sizes: (N, 4), height and width of truth, then of the
    prediction.
    """

    ids: Sequence[str]
    groups: Sequence[str]
    columns: Mapping[str, NDArray[np.float64]]
    sizes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> PictureRow: ...
    @overload
    def __getitem__(self, at: slice) -> list[PictureRow]: ...
    def __getitem__(self, at: int | slice) -> PictureRow | list[PictureRow]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        height, width, found_height, found_width = (int(side) for side in self.sizes[at])
        scores = {name: _number(float(column[at])) for name, column in self.columns.items()}
        return PictureRow(self.ids[at], self.groups[at], scores, (height, width), (found_height, found_width))

    def extents(self) -> dict[str, Any]:
        """Return the smallest and largest grid, by pixels, of truth and prediction, and how many pairs differ."""
        truth, prediction = self.sizes[:, :2].astype(np.int64), self.sizes[:, 2:].astype(np.int64)
        differing = int((truth != prediction).any(axis=1).sum())
        return {"truth": _extent(truth), "prediction": _extent(prediction), "differing": differing}


@dataclass(frozen=True, eq=False)
class Lines(Sequence[dict[str, Any]]):
    """The lines of a table of pictures as JSON values, made one at a time."""

    table: PictureTable

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return [row.to_json() for row in self.table[at]] if isinstance(at, slice) else self.table[at].to_json()


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on a set of pictures. `to_json` is what `evaluation.json` holds.

    details: what was measured besides counts, by its key: "boundary", "saliency", "calibration", "confusion",
    "agreement", "where" (score against what the pictures are like). part: which pictures these are. data: "folder" and
    "fingerprint" of the set, by which `compare` knows that two scores are of the same pictures.
    """

    images: int
    groups: int | None
    classes: Classes
    per_image: Scores
    pooled: Scores
    per_class: tuple[ClassScores, ...]
    trivial: dict[str, TrivialScores]
    mean_over: str
    threshold: float | tuple[float, ...] | None
    runtime: str
    precision: str
    conventions: dict[str, str]
    notes: tuple[str, ...]
    pictures: PictureTable
    details: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    data: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values: no NaN; what is not defined is null, with its reason."""
        return {**self.head(), "pictures": list(self.lines())}

    def lines(self) -> "Lines":
        """Return the table of pictures as JSON values, each line made when it is asked for: very many fit."""
        return Lines(self.pictures)

    def head(self) -> dict[str, Any]:
        """Return `to_json` without the table of pictures."""
        return {
            "schema_version": SCHEMA_VERSION,
            **({"part": self.part} if self.part else {}),
            **({"data": dict(self.data)} if self.data else {}),
            "images": self.images,
            "groups": self.groups,
            "classes": list(self.classes.names),
            "per_image": _scores_to_json(self.per_image),
            "pooled": _scores_to_json(self.pooled),
            "mean_over": self.mean_over,
            "per_class": {one.name: one.to_json() for one in self.per_class},
            "trivial": {name: one.to_json() for name, one in self.trivial.items()},
            "threshold": list(self.threshold) if isinstance(self.threshold, tuple) else self.threshold,
            "runtime": self.runtime,
            "precision": self.precision,
            "conventions": self.conventions,
            "notes": list(self.notes),
            **self.details,
            "sizes": self.pictures.extents(),
        }

    def ranked(self, measure: str = "dice") -> tuple[int, ...]:
        """Return the numbers of the pictures that have a score, worst first; equals stay in order."""
        values = self.pictures.columns[measure]
        order = np.argsort(values, kind="stable")
        return tuple(int(at) for at in order[: int((~np.isnan(values)).sum())])

    def examples(self, each: int = 3, measure: str = "dice") -> tuple[tuple[str, int], ...]:
        """Return ("worst" | "median" | "best", number of the picture) for a gallery; no picture stands twice."""
        order = self.ranked(measure)
        worst, best = order[:each], order[each:][::-1][:each]
        between = order[len(worst) : len(order) - len(best)]
        first = max(0, (len(between) - each) // 2)
        groups = (("worst", worst), ("median", between[first : first + each]), ("best", best))
        return tuple((label, at) for label, numbers in groups for at in numbers)


def _scores_to_json(scores: Scores) -> dict[str, Any]:
    return {name: score.to_json() for name, score in scores.items()}


def _extent(sizes: NDArray[np.int64]) -> dict[str, list[int]]:
    order = np.lexsort((sizes[:, 1], sizes[:, 0], sizes.prod(axis=1)))
    return {"smallest": sizes[order[0]].tolist(), "largest": sizes[order[-1]].tolist()}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
