"""The folds' models as one model file, RUN/ensemble.onnx, made from the files that the folds have left.

Its answer is the mean of theirs. It has seen every picture of the data, so no score of its own can be had there: the
file carries the out-of-fold scores, and says whose they are.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskwright.errors import ExportError
from maskwright.evaluation.result import Evaluation
from maskwright.files import write_json
from maskwright.progress import Step
from maskwright.runs.delivery import PARITY_PICTURES
from maskwright.runs.fitting import Indices, Work
from maskwright.runs.folder import RunFolder

ENSEMBLE, PARITY = "ensemble.onnx", "ensemble-parity.json"
UNSCORED = "the ensemble itself has not been scored on pictures that it had not seen"


@dataclass(frozen=True)
class Ensemble:
    """What became of the folds' models as one file. path: None where there is none. note: of it, for the scores."""

    path: Path | None
    note: str


def ensemble_of(run: RunFolder) -> Path | None:
    """Return a run's ensemble file, where it has one."""
    path = run.path / ENSEMBLE
    return path if path.exists() else None


def deliver_ensemble(work: Work, run: RunFolder, models: Sequence[Path], rows: Indices) -> Ensemble:
    """Write RUN/ensemble.onnx and ensemble-parity.json from the folds' model files, compared on some of `rows`.

    Folds that do not see pictures alike, or are too large together, or whose file does not prove equal to the mean of
    the folds' models, leave no such file: the note says why, and the training goes on. Raises DataError for a fold's
    file that is damaged.
    """
    from maskwright.export.ensemble import why_apart

    apart = why_apart(models)
    if not apart:
        try:
            return _deliver(work, run, models, rows)
        except ExportError as error:
            apart = f"{error.what} {error.where}".strip()
    _remove(run.path / ENSEMBLE, run.path / PARITY)
    work.progress(Step("fold", text=f"note   no {ENSEMBLE}: {apart}"))
    return Ensemble(None, f"there is no {ENSEMBLE} of the folds' models: {apart}")


def _deliver(work: Work, run: RunFolder, models: Sequence[Path], rows: Indices) -> Ensemble:
    from maskwright.export.ensemble import join_models
    from maskwright.export.ensemble_parity import check_joined, require_joined

    path, candidate = run.path / ENSEMBLE, run.checkpoint / ENSEMBLE
    join_models(models, candidate)
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, PARITY_PICTURES).round().astype(int))]
    pictures = ((work.dataset[int(i)].id, work.dataset.read_image(int(i))) for i in chosen)
    report = check_joined(models, candidate, pictures)
    write_json(run.path / PARITY, {"schema_version": 1, **report.to_json()})
    require_joined(report)
    os.replace(candidate, path)  # the very file that was compared
    work.progress(Step("export"))
    costs = f"{len(models)} x the size and time of one, {path.stat().st_size / 1e6:.1f} MB"
    work.progress(Step("fold", text=f"all    {ENSEMBLE}: the {len(models)} folds' models as one file; {costs}"))
    return Ensemble(path, f"{ENSEMBLE} joins the folds' models; {UNSCORED}: these are the scores of its single models")


def note_scores(ensemble: Ensemble, evaluation: Evaluation, part: str) -> None:
    """Put the out-of-fold scores into the file's description, with the words that they are not its own."""
    if ensemble.path is None:
        return
    from maskwright.export.graph import update_description
    from maskwright.runtime.metadata import read_description

    document = {**evaluation.head(), "part": f"{part}; {UNSCORED}"}
    short = {key: document[key] for key in ("part", "images", "per_image", "mean_over")}
    update_description(ensemble.path, replace(read_description(ensemble.path), scores=short))


def _remove(*paths: Path) -> None:
    """Take away what an earlier call left that no longer holds."""
    for path in paths:
        path.unlink(missing_ok=True)
