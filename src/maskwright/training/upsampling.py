"""A U-Net's decoder computed with less: the same parameters, the same answers within rounding, fewer products.

A 3x3 convolution of pixels that were doubled by "nearest" meets each value two or four times, and one of joined
features is the sum of a convolution of each. So neither the doubled nor the joined features, nor their gradients, are
made. Two forms of it, chosen by what this machine's library is fast at (measured in benchmarks/training/frozen.py):
- more than a few channels: the nine products of each small pixel are one matrix product, which a kernel adds up where
  they meet (doubling.c), 9 products a value and filter where there were 36;
- few channels: a transposed 4x4 convolution by sums of the 3x3 weights, 16 products.
"""

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskwright.training.kernels import cpu_kernels

FEW_CHANNELS = 64  # of the small features
_KINDS = {torch.bfloat16: "bf16", torch.float32: "f32"}


@contextlib.contextmanager
def quick_decoders(network: nn.Module) -> Iterator[None]:
    """While it lasts, each plain U-Net decoder in the network (`can_be_quick`) convolves before it doubles.

    Only the way to the answer is another; afterwards every layer is as it was.
    """
    decoders = [layer for layer in network.modules() if can_be_quick(layer)]
    try:
        for decoder in decoders:
            decoder.forward = partial(decode, cast(Any, decoder).blocks)
        yield
    finally:
        for decoder in decoders:
            del decoder.forward


def decode(blocks: Sequence[Any], features: Sequence[Tensor]) -> Tensor:
    """Features, finest first -> (N, D, H, W) at the size of the last block."""
    *finer, x = features
    for number, (block, feature) in enumerate(zip(blocks, reversed(finer), strict=False)):
        skip = feature if number + 1 < len(finer) else None
        convolution, norm, activation = block.conv1
        x = block.conv2(activation(norm(convolve_doubled(convolution.weight, x, skip, feature.shape[2:]))))
    return x


def can_be_quick(decoder: nn.Module) -> bool:
    """Tell whether a layer is a plain U-Net's decoder: nearest doubling, joining, two 3x3 convolutions, norm, ReLU."""
    if type(decoder).__name__ != "UnetDecoder" or not isinstance(
        getattr(decoder, "center", nn.Identity()), nn.Identity
    ):
        return False
    return "forward" not in vars(decoder) and all(_is_plain(block) for block in cast(Any, decoder).blocks)


def _is_plain(block: Any) -> bool:
    attention = (block.attention1, block.attention2)
    if not all(isinstance(getattr(layer, "attention", layer), nn.Identity) for layer in attention):
        return False
    if getattr(block, "interpolation_mode", "nearest") != "nearest":
        return False
    if [type(layer) for layer in block.conv1] != [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]:
        return False
    if any(layer._forward_hooks or layer._forward_pre_hooks for layer in (block, block.conv1, block.conv1[0])):
        return False
    return _is_3x3(block.conv1[0])


def _is_3x3(layer: nn.Conv2d) -> bool:
    usual = (layer.kernel_size, layer.padding, layer.stride, layer.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
    return usual and layer.groups == 1 and layer.bias is None and layer.padding_mode == "zeros"


def convolve_doubled(weight: Tensor, x: Tensor, skip: Tensor | None, size: Sequence[int]) -> Tensor:
    """Convolve cat(doubled x, skip) by a 3x3 kernel with padding 1.

    weight: (D, C + S, 3, 3). x: (N, C, h, w). skip: (N, S, H, W) or None. size: (H, W), which is (2h, 2w) or larger.
    Returns (N, D, H, W).
    """
    channels = x.shape[1]
    skip = skip if skip is not None and skip.shape[1] else None  # some encoders have nothing to join at stride 2
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    kernels = cpu_kernels().library if dtype in _KINDS else None
    doubled = tuple(size) == (2 * x.shape[2], 2 * x.shape[3])
    if not doubled or (channels > FEW_CHANNELS and kernels is None):
        x = F.interpolate(x, size=tuple(size), mode="nearest")
        return F.conv2d(x if skip is None else torch.cat([x, skip], dim=1), weight, padding=1)
    weight = weight if channels <= FEW_CHANNELS else weight.to(dtype)
    inner, outer = torch.split(weight, [channels, weight.shape[1] - channels], dim=1)
    beside = None if skip is None else F.conv2d(skip, outer, padding=1)
    if channels > FEW_CHANNELS:
        return gather_taps(products_of_taps(inner, x.to(dtype)), beside, kernels)
    found = F.conv_transpose2d(x, transposed_kernel(inner), stride=2, padding=1)
    return found if beside is None else found + beside


def products_of_taps(weight: Tensor, x: Tensor) -> Tensor:
    """Multiply each pixel by each of the nine taps: weight (D, C, 3, 3), x (N, C, h, w) -> (N, h, w, 9D)."""
    taps = weight.permute(2, 3, 0, 1).reshape(-1, weight.shape[1])
    return F.linear(x.permute(0, 2, 3, 1), taps)


def transposed_kernel(weight: Tensor) -> Tensor:
    """Return the transposed 4x4 kernel (C, D, 4, 4), stride 2, that doubles and convolves by `weight` (D, C, 3, 3)."""
    padded = F.pad(weight, (1, 1, 1, 1))
    rows = padded[:, :, 1:] + padded[:, :, :-1]
    return (rows[..., 1:] + rows[..., :-1]).flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)


def gather_taps(products: Tensor, beside: Tensor | None, kernels: ctypes.CDLL | None) -> Tensor:
    """Add up the products (N, h, w, 9D) that meet at each doubled pixel, and `beside`: (N, D, 2h, 2w)."""
    return cast(Tensor, _GatherTaps.apply(products, beside, kernels))


class _GatherTaps(torch.autograd.Function):
    """(N, h, w, 9D), what `products_of_taps` gives, and None or (N, D, 2h, 2w) -> (N, D, 2h, 2w), channels last."""

    @staticmethod
    def forward(ctx: Any, products: Tensor, beside: Tensor | None, kernels: ctypes.CDLL) -> Tensor:
        count, height, width, ninefold = products.shape
        filters, products = ninefold // 9, products.contiguous()
        if beside is not None:
            beside = beside.to(products.dtype).contiguous(memory_format=torch.channels_last)
        y = products.new_empty(count, 2 * height, 2 * width, filters)
        ctx.kernels, ctx.shape = kernels, (count, height, width, filters)
        tensors = [products.data_ptr(), None if beside is None else beside.data_ptr(), y.data_ptr()]
        _call(kernels, "gather_taps", products.dtype, tensors, ctx.shape)
        return y.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        count, height, width, filters = ctx.shape
        by_products = gradient.new_empty(count, height, width, 9 * filters)
        tensors = [gradient.data_ptr(), by_products.data_ptr()]
        _call(ctx.kernels, "spread_taps", gradient.dtype, tensors, ctx.shape)
        return by_products, gradient if ctx.needs_input_grad[1] else None, None


def _call(
    kernels: ctypes.CDLL, name: str, dtype: torch.dtype, tensors: Sequence[int | None], shape: Sequence[int]
) -> None:
    sizes = [ctypes.c_int64(size) for size in shape]
    function = getattr(kernels, f"{name}_{_KINDS[dtype]}")
    function(*map(ctypes.c_void_p, tensors), *sizes, ctypes.c_int(torch.get_num_threads()))
