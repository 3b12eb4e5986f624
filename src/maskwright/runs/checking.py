"""`check`: a data set read, held against the size that a training would choose, and audited.

What is found in files needs no training; suspect labels need a model that has not seen them, and are asked for.
"""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from maskwright.audit.check import CheckReport, check_dataset
from maskwright.audit.findings import worst_first
from maskwright.data.copies import originals
from maskwright.data.dataset import Dataset
from maskwright.data.equal import join_relatives
from maskwright.data.options import merged
from maskwright.data.read import read_dataset
from maskwright.errors import DataError, need
from maskwright.planning.facts import gather_view_facts
from maskwright.planning.plan import View, plan_view
from maskwright.progress import Progress, ignore
from maskwright.recipe import DataOptions, Recipe
from maskwright.runs.folder import open_run
from maskwright.runs.needs import check_needs
from maskwright.runs.recipes import load_recipe
from maskwright.runs.splitting import usable_rows


def check(
    data: Dataset | str | Path,
    options: DataOptions | None = None,
    *,
    recipe: str | Path | Recipe | None = None,
    with_run: str | Path | None = None,
    suspects: bool = False,
    progress: Progress = ignore,
) -> CheckReport:
    """Read every picture and mask of a set once and return all that is found, worst first.

    data: a folder (or archive, or CSV manifest), which is read with `options`, or a Dataset. recipe: what a training
    is to follow; it decides at which size objects are called tiny, and how the data is read where `options` are silent.
    with_run: a finished run whose model tells which masks are suspect. suspects: let cheap models tell it, which are
    trained for that.

    Raises DataError only where the set as such cannot be read, ConfigError for a recipe or run that there is not.
    A picture or mask that cannot be read is a finding.
    """
    settled = load_recipe(recipe)
    if with_run is not None:  # before the work, not after it
        open_run(Path(with_run))
    elif suspects:
        need("torch", extra="train", purpose="Training models that judge masks")
    dataset = data if isinstance(data, Dataset) else _read(data, settled, options, progress)
    view, size = plan_size(dataset, settled, progress)
    report = check_dataset(dataset, size=size, progress=progress)
    if with_run is not None or suspects:
        from maskwright.runs.suspects import find_suspects

        run = None if with_run is None else Path(with_run)
        together = join_relatives(dataset, report.families).dataset
        found = find_suspects(together, run, recipe=settled, rows=usable_rows(report), progress=progress)
        said = () if found else ("no mask is suspect: models that had not seen them agree with all of them",)
        findings = worst_first([*report.findings, *found])
        report = replace(report, findings=findings, notes=(*report.notes, *said))
    notes = (*report.notes, *_unmet(dataset, settled))
    return replace(report, notes=notes, planned={} if view is None else {**asdict(view), "size": list(view.size)})


def plan_size(
    dataset: Dataset, recipe: Recipe, progress: Progress = ignore
) -> tuple[View | None, tuple[int, int] | None]:
    """Return how a training would look at the pictures, and the (height, width) that a typical one would have then.

    No size: pictures stay as large as they are. No view either: no picture with its mask can be read.
    """
    rows = originals(dataset.columns)
    parts = dataset.columns.parts
    masked = [int(i) for i in rows if dataset.columns.masks[int(i)]]
    training = [i for i in masked if parts[i] == "train"] if "train" in parts else masked
    facts = gather_view_facts(dataset, np.array(training, np.int64), progress)
    if facts is None:
        return None, None
    view = plan_view(recipe, facts)
    if view.mode == "whole":
        return view, view.size
    shrunk = round(facts.height * view.scale), round(facts.width * view.scale)
    return view, shrunk if view.scale < 1 else None


def _read(data: str | Path, recipe: Recipe, options: DataOptions | None, progress: Progress) -> Dataset:
    return read_dataset(data, merged(recipe.data, options or DataOptions()), tolerant=True, progress=progress)


def _unmet(dataset: Dataset, recipe: Recipe) -> tuple[str, ...]:
    """Say what the recipe needs and the set has not; a training with it would refuse."""
    try:
        check_needs(dataset, recipe)
    except DataError as error:
        return (error.what,)
    return ()
