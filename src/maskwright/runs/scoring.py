"""Scores of model files on pictures they have not seen."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from maskwright.data.copies import only_originals
from maskwright.data.dataset import Dataset
from maskwright.evaluation.meters import Meter
from maskwright.evaluation.picture_scores import ScoreTable
from maskwright.evaluation.result import Evaluation
from maskwright.evaluation.score import Listen, score_pictures
from maskwright.evaluation.summary import majority_classes, summarise
from maskwright.images.classes import IGNORE
from maskwright.progress import Progress
from maskwright.runs.opening import picture_reader
from maskwright.runs.work import Indices
from maskwright.runtime.predictor import Predictor

MAJORITY_SAMPLE = 200  # masks: which class has most pixels does not hang on more


def score_part(
    dataset: Dataset,
    indices: Indices,
    predictor: Predictor,
    progress: Progress,
    *,
    meters: Sequence[Meter] = (),
    listen: Listen | None = None,
) -> ScoreTable:
    """Score a model file on some pictures, each on its mask's own grid; nothing is scored on copies of pictures.

    meters, listen: as in `score_pictures`.
    """
    return score_pictures(
        dataset,
        only_originals(dataset.columns, indices),
        predictor.native_probabilities,
        threshold=predictor.description.threshold,
        meters=meters,
        read_image=picture_reader(dataset, predictor),
        listen=listen,
        progress=progress,
    )


def majority_of(dataset: Dataset, indices: Indices) -> tuple[int, ...]:
    """Return the class (overlapping: classes) of most pixels, in up to 200 of the masks at `indices`, spread evenly."""
    indices = indices[
        np.unique(np.linspace(0, len(indices) - 1, min(len(indices), MAJORITY_SAMPLE)).round().astype(int))
    ]
    number = len(dataset.classes.names)
    total, pixels = np.zeros(number, np.int64), np.zeros(number, np.int64)
    for index in indices:
        mask = dataset.read_mask(int(index))
        planes = [mask == k for k in range(number)] if mask.ndim == 2 else [m == 1 for m in np.moveaxis(mask, 2, 0)]
        total += np.array([np.count_nonzero(plane) for plane in planes])
        pixels += np.count_nonzero(mask != IGNORE, axis=(0, 1))
    return majority_classes(total, pixels, dataset.classes)


def summarise_part(
    dataset: Dataset,
    scores: ScoreTable,
    predictors: Sequence[Predictor],
    majority: tuple[int, ...] | None,
    majority_from: str = "the training part",
    *,
    meters: Sequence[Meter] = (),
    part: str = "",
    notes: Sequence[str] = (),
) -> Evaluation:
    """Summarise scores made by one model file, or by the files of several folds, and what meters saw meanwhile.

    Intervals are over groups where some of the scored pictures share one. majority: None looks it up in the truth;
    majority_from: the pictures it was found in, otherwise.
    """
    first = predictors[0]
    cuts = tuple(p.description.threshold for p in predictors if p.description.threshold is not None)
    evaluation = summarise(
        scores,
        dataset.classes,
        groups=in_groups(scores),
        runtime=first.runtime,
        precision=first.precision,
        threshold=None if not cuts else cuts[0] if len(set(cuts)) == 1 else cuts,
        majority=majority,
        majority_from=f"{majority_from} (looked up in at most {MAJORITY_SAMPLE} masks)",
        meters=meters,
        words=words_of(dataset, scores),
        notes=notes,
    )
    return replace(evaluation, part=part, data=identity(dataset))


def in_groups(scores: ScoreTable) -> bool:
    """Return whether some of the scored pictures are related: then intervals are over groups."""
    groups = {group for group in scores.groups if group}
    return 0 < len(groups) < len(scores)


def words_of(dataset: Dataset, scores: ScoreTable) -> dict[str, list[str]]:
    """Return what is known of the scored pictures besides their pixels: groups, and the manifest's other columns."""
    words = {"group": scores.groups} if in_groups(scores) else {}
    if not dataset.columns.extra:
        return words
    row_of = {name: row for row, name in enumerate(dataset.columns.ids)}
    rows = [row_of[name] for name in scores.ids]
    return words | {name: [column[row] for row in rows] for name, column in dataset.columns.extra.items()}


def identity(dataset: Dataset) -> dict[str, str]:
    """Return by what two evaluations are known to be of the same set."""
    return {"folder": dataset.root.resolve().name, "fingerprint": dataset.fingerprint()}
