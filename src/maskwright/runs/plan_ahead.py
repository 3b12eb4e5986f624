"""`plan`: what a training would be, how long each set-up takes and how much memory; trains and writes nothing."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from maskwright.data.copies import originals
from maskwright.data.dataset import Dataset
from maskwright.data.splits import split_dataset
from maskwright.errors import need
from maskwright.planning.candidates import candidates_for
from maskwright.planning.facts import gather_facts
from maskwright.planning.plan import plan_batch, plan_view
from maskwright.progress import Progress, Step, ignore
from maskwright.recipe import Recipe
from maskwright.runs.check_seconds import check_seconds
from maskwright.runs.choosing import choose_unloaded, weights_at_hand
from maskwright.runs.excerpt import timed
from maskwright.runs.fitting import build_loss_of, resolve_device
from maskwright.runs.folds import MIN_GROUPS
from maskwright.runs.needs import check_needs
from maskwright.runs.networks import CPU_ENCODER
from maskwright.runs.planning import rank
from maskwright.runs.recipes import load_recipe
from maskwright.runs.survey import Option, Setting, survey
from maskwright.runs.train import FOLDS, prepare_layers, read_data
from maskwright.runs.work import MIN_VALIDATION, Indices, Work


@dataclass(frozen=True)
class PlanLine:
    """One set-up.

    weights_at_hand: nothing has to be fetched. epochs: advised, or with minutes what fits (0: not even one). seconds:
    of the whole command, with its terms. memory: expected peak in bytes, or None. fits: into the minutes, if stated.
    """

    name: str
    encoder: str
    decoder_channels: tuple[int, ...] | None
    weights: str
    weights_at_hand: bool
    size: tuple[int, int]
    precision: str
    step_seconds: tuple[float, ...]
    epoch_seconds: tuple[float, ...]
    epochs: tuple[int, ...]
    seconds: float
    terms: Mapping[str, float]
    memory: float | None
    fits: bool | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        content = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name in ("step_seconds", "epoch_seconds"):
            content[name] = [round(value, 4) for value in content[name]]
        decoder = None if self.decoder_channels is None else list(self.decoder_channels)
        return {
            **content, "decoder_channels": decoder, "size": list(self.size), "epochs": list(self.epochs),
            "seconds": round(self.seconds, 1), "terms": {name: round(value, 2) for name, value in self.terms.items()},
        }  # fmt: skip


@dataclass(frozen=True)
class PlanResult:
    """What a training of this data would be.

    parts: pictures in each. taken: the name of the set-up that `train` would take, with these minutes if they are
    stated; None where nothing fits. least_minutes: for one epoch of the quickest.
    """

    data: str
    recipe: str
    parts: Mapping[str, int]
    folds: int
    mode: str
    batch_size: int
    device: str
    reasons: Mapping[str, str]
    options: Sequence[PlanLine]
    minutes: float | None
    taken: str | None
    least_minutes: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "data": self.data, "recipe": self.recipe, "parts": dict(self.parts), "folds": self.folds,
            "mode": self.mode, "batch_size": self.batch_size, "device": self.device, "reasons": dict(self.reasons),
            "options": [one.to_json() for one in self.options], "minutes": self.minutes, "taken": self.taken,
            "least_minutes": round(self.least_minutes, 2), "seconds": round(self.seconds, 2),
        }  # fmt: skip


def plan(
    data: str | Path | Dataset,
    *,
    recipe: str | Path | Recipe | None = None,
    overrides: Mapping[str, Any] | None = None,
    minutes: float | None = None,
    folds: int | None = None,
    device: str = "auto",
    progress: Progress = ignore,
) -> PlanResult:
    """Rehearse a training on a few of the pictures and forecast it, for each set-up that the recipe leaves open.

    The arguments are those of `train`. Weights are not fetched: speed does not depend on them. Raises as `train`, but
    does not check the data.
    """
    begun = time.monotonic()
    need("torch", extra="train", purpose="A plan")
    prepare_layers(device)
    resolved = resolve_device(device)
    settled = load_recipe(recipe, {**(overrides or {}), **({"folds": folds} if folds else {})})
    dataset, settled = read_data(data, settled, progress)
    check_needs(dataset, settled)
    parts = _divide(dataset, settled)
    work = Work(
        dataset, settled, resolved, None, progress, begun=begun, trainings=parts.folds + 1, scored=len(parts.test)
    )
    build_loss_of(work)
    facts = gather_facts(dataset, parts.train, progress)
    batch_size, why_batch = plan_batch(settled, facts)
    setting = Setting(facts, plan_view(settled, facts), batch_size, parts.train, parts.val)
    begin = time.monotonic() - begun
    _wait_for_layers(resolved)
    begin += check_seconds(dataset)
    progress(Step("plan", text="plan   a training in miniature, on a few of the pictures"))
    building, stated = timed(lambda: None if candidates_for(settled) else choose_unloaded(work))
    surveying, options = timed(lambda: survey(work, setting, stated))
    begins = [begin + building + (one.chosen_seconds if minutes is None else surveying) for one in options]
    begin = min(begins)
    fitting = [one for one in options if minutes is not None and all(_epochs(work, setting, one, minutes, begin))]
    lines = [_line(work, setting, one, minutes, at) for one, at in zip(options, begins, strict=True)]
    reasons = {**setting.view.reasons, "batch_size": why_batch, "precision": options[0].precision[1]}
    return PlanResult(
        str(dataset.root), settled.name, parts.counts(), parts.folds, setting.view.mode, batch_size, resolved, reasons,
        lines, minutes, _taken(work, setting, options, fitting, minutes),
        min(one.least_minutes(begin) for one in options), time.monotonic() - begun,
    )  # fmt: skip


class _Parts(NamedTuple):
    """Rows of one training: with folds, of the first. folds: how many there are, 0 for none."""

    train: Indices
    val: Indices
    test: Indices
    folds: int

    def counts(self) -> dict[str, int]:
        return {"train": len(self.train), "val": len(self.val), "test": len(self.test)}


def _divide(dataset: Dataset, recipe: Recipe) -> _Parts:
    """Divide as a training does, but for relatives that only the check finds. Raises DataError."""
    data = recipe.data
    split = split_dataset(
        dataset, method=data.split, previous=Path(data.previous) if data.previous else None,
        seed=recipe.training.seed,
    )  # fmt: skip
    groups = len(set(dataset.columns.groups))
    folds = recipe.folds or (min(FOLDS, groups) if split.needs_folds else 0)
    if not folds:
        return _Parts(split.indices("train"), split.indices("val"), split.indices("test"), 0)
    rows = originals(dataset.columns)
    held, rest = rows[: len(rows) // folds], rows[len(rows) // folds :]
    few = len(rest) < 10 * MIN_VALIDATION or groups < MIN_GROUPS
    val = rest[:0] if few else rest[: len(rest) // 10]
    return _Parts(rest[len(val) :], val, held, folds)


def _wait_for_layers(device: str) -> None:
    """Let the layers be built before anything is timed; a training's are, by the time that its check is done."""
    import torch

    from maskwright.training.fast_layers import told_of_layers

    told_of_layers(torch.device(device))


def _epochs(work: Work, setting: Setting, option: Option, minutes: float | None, begin: float) -> tuple[int, ...]:
    seconds = None if minutes is None else option.fit_seconds(minutes, begin)
    return option.epochs(work.recipe, setting.batch_size, seconds)[0]


def _line(work: Work, setting: Setting, option: Option, minutes: float | None, begin: float) -> PlanLine:
    epochs = _epochs(work, setting, option, minutes, begin)
    ahead, one = option.ahead(epochs, begin), option.candidate
    return PlanLine(
        name=one.name, encoder=one.encoder, decoder_channels=one.decoder_channels, weights=option.weights,
        weights_at_hand=weights_at_hand(one.encoder, option.weights), size=option.view.size,
        precision=option.precision[0], step_seconds=option.costs.steps,
        epoch_seconds=option.costs.epochs(option.counts), epochs=epochs, seconds=ahead.seconds, terms=ahead.to_json(),
        memory=option.memory, fits=None if minutes is None else all(epochs),
    )  # fmt: skip


def _taken(
    work: Work, setting: Setting, options: Sequence[Option], fitting: Sequence[Option], minutes: float | None
) -> str | None:
    """Return which set-up `train` would take; with minutes the best whose weights are at hand, or the best."""
    if minutes is None:
        usual = [one for one in options if one.candidate.encoder == CPU_ENCODER and not one.candidate.finer]
        return (usual or list(options))[-1].candidate.name
    if not fitting or len(options) == 1:
        return fitting[0].candidate.name if fitting else None
    ranked = rank(replace(work, minutes=minutes), setting, fitting, minutes)
    there = [one for one in ranked if weights_at_hand(one.candidate.encoder, one.weights)]
    return (there or ranked)[0].candidate.name
