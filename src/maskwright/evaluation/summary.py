"""What the counts of all pictures amount to: scores with intervals, beside the trivial answers.

Knows counts and class names; has never seen a picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.evaluation.conventions import conventions, remarks
from maskwright.evaluation.score import PictureScore
from maskwright.images.classes import Classes
from maskwright.metrics.counts import Counts, constant_prediction, stack
from maskwright.metrics.intervals import (
    Score,
    bootstrap_interval,
    bootstrap_totals,
    mean_interval,
    number_of_groups,
)
from maskwright.metrics.measures import MEASURES, mean_over, summary

SCHEMA_VERSION = 1
Scores = dict[str, Score]
Change = Callable[[Counts], Counts]


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
    """One line of the table of pictures. A score is None where no pixel of the picture counts."""

    id: str
    group: str
    scores: dict[str, float | None]
    size_truth: tuple[int, int]
    size_prediction: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Return one flat object: id, group, dice, iou, precision, recall, accuracy, both sizes [height, width]."""
        return {
            "id": self.id, "group": self.group, **self.scores,
            "size_truth": list(self.size_truth), "size_prediction": list(self.size_prediction),
        }  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on a set of pictures. `to_json` is what `evaluation.json` holds."""

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
    pictures: tuple[PictureRow, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values: no NaN; what is not defined is null, with its reason."""
        return {
            "schema_version": SCHEMA_VERSION,
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
            "sizes": _sizes(self.pictures),
            "pictures": [row.to_json() for row in self.pictures],
        }

    def ranked(self, measure: str = "dice") -> tuple[int, ...]:
        """Return the numbers of the pictures that have a score, worst first; equals stay in order."""
        known = [(row.scores[measure], at) for at, row in enumerate(self.pictures)]
        return tuple(at for _, at in sorted((value, at) for value, at in known if value is not None))

    def examples(self, each: int = 3, measure: str = "dice") -> tuple[tuple[str, int], ...]:
        """Return ("worst" | "median" | "best", number of the picture) for a gallery; no picture stands twice."""
        order = self.ranked(measure)
        worst, best = order[:each], order[each:][::-1][:each]
        between = order[len(worst) : len(order) - len(best)]
        first = max(0, (len(between) - each) // 2)
        groups = (("worst", worst), ("median", between[first : first + each]), ("best", best))
        return tuple((label, at) for label, numbers in groups for at in numbers)


def summarise(
    scores: Sequence[PictureScore],
    classes: Classes,
    *,
    groups: bool,
    runtime: str,
    precision: str,
    threshold: float | tuple[float, ...] | None = None,
    majority: tuple[int, ...] | None = None,
    majority_from: str = "the training part",
    notes: Sequence[str] = (),
) -> Evaluation:
    """Turn the counts of pictures into scores with intervals.

    groups: True: pictures of one `group` are related, and intervals are over groups. False: over pictures.
    runtime, precision: what made the predictions ("onnxruntime", "fp32").
    threshold: the cut that was used; a tuple when pictures of several folds, each with its own, are pooled.
    majority: the class (overlapping: the classes) that most pixels belong to, found in `majority_from` with
        `majority_classes`; None: looked up in the scored truth itself, and said so.

    Raises DataError when there is no picture.
    """
    if not scores:
        raise DataError("There are no pictures to score.", fix="check the part that was named and the pairing")
    table = _Table(scores, classes, groups)
    if majority is None:
        majority, majority_from = majority_classes(table.total.truth, table.total.pixels, classes), "the scored truth"
    per_image, pooled = table.scores(_as_it_is)
    return Evaluation(
        images=len(scores),
        groups=table.number if groups else None,
        classes=classes,
        per_image=per_image,
        pooled=pooled,
        per_class=tuple(table.class_scores(k) for k in range(len(classes.names))),
        trivial=_trivial(table, classes, majority, majority_from),
        mean_over=mean_over(classes.names, exclusive=classes.exclusive),
        threshold=threshold,
        runtime=runtime,
        precision=precision,
        conventions=conventions(classes, threshold, groups=groups, number=table.number),
        notes=tuple(notes) + remarks(table.each, classes, table.number, groups=groups),
        pictures=table.rows(),
    )


def majority_classes(pixels_of_class: Any, pixels: Any, classes: Classes) -> tuple[int, ...]:
    """Return what the best constant answer gives each pixel to.

    pixels_of_class: (K,) pixels of each class. pixels: (K,) or one number, the pixels that count.
    Exclusive: the class with the most pixels, the first of equals. Overlapping: the classes on more than half.
    """
    of_class = np.asarray(pixels_of_class)
    if classes.exclusive:
        return (int(of_class.argmax()),)
    return tuple(int(k) for k in np.flatnonzero(2 * of_class > np.asarray(pixels)))


class _Table:
    """The counts of N pictures, pooled and resampled once for all scores."""

    def __init__(self, scores: Sequence[PictureScore], classes: Classes, groups: bool) -> None:
        self.pictures = scores
        self.classes = classes
        self.each = stack([one.counts for one in scores])
        self.total = self.each.total()
        self.groups = [one.group or one.id for one in scores] if groups else None
        self.number = number_of_groups(self.groups, len(scores))
        columns = self.each.as_array()
        drawn = bootstrap_totals(columns.reshape(len(scores), -1), self.groups)
        self.resampled = Counts.from_array(drawn.reshape(-1, *columns.shape[1:]))

    def scores(self, change: Change) -> tuple[Scores, Scores]:
        """Return per-picture and pooled scores of the counts after `change`."""
        exclusive = self.classes.exclusive
        return self._both(lambda name, counts: summary(name, change(counts), exclusive=exclusive), True)

    def class_scores(self, k: int) -> ClassScores:
        """Return the scores of class `k` against the rest."""
        shown = self.each.truth[:, k] > 0
        averaged = np.ones_like(shown) if self.classes.binary else shown
        per_image, pooled = self._both(lambda name, counts: MEASURES[name](counts)[..., k], averaged)
        if not averaged.any():
            per_image = dict.fromkeys(per_image, Score(None, reason="no picture's truth shows this class"))
        return ClassScores(
            self.classes.names[k], int(shown.sum()), int(self.total.truth[k]), int(self.total.predicted[k]),
            per_image, pooled,
        )  # fmt: skip

    def _both(
        self, values: Callable[[str, Counts], NDArray[np.float64]], averaged: NDArray[np.bool_] | bool
    ) -> tuple[Scores, Scores]:
        """Return the mean over the pictures named in `averaged`, and the pooled value, of each measure."""
        per_image = {
            name: mean_interval(np.where(averaged, values(name, self.each), np.nan), self.groups) for name in MEASURES
        }
        pooled = {
            name: bootstrap_interval(
                float(values(name, self.total)), values(name, self.resampled), self.number,
                grouped=self.groups is not None,
            )
            for name in MEASURES
        }  # fmt: skip
        return per_image, pooled

    def rows(self) -> tuple[PictureRow, ...]:
        """Return the table of pictures."""
        columns = {name: summary(name, self.each, exclusive=self.classes.exclusive) for name in MEASURES}
        return tuple(
            PictureRow(
                one.id, one.group, {name: _number(column[at]) for name, column in columns.items()},
                one.size_truth, one.size_prediction,
            )
            for at, one in enumerate(self.pictures)
        )  # fmt: skip


def _trivial(
    table: _Table, classes: Classes, majority: tuple[int, ...], majority_from: str
) -> dict[str, TrivialScores]:
    def of(answer: str, predicted: tuple[int, ...], chosen_from: str) -> TrivialScores:
        names = tuple(classes.names[k] for k in predicted)
        return TrivialScores(answer, names, chosen_from, *table.scores(lambda c: constant_prediction(c, predicted)))

    background = (0,) if classes.exclusive else ()
    blank = f"every pixel is '{classes.names[0]}'" if classes.exclusive else "no class anywhere"
    most = " and ".join(f"'{classes.names[k]}'" for k in majority)
    return {
        "all_background": of(blank, background, "the first class" if classes.exclusive else "no class"),
        "majority_class": of(f"every pixel is {most}" if majority else "no class anywhere", majority, majority_from),
    }


def _as_it_is(counts: Counts) -> Counts:
    return counts


def _scores_to_json(scores: Scores) -> dict[str, Any]:
    return {name: score.to_json() for name, score in scores.items()}


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _sizes(rows: Sequence[PictureRow]) -> dict[str, Any]:
    """Return the smallest and largest grid, by pixels, of truth and prediction, and how many pairs differ."""

    def extent(sizes: list[tuple[int, int]]) -> dict[str, list[int]]:
        ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
        return {"smallest": list(ordered[0]), "largest": list(ordered[-1])}

    return {
        "truth": extent([row.size_truth for row in rows]),
        "prediction": extent([row.size_prediction for row in rows]),
        "differing": sum(row.size_truth != row.size_prediction for row in rows),
    }
