"""The strided network of the Carvana write-up: convolutions down, transposed ones back, no skips, no encoder to load.

Filters 64, 128, 256, pictures of 96x128: 2,879,489 parameters with one output.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from maskwright.models.any_size import AnySize
from maskwright.models.keras_layers import DoublingConv, HalvingConv, initialise

FILTERS = (64, 128, 256)


class StridedFcn(AnySize):
    """filters: of each step down, the first first; each step halves height and width."""

    def __init__(
        self, in_channels: int, *, num_outputs: int, filters: Sequence[int] = FILTERS, initialisation: str = "glorot"
    ) -> None:
        super().__init__()
        self.stride = 2 ** len(filters)
        layers: list[nn.Module] = []
        channels = in_channels
        for count in filters:
            layers += [HalvingConv(channels, count), nn.Conv2d(count, count, 3, padding=1)]
            channels = count
        for count in reversed(filters):
            # a transposed convolution of stride 1 is a convolution whose kernel is turned round
            layers += [nn.ConvTranspose2d(channels, count, 3, padding=1), DoublingConv(count, count)]
            channels = count
        self.layers = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU(inplace=True))))
        self.head = nn.Conv2d(channels, num_outputs, 3, padding=1)
        initialise(self, initialisation)

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        logits: Tensor = self.head(self.layers(image))
        return logits
