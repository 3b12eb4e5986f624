"""A U-Net's decoder computed with less: the same parameters, the same answers within rounding, fewer products.

A 3x3 convolution of pixels that were doubled by "nearest" meets each value two or four times. So it is a convolution
of the small features by sums of the 3x3 weights: 16 products a value and filter where there were 36, and neither the
doubled features nor their gradient are ever made. Two forms of it, chosen by what oneDNN is fast at (measured in
benchmarks/training/frozen.py): few channels take a transposed 4x4 convolution; more take a 2x2 one with a filter for
each of the four positions; with very many the sums of weights cost more than they save.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEW_CHANNELS, MANY_CHANNELS = 64, 256  # of the small features


class QuickDecoder(nn.Module):
    """Stands for a U-Net decoder and shares its parameters and batch norm averages.

    decoder: one for which `can_be_quick`.
    """

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.blocks = cast(Any, decoder).blocks

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features, finest first -> (N, D, H, W) at the size of the last block."""
        *finer, x = features
        for number, (block, feature) in enumerate(zip(self.blocks, reversed(finer), strict=False)):
            skip = feature if number + 1 < len(finer) else None
            convolution, norm, activation = block.conv1
            x = block.conv2(activation(norm(convolve_doubled(convolution.weight, x, skip, feature.shape[2:]))))
        return x


def can_be_quick(decoder: nn.Module) -> bool:
    """Tell whether a decoder is a plain U-Net's: nearest doubling, joining, two 3x3 convolutions with norm and ReLU."""
    if type(decoder).__name__ != "UnetDecoder" or not isinstance(
        getattr(decoder, "center", nn.Identity()), nn.Identity
    ):
        return False
    return all(_is_plain(block) for block in cast(Any, decoder).blocks)


def _is_plain(block: Any) -> bool:
    attention = (block.attention1, block.attention2)
    if not all(isinstance(getattr(layer, "attention", layer), nn.Identity) for layer in attention):
        return False
    if getattr(block, "interpolation_mode", "nearest") != "nearest":
        return False
    return [type(layer) for layer in block.conv1] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]


def convolve_doubled(weight: Tensor, x: Tensor, skip: Tensor | None, size: Sequence[int]) -> Tensor:
    """Convolve cat(doubled x, skip) by a 3x3 kernel with padding 1.

    weight: (D, C + S, 3, 3). x: (N, C, h, w). skip: (N, S, H, W) or None. size: (H, W), which is (2h, 2w) or larger.
    Returns (N, D, H, W).
    """
    channels = x.shape[1]
    skip = skip if skip is not None and skip.shape[1] else None  # some encoders have nothing to join at stride 2
    if channels > MANY_CHANNELS or tuple(size) != (2 * x.shape[2], 2 * x.shape[3]):
        x = F.interpolate(x, size=tuple(size), mode="nearest")
        return F.conv2d(x if skip is None else torch.cat([x, skip], dim=1), weight, padding=1)
    inner = weight[:, :channels]
    if channels <= FEW_CHANNELS:
        found = F.conv_transpose2d(x, transposed_kernel(inner), stride=2, padding=1)
    else:
        found = cast(Tensor, _Weave.apply(F.conv2d(x, kernel_of_positions(inner), padding=1)))
    return found if skip is None else found + F.conv2d(skip, weight[:, channels:], padding=1)


def transposed_kernel(weight: Tensor) -> Tensor:
    """Return the transposed 4x4 kernel (C, D, 4, 4), stride 2, that doubles and convolves by `weight` (D, C, 3, 3)."""
    padded = F.pad(weight, (1, 1, 1, 1))
    rows = padded[:, :, 1:] + padded[:, :, :-1]
    return (rows[..., 1:] + rows[..., :-1]).flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)


def kernel_of_positions(weight: Tensor) -> Tensor:
    """Return a 2x2 kernel (4D, C, 2, 2): D filters for each of the four pixels that a value is doubled to."""
    halves = [_pairs(rows, 3) for rows in _pairs(weight, 2)]
    return torch.cat([half for row in halves for half in row]).contiguous(memory_format=torch.channels_last)


def _pairs(weight: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Sum three weights along an axis to two: as the first doubled pixel, and as the second, meets its neighbours."""
    first, middle, last = weight.unbind(axis)
    return torch.stack([first, middle + last], axis), torch.stack([first + middle, last], axis)


class _Weave(torch.autograd.Function):
    """(N, 4D, h+1, w+1), what `kernel_of_positions` gives with padding 1 -> (N, D, 2h, 2w), channels last."""

    @staticmethod
    def forward(ctx: Any, found: Tensor) -> Tensor:
        count, filters, height, width = found.shape
        rows = found.permute(0, 2, 3, 1).reshape(count, height, width, 2, 2, filters // 4)
        woven = found.new_empty(count, height - 1, 2, width - 1, 2, filters // 4)
        for a in (0, 1):
            for b in (0, 1):
                woven[:, :, a, :, b] = rows[:, a : a + height - 1, b : b + width - 1, a, b]
        return woven.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        count, filters, height, width = gradients[0].shape
        height, width = height // 2, width // 2
        woven = gradients[0].permute(0, 2, 3, 1).reshape(count, height, 2, width, 2, filters)
        rows = woven.new_zeros(count, height + 1, width + 1, 2, 2, filters)
        for a in (0, 1):
            for b in (0, 1):
                rows[:, a : a + height, b : b + width, a, b] = woven[:, :, a, :, b]
        return rows.flatten(3).permute(0, 3, 1, 2)
