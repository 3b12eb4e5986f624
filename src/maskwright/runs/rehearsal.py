"""A training in miniature: every part of the real one on a few real pictures, timed. Nothing of it stays.

What takes the time in a training is run here by the same functions: packing, steps, validation, scoring.
Torch is imported inside functions.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.pack import Pack
from maskwright.planning.costs import Costs
from maskwright.planning.plan import View
from maskwright.runs.excerpt import PACKED, Excerpt, make_excerpt, timed
from maskwright.runs.memory import peak_bytes, reset_peak
from maskwright.runs.rehearsal_file import FileCosts, rehearse_file
from maskwright.runs.work import Indices, Work

if TYPE_CHECKING:
    import torch
    from torch import nn

    from maskwright.models.build import NetworkFacts
    from maskwright.training.steps import State

SIZES = 2  # of batches, as most often: one is larger by a picture. Each sets itself up at its first step
TIMED = 7  # steps at most, after the first of each size
PATIENCE = 1.2  # seconds of steps of one kind, after which no further one is begun
SLOW = 0.5  # seconds: what takes longer is not done a second time


@dataclass(frozen=True)
class Stage:
    """What is rehearsed, as a plan has settled it so far."""

    view: View
    batch_size: int
    precision: str
    value_range: float


@dataclass(frozen=True)
class Rehearsed:
    """costs: in seconds. memory: peak in bytes, of the process or of the GPU; None where nothing says it.

    packed: bytes of a packed picture with its mask. file: what the network's model file costs.
    """

    costs: Costs
    memory: int | None
    packed: float
    file: FileCosts


@dataclass(frozen=True)
class Repeated:
    """A few pictures, over and over, as if there were `number` of them."""

    pack: Pack
    number: int

    def __len__(self) -> int:
        return self.number

    def image(self, index: int) -> NDArray[Any]:
        """(H, W, C) as packed."""
        return self.pack.image(index % len(self.pack))

    def mask(self, index: int) -> NDArray[np.uint8]:
        """(H, W) or (H, W, K)."""
        return self.pack.mask(index % len(self.pack))


def rehearse(
    work: Work,
    network: "nn.Module",
    facts: "NetworkFacts",
    stage: Stage,
    excerpt: Excerpt,
    other: Rehearsed | None = None,
) -> Rehearsed:
    """Time steps of each phase, the validation and the model file; the network's state is put back.

    other: a rehearsal of another network, whose model file stands for this one's: tracing takes half a second.
    Raises TrainingError for pictures or a batch with which no step can be taken, ExportError for a network that cannot
    be a model file.
    """
    import torch

    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    device, training = torch.device(work.device), network.training
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    reset_peak()
    try:
        steps = _steps(work, network, facts, stage, excerpt.pack, device)
        validate = _validating(work, network, facts, stage, excerpt.pack, device)
        if other is None:
            file = rehearse_file(work, network, facts, stage.view, stage.value_range, excerpt.sizes)
        else:
            file = _like(other, validate)
    finally:
        network.zero_grad(set_to_none=True)
        network.load_state_dict(before)
        network.requires_grad_(True).train(training)
    costs = Costs(
        pack=excerpt.pack_seconds, steps=steps, validate=validate, predict=file.predict,
        measure=excerpt.measure_seconds, learn=excerpt.learn_seconds, choose=excerpt.choose_seconds,
        export=file.export, prove=file.prove,
    )  # fmt: skip
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_bytes()
    packed = sum(path.stat().st_size for path in excerpt.pack.folder.glob("*.bin")) / len(excerpt.pack)
    return Rehearsed(costs, memory, packed, file)


def rehearse_once(work: Work, network: "nn.Module", facts: "NetworkFacts", stage: Stage, rows: Indices) -> Rehearsed:
    """Rehearse one network on some of the pictures at `rows`."""
    with tempfile.TemporaryDirectory() as scratch:
        return rehearse(work, network, facts, stage, make_excerpt(work, stage.view, rows, Path(scratch)))


def _like(other: Rehearsed, validate: float) -> FileCosts:
    """Return what a file costs whose network takes so much more or less in validation than that of another."""
    predict = other.file.predict * validate / other.costs.validate
    return replace(other.file, predict=predict, prove=max(0.0, other.file.prove + 2 * (predict - other.file.predict)))


def _steps(
    work: Work, network: "nn.Module", facts: "NetworkFacts", stage: Stage, pack: Pack, device: "torch.device"
) -> tuple[float, ...]:
    """Return the seconds of a step, its batch included, of each phase; phases of one kind are timed once."""
    from maskwright.losses import build_loss
    from maskwright.training.batches import TileBatches, WholeBatches
    from maskwright.training.feeding import Scaling
    from maskwright.training.steps import FitSettings, State, take_step

    recipe, classes, view = work.recipe, work.dataset.classes, stage.view
    phases = tuple(phase.model_copy(update={"epochs": 1}) for phase in recipe.training.phases)
    scaling = Scaling(stage.value_range, facts.mean, facts.std)
    number = stage.batch_size * (1 + SIZES) + 1  # so the first batch is larger by one
    names = tuple(f"picture {at}" for at in range(number))
    settings = FitSettings(phases, recipe.training, recipe.augmentation, scaling, view.size, stage.precision, names)
    state, loss = State(network, settings, device), build_loss(recipe.loss, classes, auxiliary=recipe.model.auxiliary)
    pictures = Repeated(pack, number)
    batches: WholeBatches | TileBatches = WholeBatches(pictures, stage.batch_size, 0)
    if view.mode == "tile":
        batches = TileBatches(
            pack, classes, tile=view.size, batch_size=stage.batch_size, tiles_per_epoch=number, seed=0
        )
    known: dict[tuple[str, str], float] = {}
    for at, phase in enumerate(phases):
        kind = (phase.encoder, phase.encoder_batch_norm)
        if kind not in known:
            _enter(state, at)

            def step(number: int) -> float:
                return take_step(state, batches.batch(0, number % batches.steps), loss, lambda _: None)

            known[kind] = usual_seconds(step)
    return tuple(known[phase.encoder, phase.encoder_batch_norm] for phase in phases)


def _enter(state: "State", phase: int) -> None:
    """Begin a phase with rates of zero: steps cost what they cost and lead nowhere."""
    state.position = replace(state.position, phase=phase)
    state.begin_phase()
    state.scale_rates(0.0)


def usual_seconds(step: Callable[[int], object]) -> float:
    """Return the median seconds of some steps, numbered from 0, after the first of each size of batch.

    The median: beside another program, or where memory is new, single steps take several times as long. Of steps that
    take long, the second is the only one.
    """
    taken: list[float] = []
    for number in range(SIZES + TIMED):
        if number < 2 or sum(taken[1:]) < PATIENCE:
            taken.append(timed(partial(step, number))[0])
    return median(taken[SIZES:] or taken[1:])


def _validating(
    work: Work, network: "nn.Module", facts: "NetworkFacts", stage: Stage, pack: Pack, device: "torch.device"
) -> float:
    """Return the seconds of validating a picture."""
    from maskwright.training.feeding import Scaling
    from maskwright.training.validation import validate

    scaling = Scaling(stage.value_range, facts.mean, facts.std)

    def look() -> float:
        return validate(
            network, Repeated(pack, PACKED), work.dataset.classes, scaling, size=stage.view.size, device=device,
            precision=stage.precision, measure=work.recipe.evaluation.choose_by, batch_size=stage.batch_size,
        )  # fmt: skip

    first, _ = timed(look)
    return (first if first > SLOW else timed(look)[0]) / PACKED
