"""A small plain encoder for pictures that ImageNet says nothing about, or where no weights can be had.

Two 3x3 convolutions with batch norm a stage, max pooling between: the contracting path of a U-Net
(Ronneberger et al. 2015, arXiv:1505.04597) with few filters.
"""

from collections.abc import Sequence

from torch import Tensor, nn

PLAIN_CHANNELS = (16, 32, 48, 64, 96)


def conv_block(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3x3 convolutions, each with batch norm and ReLU; height and width stay."""
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers += [
            nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class PlainEncoder(nn.Module):
    """Features at strides 1, 2, 4, ..., 2**len(channels); the first is the picture itself."""

    def __init__(self, in_channels: int, channels: Sequence[int] = PLAIN_CHANNELS) -> None:
        super().__init__()
        self.out_channels = [in_channels, *channels]
        self.pool = nn.MaxPool2d(2)
        self.stages = nn.ModuleList(
            conv_block(before, after) for before, after in zip(self.out_channels, channels, strict=False)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, C, H, W) -> one feature map a stride, finest first."""
        features = [image]
        for stage in self.stages:
            features.append(stage(self.pool(features[-1])))
        return features
