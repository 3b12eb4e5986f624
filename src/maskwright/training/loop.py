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
from accelerate import Accelerator
from torch import Tensor, nn

from maskwright.errors import TrainingError
from maskwright.losses import Loss
from maskwright.progress import Progress, Step, ignore
from maskwright.recipe import Augmentation, Phase, TrainingOptions
from maskwright.training.batches import Batch
from maskwright.training.checkpoint import (
    Position,
    load_checkpoint,
    load_weights,
    read_position,
    save_checkpoint,
    save_weights,
)
from maskwright.training.feeding import Scaling, seed_of, training_batch
from maskwright.training.schedule import epochs_without_gain, plateau_factor, rate_factor

Record = Callable[[Mapping[str, Any]], None]


class Batches(Protocol):
    """Batches that are a pure function of (epoch, step)."""

    steps: int

    def batch(self, epoch: int, step: int) -> Batch:  # noqa: D102
        ...


@dataclass(frozen=True)
class FitSettings:
    """What the plan has settled for a training.

    phases: with their epochs as numbers. size: (H, W) that the network sees. names: of the packed pictures.
    """

    phases: tuple[Phase, ...]
    options: TrainingOptions
    augmentation: Augmentation
    scaling: Scaling
    size: tuple[int, int]
    precision: str
    names: Sequence[str]


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
) -> FitResult:
    """Train `network` in place, leaving it with its best (or last) weights on the CPU.

    validate: the score after an epoch, higher is better; None: the last weights are kept.
    folder: of the checkpoint; one that is there is gone on with.
    record: takes one event at a time; an epoch that is trained again after a resume comes again.
    Raises TrainingError for a loss that is not finite, naming pictures.
    """
    state = _State(network, settings, folder, device)
    state.resume()
    epochs = [int(phase.epochs) for phase in settings.phases]
    total, clock = sum(epochs) * batches.steps, _Clock(state.position.seconds)
    while not state.position.finished:
        phase = settings.phases[state.position.phase]
        first = sum(epochs[: state.position.phase])
        steps = epochs[state.position.phase] * batches.steps
        while state.position.step < batches.steps:
            position = state.position
            state.set_rates(phase, (position.epoch - first) * batches.steps + position.step, steps)
            batch = batches.batch(position.epoch, position.step)
            position.loss_sum += _step(state, batch, loss, settings, progress)
            position.loss_count += 1
            position.step += 1
            position.seconds = clock.seconds()
            _tell(progress, position, total, batches.steps, clock)
            if position.step < batches.steps:
                state.save_when_due()
        _end_epoch(state, None if validate is None else validate(network), phase, epochs, record, clock)
    if settings.options.restore_best and state.position.best_epoch >= 0:
        load_weights(folder / "best.safetensors", network)
    network.to("cpu")
    position = state.position
    return FitResult(position.best_epoch, position.best_score, tuple(position.scores), position.epoch, position.seconds)


class _State:
    """Network, optimizer and position together: what a checkpoint holds."""

    def __init__(self, network: nn.Module, settings: FitSettings, folder: Path, device: torch.device) -> None:
        self.settings, self.folder = settings, folder
        self.accelerator = Accelerator()
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device, self.position = device, Position()
        self.saved_at = time.monotonic()
        self.begin_phase()

    def begin_phase(self) -> None:
        """Freeze or free the encoder and make the phase's optimizer."""
        phase = self.settings.phases[self.position.phase]
        encoder = getattr(self.network, "encoder", None)
        if encoder is not None:
            encoder.requires_grad_(phase.encoder == "trained")
        self.optimizer = build_optimizer(self.network, phase, self.settings.options)

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 logits, computed in the plan's precision.

        Not by Accelerate's own mixed precision: that is one for a whole process, and a process may train twice.
        """
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings.precision == "bf16"):
            logits: Tensor = self.network(images)
        return logits.float()

    def train_mode(self) -> None:
        """Training mode, but a frozen encoder's batch norm keeps its averages."""
        self.network.train()
        encoder = getattr(self.network, "encoder", None)
        if encoder is not None and self.settings.phases[self.position.phase].encoder == "frozen":
            encoder.eval()

    def set_rates(self, phase: Phase, step: int, steps: int) -> None:
        """Set each group's learning rate for this step of the phase."""
        factor = rate_factor(phase, step, steps) * plateau_factor(phase, self.position.phase_scores)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor

    def resume(self) -> None:
        """Go on from the checkpoint, where there is one."""
        path = self.folder / "state.safetensors"
        if not path.exists():
            return
        self.position = read_position(path)
        self.begin_phase()  # the optimizer has the groups of the phase in which the checkpoint was taken
        self.position = load_checkpoint(path, self.network, self.optimizer)

    def save(self) -> None:
        """Write the checkpoint now."""
        save_checkpoint(self.folder / "state.safetensors", self.network, self.optimizer, self.position)
        self.saved_at = time.monotonic()

    def save_when_due(self) -> None:
        """Write the checkpoint if the last one is old enough."""
        if time.monotonic() - self.saved_at >= self.settings.options.checkpoint_seconds:
            self.save()


def build_optimizer(network: nn.Module, phase: Phase, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW or Adam with four groups: encoder or rest, decayed or not (norms and biases are not decayed).

    Each group holds its peak rate under "peak".
    """
    encoder_rate = phase.encoder_learning_rate or 0.5 * phase.learning_rate
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    listed = [
        {
            "params": parameters,
            "peak": encoder_rate if in_encoder else phase.learning_rate,
            "weight_decay": options.weight_decay if decayed else 0.0,
        }
        for (in_encoder, decayed), parameters in sorted(groups.items())
    ]
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(listed, lr=phase.learning_rate, eps=options.epsilon)


def _step(state: _State, batch: Batch, loss: Loss, settings: FitSettings, progress: Progress) -> float:
    """Take one step of the optimizer; on a GPU without memory, in more and smaller pieces. Returns the loss."""
    seed = seed_of(settings.options.seed, state.position.epoch, state.position.step)
    images, labels = training_batch(batch, settings.augmentation, settings.scaling, settings.size, state.device, seed)
    state.train_mode()
    while True:
        torch.manual_seed(seed)  # dropout
        try:
            value = _accumulate(state, images, labels, loss)
            break
        except torch.cuda.OutOfMemoryError:
            pass
        state.position.micro_batches *= 2
        state.optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        if state.position.micro_batches > len(images):
            raise TrainingError(
                "One picture alone does not fit into the GPU's memory.", fix="choose a smaller size or encoder"
            )
        progress(
            Step("train", text=f"GPU memory is short: {state.position.micro_batches} smaller steps for one, from here")
        )
    if not torch.isfinite(torch.tensor(value)):
        raise _not_finite(state, batch, images, labels, loss, settings)
    if settings.options.clip_norm is not None:
        parameters = [p for group in state.optimizer.param_groups for p in group["params"]]
        state.accelerator.clip_grad_norm_(parameters, settings.options.clip_norm)
    state.optimizer.step()
    return value


def _accumulate(state: _State, images: Tensor, labels: Tensor, loss: Loss) -> float:
    """Sum the gradients of a batch over its micro-batches; return its loss."""
    state.optimizer.zero_grad(set_to_none=True)
    value = 0.0
    pieces = zip(
        images.tensor_split(state.position.micro_batches),
        labels.tensor_split(state.position.micro_batches),
        strict=True,
    )
    for part, truth in pieces:
        part_loss = loss(state.forward(part), truth) * (len(part) / len(images))
        state.accelerator.backward(part_loss)
        value += float(part_loss.detach())
    return value


def _not_finite(
    state: _State, batch: Batch, images: Tensor, labels: Tensor, loss: Loss, settings: FitSettings
) -> TrainingError:
    """Find the pictures whose own loss is not finite, else name the whole batch.

    In training mode still: the averages of batch norm are spoilt by now, the statistics of one picture are its own.
    """
    names = [settings.names[index] for index in batch.pictures]
    with torch.no_grad():
        bad = [
            name
            for name, image, truth in zip(names, images, labels, strict=True)
            if not torch.isfinite(loss(state.forward(image[None]), truth[None]))
        ]
    return TrainingError(
        f"The loss is not finite in epoch {state.position.epoch + 1}, step {state.position.step + 1}.",
        where="pictures " + ", ".join(bad or names),
        fix="look at these pictures and masks; a lower learning rate or precision fp32 also helps "
        "(--set training.precision=fp32 --set training.phases.0.learning_rate=1e-4)",
    )


def _end_epoch(
    state: _State, score: float | None, phase: Phase, epochs: Sequence[int], record: Record, clock: "_Clock"
) -> None:
    """Note the score, keep the best weights, move on to the next epoch or phase, and save."""
    position = state.position
    position.seconds = clock.seconds()
    if score is not None:
        position.scores.append(score)
        position.phase_scores.append(score)
    if score is not None and score > position.best_score:
        position.best_epoch, position.best_score = position.epoch, score
        save_weights(state.folder / "best.safetensors", state.network)
    rate = max(group["lr"] for group in state.optimizer.param_groups)
    record({
        "event": "epoch", "epoch": position.epoch, "phase": position.phase, "score": score, "learning_rate": rate,
        "loss": position.loss_sum / max(1, position.loss_count), "seconds": round(position.seconds, 3),
    })  # fmt: skip
    position.epoch, position.step, position.loss_sum, position.loss_count = position.epoch + 1, 0, 0.0, 0
    patience = state.settings.options.early_stopping
    last = position.epoch >= sum(epochs[: position.phase + 1])
    if last or (patience is not None and score is not None and epochs_without_gain(position.phase_scores) >= patience):
        position.finished = position.phase + 1 == len(epochs)
        if not position.finished:
            position.phase, position.phase_scores = position.phase + 1, []
            position.epoch = sum(epochs[: position.phase])
            state.begin_phase()
        state.save()
    else:
        state.save_when_due()


class _Clock:
    """Seconds of training, over all its sittings."""

    def __init__(self, before: float) -> None:
        self.before, self.start = before, time.monotonic()

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.start


def _tell(progress: Progress, position: Position, total: int, steps: int, clock: _Clock) -> None:
    done = position.epoch * steps + position.step
    values = {
        "epoch": position.epoch + 1,
        "epochs": total // steps,
        "loss": position.loss_sum / position.loss_count,
        "seconds_left": clock.seconds() / max(1, done) * (total - done),
    }
    if position.scores:
        values["score"] = position.scores[-1]
    progress(Step("train", done, total, values))
