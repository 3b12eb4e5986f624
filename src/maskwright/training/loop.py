"""The training loop: phases, epochs, steps, from first batch to best weights, in one stretch.

Everything random in a step follows from (seed, epoch, step), and the checkpoint holds the rest, so that a training
that was killed goes on and ends with the same bits. Knows no recipe file, no run folder, no console.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from maskwright.losses import Loss
from maskwright.progress import Progress, Step, ignore
from maskwright.training.batches import Batch
from maskwright.training.checkpoint import (
    Position,
    load_checkpoint,
    load_weights,
    read_position,
    save_checkpoint,
    save_weights,
)
from maskwright.training.schedule import epochs_without_gain
from maskwright.training.steps import FitSettings as FitSettings
from maskwright.training.steps import State, take_step

Record = Callable[[Mapping[str, Any]], None]
Revise = Callable[[Position, Sequence[int]], Sequence[int]]


class Batches(Protocol):
    """Batches that are a pure function of (epoch, step)."""

    steps: int

    def batch(self, epoch: int, step: int) -> Batch:  # noqa: D102
        ...


@dataclass(frozen=True)
class FitResult:
    """How a training went.

    best_epoch: from 0, over all phases; -1 without validation. scores: validation after each epoch. epochs: really
    trained. seconds: of the training alone.
    """

    best_epoch: int
    best_score: float
    scores: tuple[float, ...]
    epochs: int
    seconds: float


def fit(
    network: nn.Module,
    batches: Batches,
    loss: Loss,
    validate: Callable[[nn.Module], float] | None,
    settings: FitSettings,
    *,
    folder: Path,
    record: Record,
    device: torch.device,
    progress: Progress = ignore,
    revise: Revise | None = None,
) -> FitResult:
    """Train `network` in place, leaving it with its best (or last) weights on the CPU.

    validate: the score after an epoch, higher is better; None: the last weights are kept.
    folder: of the checkpoint; one that is there is gone on with.
    record: takes one event at a time; an epoch that is trained again after a resume comes again.
    revise: asked after each epoch how many each phase is to have (none for phases that are left out at the end); rates
    follow, and the checkpoint holds the answer, so that a resumed training goes the same way.
    Raises TrainingError for a loss that is not finite, naming pictures.
    """
    keeper = _Keeper(State(network, settings, device), folder)
    state = keeper.state
    keeper.resume()
    epochs = state.position.epochs or [int(phase.epochs) for phase in settings.phases]
    clock = _Clock(state.position.seconds)
    while not state.position.finished:
        position = state.position
        total = position.phase_begin + sum(epochs[position.phase :])  # less than planned where a phase ended early
        while position.step < batches.steps:
            done = (position.epoch - position.phase_begin) * batches.steps + position.step
            state.set_rates(done, epochs[position.phase] * batches.steps)
            batch = batches.batch(position.epoch, position.step)
            position.loss_sum += take_step(state, batch, loss, progress)
            position.loss_count += 1
            position.step += 1
            position.seconds = clock.seconds()
            _tell(progress, position, total, batches.steps, clock)
            if position.step < batches.steps:
                keeper.save_when_due()
        _end_epoch(keeper, None if validate is None else validate(network), epochs, record, clock, revise)
    keeper.restore_best()
    network.to("cpu")
    position = state.position
    return FitResult(position.best_epoch, position.best_score, tuple(position.scores), position.epoch, position.seconds)


class _Keeper:
    """What of a training lies on the disk: its checkpoint and its best weights."""

    def __init__(self, state: State, folder: Path) -> None:
        self.state, self.options = state, state.settings.options
        self.checkpoint, self.best = folder / "state.safetensors", folder / "best.safetensors"
        self.saved_at = time.monotonic()

    def resume(self) -> None:
        """Go on from the checkpoint, where there is one."""
        if not self.checkpoint.exists():
            return
        state = self.state
        state.position = read_position(self.checkpoint)
        state.begin_phase()  # the optimizer has the groups of the phase in which the checkpoint was taken
        state.position = load_checkpoint(self.checkpoint, state.network, state.optimizer)

    def save(self) -> None:
        """Write the checkpoint now."""
        save_checkpoint(self.checkpoint, self.state.network, self.state.optimizer, self.state.position)
        self.saved_at = time.monotonic()

    def save_when_due(self) -> None:
        """Write the checkpoint if the last one is old enough."""
        if time.monotonic() - self.saved_at >= self.options.checkpoint_seconds:
            self.save()

    def save_best(self) -> None:
        """Keep the weights as they are now."""
        save_weights(self.best, self.state.network)

    def restore_best(self) -> None:
        """Put the best weights back, where that is wanted and validation has found any."""
        if self.options.restore_best and self.state.position.best_epoch >= 0:
            load_weights(self.best, self.state.network)


def _end_epoch(
    keeper: _Keeper, score: float | None, epochs: list[int], record: Record, clock: "_Clock", revise: Revise | None
) -> None:
    """Note the score, keep the best weights, move on to the next epoch or phase, and save."""
    state, position = keeper.state, keeper.state.position
    position.seconds = clock.seconds()
    if score is not None:
        position.scores.append(score)
        position.phase_scores.append(score)
    if score is not None and score > position.best_score:
        position.best_epoch, position.best_score = position.epoch, score
        keeper.save_best()
    rate = max(group["lr"] for group in state.optimizer.param_groups)
    record({
        "event": "epoch", "epoch": position.epoch, "phase": position.phase, "score": score, "learning_rate": rate,
        "loss": position.loss_sum / max(1, position.loss_count), "seconds": round(position.seconds, 3),
    })  # fmt: skip
    position.epoch, position.step, position.loss_sum, position.loss_count = position.epoch + 1, 0, 0.0, 0
    position.ends.append(position.seconds)
    revised = list(epochs if revise is None else revise(position, epochs))
    changed = revised != epochs
    if changed:
        epochs[:] = position.epochs = revised
    patience = keeper.options.early_stopping
    stop = patience is not None and epochs_without_gain(position.phase_scores) >= patience
    if not stop and position.epoch < position.phase_begin + epochs[position.phase]:
        keeper.save() if changed else keeper.save_when_due()
        return
    position.finished = not any(epochs[position.phase + 1 :])
    if not position.finished:
        _begin_next_phase(keeper)
    keeper.save()


def _begin_next_phase(keeper: _Keeper) -> None:
    """Go on to the next phase, from the best weights so far where they are to be kept: fine-tuning tunes the best."""
    position = keeper.state.position
    position.phase, position.phase_begin, position.phase_scores = position.phase + 1, position.epoch, []
    keeper.restore_best()
    keeper.state.begin_phase()


class _Clock:
    """Seconds of training, over all its sittings."""

    def __init__(self, before: float) -> None:
        self.before, self.start = before, time.monotonic()

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.start


def _tell(progress: Progress, position: Position, epochs: int, steps: int, clock: _Clock) -> None:
    done, total = position.epoch * steps + position.step, epochs * steps
    values = {
        "epoch": position.epoch + 1,
        "epochs": epochs,
        "loss": position.loss_sum / position.loss_count,
        "seconds_left": clock.seconds() / max(1, done) * (total - done),
    }
    if position.scores:
        values["score"] = position.scores[-1]
    progress(Step("train", done, total, values))
