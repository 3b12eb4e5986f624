"""Numbers of reduced precision where this machine has them in hardware, found out by trying, not by name."""

import math
import time
from dataclasses import dataclass

import torch
from torch import nn

from maskwright.errors import TrainingError
from maskwright.training.fast_layers import fast_layers

TURNS = 3  # timed steps of each precision
ALONE = 2  # timed steps of the one that is left where the other is hopeless
WHOLE = 8  # pictures of a step from which on a CPU is shown half of them: a CPU is busy with that
# Times as slow as the other: no need to look again. One slow look may be another program's doing: where fp32 is given
# up for it, little is lost, where bf16 is, a lot.
HOPELESS = {"fp32": 1.6, "bf16": 3.0}


@dataclass(frozen=True)
class Speed:
    """What a probe measured. seconds: one training step (forward, backward), the fastest of a few; by precision."""

    precision: str
    seconds: dict[str, float]

    @property
    def step_seconds(self) -> float:
        """Seconds of a step in the chosen precision."""
        return self.seconds[self.precision]


def probe(
    network: nn.Module, shape: tuple[int, int, int, int], device: torch.device, *, precision: str = "auto"
) -> Speed:
    """Time training steps on constant pictures and choose the precision; the network's state is put back.

    shape: (N, C, H, W). precision: auto compares fp32 and bf16; else only that one is timed. bf16 is chosen where it
    takes less than 0.85 of the time. On a CPU half of a large batch is timed, and counts for half.
    """
    if device.type == "cpu" and shape[0] >= WHOLE:
        return _half(network, shape, device, precision)
    return _probe(network, shape, device, precision)


def _half(network: nn.Module, shape: tuple[int, int, int, int], device: torch.device, precision: str) -> Speed:
    half = _probe(network, (shape[0] // 2, *shape[1:]), device, precision)
    return Speed(half.precision, {name: value * shape[0] / (shape[0] // 2) for name, value in half.seconds.items()})


def _probe(network: nn.Module, shape: tuple[int, int, int, int], device: torch.device, precision: str) -> Speed:
    """Time steps of this very shape; of half of it where the GPU's memory does not hold it."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    training = network.training
    network.train()
    times: dict[str, list[float]] = {name: [] for name in (("bf16", "fp32") if precision == "auto" else (precision,))}
    for turn in range(1 + TURNS):  # in turn, so that another program's load meets both; the first of each is warm-up
        fastest = min(map(min, filter(None, times.values())), default=0.0)
        left = [name for name, taken in times.items() if len(taken) < 2 or min(taken) < HOPELESS[name] * fastest]
        for name in left if len(left) == len(times) or turn <= ALONE else ():
            times[name].append(_or_too_large(network, shape, device, name))
    network.zero_grad(set_to_none=True)
    network.load_state_dict(before)
    network.train(training)
    seconds = {name: min(taken) for name, taken in times.items()}
    if not any(map(math.isfinite, seconds.values())):
        if shape[0] == 1:
            raise TrainingError(
                "One picture alone does not fit into the GPU's memory.", fix="choose a smaller size or encoder"
            )
        return _half(network, shape, device, precision)
    if precision != "auto":
        return Speed(precision, seconds)
    return Speed("bf16" if seconds["bf16"] < 0.85 * seconds["fp32"] else "fp32", seconds)


def _step_seconds(network: nn.Module, shape: tuple[int, int, int, int], device: torch.device, precision: str) -> float:
    images = torch.rand(shape, device=device).contiguous(memory_format=torch.channels_last)
    start = time.perf_counter()
    autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")
    with autocast, fast_layers(network, device):
        output = network(images)
    parts = output if isinstance(output, tuple) else (output,)  # logits, and those of an auxiliary head
    sum(part.float().mean() for part in parts).backward()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _or_too_large(network: nn.Module, shape: tuple[int, int, int, int], device: torch.device, precision: str) -> float:
    """Time a step; one that does not fit into the GPU's memory takes forever."""
    try:
        return _step_seconds(network, shape, device, precision)
    except torch.cuda.OutOfMemoryError:
        network.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        return math.inf
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise TrainingError(
            "The batch norm of this network needs at least two pictures in a step.", fix="training.batch_size: 2"
        ) from error
