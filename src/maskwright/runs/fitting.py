"""From indices of a dataset to a trained network: facts, plan, pack, fit. Torch is imported inside functions.

Used for a single training and for each fold alike. Everything is noted in the folder it is given, so that the same
call goes on after a stop.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.pack import Pack, PackSettings, build_pack
from maskwright.errors import ConfigError, DataError
from maskwright.files import write_json
from maskwright.planning.facts import Facts
from maskwright.planning.plan import Plan, describe
from maskwright.progress import Step
from maskwright.recipe import Recipe
from maskwright.runs.choosing import build
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.planning import make_plan
from maskwright.runs.timekeeping import keep_time
from maskwright.runs.work import MIN_VALIDATION as MIN_VALIDATION
from maskwright.runs.work import Indices as Indices
from maskwright.runs.work import Work as Work

if TYPE_CHECKING:
    import torch
    from torch import nn

    from maskwright.losses import Loss
    from maskwright.models.build import NetworkFacts
    from maskwright.training.loop import Batches, FitResult, FitSettings


@dataclass(frozen=True)
class Fitted:
    """A trained network (on the CPU, best weights) and how it came about. validated: by which its epoch was chosen."""

    network: "nn.Module"
    facts: "NetworkFacts"
    plan: Plan
    result: "FitResult"
    validated: int


@dataclass(frozen=True)
class Subset:
    """Some of a pack's pictures, under their own numbers."""

    pack: Pack
    chosen: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.chosen)

    def image(self, index: int) -> NDArray[Any]:
        """(H, W, C) as packed."""
        return self.pack.image(self.chosen[index])

    def mask(self, index: int) -> NDArray[np.uint8]:
        """(H, W) or (H, W, K)."""
        return self.pack.mask(self.chosen[index])


@dataclass(frozen=True)
class Ready:
    """A network with its plan, and the pictures packed for it. names: of the training pictures."""

    network: "nn.Module"
    facts: "NetworkFacts"
    plan: Plan
    train: Subset
    val: Subset
    names: tuple[str, ...]


def fit_part(work: Work, run: RunFolder, train: Indices, val: Indices) -> Fitted:
    """Train on `train`, choosing the best epoch on `val`; go on where it stopped.

    With fewer than MIN_VALIDATION pictures in `val` the last epoch is kept. Raises ConfigError for a recipe that
    cannot do without validation, or that names something unknown.
    """
    ready = make_ready(work, run, train, val)
    result = _fit(work, run, ready)
    return Fitted(ready.network, ready.facts, ready.plan, result, len(val) if len(val) >= MIN_VALIDATION else 0)


def make_ready(work: Work, run: RunFolder, train: Indices, val: Indices) -> Ready:
    """Build the network, plan, and pack the pictures. Raises as `fit_part`."""
    import torch

    device = torch.device(work.device)
    build_loss_of(work)  # a loss that cannot be is refused before anything costs time
    network, facts, plan = _prepare(work, run, train, val, device)
    work.progress(Step("plan", text=f"plan   {describe(plan)}"))
    rows = np.concatenate([train, val]) if work.rows is None else work.rows
    pack, place = _pack(work, plan, rows), {int(row): at for at, row in enumerate(rows)}
    parts = [Subset(pack, tuple(place[int(i)] for i in part)) for part in (train, val)]
    return Ready(network, facts, plan, parts[0], parts[1], tuple(work.dataset[int(i)].id for i in train))


def build_loss_of(work: Work) -> "Loss":
    """Build the recipe's loss for these classes. Raises ConfigError."""
    from maskwright.losses import build_loss

    return build_loss(work.recipe.loss, work.dataset.classes, auxiliary=work.recipe.model.auxiliary)


def needs_validation(recipe: Recipe) -> str:
    """Return what in a recipe cannot do without validation pictures, or nothing."""
    if recipe.training.early_stopping is not None:
        return "training.early_stopping"
    plateau = [at for at, phase in enumerate(recipe.training.phases) if phase.schedule == "plateau"]
    return f"training.phases.{plateau[0]}.schedule: plateau" if plateau else ""


def resolve_device(name: str) -> str:
    """Turn auto into cuda, mps or cpu. Raises ConfigError for a device that is not there."""
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if name.partition(":")[0] not in there:
        raise ConfigError(f"Unknown device '{name}'.", where="--device", fix="cpu, cuda or mps")
    if not there[name.partition(":")[0]]:
        raise ConfigError(f"This machine has no '{name}'.", where="--device", fix="leave it out, or --device cpu")
    return name


def _prepare(
    work: Work, run: RunFolder, train: Indices, val: Indices, device: "torch.device"
) -> "tuple[nn.Module, NetworkFacts, Plan]":
    """Make the plan with its network, or read it where it has been made."""
    if run.plan.exists():
        plan = read_plan(run)
        started = (run.checkpoint / "state.safetensors").exists()
        if started:
            _tell_other_layers(work, plan, device)
        network, facts = build(work, plan.encoder, plan.weights, decoder=plan.decoder_channels, load=not started)
        return network, facts, plan
    planned = make_plan(work, train, val, device)
    write_json(run.plan, {**planned.plan.to_json(), "facts": planned.facts.to_json()})
    return planned.choice.network, planned.choice.facts, planned.plan


def _tell_other_layers(work: Work, plan: Plan, device: "torch.device") -> None:
    """Say so where a training goes on with layers that are computed otherwise than those it began with."""
    from maskwright.training.fast_layers import told_of_layers

    began, now = plan.reasons.get("layers"), told_of_layers(device)
    if began is not None and began != now:
        said = f"layers are now computed otherwise ({now}) than when the training began ({began})"
        work.progress(Step("train", text=f"note   {said}: it will not end with the very same bits"))


def read_plan(run: RunFolder) -> Plan:
    """Read the plan of a run or fold. Raises DataError."""
    try:
        return Plan.from_json(read_json(run.plan))
    except (KeyError, TypeError) as error:
        raise DataError(
            f"The plan cannot be used: {error}.", where=str(run.plan), fix="start anew in another folder"
        ) from error


def read_facts(run: RunFolder) -> Facts | None:
    """Read the facts that the plan of a fold rests on; None in one that was written before they were kept."""
    facts = read_json(run.plan).get("facts")
    return Facts(**facts) if facts and facts.keys() == Facts.__dataclass_fields__.keys() else None


def _pack(work: Work, plan: Plan, indices: Indices) -> Pack:
    size = plan.size if plan.mode == "whole" else None
    settings = PackSettings(size=size, scale=plan.scale, bands=work.dataset.bands)
    return build_pack(work.dataset, indices, settings, progress=work.progress)


def _fit(work: Work, run: RunFolder, ready: Ready) -> "FitResult":
    """Set up batches and validation, and fit."""
    import torch

    from maskwright.training.loop import fit
    from maskwright.training.validation import validate

    timed = keep_time(work, run, ready.plan, train=len(ready.train), val=len(ready.val))
    ready = replace(ready, plan=timed.plan)
    plan, settings, device = ready.plan, settings_of(work, ready), torch.device(ready.plan.device)
    score: Callable[[nn.Module], float] | None = None
    if len(ready.val) >= MIN_VALIDATION:

        def score(trained: "nn.Module") -> float:
            return validate(
                trained, ready.val, work.dataset.classes, settings.scaling, size=plan.size, device=device,
                precision=plan.precision, measure=work.recipe.evaluation.choose_by, batch_size=plan.batch_size,
            )  # fmt: skip

    return fit(
        ready.network,
        batches_of(work, ready),
        build_loss_of(work),
        score,
        settings,
        folder=run.checkpoint,
        record=run.events.add,
        device=device,
        progress=work.progress,
        revise=timed.revise,
    )


def batches_of(work: Work, ready: Ready) -> "Batches":
    """Return the batches of the training pictures: whole ones, or tiles of them."""
    from maskwright.training.batches import TileBatches, WholeBatches

    plan, seed = ready.plan, work.recipe.training.seed
    if plan.mode == "whole":
        return WholeBatches(ready.train, plan.batch_size, seed)
    return TileBatches(
        ready.train, work.dataset.classes, tile=plan.size, batch_size=plan.batch_size,
        tiles_per_epoch=plan.tiles_per_epoch, seed=seed,
    )  # fmt: skip


def settings_of(work: Work, ready: Ready) -> "FitSettings":
    """Return what plan and recipe have settled for the loop."""
    from maskwright.training.feeding import Scaling
    from maskwright.training.loop import FitSettings

    plan, facts, recipe = ready.plan, ready.facts, work.recipe
    scaling = Scaling(plan.value_range, facts.mean, facts.std)
    return FitSettings(
        plan.phases(recipe), recipe.training, recipe.augmentation, scaling, plan.size, plan.precision, ready.names
    )
