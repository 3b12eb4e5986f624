"""`train`: the whole story of one run, from a folder of pictures and masks to a scored model file.

A run that was stopped goes on from where it was with the same call; one that is finished is returned as it is.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from maskwright.audit.check import CheckReport
from maskwright.data.dataset import Dataset
from maskwright.data.equal import join_relatives
from maskwright.data.splitfile import grouped_as_written
from maskwright.data.splits import read_split, write_split
from maskwright.errors import ConfigError, DataError, MaskwrightError, need
from maskwright.progress import Progress, Step, ignore
from maskwright.recipe import DataOptions, Recipe
from maskwright.runs.delivery import deliver
from maskwright.runs.ensemble import ensemble_of
from maskwright.runs.fitting import MIN_VALIDATION, Work, fit_part, needs_validation, resolve_device
from maskwright.runs.folder import RunFolder, State, next_folder, read_json, same_training
from maskwright.runs.folds import make_folds, train_folds
from maskwright.runs.gate import check_before_training, known_kinds
from maskwright.runs.measuring import AtHand, Measures, meters_for
from maskwright.runs.needs import check_needs, read_for
from maskwright.runs.opening import picture_reader
from maskwright.runs.recipes import load_recipe, with_epochs
from maskwright.runs.results import Outcome, write_results
from maskwright.runs.scoring import majority_of, score_part, summarise_part
from maskwright.runs.splitting import divide
from maskwright.runs.timekeeping import Stopwatch, settle_forecast
from maskwright.runs.trackers import find_trackers
from maskwright.runs.tracking import Tracked, Tracking
from maskwright.runtime.predictor import load_model

FOLDS = 5
TRACKED = ("tracking.json", "tensorboard", "wandb")


@dataclass(frozen=True)
class TrainResult:
    """run: the folder. model: its model file. seconds: of this call. scores: evaluation.json, as plain values.

    tracked: what became of the trackers' copies. ensemble: with folds, the file of all their models.
    """

    run: Path
    model: Path
    seconds: float
    scores: Mapping[str, Any]
    tracked: tuple[Tracked, ...] = ()
    ensemble: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "run": str(self.run),
            "model": str(self.model),
            "ensemble": None if self.ensemble is None else str(self.ensemble),
            "seconds": round(self.seconds, 2),
            "scores": dict(self.scores),
            "tracked": [one.to_json() for one in self.tracked],
        }


def train(
    data: str | Path | Dataset,
    *,
    recipe: str | Path | Recipe | None = None,
    output: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    folds: int | None = None,
    accept: Sequence[str] = (),
    device: str = "auto",
    pictures: bool = True,
    track: str | Sequence[str] = (),
    track_pictures: bool = False,
    progress: Progress = ignore,
) -> TrainResult:
    """Plan, train, score and write the model file.

    data: a folder (or archive, or CSV manifest), or a Dataset. recipe: a name, a YAML file, or a Recipe.
    output: the run's folder; default runs/NAME-1 or the next number. overrides: {"model.size": 256, ...}.
    epochs: in all, shared out over the recipe's phases. minutes: for all of it, in place of epochs: the best set-up
    that fits is chosen from what the recipe leaves open, and training ends in time.
    folds: cross-validate. accept: kinds of findings to train in spite of. pictures: False leaves pictures out of the
    report. device: auto, cpu, cuda or mps. track: trackers that get a copy of the curves and scores; track_pictures:
    also of pictures, and names of pictures, if they are elsewhere.

    Raises DataError, ConfigError, OutputError, TrainingError or ExportError, each with how to put it right.
    """
    begun, progress = time.monotonic(), Stopwatch(progress)
    need("torch", extra="train", purpose="Training")
    accepted = known_kinds(accept)
    tracking = Tracking(find_trackers(track), pictures=track_pictures, progress=progress)
    _decide_length_once(epochs, minutes, overrides or {})
    settled = with_epochs(load_recipe(recipe, {**(overrides or {}), **({"folds": folds} if folds else {})}), epochs)
    prepare_layers(device)
    resolved = resolve_device(device)
    dataset, settled = read_data(data, settled, progress)
    check_needs(dataset, settled)
    run = RunFolder(Path(output) if output is not None else next_folder(dataset.root.resolve().name or "run"))
    record = {
        "data": str(data.root if isinstance(data, Dataset) else Path(data).resolve()),
        "fingerprint": dataset.fingerprint(), "minutes": minutes, "device": device, "accepted": list(accepted),
    }  # fmt: skip
    if _prepare_folder(run, dataset, settled, record, accepted, progress) is State.FINISHED:
        with tracking.follow(run):  # what its trackers lack is copied
            scores: Mapping[str, Any] = read_json(run.evaluation)
    else:
        work = Work(dataset, settled, resolved, minutes, progress, pictures, begun=begun)
        scores = _train_and_score(work, run, tracking, progress)
    return TrainResult(run.path, run.model, time.monotonic() - begun, scores, tracking.report(), ensemble_of(run))


def _prepare_folder(
    run: RunFolder,
    dataset: Dataset,
    recipe: Recipe,
    record: Mapping[str, Any],
    accept: Sequence[str],
    progress: Progress,
) -> State:
    """Begin a new run, or make sure that the one there is the same training; return where it stood."""
    state = run.state()
    if state is State.NEW:
        _refuse_foreign(run)
        _begin(run, dataset, recipe, record, check_before_training(dataset, accept, progress))
        return state
    same_training(run, recipe, dict(record))
    finished = state is State.FINISHED
    how = "is finished already; nothing was done" if finished else "is not finished: going on"
    progress(Step("train", text=f"note   {run.path} {how}"))
    return state


def _train_and_score(work: Work, run: RunFolder, tracking: Tracking, watch: Stopwatch) -> Mapping[str, Any]:
    """Train once or in folds; take away what a start that failed before there was a plan has left."""
    started = run.start_record()
    work.progress(Step("split", text=f"split  {started['split']}"))
    try:
        with tracking.follow(run) as followed:
            scores = train_folds(work, followed) if started["folds"] else _train_once(work, followed)
            settle_forecast(followed, watch, work.minutes)
            followed.events.add({"event": "finished", "seconds": work.elapsed})
    except MaskwrightError:
        if run.state() is State.NEW:
            run.discard()
        raise
    return scores


def prepare_layers(device: str) -> None:
    """Have the quicker layers built while PyTorch is loaded: two seconds of another core, the first time on a machine.

    device: as asked for. Which one `auto` is only PyTorch can tell; should it be a GPU, they were built for nothing.
    """
    from maskwright.training.kernels import build_ahead, untuned

    if device in ("auto", "cpu") and not untuned():
        build_ahead()


def _decide_length_once(epochs: int | None, minutes: float | None, overrides: Mapping[str, Any]) -> None:
    """Raise ConfigError where both minutes and epochs are asked for; a recipe's own epochs give way to minutes."""
    stated = epochs is not None or any(re.fullmatch(r"training\.phases\.\d+\.epochs", key) for key in overrides)
    if minutes is not None and stated:
        fix = "leave out one of the two"
        raise ConfigError("Both minutes and epochs are stated: they cannot both decide.", where="--minutes", fix=fix)


def _train_once(work: Work, run: RunFolder) -> Mapping[str, Any]:
    """Fit on train, choose on validation, write the file, score it once on test."""
    split = read_split(run.split, work.dataset)
    lacking = needs_validation(work.recipe)
    if lacking and len(split.indices("val")) < MIN_VALIDATION:
        raise ConfigError(
            f"{len(split.indices('val'))} validation pictures are too few for '{lacking}'.",
            where=lacking,
            fix="leave it out of the recipe, or add pictures",
        )
    part = {name: split.indices(name) for name in ("train", "val", "test")}
    begun = time.monotonic()
    work = replace(work, scored=len(part["test"]))
    fitted = fit_part(work, run, part["train"], part["val"])
    compare_on = part["val"] if len(part["val"]) else part["train"]
    description = deliver(work, run, fitted, choose_on=part["val"], compare_on=compare_on)
    predictor = load_model(run.model)
    together = grouped_as_written(work.dataset, run.split)  # relatives that the check found count as one group
    measures = Measures().with_recipe(work.recipe.evaluation)
    meters = meters_for(together, measures, AtHand(part["train"], read_image=picture_reader(together, predictor)))
    scores = score_part(together, part["test"], predictor, work.progress, meters=meters)
    run.events.add({"event": "scored", "part": "test", "pictures": len(scores)})
    outcome = Outcome(
        dataset=work.dataset,
        evaluation=summarise_part(
            together, scores, [predictor], majority_of(work.dataset, part["train"]), meters=meters, part="test"
        ),
        predictor_of={score.id: predictor for score in scores},
        part="test",
        description=description,
        parts={name: len(indices) for name, indices in part.items()},
        seconds=time.monotonic() - begun,
        pictures=work.pictures,
        elapsed=work.elapsed,
    )
    write_results(run, outcome, work.progress)
    return read_json(run.evaluation)


def read_data(data: str | Path | Dataset, recipe: Recipe, progress: Progress = ignore) -> tuple[Dataset, Recipe]:
    """Read the data as the recipe says; a Dataset that was read already brings its own options into the recipe."""
    if not isinstance(data, Dataset):
        return read_for(Path(data), recipe, progress), recipe
    if recipe.data not in (DataOptions(), data.options):
        raise ConfigError(
            "The recipe says how to read the data, but the data has been read already.",
            where="data",
            fix="give the folder instead of the Dataset, or leave `data` out of the recipe",
        )
    return data, recipe.model_copy(update={"data": data.options})


def _begin(run: RunFolder, dataset: Dataset, recipe: Recipe, record: Mapping[str, Any], report: CheckReport) -> None:
    """Split, and write down how the run begins."""
    divided = divide(dataset, recipe, report)
    split, rows = divided.split, divided.foldable
    joined = join_relatives(dataset, report.families)
    groups = len({joined.dataset.columns.groups[int(i)] for i in rows})
    folds = recipe.folds or (min(FOLDS, groups) if split.needs_folds else 0)
    how = split.how
    if folds:
        make_folds(run, joined.dataset, rows, folds, recipe.training.seed)
        how = f"{folds} folds of {len(rows)} pictures, {dataset.grouping}{joined.said}{divided.said}"
    else:
        write_split(split, joined.dataset, run.split)
    run.begin(recipe, {**record, "folds": folds, "split": how})
    run.events.add({"event": "checked", "findings": [found.to_json() for found in report.findings]})


def _refuse_foreign(run: RunFolder) -> None:
    """Never write a run into a folder that holds something else."""
    # what a stop before the plan leaves, and `train --find-lr`
    known = {
        "split.csv",
        "events.jsonl",
        "recipe.yaml",
        "fold-1",
        "checkpoint",
        "find-lr.json",
        "find-lr.png",
        *TRACKED,
    }
    if run.path.exists() and not run.path.is_dir():
        raise DataError("A file stands where the run's folder should be.", where=str(run.path), fix="choose another -o")
    if run.path.is_dir() and any(
        entry.name not in known and not entry.name.startswith(".") for entry in run.path.iterdir()
    ):
        raise DataError(
            "The folder holds something else than a run.",
            where=str(run.path),
            fix="choose an empty or new folder (-o RUN)",
        )
