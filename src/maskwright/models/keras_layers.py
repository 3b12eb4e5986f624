"""Layers as Keras makes them: padding "same" at stride 2, batch norm of epsilon 1e-3 and slow averages, first weights.

TensorFlow pads a convolution of stride 2 only right and below (for even sizes), PyTorch on all sides: the same
weights then see pictures shifted by a pixel.
"""

import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-3
MOMENTUM = 0.01  # Keras says 0.99: what is kept


def keras_batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with Keras's defaults."""
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)


class HalvingConv(nn.Conv2d):
    """A 3x3 convolution of stride 2, padded right and below; height and width are even."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, stride=2)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, H/2, W/2)."""
        return super().forward(F.pad(image, (0, 1, 0, 1)))


class DoublingConv(nn.ConvTranspose2d):
    """A transposed 3x3 convolution of stride 2; the surplus row and column are cut below and on the right."""

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, stride=2, bias=bias)

    def forward(self, image: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(N, C, H, W) -> (N, D, 2H, 2W)."""
        return super().forward(image, output_size)[:, :, :-1, :-1]


def initialise(module: nn.Module, kind: str) -> None:
    """Draw a module's convolutions anew, biases zero.

    kind: "glorot", Keras's habit (uniform; Glorot and Bengio 2010), or "he" (normal; He et al. 2015).
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            if kind == "he":
                # Keras, like PyTorch, counts a transposed convolution's outputs where He means inputs
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
