"""Scores of masks that were made elsewhere, by whatever program: no model file is needed, only names that fit."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from maskwright.data.dataset import Dataset
from maskwright.data.masks_alone import read_truth
from maskwright.data.names import some
from maskwright.data.predictions import Predictions, find_predictions
from maskwright.errors import ConfigError, DataError
from maskwright.evaluation.grid import cut
from maskwright.evaluation.picture_scores import ScoreTable
from maskwright.evaluation.result import Evaluation
from maskwright.evaluation.score import score_predictions
from maskwright.evaluation.summary import summarise
from maskwright.images.classes import IGNORE
from maskwright.progress import Progress, ignore
from maskwright.recipe import DataOptions
from maskwright.runs.evaluate import Part, rows_of, training_rows
from maskwright.runs.evaluation_files import Shown, refuse_run, write_evaluation
from maskwright.runs.fitting import Indices
from maskwright.runs.measuring import DECODED, AtHand, Measures, meters_for
from maskwright.runs.scoring import identity, in_groups, words_of

RUNTIME = "made elsewhere"
STRETCHED = 0.02  # aspects further apart than this share are different
NEARLY_ALL = 0.9


def evaluate_predictions(
    predictions: str | Path,
    truth: str | Path | Dataset,
    *,
    part: Part | None = None,
    options: DataOptions | None = None,
    prediction_options: DataOptions | None = None,
    probabilities: bool = False,
    threshold: float | None = None,
    measures: Measures | None = None,
    output: str | Path | None = None,
    pictures: bool = True,
    progress: Progress = ignore,
) -> Evaluation:
    """Score masks of any origin against true masks, on the true masks' own grid.

    predictions: a folder of mask files, named as the pictures or their masks are, or what `predict` wrote.
    truth: a data set (pictures and masks), or a folder of masks alone. part: of the data set; None: all of it.
    options, prediction_options: how masks hold classes, where that cannot be guessed. probabilities: the predictions
    are grey maps, black 0 and white 1, cut at `threshold` (default 0.5) after they were brought to the truth's grid.
    Masks of another size are resized by nearest. output: a folder for evaluation.json, pictures.csv and report.html;
    pictures=False: the report shows none.

    Raises DataError where a picture has no prediction, values are no classes, or a few pairs differ in their aspect;
    ConfigError for a threshold without probabilities.
    """
    if output is not None:
        refuse_run(Path(output))
    if threshold is not None and not probabilities:
        fix = "say --probabilities, or leave the threshold out"
        raise ConfigError(
            "Masks are not cut: a threshold belongs to maps of probabilities.", where="--threshold", fix=fix
        )
    dataset, alone = (truth, False) if isinstance(truth, Dataset) else read_truth(Path(truth), options)
    found = find_predictions(
        dataset, Path(predictions), masks_alone=alone, probabilities=probabilities, options=prediction_options
    )
    rows, named = rows_of(dataset, part or "all")
    _complete(dataset, found, rows)
    measures = measures or Measures()
    at_hand = AtHand(training_rows(dataset, rows), pictures=not alone, probabilities=probabilities, masks_alone=alone)
    meters = meters_for(dataset, measures, at_hand)
    look_too = not alone and not measures.counts_only
    scores = score_predictions(
        dataset, rows, found.read_probabilities if probabilities else found.read, threshold=threshold, meters=meters,
        read_image=partial(dataset.read_image, at_least=DECODED) if look_too else None, progress=progress,
    )  # fmt: skip
    evaluation = summarise(
        scores,
        dataset.classes,
        groups=in_groups(scores),
        runtime=RUNTIME,
        precision="unknown",
        threshold=(0.5 if threshold is None else threshold) if probabilities else None,
        meters=meters,
        words=words_of(dataset, scores),
        masks=not probabilities,
        notes=(*_ignored(dataset), f"Predictions {found.how}.", *_unused(found), *_stretched(scores)),
    )
    known = identity(dataset)
    if alone:  # masks without their pictures: not the fingerprint by which runs know their data
        known.pop("fingerprint")
    evaluation = replace(evaluation, part=named, data=known)
    if output is not None:
        look = partial(
            _look, dataset, found, {name: row for row, name in enumerate(dataset.columns.ids)}, alone, threshold
        )
        write_evaluation(Path(output), evaluation, look, name=Path(predictions).resolve().name, pictures=pictures)
    return evaluation


def _look(
    dataset: Dataset, found: Predictions, row_of: Mapping[str, int], alone: bool, threshold: float | None, name: str
) -> Shown:
    """Return a picture with both masks; None where there is no picture."""
    row = row_of[name]
    truth = dataset.read_mask(row)
    if found.reader is not None:
        prediction = found.read(row)
    else:
        prediction = cut(found.read_probabilities(row), dataset.classes, threshold)
    return None if alone else dataset.read_image(row, at_least=DECODED), truth, prediction


def _complete(dataset: Dataset, found: Predictions, rows: Indices) -> None:
    """Raise DataError where a picture has no prediction: scores of the others alone would flatter."""
    lacking = [dataset[int(row)].id for row in rows if not found.files[int(row)]]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(rows)} pictures have no prediction: {some(lacking)}.", where=str(found.root),
            fix="predict them too, or take their truth away: scores of the others alone could flatter",
        )  # fmt: skip


def _ignored(dataset: Dataset) -> tuple[str, ...]:
    """Say that a value of the truth was guessed to count in nothing: it may be meant as a class."""
    raw = [value for value, label in dataset.encoding.table if label == IGNORE]
    if not dataset.ignore_guessed or not raw:
        return ()
    return (f"The true masks' value {raw[0]} was guessed to count in nothing; where it is a class, state --classes.",)


def _unused(found: Predictions) -> tuple[str, ...]:
    many = "files fit" if found.unused > 1 else "file fits"
    return (
        (f"{found.unused} prediction {many} no picture and {'are' if found.unused > 1 else 'is'} left out.",)
        if found.unused
        else ()
    )


def _stretched(scores: ScoreTable) -> tuple[str, ...]:
    """Return a note where predictions have other aspects than their truth; raise DataError where only a few have."""
    sizes = scores.sizes().astype(np.float64)
    aspect = (sizes[:, 1] * sizes[:, 2]) / (sizes[:, 0] * sizes[:, 3])
    other = np.abs(np.log(aspect)) > STRETCHED
    differing = int((sizes[:, :2] != sizes[:, 2:]).any(axis=1).sum())
    swapped = (sizes[:, :2] == sizes[:, [3, 2]]).all(axis=1) & other
    if swapped.any():
        raise DataError(
            f"{int(swapped.sum())} of {len(scores)} predictions have the height of their truth as width, and the "
            "reverse: rows and columns are exchanged.", where=scores.ids[int(np.flatnonzero(swapped)[0])],
            fix="save them turned as their pictures are: (height, width), row 0 at the top",
        )  # fmt: skip
    if other.mean() > NEARLY_ALL and len(scores) > 1:
        return ("Predictions have another aspect than their truth in nearly the whole set: they were stretched to it.",)
    if other.any():
        at = int(np.flatnonzero(other)[0])
        one = scores[at]
        raise DataError(
            f"{int(other.sum())} of {len(scores)} predictions have another aspect than their truth, such as "
            f"{one.size_prediction[1]}x{one.size_prediction[0]} for {one.size_truth[1]}x{one.size_truth[0]}.",
            where=one.id, fix="save each prediction for the whole of its own picture",
        )  # fmt: skip
    if differing:
        of = f"{differing} of {len(scores)} predictions"
        return (f"{of} have another size than their truth: they were resized to it by nearest.",)
    return ()
