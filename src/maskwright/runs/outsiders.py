"""For every picture a model that has not seen it: those of a finished run, or cheap folds trained for the purpose.

Related pictures stay in one fold. What is trained is kept in a folder named after data and recipe, so that a second
call finds it and one that was stopped goes on. Torch is imported only where something must be trained.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskwright.data.copies import only_originals, with_copies
from maskwright.data.dataset import Dataset
from maskwright.data.splitfile import grouped_as_written
from maskwright.data.splits import read_split
from maskwright.errors import DataError, need
from maskwright.files import cache_folder, make_folder
from maskwright.planning.facts import gather_facts
from maskwright.planning.plan import MULTIPLE, plan_batch, plan_view
from maskwright.progress import Progress, Step
from maskwright.recipe import Recipe
from maskwright.runs.delivery import deliver
from maskwright.runs.fitting import Indices, Work, fit_part, read_plan, resolve_device
from maskwright.runs.folder import RunFolder, State, open_run
from maskwright.runs.folds import NONE, make_folds, read_folds
from maskwright.runs.opinions import FOLD_MODELS
from maskwright.runs.recipes import dump_recipe, with_epochs

FOLDS = 3
SHRINK = 1 / 2  # of the side that a proper training would see
STEPS, FROM_SCRATCH = 300, 360  # of the optimizer in a cheap fold, with pretrained and with random weights


@dataclass(frozen=True)
class Outsider:
    """A model file and the rows that it has not seen. name: what findings call it; models of one name are peers."""

    model: Path
    rows: Indices
    name: str


def find_outsiders(
    dataset: Dataset, run: Path | None, progress: Progress, *, recipe: Recipe, rows: Indices
) -> tuple[Outsider, ...]:
    """Return models, each with the originals among `rows` that it has not seen; train what is missing.

    run: a finished run; its folds, or its model for the pictures it did not train on, and its recipe. recipe: without
    a run. Raises DataError for a run that is not finished, and as `train`.
    """
    wanted = only_originals(dataset.columns, rows)
    if run is None:
        return _trained(dataset, wanted, recipe, cache_folder() / "suspects", progress)
    folder = _finished(run)
    if folder.start_record().get("folds"):
        held_out = read_folds(folder, dataset)
        of_folds = [
            Outsider(folder.fold(number).model, np.intersect1d(fold, wanted), FOLD_MODELS)
            for number, fold in enumerate(held_out, start=1)
        ]
        rest = np.setdiff1d(wanted, np.concatenate(held_out))
        return _filled(*of_folds, Outsider(folder.model, rest, "the run's model"))
    seen = np.intersect1d(wanted, read_split(folder.split, dataset).indices("train"))
    dataset = grouped_as_written(dataset, folder.split)
    by_run = Outsider(folder.model, np.setdiff1d(wanted, seen), "the run's model")
    return _filled(by_run, *_trained(dataset, seen, folder.read_recipe(), folder.path / "suspects", progress))


def _finished(run: Path) -> RunFolder:
    folder = open_run(run)
    if folder.state() is not State.FINISHED:
        fix = "finish it with `maskwright train`, or name another"
        raise DataError("The run is not finished: it has no model yet.", where=str(run), fix=fix)
    return folder


def _filled(*outsiders: Outsider) -> tuple[Outsider, ...]:
    return tuple(one for one in outsiders if len(one.rows))


# --- cheap folds ----------------------------------------------------------------------------------------------------


def _trained(dataset: Dataset, rows: Indices, recipe: Recipe, place: Path, progress: Progress) -> tuple[Outsider, ...]:
    """Train cheap folds over some rows, or find them trained; too few groups for folds: none."""
    groups = len({dataset.columns.groups[int(i)] for i in rows})
    if groups < 2:
        return ()
    cheap = _cheapened(dataset, rows, recipe)
    run = RunFolder(make_folder(place / _key(dataset, rows, cheap)))
    if not run.split.exists():
        make_folds(run, dataset, rows, min(FOLDS, groups), recipe.training.seed)
    held_out = read_folds(run, dataset)
    found = tuple(
        Outsider(run.fold(number).model, fold, "cheap folds") for number, fold in enumerate(held_out, start=1)
    )
    if all(one.model.exists() for one in found):
        return found
    need("torch", extra="train", purpose="Scoring pictures by models that have not seen them")
    work = Work(dataset, cheap, resolve_device("auto"), None, progress, rows=with_copies(dataset.columns, rows))
    for number, fold in enumerate(held_out, start=1):
        said = f"fold   {number} of {len(held_out)}, trained cheaply: {len(fold)} pictures held out"
        progress(Step("suspects", text=said))
        _train_fold(work, run.fold(number), with_copies(dataset.columns, np.setdiff1d(rows, fold)))
        work = replace(work, like=read_plan(run.fold(1)))
    return found


def _train_fold(work: Work, run: RunFolder, train: Indices) -> None:
    if not run.model.exists():
        deliver(work, run, fit_part(work, run, train, NONE), choose_on=NONE, compare_on=train[:4])


def _cheapened(dataset: Dataset, rows: Indices, recipe: Recipe) -> Recipe:
    """Return the recipe with a smaller picture and few epochs, and without what needs validation."""
    facts = gather_facts(dataset, rows)
    view = plan_view(recipe, facts)
    height, width = (max(2 * MULTIPLE, math.ceil(side * SHRINK / MULTIPLE) * MULTIPLE) for side in view.size)
    model = recipe.model.model_copy(update={"mode": view.mode, "size": (height, width)})
    phases = tuple(
        phase.model_copy(update={"schedule": "cosine" if phase.schedule == "plateau" else phase.schedule})
        for phase in recipe.training.phases
    )
    training = recipe.training.model_copy(update={"phases": phases, "early_stopping": None})
    cheap = recipe.model_copy(update={"model": model, "training": training, "folds": None})
    steps = FROM_SCRATCH if "none" in (model.encoder, model.weights) else STEPS
    pictures = len(rows) * (1 - 1 / FOLDS)
    batch = plan_batch(recipe, replace(facts, pictures=round(pictures)))[0]
    return with_epochs(cheap, max(2, len(phases), math.ceil(steps * batch / pictures)))


def _key(dataset: Dataset, rows: Indices, recipe: Recipe) -> str:
    digest = hashlib.sha256(dataset.fingerprint().encode())
    digest.update(dump_recipe(recipe).encode())
    named = (f"{dataset.columns.ids[int(i)]}\t{dataset.columns.groups[int(i)]}" for i in rows)
    digest.update("\n".join(named).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]
