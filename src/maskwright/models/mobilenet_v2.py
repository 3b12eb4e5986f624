"""MobileNetV2 as an encoder: the one that small computers train by default, so it needs torch alone.

timm has it too, but importing timm takes several times as long as importing torch. Names of the parts are timm's, and
so are the numbers, so that any MobileNetV2 weights fit.

Source: Sandler et al. 2018, arXiv:1801.04381; widths as in TensorFlow's implementation.
"""

import math
from collections.abc import Mapping
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS: Mapping[str, float] = {  # the channels' factor alpha
    "mobilenetv2_035": 0.35,
    "mobilenetv2_050": 0.5,
    "mobilenetv2_075": 0.75,
    "mobilenetv2_100": 1.0,
    "mobilenetv2_130": 1.3,
    "mobilenetv2_140": 1.4,
}
_STEM = 32
_STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))  # channels, blocks,
# stride of the first block
_FEATURES = (0, 1, 2, 4, 6)  # stages after which a feature is taken, at strides 2, 4, 8, 16, 32
_EXPANSION = 6


class MobileNetV2(nn.Module):
    """Features at strides 1 (the picture), 2, 4, 8, 16 and 32, their channels in `out_channels`; weights are random.

    name: one of WIDTHS. same: TensorFlow's conventions, padding right and bottom, and batch norm epsilon 1e-3, in place
    of PyTorch's.
    """

    def __init__(self, name: str, in_channels: int, *, same: bool) -> None:
        super().__init__()
        self.model = _Body(WIDTHS[name], in_channels, same=same)
        self.out_channels = [in_channels, *(self.model.widths[stage] for stage in _FEATURES)]

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, C, H, W), H and W multiples of 32 -> one feature map a stride, finest first."""
        return [image, *self.model(image)]


class _Body(nn.Module):
    """The network under the name that it has in weights of timm's feature encoders."""

    def __init__(self, alpha: float, in_channels: int, *, same: bool) -> None:
        super().__init__()
        self.widths = [rounded(alpha * channels) for channels, _, _ in _STAGES]
        channels = rounded(alpha * _STEM)
        self.conv_stem, self.bn1 = _convolution(in_channels, channels, 3, stride=2, same=same), NormRelu6(channels)
        stages = []
        for number, (width, (_, blocks, stride)) in enumerate(zip(self.widths, _STAGES, strict=True)):
            kind = SeparableBlock if number == 0 else InvertedResidual
            parts = []
            for block in range(blocks):
                parts.append(kind(channels, width, stride=stride if block == 0 else 1, same=same))
                channels = width
            stages.append(nn.Sequential(*parts))
        self.blocks = nn.Sequential(*stages)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                fan_out = math.prod(layer.kernel_size) * layer.out_channels // layer.groups
                nn.init.normal_(layer.weight, 0, math.sqrt(2 / fan_out))
            elif isinstance(layer, nn.BatchNorm2d) and same:
                layer.eps = 1e-3

    def forward(self, image: Tensor) -> list[Tensor]:
        x, features = self.bn1(self.conv_stem(image)), []
        for number, stage in enumerate(self.blocks):
            x = stage(x)
            if number in _FEATURES:
                features.append(x)
        return features


class SeparableBlock(nn.Module):
    """A depthwise convolution, then a 1x1 one without activation: the first block, with nothing to widen."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, same: bool) -> None:
        super().__init__()
        self.conv_dw = _convolution(in_channels, in_channels, 3, stride=stride, groups=in_channels, same=same)
        self.bn1 = NormRelu6(in_channels)
        self.conv_pw, self.bn2 = _convolution(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels)
        self.skips = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, H / stride, W / stride)."""
        found = cast(Tensor, self.bn2(self.conv_pw(self.bn1(self.conv_dw(x)))))
        return x + found if self.skips else found


class InvertedResidual(nn.Module):
    """Widened six times by a 1x1 convolution, a depthwise one, narrowed without activation; added to its input."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, same: bool) -> None:
        super().__init__()
        middle = rounded(_EXPANSION * in_channels)
        self.conv_pw, self.bn1 = _convolution(in_channels, middle, 1), NormRelu6(middle)
        self.conv_dw = _convolution(middle, middle, 3, stride=stride, groups=middle, same=same)
        self.bn2 = NormRelu6(middle)
        self.conv_pwl, self.bn3 = _convolution(middle, out_channels, 1), nn.BatchNorm2d(out_channels)
        self.skips = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, H / stride, W / stride)."""
        widened = self.bn1(self.conv_pw(x))
        found = cast(Tensor, self.bn3(self.conv_pwl(self.bn2(self.conv_dw(widened)))))
        return x + found if self.skips else found


class NormRelu6(nn.BatchNorm2d):
    """Batch norm, then ReLU cut off at 6."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return F.relu6(super().forward(input), inplace=True)


class SameConv2d(nn.Conv2d):
    """A strided convolution padded as TensorFlow does: an odd row or column is added below and on the right."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, ceil(H / stride), ceil(W / stride))."""
        below, right = (
            max(0, (-(-int(side) // stride) - 1) * stride + kernel - int(side))
            for side, stride, kernel in zip(input.shape[2:], self.stride, self.kernel_size, strict=True)
        )
        padded = F.pad(input, (right // 2, right - right // 2, below // 2, below - below // 2))
        return F.conv2d(padded, self.weight, None, self.stride, 0, self.dilation, self.groups)


def rounded(channels: float) -> int:
    """Round to a multiple of 8, at least 8, and never down by more than a tenth.

    >>> rounded(0.35 * 16), rounded(0.35 * 24), rounded(1.3 * 32)
    (8, 8, 40)
    """
    whole = max(8, int(channels + 4) // 8 * 8)
    return whole + 8 if whole < 0.9 * channels else whole


def _convolution(
    in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, groups: int = 1, same: bool = False
) -> nn.Conv2d:
    if same and stride > 1:
        return SameConv2d(in_channels, out_channels, kernel, stride=stride, groups=groups, bias=False)
    return nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
