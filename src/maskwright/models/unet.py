"""A U-Net over any encoder: contracting features, a decoder with skips, one convolution to logits.

The decoder is that of segmentation-models-pytorch, part by part and name by name; written here so that the usual
network needs torch alone (that package takes several times as long to import). With one block fewer than the encoder
has stages, the decoder ends at half the picture's size and the logits are enlarged bilinearly: on two cores the last
block costs as much as the rest of the decoder and adds little.
"""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskwright.models.any_size import AnySize, enlarged


class Unet(AnySize):
    """encoder: gives features at strides 1, 2, 4, ... and names their channels in `out_channels`."""

    def __init__(
        self,
        encoder: nn.Module,
        *,
        num_outputs: int,
        decoder_channels: Sequence[int],
        dropout: float = 0.0,
        attention: str | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        channels = cast(Sequence[int], encoder.out_channels)
        self.stride = 2 ** (len(channels) - 1)
        self.decoder = UnetDecoder(channels, decoder_channels, attention)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(decoder_channels[-1], num_outputs, 3, padding=1)
        for layer in self.decoder.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(cast(Tensor, self.head.bias))

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        return enlarged(self.head(self.dropout(self.decoder(self.encoder(image)))), image)


class UnetDecoder(nn.Module):
    """Doubles the deepest features block by block, each joined with the encoder's of the same size.

    encoder_channels: from stride 1 on; the picture itself is not joined. attention: 'scse' or None.
    """

    def __init__(
        self, encoder_channels: Sequence[int], decoder_channels: Sequence[int], attention: str | None = None
    ) -> None:
        super().__init__()
        deepest, *skips = reversed(encoder_channels[1:])
        before = [deepest, *decoder_channels[:-1]]
        joined = [*skips, 0]
        self.blocks = nn.ModuleList(
            DecoderBlock(inside, skip, outside, attention)
            for inside, skip, outside in zip(before, joined, decoder_channels, strict=False)
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features, finest first -> (N, C, H, W) at the size of the last block."""
        *finer, x = features
        for number, (block, feature) in enumerate(zip(self.blocks, reversed(finer), strict=False)):
            x = F.interpolate(x, size=feature.shape[2:], mode="nearest")
            x = block(x if number + 1 == len(finer) else torch.cat([x, feature], dim=1))
        return x


class DecoderBlock(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU; attention before and behind them, where it is wanted."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, attention: str | None) -> None:
        super().__init__()
        self.conv1 = _convolution(in_channels + skip_channels, out_channels)
        self.attention1 = _attention(attention, in_channels + skip_channels) if skip_channels else nn.Identity()
        self.conv2 = _convolution(out_channels, out_channels)
        self.attention2 = _attention(attention, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, H, W)."""
        return cast(Tensor, self.attention2(self.conv2(self.conv1(self.attention1(x)))))


def _convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def _attention(name: str | None, channels: int) -> nn.Module:
    if name is None:
        return nn.Identity()
    from segmentation_models_pytorch.base.modules import Attention

    layer: nn.Module = Attention(name, in_channels=channels)
    return layer
