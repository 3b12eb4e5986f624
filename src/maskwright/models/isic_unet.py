"""The first network of the ISIC write-up: an encoder, and blocks of three convolutions with ReLU over joined skips.

With one block fewer than the encoder has stages the logits come at half size and are enlarged bilinearly.
"""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskwright.models.any_size import AnySize, enlarged

CHANNELS = (256, 128, 64, 32)


class _Block(nn.Module):
    """Double the size, join the skip, then three 3x3 convolutions with ReLU."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, batch_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (in_channels + skip_channels, out_channels, out_channels):
            layers.append(nn.Conv2d(channels, out_channels, 3, padding=1))
            layers += [nn.BatchNorm2d(out_channels)] if batch_norm else []
            layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        result: Tensor = self.layers(x if skip is None else torch.cat([x, skip], dim=1))
        return result


class IsicUnet(AnySize):
    """encoder: features at strides 1, 2, 4, ..., channels in `out_channels`. decoder_channels: deepest first."""

    def __init__(
        self,
        encoder: nn.Module,
        *,
        num_outputs: int,
        decoder_channels: Sequence[int] = CHANNELS,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        _, *features = cast(Sequence[int], encoder.out_channels)
        self.stride = 2 ** len(features)
        skips = [*reversed(features[:-1]), 0][: len(decoder_channels)]
        before = [features[-1], *decoder_channels[:-1]]
        self.decoder = nn.ModuleList(
            _Block(*channels, batch_norm) for channels in zip(before, skips, decoder_channels, strict=True)
        )
        self.head = nn.Conv2d(decoder_channels[-1], num_outputs, 1)
        for layer in self.decoder.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, layer.bias))

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        _, *skips, x = self.encoder(image)
        joined: list[Tensor | None] = [*reversed(skips), None]
        for block, skip in zip(self.decoder, joined, strict=False):
            x = block(x, skip)
        return enlarged(self.head(x), image)
