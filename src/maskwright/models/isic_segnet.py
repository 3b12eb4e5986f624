"""The second and third network of the ISIC write-up: gated skips, a SegNet-like decoder, atrous convolutions.

Gate: a 1x1 convolution and a sigmoid say of each skip's pixel how much of it passes. Decoder block: a transposed
convolution doubles the size, ReLU, then three times 3x3 convolution, batch norm, ReLU. Atrous: 3x3 convolutions of
several rates side by side on the deepest features, brought back to their width by a 1x1 convolution.

Sources: Oktay et al. 2018, arXiv:1804.03999 (gates); Badrinarayanan et al. 2015, arXiv:1511.00561 (decoder);
Chen et al. 2017, arXiv:1706.05587 (atrous convolutions).
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from maskwright.models.any_size import AnySize, enlarged

CHANNELS = (256, 128, 64, 32)


def _convolution(in_channels: int, out_channels: int, rate: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, 3, padding=rate, dilation=rate, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]


class Gate(nn.Module):
    """Weigh each pixel of a skip by a number in 0..1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Conv2d(channels, 1, 1)

    def forward(self, skip: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return skip * torch.sigmoid(self.weight(skip))


class Atrous(nn.Module):
    """Convolutions of several rates side by side; height, width and channels stay."""

    def __init__(self, channels: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*_convolution(channels, channels, rate)) for rate in rates)
        self.join = nn.Conv2d(channels * len(rates), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        joined: Tensor = self.join(torch.cat([branch(x) for branch in self.branches], dim=1))
        return joined


class _Block(nn.Module):
    """Double the size, join the gated skip, then three convolutions."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, gated: bool) -> None:
        super().__init__()
        self.up = nn.Sequential(nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2), nn.ReLU(inplace=True))
        self.gate = Gate(skip_channels) if gated and skip_channels else nn.Identity()
        layers: list[nn.Module] = []
        for channels in (out_channels + skip_channels, out_channels, out_channels):
            layers += _convolution(channels, out_channels)
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = self.up(x)
        result: Tensor = self.layers(x if skip is None else torch.cat([x, self.gate(skip)], dim=1))
        return result


class IsicSegNet(AnySize):
    """encoder: features at strides 1, 2, 4, ..., channels in `out_channels`. decoder_channels: deepest first.

    gated: whether skips pass a gate. rates: of the atrous convolutions; none for none.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        num_outputs: int,
        decoder_channels: Sequence[int] = CHANNELS,
        gated: bool = True,
        rates: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.encoder = encoder
        _, *features = cast(Sequence[int], encoder.out_channels)
        self.stride = 2 ** len(features)
        self.atrous = Atrous(features[-1], rates) if rates else nn.Identity()
        skips = [*reversed(features[:-1]), 0][: len(decoder_channels)]
        before = [features[-1], *decoder_channels[:-1]]
        self.decoder = nn.ModuleList(
            _Block(*channels, gated) for channels in zip(before, skips, decoder_channels, strict=True)
        )
        self.head = nn.Conv2d(decoder_channels[-1], num_outputs, 1)

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        _, *skips, x = self.encoder(image)
        x = self.atrous(x)
        joined: list[Tensor | None] = [*reversed(skips), None]
        for block, skip in zip(self.decoder, joined, strict=False):
            x = block(x, skip)
        return enlarged(self.head(x), image)
