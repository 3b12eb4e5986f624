"""The U-Net of the Carvana write-up: two 3x3 convolutions a block, doubled filters, transposed convolutions up.

Filters 64 to 1024, pictures of 96x128: 34,550,273 parameters with one output. One more 3x3 convolution before the
logits; dropout in the last two contracting blocks. Instead of max pooling a convolution of stride 2 may halve the
size, which the write-up leaves as future work, and each convolution may have batch norm.

Source: Ronneberger et al. 2015, arXiv:1505.04597.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from maskwright.models.any_size import AnySize
from maskwright.models.keras_layers import DoublingConv, HalvingConv, initialise, keras_batch_norm

FILTERS = (64, 128, 256, 512, 1024)


def _convolution(in_channels: int, out_channels: int, batch_norm: bool) -> nn.Sequential:
    norm = [keras_batch_norm(out_channels)] if batch_norm else []
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1), *norm, nn.ReLU(inplace=True))


def _block(in_channels: int, out_channels: int, batch_norm: bool, dropout: float = 0.0) -> nn.Sequential:
    """Two convolutions; height and width stay."""
    first, second = (
        _convolution(in_channels, out_channels, batch_norm),
        _convolution(out_channels, out_channels, batch_norm),
    )
    return nn.Sequential(first, second, *([nn.Dropout(dropout)] if dropout else []))


class PlainUnet(AnySize):
    """filters: of each block, the first first; the last block is the deepest. dropout: in the last two blocks."""

    def __init__(
        self,
        in_channels: int,
        *,
        num_outputs: int,
        filters: Sequence[int] = FILTERS,
        dropout: float = 0.0,
        downsampling: str = "max_pooling",
        batch_norm: bool = False,
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        self.stride = 2 ** (len(filters) - 1)
        strided = downsampling == "strided"
        last_two = len(filters) - 2
        self.contracting = nn.ModuleList(
            _block(before, after, batch_norm, dropout if number >= last_two else 0.0)
            for number, (before, after) in enumerate(zip([in_channels, *filters[:-1]], filters, strict=True))
        )
        self.halving = nn.ModuleList(HalvingConv(f, f) if strided else nn.MaxPool2d(2) for f in filters[:-1])
        steps = list(zip(reversed(filters[1:]), reversed(filters[:-1]), strict=True))
        self.doubling = nn.ModuleList(DoublingConv(before, after) for before, after in steps)
        self.expanding = nn.ModuleList(_block(2 * after, after, batch_norm) for _, after in steps)
        self.last = _convolution(filters[0], filters[0], batch_norm)
        self.head = nn.Conv2d(filters[0], num_outputs, 1)
        initialise(self, initialisation)

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        skips: list[Tensor] = []
        x = self.contracting[0](image)
        for halve, block in zip(self.halving, list(self.contracting)[1:], strict=True):
            skips.append(x)
            x = block(halve(x))
        for double, block in zip(self.doubling, self.expanding, strict=True):
            x = block(torch.cat([double(x), skips.pop()], dim=1))
        logits: Tensor = self.head(self.last(x))
        return logits
