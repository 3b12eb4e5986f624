"""What the counts of all pictures amount to: scores with intervals, beside the trivial answers.

Knows counts and class names; has never seen a picture.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.evaluation.classical import ClassicalMeter
from maskwright.evaluation.conventions import conventions, remarks
from maskwright.evaluation.facts import FactsMeter
from maskwright.evaluation.meters import Meter
from maskwright.evaluation.picture_scores import ScoreTable
from maskwright.evaluation.result import ClassScores, Evaluation, PictureTable, Scores, TrivialScores
from maskwright.evaluation.strata import score_against
from maskwright.images.classes import Classes
from maskwright.metrics.counts import Counts, constant_prediction
from maskwright.metrics.coverage import coverage_of, expected_coverage
from maskwright.metrics.intervals import (
    Score,
    mean_interval,
    numbered_texts,
    pooled_interval,
    pooled_units,
    totals_by_group,
    totals_left_out,
)
from maskwright.metrics.measures import MEASURES, mean_over, summary

Change = Callable[[Counts], Counts]


def summarise(
    scores: ScoreTable,
    classes: Classes,
    *,
    groups: bool,
    runtime: str,
    precision: str,
    threshold: float | tuple[float, ...] | None = None,
    majority: tuple[int, ...] | None = None,
    majority_from: str = "the training part",
    meters: Sequence[Meter] = (),
    words: Mapping[str, Sequence[str]] | None = None,
    masks: bool = False,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Turn the counts of pictures into scores with intervals.

    groups: True: pictures of one `group` are related, and intervals are over groups. False: over pictures.
    runtime, precision: what made the predictions ("onnxruntime", "fp32").
    threshold: the cut that was used; a tuple when pictures of several folds, each with its own, are pooled.
    majority: the class (overlapping: the classes) that most pixels belong to, found in `majority_from` with
        `majority_classes`; None: looked up in the scored truth itself, and said so.
    meters: what measured the same pictures in the same order. words: further columns that describe them.
    masks: the predictions were masks, not probabilities.

    Raises DataError when there is no picture.
    """
    if not scores:
        raise DataError("There are no pictures to score.", fix="check the part that was named and the pairing")
    names = [group or name for group, name in zip(scores.groups, scores.ids, strict=True)] if groups else None
    table = CountTable(scores.counts(), classes, names)
    if majority is None:
        majority, majority_from = majority_classes(table.total.truth, table.total.pixels, classes), "the scored truth"
    per_image, pooled = table.scores(_as_it_is)
    columns = {name: summary(name, table.each, exclusive=classes.exclusive) for name in MEASURES}
    for meter in meters:
        columns |= meter.columns()
    rows = PictureTable(scores.ids, scores.groups, columns, scores.sizes())
    return Evaluation(
        images=len(scores),
        groups=table.number if groups else None,
        classes=classes,
        per_image=per_image,
        pooled=pooled,
        per_class=tuple(table.class_scores(k) for k in range(len(classes.names))),
        trivial=_trivial(table, classes, majority, majority_from) | _classical(meters, classes, names),
        mean_over=mean_over(classes.names, exclusive=classes.exclusive),
        threshold=threshold,
        runtime=runtime,
        precision=precision,
        conventions=conventions(classes, threshold, groups=groups, number=table.counted, masks=masks),
        notes=tuple(notes) + remarks(table.each, classes, table.counted, table.covered(), groups=groups),
        pictures=rows,
        details=_details(meters, names, rows, words or {}),
    )


def _details(
    meters: Sequence[Meter], groups: Sequence[str] | None, rows: PictureTable, words: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return what the meters sum up, and the scores against what the pictures are like."""
    told = {meter.name: meter.to_json(groups) for meter in meters}
    facts = {name: rows.columns[name] for meter in meters if isinstance(meter, FactsMeter) for name in meter.columns()}
    if facts:
        told["where"] = score_against(rows.columns["dice"], numbers=facts, words=words, groups=groups)
    return {name: content for name, content in told.items() if content}


def _classical(meters: Sequence[Meter], classes: Classes, groups: Sequence[str] | None) -> dict[str, TrivialScores]:
    """Return what the classical answers score, which look at a picture and learn nothing."""
    answers = {}
    for meter in meters:
        if isinstance(meter, ClassicalMeter):
            for name, said in meter.answers.items():
                per_image, pooled = CountTable(meter.counts_of(name), classes, groups).scores(_as_it_is)
                answers[name] = TrivialScores(said.answer, classes.names, said.chosen_from, per_image, pooled)
    return answers


def majority_classes(pixels_of_class: Any, pixels: Any, classes: Classes) -> tuple[int, ...]:
    """Return what the best constant answer gives each pixel to.

    pixels_of_class: (K,) pixels of each class. pixels: (K,) or one number, the pixels that count.
    Exclusive: the class with the most pixels, the first of equals. Overlapping: the classes on more than half.
    """
    of_class = np.asarray(pixels_of_class)
    if classes.exclusive:
        return (int(of_class.argmax()),)
    return tuple(int(k) for k in np.flatnonzero(2 * of_class > np.asarray(pixels)))


class CountTable:
    """The counts (N, K) of N pictures, and what pooled scores are without each picture or group.

    groups: of each picture, where intervals are over groups; else None.
    """

    def __init__(self, each: Counts, classes: Classes, groups: Sequence[str] | None) -> None:
        self.classes, self.each, self.groups = classes, each, _numbers(groups)
        self.total = each.total()
        by_group = totals_by_group(each.as_array(), self.groups)
        self.number = len(by_group)
        self.counted = int((by_group[:, 3].sum(axis=-1) > 0).sum())  # those with a pixel that counts
        self.units, self.left_out = Counts.from_array(by_group), Counts.from_array(totals_left_out(by_group))

    def scores(self, change: Change) -> tuple[Scores, Scores]:
        """Return per-picture and pooled scores of the counts after `change`."""
        exclusive = self.classes.exclusive
        return self._both(
            lambda name, counts: summary(name, change(counts), exclusive=exclusive),
            self._overall(change(self.units)),
            True,
        )

    def class_scores(self, k: int) -> ClassScores:
        """Return the scores of class `k` against the rest."""
        shown = _of_class(self.each, k).truth[:, 0] > 0
        averaged = np.ones_like(shown) if self.classes.binary else shown
        weights = _weights(_of_class(self.units, k))[:, 0]
        per_image, pooled = self._both(
            lambda name, counts: MEASURES[name](_of_class(counts, k))[..., 0], weights, averaged
        )
        if not averaged.any():
            per_image = dict.fromkeys(per_image, Score(None, reason="no picture's truth shows this class"))
        return ClassScores(
            self.classes.names[k], int(shown.sum()), int(self.total.truth[k]), int(self.total.predicted[k]),
            per_image, pooled,
        )  # fmt: skip

    def covered(self) -> dict[str, float | None]:
        """Return how often the intervals of Dice hold the truth; None where it is as good as they say."""
        exclusive, name, grouped = self.classes.exclusive, "dice", self.groups is not None
        mean = expected_coverage(summary(name, self.each, exclusive=exclusive), self.groups)
        units = pooled_units(
            float(summary(name, self.total, exclusive=exclusive)), summary(name, self.left_out, exclusive=exclusive),
            self._overall(self.units), grouped=grouped,
        )  # fmt: skip
        pooled = None if isinstance(units, Score) else coverage_of(units, pooled=not grouped)
        return {"per picture": mean, "pooled": pooled}

    def _overall(self, counts: Counts) -> NDArray[np.float64]:
        """Return how many pixels the overlap is taken over in each group, of all classes that the score is of."""
        counted = slice(1, 2) if self.classes.binary else slice(None)
        weights: NDArray[np.float64] = _weights(counts)[:, counted].sum(axis=1)
        return weights

    def _both(
        self,
        values: Callable[[str, Counts], NDArray[np.float64]],
        weights: NDArray[np.float64],
        averaged: NDArray[np.bool_] | bool,
    ) -> tuple[Scores, Scores]:
        """Return the mean over the pictures named in `averaged`, and the pooled value, of each measure."""
        per_image = {
            name: mean_interval(np.where(averaged, values(name, self.each), np.nan), self.groups) for name in MEASURES
        }
        pooled = {
            name: pooled_interval(
                float(values(name, self.total)), values(name, self.left_out), weights, grouped=self.groups is not None
            )
            for name in MEASURES
        }
        return per_image, pooled


def _numbers(groups: Sequence[str] | None) -> NDArray[np.intp] | None:
    """Return the number of each picture's group: compared far quicker than its name."""
    return None if groups is None else numbered_texts(groups)[0]


def _of_class(counts: Counts, k: int) -> Counts:
    """Return the counts (..., 1) of one class, without copying them."""
    only = slice(k, k + 1)
    return Counts(counts.tp[..., only], counts.fp[..., only], counts.fn[..., only], counts.pixels[..., only])


def _weights(counts: Counts) -> NDArray[np.float64]:
    """Return (G, K): how many pixels a class's overlap is taken over in each group."""
    return (counts.tp + counts.fp + counts.fn).astype(np.float64)


def _trivial(
    table: CountTable, classes: Classes, majority: tuple[int, ...], majority_from: str
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
