"""`evaluate`: scores of a run or a model file, on the run's own held-out part or on other data."""

from pathlib import Path
from typing import Literal

import numpy as np

from maskwright.data.dataset import Dataset
from maskwright.data.read import read_dataset
from maskwright.data.splits import read_split
from maskwright.errors import ConfigError, DataError
from maskwright.evaluation.score import PictureScore
from maskwright.evaluation.summary import Evaluation
from maskwright.progress import Progress, ignore
from maskwright.recipe import DataOptions
from maskwright.runs.fitting import Indices
from maskwright.runs.folder import RunFolder, open_run
from maskwright.runs.folds import FOLDED, read_folds
from maskwright.runs.opening import open_model
from maskwright.runs.scoring import majority_of, score_part, summarise_part
from maskwright.runtime.predictor import Predictor

Part = Literal["train", "val", "test", "all"]
How = tuple[str | None, str | None]


def evaluate(
    run: str | Path,
    data: str | Path | Dataset | None = None,
    *,
    part: Part | None = None,
    options: DataOptions | None = None,
    runtime: str | None = None,
    precision: str | None = None,
    progress: Progress = ignore,
) -> Evaluation:
    """Score a model on pictures with masks, on the masks' own grid.

    run: a run's folder, or a model.onnx (then `data` is needed). data: other data than the run's. part: None: the
    part of its own data that the run has not seen; of other data the official test part, or else every picture.
    options: how to read other data. Each reading of a run's own held-out part is noted in its events.

    Raises DataError or ConfigError; also where the data is what the model was trained on, and no run tells its parts.
    """
    path, how = Path(run), (runtime, precision)
    dataset = None if data is None else _read(data, options)
    if dataset is not None:
        predictor = open_model(path, *how)
        if dataset.fingerprint() != predictor.description.fingerprint:
            return _score_other(dataset, predictor, part, progress)
    if path.is_file():
        what = (
            "A model file alone has no pictures to score." if dataset is None else "The model was trained on this data."
        )
        fix = "name a data folder too" if dataset is None else "give the run's folder, which knows the held-out part"
        raise ConfigError(what, where=str(path), fix=fix)
    folder = open_run(path)
    return _score_own(folder, dataset or _own_data(folder), part or "test", how, progress)


def _read(data: str | Path | Dataset, options: DataOptions | None) -> Dataset:
    return data if isinstance(data, Dataset) else read_dataset(Path(data), options or DataOptions())


def _score_own(folder: RunFolder, dataset: Dataset, part: Part, how: How, progress: Progress) -> Evaluation:
    """Score a part of the data that a run was trained on."""
    if not folder.model.exists():
        fix = f"finish it: maskwright train DATA -o {folder.path}"
        raise DataError("The run has no model file yet.", where=str(folder.path), fix=fix)
    if folder.start_record()["folds"]:
        return _score_folds(folder, dataset, part, how, progress)
    split = read_split(folder.split, dataset)
    indices = np.arange(len(dataset)) if part == "all" else split.indices(part)
    predictor = open_model(folder.model, *how)
    scores = score_part(dataset, indices, predictor, progress)
    folder.events.add({"event": "scored", "part": part, "pictures": len(scores)})
    return summarise_part(dataset, scores, [predictor], majority_of(dataset, split.indices("train")))


def _own_data(folder: RunFolder) -> Dataset:
    """Read the data that a run was trained on; it must be the same still."""
    started = folder.start_record()
    path = Path(started["data"])
    if not path.exists():
        raise DataError("The run's data is no longer there.", where=str(path), fix="name it: evaluate RUN DATA")
    dataset = read_dataset(path, folder.read_recipe().data, tolerant=True)  # as `train` read it
    if dataset.fingerprint() != started["fingerprint"]:
        raise DataError(
            "The data has changed since the run was trained: its parts may no longer be those.",
            where=str(path),
            fix="put the old data back, or name the data to score: evaluate RUN DATA",
        )
    return dataset


def _score_folds(folder: RunFolder, dataset: Dataset, part: str, how: How, progress: Progress) -> Evaluation:
    """Score each picture by the model of the fold that held it out."""
    if part not in ("test", "all"):
        raise ConfigError(f"A run with folds has no part '{part}'.", where="--part", fix="leave it out")
    held_out = read_folds(folder, dataset)
    scores: list[PictureScore] = []
    predictors: list[Predictor] = []
    for number, indices in enumerate(held_out, start=1):
        predictors.append(open_model(folder.fold(number).model, *how))
        scores += score_part(dataset, indices, predictors[-1], progress)
    folder.events.add({"event": "scored", "part": "folds", "pictures": len(scores)})
    return summarise_part(dataset, scores, predictors, majority_of(dataset, np.concatenate(held_out)), FOLDED)


def _score_other(dataset: Dataset, predictor: Predictor, part: Part | None, progress: Progress) -> Evaluation:
    """Score data that the model has not been trained on."""
    note = _same_classes(dataset, predictor)
    scores = score_part(dataset, _rows(dataset, part), predictor, progress)
    return summarise_part(dataset, scores, [predictor], None, notes=(note,) if note else ())


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


def _rows(dataset: Dataset, part: Part | None) -> Indices:
    """Return what is scored of other data."""
    parts = np.array(dataset.columns.parts)
    if part == "all" or (part is None and not (parts == "test").any()):
        return np.arange(len(dataset))
    chosen = np.flatnonzero(parts == (part or "test"))
    if not len(chosen):
        raise ConfigError(f"The data has no part '{part}'.", where=str(dataset.root), fix="leave --part out")
    return chosen
