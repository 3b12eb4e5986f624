"""The U-Net of the DUTS write-up: MobileNetV2's expanded features, nearest doubling, two convolutions a block.

256x256 pictures, MobileNetV2 alpha 0.35, filters 64, 48, 32, 16: 416,209 numbers as Keras counts them.
Skips: the expansions at strides 8, 4, 2 and the picture itself; the deepest feature is the expansion at stride 16.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskwright.models.any_size import AnySize
from maskwright.models.keras_layers import initialise, keras_batch_norm
from maskwright.models.mobilenet import MobileNetExpansions

CHANNELS = (64, 48, 32, 16)


class _Block(nn.Module):
    """Double the size, join the skip, then twice 3x3 convolution, batch norm and ReLU."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (in_channels + skip_channels, out_channels):
            layers += [
                nn.Conv2d(channels, out_channels, 3, padding=1),
                keras_batch_norm(out_channels),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        joined = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skip], dim=1)
        result: Tensor = self.layers(joined)
        return result


class MobileNetUnet(AnySize):
    """encoder: `MobileNetExpansions` down to stride 16. decoder_channels: of the four blocks, deepest first."""

    stride = 16

    def __init__(
        self,
        encoder: MobileNetExpansions,
        *,
        num_outputs: int,
        decoder_channels: Sequence[int] = CHANNELS,
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        *skips, deepest = encoder.out_channels
        before = [deepest, *decoder_channels[:-1]]
        self.decoder = nn.ModuleList(
            _Block(*channels) for channels in zip(before, reversed(skips), decoder_channels, strict=True)
        )
        self.head = nn.Conv2d(decoder_channels[-1], num_outputs, 1)
        for part in (self.decoder, self.head):
            initialise(part, initialisation)

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        *skips, x = self.encoder(image)
        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            x = block(x, skip)
        logits: Tensor = self.head(x)
        return logits
