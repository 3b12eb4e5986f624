"""A training in miniature: every part of the real one on a few real pictures, timed. Nothing of it stays.

What takes the time in a training is run here by the same functions: packing, steps, validation, scoring.
Torch is imported inside functions.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.pack import Pack, PackSettings, build_pack
from maskwright.data.threads import spread
from maskwright.evaluation.classical import LEARN_FROM
from maskwright.evaluation.looking import Tally, look_at
from maskwright.evaluation.meters import Meter
from maskwright.evaluation.score import score_pictures
from maskwright.evaluation.temperature import TemperatureFit
from maskwright.evaluation.threshold import ThresholdFit
from maskwright.images.sizes import scaled_decoding_size
from maskwright.planning.costs import Costs
from maskwright.planning.plan import View
from maskwright.runs.measuring import AtHand, Measures, meters_for
from maskwright.runs.memory import peak_bytes, reset_peak
from maskwright.runs.work import Indices, Work

if TYPE_CHECKING:
    import torch
    from torch import nn

    from maskwright.models.build import NetworkFacts
    from maskwright.training.steps import State

PACKED, SCORED = 8, 4  # pictures
TIMED = 2  # steps, after one that warms up
PATIENCE = 2.0  # seconds of steps of one kind, after which no further one is begun


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

    packed: bytes of a packed picture with its mask.
    """

    costs: Costs
    memory: int | None
    packed: float


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


@dataclass(frozen=True)
class Excerpt:
    """What does not depend on the network: a small pack, and seconds a picture of what is done with its pixels."""

    pack: Pack
    pack_seconds: float
    measure_seconds: float
    learn_seconds: float
    choose_seconds: float


def make_excerpt(work: Work, view: View, rows: Indices, folder: Path) -> Excerpt:
    """Pack a few of the pictures at `rows` into a scratch folder, and score some of them without a network."""
    chosen = spread([int(row) for row in rows], PACKED)
    size = view.size if view.mode == "whole" else None
    settings = PackSettings(size=size, scale=view.scale, bands=work.dataset.bands)
    seconds, pack = _timed(lambda: build_pack(work.dataset, chosen, settings, folder=folder))
    measure, learn, choose = _measuring(work, view, chosen)
    return Excerpt(pack, seconds / len(chosen), measure, learn * min(LEARN_FROM, len(rows)), choose)


def rehearse(work: Work, network: "nn.Module", facts: "NetworkFacts", stage: Stage, excerpt: Excerpt) -> Rehearsed:
    """Time steps of each phase and the validation; the network's state is put back.

    Raises TrainingError for pictures or a batch with which no step can be taken.
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
    finally:
        network.zero_grad(set_to_none=True)
        network.load_state_dict(before)
        network.requires_grad_(True).train(training)
    costs = Costs(
        pack=excerpt.pack_seconds, steps=steps, validate=validate, predict=validate * _looks(stage.view),
        measure=excerpt.measure_seconds, learn=excerpt.learn_seconds, choose=excerpt.choose_seconds,
    )  # fmt: skip
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_bytes()
    packed = sum(path.stat().st_size for path in excerpt.pack.folder.glob("*.bin")) / len(excerpt.pack)
    return Rehearsed(costs, memory, packed)


def rehearse_once(work: Work, network: "nn.Module", facts: "NetworkFacts", stage: Stage, rows: Indices) -> Rehearsed:
    """Rehearse one network on some of the pictures at `rows`."""
    with tempfile.TemporaryDirectory() as scratch:
        return rehearse(work, network, facts, stage, make_excerpt(work, stage.view, rows, Path(scratch)))


def _looks(view: View) -> float:
    """How much more is looked at in predicting than in validation: tiles overlap then."""
    if view.mode == "whole":
        return 1.0
    return view.size[0] * view.size[1] / ((view.size[0] - view.overlap) * (view.size[1] - view.overlap))


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
    number = stage.batch_size * (1 + TIMED) + 1  # one batch is larger by one, as most often: it takes new memory
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
                return take_step(state, batches.batch(0, -(number + 1) % batches.steps), loss, lambda _: None)

            known[kind] = _mean_seconds(step)
    return tuple(known[phase.encoder, phase.encoder_batch_norm] for phase in phases)


def _enter(state: "State", phase: int) -> None:
    """Begin a phase with rates of zero: steps cost what they cost and lead nowhere."""
    state.position = replace(state.position, phase=phase)
    state.begin_phase()
    state.scale_rates(0.0)


def _mean_seconds(step: Callable[[int], object]) -> float:
    """Return the mean seconds of up to TIMED steps after a first one."""
    taken: list[float] = []
    for number in range(1 + TIMED):
        if number < 2 or sum(taken) < PATIENCE:
            taken.append(_timed(lambda at=number: step(at))[0])  # type: ignore[misc]
    return sum(taken[1:]) / len(taken[1:])


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

    return _timed(look)[0] / PACKED


def _measuring(work: Work, view: View, rows: Sequence[int]) -> tuple[float, float, float]:
    """Return the seconds of reading and scoring a picture, of learning from one before, and of choosing by one."""
    dataset, classes = work.dataset, work.dataset.classes
    outputs = max(1, classes.num_outputs)
    at_least = scaled_decoding_size(view.size) if view.mode == "whole" else None

    def read(index: int) -> NDArray[Any]:
        return dataset.read_image(index, at_least=at_least)

    def guess(image: NDArray[Any]) -> NDArray[np.float32]:
        height, width = view.size if view.mode == "whole" else image.shape[:2]
        return np.tile(np.linspace(0, 1 / outputs, width, dtype=np.float32), (outputs, height, 1))

    def learn(some: Sequence[int]) -> tuple[Meter, ...]:
        measures = Measures().with_recipe(work.recipe.evaluation)
        return meters_for(dataset, measures, AtHand(np.array(some, np.int64), read_image=read))

    def score(some: Sequence[int], meters: tuple[Meter, ...]) -> None:
        score_pictures(dataset, some, guess, threshold=0.5, meters=meters, read_image=read)

    def choose(some: Sequence[int]) -> None:
        tallies: list[Tally] = [TemperatureFit(classes)]
        if classes.binary or not classes.exclusive:
            tallies.append(ThresholdFit(classes, work.recipe.evaluation.choose_by))
        look_at(dataset, some, guess, tallies, stage="calibrate", read_image=read)

    score(rows[:1], learn(rows[:1]))  # what is loaded on first use is loaded now
    choose(rows[:1])
    some = rows[-SCORED:]
    learning, meters = _timed(lambda: learn(some))
    scoring, _ = _timed(lambda: score(some, meters))
    choosing, _ = _timed(lambda: choose(some))
    return scoring / len(some), learning / len(some), choosing / len(some)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result
