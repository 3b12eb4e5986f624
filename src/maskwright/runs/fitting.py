"""From indices of a dataset to a trained network: facts, plan, pack, fit. Torch is imported inside functions.

Used for a single training and for each fold alike. Everything is noted in the folder it is given, so that the same
call goes on after a stop.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.pack import Pack, PackSettings, build_pack
from maskwright.errors import ConfigError, DataError, MaskwrightError
from maskwright.files import write_json
from maskwright.planning.facts import gather_facts
from maskwright.planning.plan import Plan, describe, plan_batch, plan_length, plan_view
from maskwright.progress import Progress, Step
from maskwright.recipe import Recipe
from maskwright.runs.folder import RunFolder, read_json

if TYPE_CHECKING:
    import torch
    from torch import nn

    from maskwright.models.build import NetworkFacts
    from maskwright.training.loop import FitResult
    from maskwright.training.precision import Speed

Indices = NDArray[np.int64]
CPU_ENCODER = "mobilenetv2_035"
GPU_ENCODER = "mobilenetv2_100"
MIN_VALIDATION = 8  # pictures; with fewer, the best epoch and the best cut would be chance


@dataclass(frozen=True)
class Work:
    """What a training works on.

    minutes: for the fit, or None. pictures: whether reports may show pictures. speeds: what has been probed, so that
    folds agree.
    """

    dataset: Dataset
    recipe: Recipe
    device: str
    minutes: float | None
    progress: Progress
    pictures: bool = True
    speeds: "dict[tuple[object, ...], Speed]" = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """A trained network (on the CPU, best weights) and how it came about."""

    network: "nn.Module"
    facts: "NetworkFacts"
    plan: Plan
    result: "FitResult"


@dataclass(frozen=True)
class View:
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


def fit_part(work: Work, run: RunFolder, train: Indices, val: Indices) -> Fitted:
    """Train on `train`, choosing the best epoch on `val` (none: the last epoch is kept); go on where it stopped."""
    import torch

    from maskwright.losses import build_loss

    device = torch.device(work.device)
    build_loss(work.recipe.loss, work.dataset.classes)  # a loss that cannot be is refused before anything costs time
    network, facts, plan = _prepare(work, run, train, device)
    work.progress(Step("plan", text=f"plan   {describe(plan)}"))
    pack = _pack(work, plan, np.concatenate([train, val]))
    view = View(pack, tuple(range(len(train))))
    checked = View(pack, tuple(range(len(train), len(train) + len(val))))
    result = _fit(work, run, network, facts, plan, view, checked, [work.dataset[int(i)].id for i in train])
    return Fitted(network, facts, plan, result)


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
    work: Work, run: RunFolder, train: Indices, device: "torch.device"
) -> "tuple[nn.Module, NetworkFacts, Plan]":
    """Build the network and make the plan, or read it where it has been made."""
    import torch

    torch.manual_seed(work.recipe.training.seed)
    if run.plan.exists():
        plan = _read_plan(run)
        started = (run.checkpoint / "state.safetensors").exists()
        network, facts = _build(work, plan.encoder, plan.weights, load=not started)
        return network, facts, plan
    measured = gather_facts(work.dataset, train, work.progress)
    view = plan_view(work.recipe, measured)
    encoder, weights, network, facts, why = _choose_network(work)
    batch_size, why_batch = plan_batch(work.recipe, measured)
    shape = (batch_size, measured.bands, *view.size)
    if (encoder, shape) not in work.speeds:
        work.speeds[encoder, shape] = _probe(network, work, device, shape)
    speed = work.speeds[encoder, shape]
    pretrained = weights != "none"
    epochs, steps, tiles, seconds, why_epochs = plan_length(
        work.recipe, measured, view, batch_size=batch_size, pretrained=pretrained, step_seconds=speed.step_seconds,
        validation_seconds=speed.step_seconds * 0.3 * len(train) * 0.1 / batch_size, minutes=work.minutes,
    )  # fmt: skip
    plan = Plan(
        mode=view.mode, size=view.size, scale=view.scale, overlap=view.overlap, encoder=encoder, weights=weights,
        batch_size=batch_size, epochs=epochs, steps=steps, tiles_per_epoch=tiles, precision=speed.precision,
        device=work.device, value_range=measured.value_range, step_seconds=speed.step_seconds, expected_seconds=seconds,
        reasons={
            **view.reasons, "encoder": why, "batch_size": why_batch, "epochs": why_epochs,
            "precision": _why_precision(speed), "padding": facts.why,
        },
    )  # fmt: skip
    write_json(run.plan, {**plan.to_json(), "facts": measured.to_json()})
    return network, facts, plan


def _choose_network(work: Work) -> "tuple[str, str, nn.Module, NetworkFacts, str]":
    """Settle encoder and weights: (encoder, weights, network, facts, reason)."""
    options = work.recipe.model
    encoder, weights = options.encoder, options.weights
    why = "stated"
    if encoder == "auto":
        encoder = CPU_ENCODER if work.device == "cpu" else GPU_ENCODER
        why = f"a small encoder that trains in minutes on {work.device}"
    if weights != "auto":
        network, facts = _build(work, encoder, weights)
        return encoder, weights, network, facts, why
    from maskwright.models.keras_weights import ALPHAS

    weights = "none" if encoder == "none" else "keras" if encoder in ALPHAS else "imagenet"
    try:
        network, facts = _build(work, encoder, weights)
    except MaskwrightError as error:
        if isinstance(error, ConfigError | DataError):
            raise
        why += f"; trained from scratch, since the {weights} weights could not be fetched ({error.what})"
        work.progress(Step("plan", text=f"note   no pretrained weights: {error.what} {error.fix}"))
        weights = "none"
        network, facts = _build(work, encoder, weights)
    return encoder, weights, network, facts, why


def _build(work: Work, encoder: str, weights: str, *, load: bool = True) -> "tuple[nn.Module, NetworkFacts]":
    from maskwright.models.build import build_network

    options, dataset = work.recipe.model, work.dataset
    return build_network(
        options.name,
        encoder=encoder,
        weights=weights,
        in_channels=dataset.bands,
        num_outputs=dataset.classes.num_outputs,
        padding=options.padding,
        decoder_channels=None if options.decoder_channels == "auto" else options.decoder_channels,
        dropout=options.dropout,
        non_commercial=options.non_commercial,
        load=load,
    )


def _probe(network: "nn.Module", work: Work, device: "torch.device", shape: tuple[int, int, int, int]) -> "Speed":
    import torch

    from maskwright.training.precision import probe

    work.progress(Step("probe", text=""))
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return probe(network, shape, device, precision=work.recipe.training.precision)


def _why_precision(speed: "Speed") -> str:
    if len(speed.seconds) == 1:
        return "stated"
    ratio = speed.seconds["fp32"] / speed.seconds["bf16"]
    return f"probed on this machine: a step takes {ratio:.1f} times as long in fp32 as in bf16"


def _read_plan(run: RunFolder) -> Plan:
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


def _fit(
    work: Work,
    run: RunFolder,
    network: "nn.Module",
    facts: "NetworkFacts",
    plan: Plan,
    train: View,
    val: View,
    names: list[str],
) -> "FitResult":
    """Set up batches, scaling and validation, and fit."""
    import torch

    from maskwright.losses import build_loss
    from maskwright.training.batches import TileBatches, WholeBatches
    from maskwright.training.feeding import Scaling
    from maskwright.training.loop import FitSettings, fit
    from maskwright.training.validation import validate

    options, device, classes = work.recipe.training, torch.device(plan.device), work.dataset.classes
    scaling = Scaling(plan.value_range, facts.mean, facts.std)
    if plan.mode == "whole":
        batches: Any = WholeBatches(train, plan.batch_size, options.seed)
    else:
        batches = TileBatches(
            train, classes, tile=plan.size, batch_size=plan.batch_size, tiles_per_epoch=plan.tiles_per_epoch,
            seed=options.seed,
        )  # fmt: skip
    score: Callable[[nn.Module], float] | None = None
    if len(val) >= MIN_VALIDATION:

        def score(trained: "nn.Module") -> float:
            return validate(
                trained, val, classes, scaling, size=plan.size, device=device, precision=plan.precision,
                measure=work.recipe.evaluation.choose_by, batch_size=plan.batch_size,
            )  # fmt: skip

    settings = FitSettings(
        plan.phases(work.recipe), options, work.recipe.augmentation, scaling, plan.size, plan.precision, names
    )
    return fit(
        network,
        batches,
        build_loss(work.recipe.loss, classes),
        score,
        settings,
        folder=run.checkpoint,
        record=run.events.add,
        device=device,
        progress=work.progress,
    )
