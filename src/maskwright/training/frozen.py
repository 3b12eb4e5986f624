"""What a frozen phase computes with: the network's own decoder and head over a folded copy of its encoder.

The encoder's weights and averages cannot change in such a phase, so its copy is made once, at the phase's first step.
"""

import copy
from typing import cast

import torch
from torch import Tensor, nn

from maskwright.training.folding import fold


def frozen_twin(network: nn.Module, precision: str) -> nn.Module:
    """Return a network that answers as `network` does with its encoder frozen, within rounding, in less time.

    Decoder and head are the very parameters and averages of `network`, so training the twin trains the network.
    precision: "bf16" or "fp32".
    """
    twin = copy.copy(network)
    twin._modules = dict(network._modules)
    twin.encoder = FrozenEncoder(cast(nn.Module, network.encoder), precision)
    return twin


class FrozenEncoder(nn.Module):
    """A folded encoder that stays in evaluation mode and keeps nothing for a gradient."""

    def __init__(self, encoder: nn.Module, precision: str) -> None:
        super().__init__()
        self.body = fold(encoder, precision)

    def train(self, mode: bool = True) -> "FrozenEncoder":
        """Stay as it is: what it shares with the network keeps its averages."""
        super().train(False)
        return self

    @torch.no_grad()
    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, C, H, W) -> features, finest first."""
        return cast(list[Tensor], self.body(image))
