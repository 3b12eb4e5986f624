"""The gradients of a depthwise convolution in bfloat16, for which oneDNN has slow code or none.

A kernel takes both in one go (depthwise.c). Without it strided ones, which are the worst by far, go another way: the
gradient of the output is spread over a map of the input's size, zeros between, and convolved with stride 1.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from maskwright.training.kernels import cpu_kernels

LANES = 16  # as in depthwise.c
SIZES = (3, 5, 7)  # of kernels that depthwise.c is made for


def depthwise(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Tensor | None:  # fmt: skip
    """Answer a depthwise convolution in bfloat16, with its own way back; None for any other. Arguments as conv2d's."""
    if not groups == x.shape[1] == weight.shape[0] > 1 or bias is not None or isinstance(padding, str):
        return None
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    if dtype != torch.bfloat16 or not torch.is_grad_enabled() or x.ndim != 4:
        return None  # in float32 oneDNN's own are as fast
    kernels = cpu_kernels().library
    known = kernels is not None and weight.shape[2] == weight.shape[3] and weight.shape[2] in SIZES
    steps = _pair(stride), _pair(padding), _pair(dilation)
    if not known and max(steps[0]) == 1:
        return None
    return cast(Tensor, _Depthwise.apply(x.to(dtype), weight.to(dtype), steps, kernels if known else None))


class _Depthwise(torch.autograd.Function):
    """x: (N, C, H, W). weight: (C, 1, h, w). steps: stride, padding and dilation, each down and across."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, steps: Sequence[list[int]], kernels: ctypes.CDLL | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.steps, ctx.kernels = steps, kernels
        stride, padding, dilation = steps
        return F.conv2d(x, weight, None, stride, padding, dilation, len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x and weight."""
        (x, weight), grad = ctx.saved_tensors, grads[0]
        if ctx.kernels is not None:
            return *gradients(grad, x, weight, ctx.steps, ctx.kernels), None, None
        by_x = spread_gradient(grad, x, weight, ctx.steps) if ctx.needs_input_grad[0] else None
        by_weight = torch.ops.aten.convolution_backward(
            grad, x, weight, None, *ctx.steps, False, [0, 0], len(weight), [False, True, False]
        )[1]
        return by_x, by_weight, None, None


def gradients(
    grad: Tensor, x: Tensor, weight: Tensor, steps: Sequence[list[int]], kernels: ctypes.CDLL
) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and weight, bfloat16 and channels last, by the kernel."""
    channels, size, threads = len(weight), weight.shape[2], torch.get_num_threads()
    grad, x = (given.contiguous(memory_format=torch.channels_last) for given in (grad, x))
    blocks = -(-channels // LANES)
    padded = F.pad(weight.float().reshape(channels, size * size), (0, 0, 0, blocks * LANES - channels))
    taps = padded.reshape(blocks, LANES, -1).transpose(1, 2).contiguous()
    by_x, sums = torch.empty_like(x), taps.new_zeros(threads, *taps.shape)
    numbers = [len(x), *x.shape[2:], channels, *grad.shape[2:], size, *(number for pair in steps for number in pair)]
    tensors = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (grad, x, taps, by_x, sums)]
    if kernels.depthwise_back_bf16(*tensors, (ctypes.c_int64 * len(numbers))(*numbers), ctypes.c_int(threads)):
        raise MemoryError("no memory for the rows of a depthwise convolution")
    by_weight = sums.sum(0).transpose(1, 2).reshape(-1, 1, size, size)[:channels]
    return by_x, by_weight.to(weight.dtype)


def spread_gradient(grad: Tensor, x: Tensor, weight: Tensor, steps: Sequence[list[int]]) -> Tensor:
    """Return the gradient of x as a convolution with stride 1 of the spread gradient."""
    stride, padding, dilation = steps
    reach = [(size - 1) * apart for size, apart in zip(weight.shape[2:], dilation, strict=True)]
    size = [n + 2 * p - r for n, p, r in zip(x.shape[2:], padding, reach, strict=True)]
    spread = torch.empty((len(x), len(weight), *size), dtype=grad.dtype, memory_format=torch.channels_last).zero_()
    spread[:, :, :: stride[0], :: stride[1]] = grad
    outside = [r - p for r, p in zip(reach, padding, strict=True)]
    return F.conv2d(spread, weight.flip(2, 3), None, 1, outside, dilation, len(weight))


def _pair(value: Any) -> list[int]:
    return [int(v) for v in value] if isinstance(value, tuple | list) else [int(value)] * 2
