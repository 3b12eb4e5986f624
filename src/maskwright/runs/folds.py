"""Cross-validation: each picture is scored once by a model that has not seen it or any of its relatives.

Used where there are too few groups for a test part, or where it was asked for. The model file is trained on all of
these pictures, with the plan of the first fold; the folds' models are one file too, the ensemble; the scores are those
of the folds' models, and say so. An official test part stays away from all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from maskwright.audit.findings import Finding
from maskwright.data.copies import only_originals, with_copies
from maskwright.data.dataset import Dataset
from maskwright.data.splitfile import grouped_as_written, match_lines, read_lines, write_lines
from maskwright.data.splits import fold_split, split_dataset
from maskwright.errors import ConfigError, DataError
from maskwright.evaluation.meters import Meter
from maskwright.evaluation.picture_scores import ScoreTable
from maskwright.files import write_json
from maskwright.progress import Step
from maskwright.runs.delivery import deliver
from maskwright.runs.ensemble import deliver_ensemble, note_scores
from maskwright.runs.fitting import MIN_VALIDATION, Indices, Work, fit_part, needs_validation, read_facts, read_plan
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.measuring import AtHand, Measures, meters_for
from maskwright.runs.opinions import FOLD_MODELS, SUSPECTS, Hearing, digest_of, in_words, write_suspects
from maskwright.runs.results import Outcome, write_results, write_run_curves
from maskwright.runs.scoring import majority_of, score_part, summarise_part
from maskwright.runtime.predictor import Predictor, load_model

FOLDED = "the pictures of all folds"
NONE = np.zeros(0, np.int64)
MIN_GROUPS = 10  # of a fold's training part, to take a validation part out of it


def make_folds(run: RunFolder, dataset: Dataset, rows: Indices, folds: int, seed: int) -> None:
    """Divide some rows of the data into folds, groups together, and write split.csv. Raises DataError."""
    parts = [""] * len(dataset)
    for number, held_out in enumerate(fold_split(dataset.select(rows), folds, seed=seed), start=1):
        for at in held_out:
            parts[int(rows[at])] = f"fold-{number}"
    write_lines(dataset, parts, run.split)


def read_folds(run: RunFolder, dataset: Dataset) -> tuple[Indices, ...]:
    """Return the rows that each fold holds out, as they were written when the run began. Raises DataError."""
    parts = np.array(match_lines(read_lines(run.split, folds=True), dataset, run.split))
    names = sorted({part for part in parts if part}, key=lambda name: int(name.removeprefix("fold-")))
    if len(names) < 2:
        raise DataError("The split file names no folds.", where=str(run.split), fix="start anew in another folder")
    return tuple(only_originals(dataset.columns, np.flatnonzero(parts == name)) for name in names)


def train_folds(work: Work, run: RunFolder) -> Mapping[str, Any]:
    """Train a model for each fold and one on everything; score every picture out of fold; write the results."""
    held_out = read_folds(run, work.dataset)
    dataset = grouped_as_written(work.dataset, run.split, folds=True)  # families too: set aside, and scored, together
    rows = np.sort(np.concatenate(held_out))
    everything = with_copies(dataset.columns, rows)
    work = replace(work, dataset=dataset, rows=everything, scored=len(rows) // len(held_out))
    meters = meters_for(dataset, Measures().with_recipe(work.recipe.evaluation), AtHand(rows, learnt_in=FOLDED))
    work.progress(Step("score"))  # what it learns
    predictors, scores = _score_folds(work, run, held_out, meters)
    work = replace(_like_first(work, run), trainings=1, scored=0)
    part = f"{len(rows)} pictures, each scored by the model of the fold that held it out"
    train, val = everything, NONE
    if needs_validation(work.recipe):  # it ends as the folds' trainings ended, by pictures set aside
        train, val = _set_aside(work, everything)
    what = _pictures_of(len(rows), len(everything), len(val))
    note = (
        f"model.onnx was trained on {what}; the scores are those of {len(predictors)} models, each trained without the "
        "pictures it was scored on"
    )
    ensemble = deliver_ensemble(work, run, [predictor.path for predictor in predictors], rows)
    majority, notes = majority_of(dataset, rows), (note, ensemble.note)
    evaluation = summarise_part(dataset, scores, predictors, majority, FOLDED, meters=meters, part=part, notes=notes)
    note_scores(ensemble, evaluation, part)
    work.progress(Step("score"))  # what it amounts to
    work.progress(Step("fold", text=f"all    one more training, on {what}: the model file"))
    first, _ = _set_aside(work, with_copies(dataset.columns, np.setdiff1d(rows, held_out[0])))
    _plan_like_first(run, len(first), len(train))
    fitted = fit_part(work, run, train, val)
    temperature = float(np.median([p.description.temperature for p in predictors]))
    chosen = [p.description.threshold for p in predictors if p.description.threshold is not None]
    threshold = float(np.median(chosen)) if chosen else None
    description = deliver(
        work, run, fitted, choose_on=NONE, compare_on=rows, temperature=temperature, threshold=threshold
    )
    predictor_of = {dataset[int(i)].id: model for test, model in zip(held_out, predictors, strict=True) for i in test}
    seconds, parts = fitted.result.seconds, {"all": len(everything)}
    outcome = Outcome(dataset, evaluation, predictor_of, part, description, parts, seconds, work.pictures, work.elapsed)
    write_results(run, outcome, work.progress)
    return read_json(run.evaluation)


def _score_folds(
    work: Work, run: RunFolder, held_out: Sequence[Indices], meters: Sequence[Meter]
) -> tuple[Sequence[Predictor], ScoreTable]:
    """Train, or load, the model of each fold, and let it score what it has not seen; note the masks it contradicts."""
    dataset, rows = work.dataset, np.sort(np.concatenate(held_out))
    scores = ScoreTable()
    predictors, hearing = [], Hearing(dataset, FOLD_MODELS)
    for number, test in enumerate(held_out, start=1):
        rest = with_copies(dataset.columns, np.setdiff1d(rows, test))
        which = f"fold   {number} of {len(held_out)}: {len(rest)} pictures to train, {len(test)} held out"
        work.progress(Step("fold", text=which))
        work = replace(work, trainings=len(held_out) + 2 - number)  # this one, those that follow, the one on all
        predictors.append(_fold_model(work, run.fold(number), rest))
        work = _like_first(work, run)
        scores.extend(score_part(dataset, test, predictors[-1], work.progress, meters=meters, listen=hearing.hear))
    _tell_suspects(work, run, rows, hearing.findings())
    run.events.add({"event": "scored", "part": "folds", "pictures": len(scores)})
    return predictors, scores


def _tell_suspects(work: Work, run: RunFolder, rows: Indices, suspects: Sequence[Finding]) -> None:
    """Write down the masks that the folds' models contradict, and name the worst: their predictions are made anyway."""
    write_suspects(run.path / SUSPECTS, digest_of(work.dataset, rows), suspects)
    if suspects:
        work.progress(Step("suspects", text=in_words(suspects)))


def _pictures_of(originals: int, everything: int, val: int) -> str:
    """Say on what the model file is trained."""
    copies = f" and {everything - originals} copies of them" if everything > originals else ""
    chose = f", {val} of which only chose its best epoch" if val else ""
    return f"all {originals} pictures{copies}{chose}"


def _like_first(work: Work, run: RunFolder) -> Work:
    """Return what the trainings after the first fold's work on: its plan, and the facts of its pictures."""
    return replace(work, like=read_plan(run.fold(1)), facts=read_facts(run.fold(1)))


def _plan_like_first(run: RunFolder, before: int, after: int) -> None:
    """Write the last training's plan: the first fold's, for more pictures."""
    if run.plan.exists():
        return
    first = read_json(run.fold(1).plan)
    plan = read_plan(run.fold(1)).for_pictures(before, after)
    write_json(run.plan, {**plan.to_json(), "facts": first.get("facts", {})})


def _fold_model(work: Work, run: RunFolder, rest: Indices) -> Predictor:
    """Train and write the model of one fold, or load it where it is there."""
    if not run.model.exists():
        train, val = _set_aside(work, rest)
        fitted = fit_part(work, run, train, val)
        write_run_curves(run)
        deliver(work, run, fitted, choose_on=val, compare_on=val if len(val) else train)
    return load_model(run.model)


def _set_aside(work: Work, rest: Indices) -> tuple[Indices, Indices]:
    """Take a tenth of the groups away for choosing epoch and threshold, where that leaves enough to choose by.

    A recipe that cannot do without gets a fifth of few pictures, or up to two fifths of very few. Raises ConfigError
    where that is not enough.
    """
    lacking = needs_validation(work.recipe)
    part, pictures = work.dataset.select(rest), len(only_originals(work.dataset.columns, rest))
    few = pictures < 10 * MIN_VALIDATION or len(set(part.columns.groups)) < MIN_GROUPS
    if few and not lacking:
        return rest, NONE
    share = min(0.4, max(0.2, (MIN_VALIDATION + 1) / pictures)) if few else 0.1
    shares = (1 - share, share, 0.0)
    split = split_dataset(part, method="hash", seed=work.recipe.training.seed, shares=shares)
    train, val = rest[split.indices("train")], rest[split.indices("val")]
    if len(val) < MIN_VALIDATION and not lacking:
        return rest, NONE
    if len(val) < MIN_VALIDATION:
        raise ConfigError(
            f"A fold of {pictures} pictures leaves too few for validation, which '{lacking}' needs.",
            where=lacking,
            fix="leave it out of the recipe, or add pictures",
        )
    return train, val
