"""Layers that PyTorch computes slowly on a CPU, computed otherwise while a network is trained: same answer, less time.

Three of them, found by a profile (benchmarks/training/step_cost.py):
- batch norm in training with the ReLU or ReLU6 behind it: one kernel forward, one back (kernels.py);
- the gradients of depthwise convolutions in bfloat16 (depthwise.py);
- a U-Net's decoder, whose convolutions of doubled and joined features are taken apart (upsampling.py).

The network itself is not touched: calls are caught on their way (a TorchFunctionMode), by kind of layer, while it
answers in training. So its state, its evaluation and its export are what they were.
"""

import contextlib
import ctypes
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from maskwright.models.mobilenet_v2 import NormRelu6
from maskwright.training.depthwise import depthwise
from maskwright.training.kernels import cpu_kernels, untuned
from maskwright.training.upsampling import quick_decoders

Bounds = tuple[float, float]
NO_BOUNDS: Bounds = (-math.inf, math.inf)
_KINDS = {torch.bfloat16: "bf16", torch.float32: "f32"}
_ACTIVATIONS = (F.relu, F.relu6, F.hardtanh, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, F.relu_, F.hardtanh_)


def fast_layers(network: nn.Module, device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which a network in training mode computes its slow layers faster.

    On a GPU, or where MASKWRIGHT_NO_TUNING is set to anything but 0, nothing changes.
    """
    if device.type != "cpu" or not network.training or untuned():
        return contextlib.nullcontext()
    return _fast(network)


@contextlib.contextmanager
def _fast(network: nn.Module) -> Iterator[None]:
    with _FastLayers(network), quick_decoders(network):
        yield


def told_of_layers(device: torch.device) -> str:
    """Say in the plan's words how layers are computed in training."""
    if device.type != "cpu":
        return "PyTorch's"
    if untuned():
        return "PyTorch's: MASKWRIGHT_NO_TUNING is set"
    return cpu_kernels().why


class _FastLayers(TorchFunctionMode):
    """Catches F.batch_norm, the activation behind it, and depthwise convolutions."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.kernels = cpu_kernels().library
        self.bounds = _bounds_behind(network)
        self.activated: Tensor | None = None  # the last answer that has been through its activation already

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Answer a call of torch's on the way."""
        if func is F.batch_norm and self.kernels is not None:
            return self._batch_norm(func, args, kwargs or {})
        if func in _ACTIVATIONS and args and args[0] is self.activated:
            return args[0]
        if func is torch.conv2d and not kwargs:
            answer = depthwise(*args)
            if answer is not None:
                return answer
        return func(*args, **(kwargs or {}))

    def _batch_norm(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        named = {**dict(zip(_BATCH_NORM, args, strict=False)), **kwargs}
        x, weight, bias = named["input"], named.get("weight"), named.get("bias")
        if not named.get("training") or weight is None or bias is None or not _fits(x):
            return func(*args, **kwargs)
        bounds = self.bounds.get(id(weight), NO_BOUNDS)
        moved = named.get("running_mean"), named.get("running_var"), named.get("momentum", 0.1)
        answer: Tensor = _BatchNorm.apply(x, weight, bias, moved, named.get("eps", 1e-5), bounds, self.kernels)
        self.activated = answer if bounds != NO_BOUNDS else None
        return answer


_BATCH_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")


def _fits(x: Tensor) -> bool:
    """Whether the kernels can take it: rows of channels in a known type, more than one row."""
    rows = x.numel() // max(1, x.shape[1])
    return x.ndim == 4 and rows > 1 and x.dtype in _KINDS and x.is_contiguous(memory_format=torch.channels_last)


def _bounds_behind(network: nn.Module) -> dict[int, Bounds]:
    """Return, by the id of a batch norm's weight, the bounds of the activation that nothing else can come between."""
    found: dict[int, Bounds] = {}
    for layer in network.modules():
        children = list(layer.children())
        if isinstance(layer, NormRelu6):
            found[id(layer.weight)] = (0.0, 6.0)
        elif isinstance(layer, nn.BatchNorm2d):
            activation = children[-1] if len(children) else None  # timm's norm and activation in one layer
            if getattr(layer, "drop", None) is not None and not isinstance(layer.drop, nn.Identity):
                continue
            _note(found, layer, activation)
        elif isinstance(layer, nn.Sequential):
            for norm, behind in zip(children, children[1:], strict=False):
                if type(norm) is nn.BatchNorm2d:
                    _note(found, norm, behind)
    return found


def _note(found: dict[int, Bounds], norm: nn.BatchNorm2d, activation: nn.Module | None) -> None:
    if activation is None or norm.weight is None or norm._forward_hooks or activation._forward_pre_hooks:
        return
    if type(activation) is nn.ReLU:
        found[id(norm.weight)] = (0.0, math.inf)
    elif type(activation) is nn.ReLU6:
        found[id(norm.weight)] = (0.0, 6.0)


class _BatchNorm(torch.autograd.Function):
    """y = activation(batch norm of x over N, H, W), x (N, C, H, W) channels last; averages are moved on."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, moved: Any, eps: float, bounds: Bounds, kernels: ctypes.CDLL
    ) -> Tensor:
        """moved: (running mean or None, running variance or None, momentum)."""
        y, mean, inverse = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        running_mean, running_var, momentum = moved
        _call(
            kernels, "forward", x.dtype, _at(x), _at(y), *_rows(x), _at(weight), _at(bias), _at(mean), _at(inverse),
            _at(running_mean), _at(running_var), ctypes.c_double(momentum), ctypes.c_double(eps), *_floats(bounds),
        )  # fmt: skip
        ctx.save_for_backward(x, weight, bias, mean, inverse)
        ctx.bounds, ctx.kernels = bounds, kernels
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight and bias."""
        x, weight, bias, mean, inverse = ctx.saved_tensors
        grad = grads[0].to(x.dtype).contiguous(memory_format=torch.channels_last)
        dx, dweight, dbias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
        _call(
            ctx.kernels, "backward", x.dtype, _at(grad), _at(x), _at(dx), *_rows(x), _at(weight), _at(bias), _at(mean),
            _at(inverse), _at(dweight), _at(dbias), *_floats(ctx.bounds),
        )  # fmt: skip
        return dx, dweight, dbias, None, None, None, None


def _call(kernels: ctypes.CDLL, name: str, dtype: torch.dtype, *arguments: Any) -> None:
    if getattr(kernels, f"{name}_{_KINDS[dtype]}")(*arguments, ctypes.c_int(torch.get_num_threads())):
        raise MemoryError("no memory for the sums of a batch norm")


def _at(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


def _rows(x: Tensor) -> tuple[ctypes.c_int64, ctypes.c_int64]:
    return ctypes.c_int64(x.numel() // x.shape[1]), ctypes.c_int64(x.shape[1])


def _floats(bounds: Bounds) -> tuple[ctypes.c_float, ctypes.c_float]:
    return ctypes.c_float(bounds[0]), ctypes.c_float(bounds[1])
