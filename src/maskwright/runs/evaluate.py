"""`evaluate`: scores of a run or a model file, on the run's own held-out part or on other data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from maskwright.data.dataset import Dataset
from maskwright.data.read import read_dataset
from maskwright.data.splitfile import grouped_as_written
from maskwright.data.splits import read_split
from maskwright.errors import ConfigError, DataError
from maskwright.evaluation.picture_scores import ScoreTable
from maskwright.evaluation.result import Evaluation
from maskwright.progress import Progress, ignore
from maskwright.recipe import DataOptions
from maskwright.runs.evaluation_files import Shown, refuse_run, write_evaluation
from maskwright.runs.fitting import Indices
from maskwright.runs.folder import HELD_OUT, RunFolder, open_run
from maskwright.runs.folds import FOLDED, read_folds
from maskwright.runs.measuring import AtHand, Measures, meters_for
from maskwright.runs.opening import look_again, open_model, picture_reader
from maskwright.runs.own_data import own_data
from maskwright.runs.scoring import majority_of, score_part, summarise_part
from maskwright.runtime.predictor import Predictor

Part = Literal["train", "val", "test", "all"]


@dataclass(frozen=True)
class _Task:
    """What is asked of every scoring: measures, runtime and precision, and whom to tell."""

    measures: Measures
    how: tuple[str | None, str | None]
    progress: Progress


def evaluate(
    run: str | Path,
    data: str | Path | Dataset | None = None,
    *,
    part: Part | None = None,
    options: DataOptions | None = None,
    measures: Measures | None = None,
    runtime: str | None = None,
    precision: str | None = None,
    output: str | Path | None = None,
    pictures: bool = True,
    progress: Progress = ignore,
) -> Evaluation:
    """Score a model on pictures with masks, on the masks' own grid.

    run: a run's folder, or a model.onnx (then `data` is needed). data: other data than the run's. part: None: the
    part of its own data that the run has not seen; of other data the official test part, or else every picture.
    options: how to read other data. measures: what to measure besides counts of pixels. output: a folder for
    evaluation.json, pictures.csv and report.html; pictures=False: the report shows none. Each reading of a run's own
    held-out part is noted in its events.

    Raises DataError or ConfigError; also where the data is what the model was trained on, and no run tells its parts.
    """
    if output is not None:
        refuse_run(Path(output))
    path, task = Path(run), _Task(measures or Measures(), (runtime, precision), progress)
    scored = _score(path, None if data is None else _read(data, options), part, task)
    if output is not None:
        write_evaluation(
            Path(output), scored.evaluation, scored.look, name=path.resolve().name, pictures=pictures,
            times_read=scored.times_read,
        )  # fmt: skip
    return scored.evaluation


@dataclass(frozen=True)
class _Scored:
    """An evaluation, with what it takes to look at its pictures again. times_read: of a run's held-out part."""

    evaluation: Evaluation
    dataset: Dataset
    predictor_of: Mapping[str, Predictor]
    times_read: int | None = None

    def look(self, name: str) -> Shown:
        """Return a picture, its truth and what the model that scored it says."""
        return look_again(self.dataset, self.predictor_of[name], self.dataset.columns.ids.index(name))


def _score(path: Path, dataset: Dataset | None, part: Part | None, task: _Task) -> _Scored:
    if RunFolder(path).recipe.is_file():
        task = replace(task, measures=task.measures.with_recipe(RunFolder(path).read_recipe().evaluation))
    if dataset is not None:
        predictor = open_model(path, *task.how)
        if dataset.fingerprint() != predictor.description.fingerprint:
            return _score_other(dataset, predictor, part, task)
    if path.is_file():
        what = (
            "A model file alone has no pictures to score." if dataset is None else "The model was trained on this data."
        )
        fix = "name a data folder too" if dataset is None else "give the run's folder, which knows the held-out part"
        raise ConfigError(what, where=str(path), fix=fix)
    folder = open_run(path)
    return _score_own(folder, dataset or own_data(folder), part or "test", task)


def _read(data: str | Path | Dataset, options: DataOptions | None) -> Dataset:
    return data if isinstance(data, Dataset) else read_dataset(Path(data), options or DataOptions())


def _score_own(folder: RunFolder, dataset: Dataset, part: Part, task: _Task) -> _Scored:
    """Score a part of the data that a run was trained on."""
    if not folder.model.exists():
        fix = f"finish it: maskwright train DATA -o {folder.path}"
        raise DataError("The run has no model file yet.", where=str(folder.path), fix=fix)
    if folder.start_record().get("folds"):
        return _score_folds(folder, dataset, part, task)
    split = read_split(folder.split, dataset)
    dataset = grouped_as_written(dataset, folder.split)  # relatives that the check found count as one group
    indices = np.arange(len(dataset)) if part == "all" else split.indices(part)
    predictor = open_model(folder.model, *task.how)
    at_hand = AtHand(split.indices("train"), read_image=picture_reader(dataset, predictor))
    meters = meters_for(dataset, task.measures, at_hand)
    scores = score_part(dataset, indices, predictor, task.progress, meters=meters)
    folder.events.add({"event": "scored", "part": part, "pictures": len(scores)})
    times_read = folder.times_read() if part in HELD_OUT else None
    majority = majority_of(dataset, split.indices("train"))
    evaluation = summarise_part(dataset, scores, [predictor], majority, meters=meters, part=part)
    return _Scored(evaluation, dataset, dict.fromkeys(scores.ids, predictor), times_read)


def _score_folds(folder: RunFolder, dataset: Dataset, part: str, task: _Task) -> _Scored:
    """Score each picture by the model of the fold that held it out."""
    if part not in ("test", "all"):
        raise ConfigError(f"A run with folds has no part '{part}'.", where="--part", fix="leave it out")
    held_out = read_folds(folder, dataset)
    dataset, rows = grouped_as_written(dataset, folder.split, folds=True), np.concatenate(held_out)
    meters = meters_for(dataset, task.measures, AtHand(rows, learnt_in=FOLDED))
    scores = ScoreTable()
    predictors: list[Predictor] = []
    for number, indices in enumerate(held_out, start=1):
        predictors.append(open_model(folder.fold(number).model, *task.how))
        scores.extend(score_part(dataset, indices, predictors[-1], task.progress, meters=meters))
    folder.events.add({"event": "scored", "part": "folds", "pictures": len(scores)})
    majority = majority_of(dataset, rows)
    evaluation = summarise_part(dataset, scores, predictors, majority, FOLDED, meters=meters, part=FOLDED)
    pairs = zip(held_out, predictors, strict=True)
    predictor_of = {dataset[int(i)].id: model for fold, model in pairs for i in fold}
    return _Scored(evaluation, dataset, predictor_of, folder.times_read())


def _score_other(dataset: Dataset, predictor: Predictor, part: Part | None, task: _Task) -> _Scored:
    """Score data that the model has not been trained on."""
    note = _same_classes(dataset, predictor)
    rows, named = rows_of(dataset, part)
    at_hand = AtHand(training_rows(dataset, rows), read_image=picture_reader(dataset, predictor))
    meters = meters_for(dataset, task.measures, at_hand)
    scores = score_part(dataset, rows, predictor, task.progress, meters=meters)
    notes = (note,) if note else ()
    evaluation = summarise_part(dataset, scores, [predictor], None, meters=meters, part=named, notes=notes)
    return _Scored(evaluation, dataset, dict.fromkeys(scores.ids, predictor))


def _same_classes(dataset: Dataset, predictor: Predictor) -> str:
    """Raise DataError unless the data's classes can be the model's; return what to say where only names differ."""
    ours, theirs = predictor.description.classes, dataset.classes
    told = f"The data has the classes {', '.join(theirs.names)}; the model {', '.join(ours.names)}"
    if len(ours.names) != len(theirs.names) or ours.exclusive != theirs.exclusive:
        fix = "state how the masks are to be read, so that the classes are the model's (--encoding, --classes)"
        raise DataError(f"{told}.", where=str(dataset.root), fix=fix)
    if ours.names == theirs.names:
        return ""
    if set(ours.names) == set(theirs.names):
        fix = "state the classes in the model's order in dataset.yaml (classes, values)"
        raise DataError(f"{told}: the same ones in another order.", where=str(dataset.root), fix=fix)
    return f"{told}: they are compared in this order"


def rows_of(dataset: Dataset, part: Part | None) -> tuple[Indices, str]:
    """Return what is scored of other data, and what that is called: the official test part, or else every picture."""
    parts = np.array(dataset.columns.parts)
    if part == "all" or (part is None and not (parts == "test").any()):
        return np.arange(len(dataset)), "all"
    chosen = np.flatnonzero(parts == (part or "test"))
    if not len(chosen):
        raise ConfigError(f"The data has no part '{part}'.", where=str(dataset.root), fix="leave --part out")
    return chosen, part or "test"


def training_rows(dataset: Dataset, scored: Indices) -> Indices | None:
    """Return the rows of the official training part that are not scored; None where there are none."""
    known = np.setdiff1d(np.flatnonzero(np.array(dataset.columns.parts) == "train"), scored)
    return known if len(known) else None
