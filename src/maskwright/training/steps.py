"""One step of a training: its batch, its gradient, its rates; and what a phase freezes.

Everything random in a step follows from (seed, epoch, step). Knows no epochs' end, no checkpoint, no validation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from maskwright.errors import ConfigError, TrainingError
from maskwright.losses import Loss, Output
from maskwright.progress import Progress, Step
from maskwright.recipe import Augmentation, Phase, TrainingOptions
from maskwright.training.batches import Batch
from maskwright.training.checkpoint import Position
from maskwright.training.fast_layers import fast_layers
from maskwright.training.feeding import Scaling, seed_of, training_batch
from maskwright.training.kernels import untuned
from maskwright.training.optimizers import Adam, AdamW
from maskwright.training.schedule import plateau_factor, rate_factor


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


class State:
    """Network, optimizer and position together: what a checkpoint holds."""

    def __init__(self, network: nn.Module, settings: FitSettings, device: torch.device) -> None:
        check_phases(network, settings.phases)
        self.settings = settings
        self.accelerator = Accelerator()
        self.network: nn.Module = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device, self.position = device, Position()
        self.begin_phase()

    @property
    def phase(self) -> Phase:
        """The phase under way."""
        return self.settings.phases[self.position.phase]

    @property
    def seed(self) -> int:
        """Of everything random in the step to be taken."""
        return seed_of(self.settings.options.seed, self.position.epoch, self.position.step)

    def begin_phase(self) -> None:
        """Freeze or free the encoder and make the phase's optimizer."""
        encoder = getattr(self.network, "encoder", None)
        if encoder is not None:
            encoder.requires_grad_(self.phase.encoder == "trained")
        self._twin: nn.Module | None = None
        self.optimizer = build_optimizer(self.network, self.phase, self.settings.options)

    @property
    def computing(self) -> nn.Module:
        """What gives the answers: the network, or on a CPU with its encoder frozen a quicker one of the same weights.

        It is made at the first step of the phase: a resumed training has its weights only then.
        """
        if self.phase.encoder != "frozen" or self.device.type != "cpu":
            return self.network
        if self._twin is None:
            from maskwright.training.frozen import frozen_twin  # torch.fx is not for trainings that need none

            self._twin = frozen_twin(self.network, self.settings.precision)
        return self._twin

    def shown(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return a batch as the network sees it, changed at random: (images, labels)."""
        to = self.settings
        return training_batch(batch, to.augmentation, to.scaling, to.size, self.device, self.seed)

    def forward(self, images: Tensor) -> Output:
        """Return float32 logits, and presence where an auxiliary head gives it, computed in the plan's precision.

        Not by Accelerate's own mixed precision: that is one for a whole process, and a process may train twice.
        """
        autocast = torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings.precision == "bf16")
        with autocast, fast_layers(self.computing, self.device):
            output: Output = self.computing(images)
        return (output[0].float(), output[1].float()) if isinstance(output, tuple) else output.float()

    def train_mode(self) -> None:
        """Training mode, but a frozen encoder, or one whose batch norm is frozen, keeps its averages."""
        self.network.train()
        encoder = getattr(self.network, "encoder", None)
        if encoder is None:
            return
        if self.phase.encoder == "frozen":
            self.computing.train()
            encoder.eval()
        elif self.phase.encoder_batch_norm == "frozen":
            for layer in encoder.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()

    def set_rates(self, step: int, steps: int) -> None:
        """Set each group's learning rate for this step of the phase."""
        self.scale_rates(rate_factor(self.phase, step, steps) * plateau_factor(self.phase, self.position.phase_scores))

    def scale_rates(self, factor: float) -> None:
        """Set each group's learning rate to its peak times a factor."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor


def check_phases(network: nn.Module, phases: Sequence[Phase]) -> None:
    """Raise ConfigError where a phase says something of an encoder that the network does not have."""
    if hasattr(network, "encoder"):
        return
    for number, phase in enumerate(phases):
        key = f"training.phases.{number}."
        if phase.encoder == "frozen":
            what = "This network has no encoder that could be frozen."
            raise ConfigError(what, where=f"{key}encoder: frozen", fix="leave the phase out, or choose another network")
        if phase.encoder_learning_rate is not None:
            what = "This network has no encoder that could have its own rate."
            raise ConfigError(what, where=f"{key}encoder_learning_rate", fix="leave it out, or choose another network")
        if phase.encoder_batch_norm == "frozen":
            what = "This network has no encoder whose batch norm could be frozen."
            raise ConfigError(what, where=f"{key}encoder_batch_norm", fix="leave it out, or choose another network")


def build_optimizer(network: nn.Module, phase: Phase, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW or Adam with four groups: encoder or rest, decayed or not (norms and biases are not decayed).

    Each group holds its peak rate under "peak". On a CPU torch's fused step is taken, one pass over memory.
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
    kind = AdamW if options.optimizer == "adamw" else Adam
    on_cpu = all(parameter.device.type == "cpu" for parameter in network.parameters())
    fused = True if on_cpu and not untuned() else None  # None: torch chooses
    return kind(listed, lr=phase.learning_rate, eps=options.epsilon, fused=fused)


def take_step(state: State, batch: Batch, loss: Loss, progress: Progress) -> float:
    """Take one step of the optimizer and return the loss. Raises TrainingError for one not finite, naming pictures."""
    images, labels = state.shown(batch)
    value = find_gradient(state, images, labels, loss, progress)
    if not math.isfinite(value):
        raise _not_finite(state, batch, images, labels, loss)
    descend(state)
    return value


def find_gradient(state: State, images: Tensor, labels: Tensor, loss: Loss, progress: Progress) -> float:
    """Set the gradient of a batch; on a GPU without memory in more and smaller pieces. Returns the loss."""
    state.train_mode()
    while True:
        torch.manual_seed(state.seed)  # dropout
        try:
            return _accumulate(state, images, labels, loss)
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


def descend(state: State) -> None:
    """Follow the gradient, cut to the largest norm allowed, by the rates that are set."""
    if (norm := state.settings.options.clip_norm) is not None:
        # not Accelerate's, which loads torch.distributed and sympy to do the same
        nn.utils.clip_grad_norm_([p for group in state.optimizer.param_groups for p in group["params"]], norm)
    state.optimizer.step()


def _accumulate(state: State, images: Tensor, labels: Tensor, loss: Loss) -> float:
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


def _not_finite(state: State, batch: Batch, images: Tensor, labels: Tensor, loss: Loss) -> TrainingError:
    """Find the pictures whose own loss is not finite, else name the whole batch.

    In training mode still: the averages of batch norm are spoilt by now, the statistics of one picture are its own.
    Each is taken twice, since batch norm of a single value cannot be.
    """
    names = [state.settings.names[index] for index in batch.pictures]
    with torch.no_grad():
        bad = [
            name
            for name, image, truth in zip(names, images, labels, strict=True)
            if not torch.isfinite(loss(state.forward(torch.stack([image, image])), torch.stack([truth, truth])))
        ]
    return TrainingError(
        f"The loss is not finite in epoch {state.position.epoch + 1}, step {state.position.step + 1}.",
        where="pictures " + ", ".join(bad or names),
        fix="look at these pictures and masks; a lower learning rate or precision fp32 also helps "
        "(--set training.precision=fp32 --set training.phases.0.learning_rate=1e-4)",
    )
