"""SegNet: VGG-16 with batch norm down, and its mirror image up, each value put back where its maximum stood.

Pooling hands on only the places of the maxima, not the features: no skips are joined.

Source: Badrinarayanan et al. 2015, arXiv:1511.00561; the encoder of Simonyan and Zisserman 2014, arXiv:1409.1556.
"""

import torch
from torch import Tensor, nn

from maskwright.models.any_size import AnySize

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def _convolution(in_channels: int, out_channels: int) -> list[nn.Module]:
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


class VggEncoder(nn.Module):
    """VGG-16's convolutions, numbered as timm's and torchvision's `vgg16_bn`, so that its weights fit."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for stage in STAGES:
            for filters in stage:
                layers += _convolution(channels, filters)
                channels = filters
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, C, H, W) -> features (N, 512, H/32, W/32) and, a stage, where in its 2x2 window each maximum stood."""
        places, x = [], image
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                x, place = pool(x)
                places.append(place)
            else:
                x = layer(x)
        return x, places


class SegNet(AnySize):
    """encoder: `VggEncoder`; the decoder mirrors it, and its last convolution gives the logits."""

    stride = 2 ** len(STAGES)

    def __init__(self, encoder: VggEncoder, *, num_outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = nn.ModuleList()
        narrower = [stage[0] for stage in STAGES[:-1]]
        for stage, after in zip(reversed(STAGES), [*reversed(narrower), 0], strict=True):
            layers: list[nn.Module] = []
            for filters in stage[1:]:
                layers += _convolution(filters, filters)
            layers += _convolution(stage[0], after) if after else [nn.Conv2d(stage[0], num_outputs, 3, padding=1)]
            self.decoder.append(nn.Sequential(*layers))
        for layer in self.decoder.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        encoded: tuple[Tensor, list[Tensor]] = self.encoder(image)
        x, places = encoded
        for stage, place in zip(self.decoder, reversed(places), strict=True):
            x = stage(unpool(x, place))
        return x


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) -> maxima of the 2x2 windows (N, C, H/2, W/2), and their places 0..3 in them, row by row."""
    count, channels, height, width = x.shape
    windows = x.reshape(count, channels, height // 2, 2, width // 2, 2).permute(0, 1, 2, 4, 3, 5)
    found, place = windows.reshape(count, channels, height // 2, width // 2, 4).max(dim=-1)
    return found, place


def unpool(x: Tensor, place: Tensor) -> Tensor:
    """Undo `pool`: (N, C, h, w) -> (N, C, 2h, 2w), zero but where the maxima stood."""
    count, channels, height, width = x.shape
    here = place[..., None] == torch.arange(4, device=x.device)
    windows = (x[..., None] * here).reshape(count, channels, height, width, 2, 2)
    return windows.permute(0, 1, 2, 4, 3, 5).reshape(count, channels, 2 * height, 2 * width)
