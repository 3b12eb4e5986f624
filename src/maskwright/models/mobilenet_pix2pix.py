"""The network of the Oxford Pets write-up: a frozen MobileNetV2, and pix2pix's upsampling.

128x128 pictures, MobileNetV2 alpha 1.0, filters 512, 256, 128, 64, three classes: 6,504,227 numbers as Keras counts
them, 4,660,323 of them trained. Upsampling is a transposed convolution without bias, batch norm and ReLU
(Isola et al. 2017, arXiv:1611.07004); the last transposed convolution gives the logits.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from maskwright.models.any_size import AnySize
from maskwright.models.keras_layers import DoublingConv, initialise, keras_batch_norm
from maskwright.models.mobilenet import MobileNetExpansions

CHANNELS = (512, 256, 128, 64)


def _upsample(in_channels: int, out_channels: int) -> nn.Sequential:
    """Double height and width."""
    up = DoublingConv(in_channels, out_channels, bias=False)
    nn.init.normal_(up.weight, std=0.02)
    return nn.Sequential(up, keras_batch_norm(out_channels), nn.ReLU(inplace=True))


class MobileNetPix2Pix(AnySize):
    """encoder: `MobileNetExpansions` down to stride 32. decoder_channels: of the four steps up, deepest first."""

    stride = 32

    def __init__(
        self, encoder: MobileNetExpansions, *, num_outputs: int, decoder_channels: Sequence[int] = CHANNELS
    ) -> None:
        super().__init__()
        self.encoder = encoder
        _, *skips, deepest = encoder.out_channels
        joined = [own + skip for own, skip in zip(decoder_channels, reversed(skips), strict=True)]
        self.decoder = nn.ModuleList(
            _upsample(before, after) for before, after in zip([deepest, *joined[:-1]], decoder_channels, strict=True)
        )
        self.head = DoublingConv(joined[-1], num_outputs)
        initialise(self.head, "glorot")

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        _, *skips, x = self.encoder(image)
        for up, skip in zip(self.decoder, reversed(skips), strict=True):
            x = torch.cat([up(x), skip], dim=1)
        logits: Tensor = self.head(x)
        return logits
