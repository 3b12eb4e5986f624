"""Cross-validation: each picture is scored once by a model that has not seen it or any of its relatives.

Used where there are too few groups for a test part, or where it was asked for. The model file is trained on all
pictures, with the plan of the folds; the scores are those of the folds' models, and say so.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.data.dataset import Dataset
from maskwright.data.splits import fold_split, split_dataset
from maskwright.files import write_text
from maskwright.progress import Step
from maskwright.runs.delivery import deliver
from maskwright.runs.fitting import MIN_VALIDATION, Indices, Work, fit_part
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.results import Outcome, write_results
from maskwright.runs.scoring import majority_of, score_part, summarise_part
from maskwright.runtime.predictor import Predictor, load_model

NONE = np.zeros(0, np.int64)


def train_folds(work: Work, run: RunFolder, folds: int) -> Mapping[str, Any]:
    """Train a model for each fold and one on everything; score every picture out of fold; write the results."""
    dataset = work.dataset
    held_out = fold_split(dataset, folds, seed=work.recipe.training.seed)
    _write_folds(run.path / "split.csv", dataset, held_out)
    predictor_of: dict[str, Predictor] = {}
    scores, predictors = [], []
    for number, test in enumerate(held_out, start=1):
        rest = np.setdiff1d(np.arange(len(dataset)), test)
        which = f"fold   {number} of {len(held_out)}: {len(rest)} pictures to train, {len(test)} held out"
        work.progress(Step("fold", text=which))
        predictor = _fold_model(work, run.fold(number), rest)
        scores += score_part(dataset, test, predictor, work.progress)
        predictors.append(predictor)
        predictor_of |= {dataset[int(i)].id: predictor for i in test}
    everything = np.arange(len(dataset))
    part = f"all {len(dataset)} pictures, each scored by the model of the fold that held it out"
    note = (
        f"model.onnx was trained on all pictures; the scores are those of {len(predictors)} models, "
        "each trained without the pictures it was scored on"
    )
    evaluation = summarise_part(dataset, scores, predictors, majority_of(dataset, everything), notes=(note,))
    work.progress(
        Step("fold", text=f"all    one more training, on all {len(dataset)} pictures: this becomes the model file")
    )
    fitted = fit_part(work, run, everything, NONE)
    cuts = [p.description.threshold for p in predictors if p.description.threshold is not None]
    description = deliver(
        work, run, fitted, choose_on=NONE, compare_on=everything, threshold=float(np.median(cuts)) if cuts else None
    )
    outcome = Outcome(
        dataset,
        evaluation,
        predictor_of,
        part,
        description,
        {"all": len(dataset)},
        seconds=fitted.result.seconds,
        pictures=work.pictures,
    )
    write_results(run, outcome, work.progress)
    return read_json(run.evaluation)


def _fold_model(work: Work, run: RunFolder, rest: Indices) -> Predictor:
    """Train and write the model of one fold, or load it where it is there."""
    if not run.model.exists():
        train, val = _carve_validation(work.dataset, rest, work.recipe.training.seed)
        fitted = fit_part(work, run, train, val)
        deliver(work, run, fitted, choose_on=val, compare_on=val if len(val) else train)
    return load_model(run.model)


def _carve_validation(dataset: Dataset, rest: Indices, seed: int) -> tuple[Indices, Indices]:
    """Take a tenth of the groups away for choosing the epoch and the cut, where that leaves enough to choose by."""
    if len(rest) < 10 * MIN_VALIDATION:
        return rest, NONE
    split = split_dataset(dataset.select(rest), method="hash", seed=seed, shares=(0.9, 0.1, 0.0))
    return rest[split.indices("train")], rest[split.indices("val")]


def _write_folds(path: Path, dataset: Dataset, held_out: tuple[Indices, ...]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "group", "part"])
    for number, indices in enumerate(held_out, start=1):
        writer.writerows([dataset[int(i)].id, dataset[int(i)].group, f"fold-{number}"] for i in indices)
    write_text(path, text.getvalue())
