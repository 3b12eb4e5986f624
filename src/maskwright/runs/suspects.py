"""Suspect labels: every mask beside what a model says that has not seen it.

Who has not seen what is settled in `outsiders.py`, what is suspect in `audit/suspects.py`; here pictures are predicted.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskwright.audit.findings import Finding
from maskwright.data.copies import originals
from maskwright.data.dataset import Dataset
from maskwright.errors import DataError
from maskwright.evaluation.score import load_pictures
from maskwright.files import cache_folder
from maskwright.progress import Progress, Step, ignore
from maskwright.recipe import Recipe
from maskwright.runs.opening import picture_reader
from maskwright.runs.opinions import SUSPECTS, Hearing, digest_of, read_suspects, write_suspects
from maskwright.runs.outsiders import find_outsiders
from maskwright.runs.recipes import load_recipe
from maskwright.runtime.predictor import Predictor, load_model


def find_suspects(
    dataset: Dataset,
    run: Path | None = None,
    *,
    recipe: str | Path | Recipe | None = None,
    rows: Sequence[int] | None = None,
    progress: Progress = ignore,
) -> tuple[Finding, ...]:
    """Return the masks that a model, which has not seen them, confidently disagrees with; most suspect first.

    run: a finished run. Its folds, or its model for what it did not train on, are asked; for the rest, and without a
    run, cheap folds are trained: in RUN/suspects, or in the cache with `recipe` (a name, a file or a Recipe).
    rows: pictures that can be read, None for all; copies are left out.

    What was found is kept in `suspects.json`, so that a second call is instant. Raises DataError for a run that is
    not finished or knows other classes, and whatever training raises.
    """
    settled = load_recipe(recipe)
    wanted = originals(dataset.columns) if rows is None else np.array(sorted(rows), np.int64)
    of = digest_of(dataset, wanted, None if run else settled)
    path = (run or cache_folder() / "suspects" / of[:32]) / SUSPECTS
    if (kept := read_suspects(path, of)) is not None:
        return kept
    hearing, done = Hearing(dataset), 0
    for outsider in find_outsiders(dataset, run, progress, recipe=settled, rows=wanted):
        predictor, hearing.model = load_model(outsider.model), outsider.name
        _same_classes(dataset, predictor)
        for loaded in load_pictures(dataset, outsider.rows, picture_reader(dataset, predictor)):
            hearing.hear(loaded, predictor.probabilities(loaded.image))
            done += 1
            progress(Step("suspects", done, len(wanted)))
    findings = hearing.findings()
    write_suspects(path, of, findings)
    return findings


def _same_classes(dataset: Dataset, predictor: Predictor) -> None:
    theirs, ours = predictor.description.classes, dataset.classes
    if (theirs.names, theirs.exclusive) != (ours.names, ours.exclusive):
        raise DataError(
            f"The model knows other classes ({', '.join(theirs.names)}) than the data has ({', '.join(ours.names)}).",
            where=str(predictor.path),
            fix="name a run that was trained on this data",
        )
