"""From indices of a dataset to a trained network: facts, plan, pack, fit. Torch is imported inside functions.

Used for a single training and for each fold alike. Everything is noted in the folder it is given, so that the same
call goes on after a stop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.pack import Pack, PackSettings, build_pack
from maskwright.errors import ConfigError, DataError, MaskwrightError
from maskwright.files import write_json
from maskwright.planning.facts import gather_facts
from maskwright.planning.plan import Plan, describe, plan_batch, plan_length, plan_view, view_like
from maskwright.progress import Progress, Step
from maskwright.recipe import Recipe
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.networks import network_from, usual_encoder

if TYPE_CHECKING:
    import torch
    from torch import nn

    from maskwright.losses import Loss
    from maskwright.models.build import NetworkFacts
    from maskwright.training.loop import Batches, FitResult, FitSettings

Indices = NDArray[np.int64]
MIN_VALIDATION = 8  # pictures; with fewer, the best epoch and the best cut would be chance


@dataclass(frozen=True)
class Work:
    """What a training works on.

    minutes: for the fit, or None. pictures: whether reports may show pictures. rows: what is packed, for trainings
    that share a pack; None: what the training at hand needs. like: the plan of an earlier fold, from which encoder,
    weights and precision are taken, since they depend on the machine and not on the pictures.
    """

    dataset: Dataset
    recipe: Recipe
    device: str
    minutes: float | None
    progress: Progress
    pictures: bool = True
    rows: Indices | None = None
    like: Plan | None = None


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
    """Build the network and make the plan, or read it where it has been made."""
    if run.plan.exists():
        plan = read_plan(run)
        started = (run.checkpoint / "state.safetensors").exists()
        network, facts = _build(work, plan.encoder, plan.weights, load=not started)
        return network, facts, plan
    measured = gather_facts(work.dataset, train, work.progress)
    view = plan_view(work.recipe, measured) if work.like is None else view_like(work.like)
    value_range = measured.value_range if work.like is None else work.like.value_range
    encoder, weights, network, facts, why = _choose_network(work)
    batch_size, why_batch = plan_batch(work.recipe, measured)
    precision, step_seconds, why_precision = _choose_precision(
        work, network, device, (batch_size, measured.bands, *view.size)
    )
    views = 1.0 if view.mode == "whole" else measured.height * measured.width / (view.size[0] * view.size[1])
    epochs, steps, tiles, seconds, why_epochs = plan_length(
        work.recipe, measured, view, batch_size=batch_size, pretrained=weights != "none", step_seconds=step_seconds,
        validation_seconds=0.3 * step_seconds * len(val) * views / batch_size, minutes=work.minutes,
    )  # fmt: skip
    reasons = {
        **view.reasons, "encoder": why, "padding": facts.why, "batch_size": why_batch, "epochs": why_epochs,
        "precision": why_precision, "validation": _why_validation(len(val)),
    }  # fmt: skip
    plan = Plan(
        mode=view.mode, size=view.size, scale=view.scale, overlap=view.overlap, encoder=encoder, weights=weights,
        batch_size=batch_size, epochs=epochs, steps=steps, tiles_per_epoch=tiles, precision=precision,
        device=work.device, value_range=value_range, step_seconds=step_seconds, expected_seconds=seconds,
        reasons=reasons,
    )  # fmt: skip
    write_json(run.plan, {**plan.to_json(), "facts": measured.to_json()})
    return network, facts, plan


def _why_validation(pictures: int) -> str:
    if pictures >= MIN_VALIDATION:
        return f"the best epoch, the threshold and a temperature are chosen on {pictures} validation pictures"
    kept = "the last epoch is kept, the threshold is 0.5, the temperature 1"
    return f"{pictures} validation pictures are too few to choose by: {kept}"


def _choose_precision(
    work: Work, network: "nn.Module", device: "torch.device", shape: tuple[int, int, int, int]
) -> tuple[str, float, str]:
    """Probe the precision, or take an earlier fold's: (precision, seconds of a step, reason)."""
    from maskwright.training.precision import probe

    if work.like is not None:
        pixels = work.like.batch_size * work.like.size[0] * work.like.size[1]
        seconds = work.like.step_seconds * shape[0] * shape[2] * shape[3] / pixels
        return work.like.precision, seconds, "as in the first fold"
    import torch

    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    speed = probe(network, shape, device, precision=work.recipe.training.precision)
    if len(speed.seconds) == 1:
        return speed.precision, speed.step_seconds, "stated"
    ratio = speed.seconds["fp32"] / speed.seconds["bf16"]
    why = f"probed on this machine: a step takes {ratio:.1f} times as long in fp32 as in bf16"
    return speed.precision, speed.step_seconds, why


def _choose_network(work: Work) -> "tuple[str, str, nn.Module, NetworkFacts, str]":
    """Settle encoder and weights: (encoder, weights, network, facts, reason)."""
    if work.like is not None:
        network, facts = _build(work, work.like.encoder, work.like.weights)
        return work.like.encoder, work.like.weights, network, facts, "as in the first fold"
    options = work.recipe.model
    encoder, weights = options.encoder, options.weights
    why = "stated"
    if encoder == "auto":
        encoder, why = usual_encoder(options.name, work.device)
    if weights != "auto":
        network, facts = _build(work, encoder, weights)
        if weights == "none" and _freezes(work.recipe):
            said = "the encoder's weights are random, and a phase keeps them as they are"
            work.progress(Step("plan", text=f"note   {said}: --set training.phases.0.encoder=trained"))
            why = f"{why}; {said}"
        return encoder, weights, network, facts, why
    from maskwright.models.keras_weights import ALPHAS

    weights = "none" if encoder == "none" else "keras" if encoder in ALPHAS else "imagenet"
    try:
        network, facts = _build(work, encoder, weights)
    except MaskwrightError as error:
        if isinstance(error, ConfigError | DataError) or _freezes(work.recipe):
            raise
        why += f"; trained from scratch, since the {weights} weights could not be fetched ({error.what})"
        work.progress(Step("plan", text=f"note   no pretrained weights: {error.what} {error.fix}"))
        weights = "none"
        network, facts = _build(work, encoder, weights)
    return encoder, weights, network, facts, why


def _freezes(recipe: Recipe) -> bool:
    """Whether some phase trains only what stands on the encoder: with random weights that is never meant."""
    return any(phase.encoder == "frozen" for phase in recipe.training.phases)


def _build(work: Work, encoder: str, weights: str, *, load: bool = True) -> "tuple[nn.Module, NetworkFacts]":
    dataset = work.dataset
    return network_from(
        work.recipe, encoder, weights, bands=dataset.bands, num_outputs=dataset.classes.num_outputs, load=load
    )


def read_plan(run: RunFolder) -> Plan:
    """Read the plan of a run or fold. Raises DataError."""
    try:
        return Plan.from_json(read_json(run.plan))
    except (KeyError, TypeError) as error:
        raise DataError(
            f"The plan cannot be used: {error}.", where=str(run.plan), fix="start anew in another folder"
        ) from error


def _pack(work: Work, plan: Plan, indices: Indices) -> Pack:
    size = plan.size if plan.mode == "whole" else None
    settings = PackSettings(size=size, scale=plan.scale, bands=work.dataset.bands)
    return build_pack(work.dataset, indices, settings, progress=work.progress)


def _fit(work: Work, run: RunFolder, ready: Ready) -> "FitResult":
    """Set up batches and validation, and fit."""
    import torch

    from maskwright.training.loop import fit
    from maskwright.training.validation import validate

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
