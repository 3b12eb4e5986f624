"""The whole state of a training in one safetensors file: named tensors, and numbers as JSON in its header.

Written under a temporary name, synced and renamed, so that a kill at any moment leaves the last whole one. No pickle.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from maskwright.errors import DataError
from maskwright.files import write_with

SCHEMA_VERSION = 1


@dataclass
class Position:
    """How far a training has come; `epoch` and `step` name the next batch to be taken.

    phase: index into the recipe's phases. epoch: counted over all phases, those that were really trained.
    phase_begin: the phase's first epoch. step: within the epoch.
    scores: validation after each finished epoch (higher is better). seconds: spent so far; ends: at the end of each
    epoch. epochs: of each phase, where it was decided anew on the way; empty: as planned.
    loss_sum, loss_count: of the epoch under way.
    """

    phase: int = 0
    phase_begin: int = 0
    epoch: int = 0
    step: int = 0
    best_epoch: int = -1
    best_score: float = -1.0
    scores: list[float] = field(default_factory=list)
    phase_scores: list[float] = field(default_factory=list)
    seconds: float = 0.0
    ends: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_count: int = 0
    micro_batches: int = 1
    finished: bool = False


def save_checkpoint(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, position: Position) -> None:
    """Write network, optimizer and position. Raises OutputError."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    numbers: dict[str, dict[str, float]] = {}
    for index, parameter in enumerate(_parameters(optimizer)):
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    header = {
        "schema_version": str(SCHEMA_VERSION),
        "position": json.dumps(asdict(position)),
        "optimizer": json.dumps(numbers),
    }
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_with(path, lambda temporary: save_file(whole, temporary, metadata=header))


def load_checkpoint(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> Position:
    """Put a checkpoint back into network and optimizer; return the position. Raises DataError."""
    header, tensors = _read(path)
    try:
        position = Position(**json.loads(header["position"]))
        network.load_state_dict({n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")})
        _load_optimizer(optimizer, tensors, json.loads(header["optimizer"]))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _unusable(path, str(error).splitlines()[0]) from error
    return position


def read_position(path: Path) -> Position:
    """Read how far a checkpoint's training had come. Raises DataError."""
    header, _ = _read(path)
    try:
        return Position(**json.loads(header["position"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _unusable(path, str(error).splitlines()[0]) from error


def load_weights(path: Path, network: nn.Module) -> None:
    """Load network weights written by `save_weights`. Raises DataError."""
    _, tensors = _read(path)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise _unusable(path, str(error).splitlines()[0]) from error


def save_weights(path: Path, network: nn.Module) -> None:
    """Write the network's weights alone. Raises OutputError."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_with(path, lambda temporary: save_file(whole, temporary, metadata={"schema_version": str(SCHEMA_VERSION)}))


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    for index, parameter in enumerate(_parameters(optimizer)):
        prefix = f"optimizer.{index}."
        state: dict[str, Any] = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        state |= numbers.get(str(index), {})
        if state:
            optimizer.state[parameter] = {key: _laid_out(value, parameter) for key, value in state.items()}


def _laid_out(value: Any, parameter: nn.Parameter) -> Any:
    """Give a state tensor its parameter's device and memory layout, so that the next step rounds as it would have."""
    if not isinstance(value, Tensor) or value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _unusable(path, str(error)) from error


def _unusable(path: Path, why: str) -> DataError:
    return DataError(
        f"This checkpoint cannot be used: {why}", where=str(path), fix="start anew in another folder (-o RUN)"
    )
