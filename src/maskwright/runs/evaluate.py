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
from maskwright.runs.opening import open_model
from maskwright.runs.scoring import majority_of, score_part, summarise_part
from maskwright.runtime.predictor import Predictor

Part = Literal["train", "val", "test", "all"]


def evaluate(
    run: str | Path,
    data: str | Path | Dataset | None = None,
    *,
    part: Part = "test",
    options: DataOptions | None = None,
    runtime: str | None = None,
    precision: str | None = None,
    progress: Progress = ignore,
) -> Evaluation:
    """Score a model on pictures with masks, on the masks' own grid.

    run: a run's folder, or a model.onnx (then `data` is needed). data: other data than the run's; of it the official
    test part is scored where there is one and part is "test", else every picture. options: how to read that data.
    Each reading of a run's test part is noted in its events. Raises DataError or ConfigError.
    """
    path, how = Path(run), (runtime, precision)
    if data is not None:
        predictor = open_model(path, *how)
        dataset = data if isinstance(data, Dataset) else read_dataset(Path(data), options or DataOptions())
        _same_classes(dataset, predictor)
        indices = _official(dataset, part)
        return summarise_part(dataset, score_part(dataset, indices, predictor, progress), [predictor], None)
    if path.is_file():
        raise ConfigError("A model file alone has no pictures to score.", where=str(path), fix="name a data folder too")
    folder = open_run(path)
    if not folder.model.exists():
        raise DataError(
            "The run has no model file yet.", where=str(path), fix="finish it: maskwright train DATA -o " + str(path)
        )
    dataset = _own_data(folder)
    if folder.fold(1).model.exists():
        return _out_of_fold(folder, dataset, part, how, progress)
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
        raise DataError(
            "The run's data is no longer there.", where=str(path), fix="name a data folder: evaluate RUN DATA"
        )
    dataset = read_dataset(path, folder.read_recipe().data)
    if dataset.fingerprint() != started["fingerprint"]:
        raise DataError(
            "The data has changed since the run was trained: its parts may no longer be those.",
            where=str(path),
            fix="put the old data back, or name the data to score: evaluate RUN DATA",
        )
    return dataset


def _out_of_fold(
    folder: RunFolder, dataset: Dataset, part: str, how: tuple[str | None, str | None], progress: Progress
) -> Evaluation:
    """Score each picture by the model of the fold that held it out."""
    if part not in ("test", "all"):
        raise ConfigError(f"A run with folds has no part '{part}'.", where="--part", fix="leave it out")
    folds = _read_folds(folder.split, dataset)
    scores: list[PictureScore] = []
    predictors: list[Predictor] = []
    for number, indices in folds:
        predictors.append(open_model(folder.fold(number).model, *how))
        scores += score_part(dataset, indices, predictors[-1], progress)
    folder.events.add({"event": "scored", "part": "folds", "pictures": len(scores)})
    return summarise_part(dataset, scores, predictors, majority_of(dataset, np.arange(len(dataset))))


def _read_folds(path: Path, dataset: Dataset) -> list[tuple[int, Indices]]:
    import csv

    with open(path, newline="", encoding="utf-8") as file:
        fold_of = {row["image"]: int(row["part"].removeprefix("fold-")) for row in csv.DictReader(file)}
    number = np.array([fold_of[dataset[i].id] for i in range(len(dataset))])
    return [(int(fold), np.flatnonzero(number == fold)) for fold in np.unique(number)]


def _same_classes(dataset: Dataset, predictor: Predictor) -> None:
    ours, theirs = predictor.description.classes, dataset.classes
    if len(ours.names) != len(theirs.names) or ours.exclusive != theirs.exclusive:
        raise DataError(
            f"The data has {len(theirs.names)} classes ({', '.join(theirs.names)}), the model {len(ours.names)} "
            f"({', '.join(ours.names)}).",
            where=str(dataset.root),
            fix="state how the masks are to be read in dataset.yaml, so that the classes are the model's",
        )


def _official(dataset: Dataset, part: str) -> Indices:
    parts = np.array([dataset[i].part for i in range(len(dataset))])
    chosen = np.flatnonzero(parts == part)
    if part == "all" or not np.isin(parts, ("train", "val", "test")).any():
        return np.arange(len(dataset))
    if not len(chosen):
        raise ConfigError(f"The data has no part '{part}'.", where=str(dataset.root), fix="--part all")
    return chosen
