"""MobileNetV2 as an encoder that gives the expanded features of its blocks, as Keras programs take them.

Keras's names: block_1/3/6/13_expand_relu, the outputs of the 1x1 convolutions that widen a block's input six times,
at strides 2, 4, 8 and 16, and block_16_project, the narrow output at stride 32 before its batch norm.
The blocks are timm's, and keep their names, so that any MobileNetV2 weights fit.

Source: Sandler et al. 2018, arXiv:1801.04381.
"""

from typing import Any, cast

from torch import Tensor, nn

_EXPANDED = (1, 2, 3, 5)  # stages whose first block halves the size: Keras's blocks 1, 3, 6, 13
_DEEPEST = 6  # the stage of Keras's block 16


class MobileNetExpansions(nn.Module):
    """Features at strides 1 (the picture), 2, 4, 8, 16 and, if `projected`, 32; channels in `out_channels`.

    network: timm's MobileNetV2; what lies behind the deepest feature is dropped.
    """

    def __init__(self, network: nn.Module, *, in_channels: int, projected: bool) -> None:
        super().__init__()
        whole = cast(Any, network)
        self.conv_stem, self.bn1, self.projected = whole.conv_stem, whole.bn1, projected
        self.blocks = whole.blocks[: _DEEPEST + 1 if projected else _EXPANDED[-1] + 1]
        last = self.blocks[-1][0]
        self.blocks[-1] = nn.Sequential(last)
        for name in ("bn3",) if projected else ("conv_dw", "bn2", "se", "aa", "conv_pwl", "bn3"):
            delattr(last, name)
        widened = [self.blocks[stage][0].conv_pw.out_channels for stage in _EXPANDED]
        self.out_channels = [in_channels, *widened, *([last.conv_pwl.out_channels] if projected else [])]

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, C, H, W), H and W multiples of the deepest stride -> features, finest first."""
        features = [image]
        x = self.bn1(self.conv_stem(image))
        for number, stage in enumerate(self.blocks):
            for position, block in enumerate(stage):
                if number == _DEEPEST:
                    features.append(_project(block, _expand(block, x)))
                elif number in _EXPANDED and position == 0:
                    features.append(_expand(block, x))
                    if number == _EXPANDED[-1] and not self.projected:
                        return features
                    x = block.bn3(_project(block, features[-1]))
                else:
                    x = block(x)
        return features


def _expand(block: Any, x: Tensor) -> Tensor:
    return cast(Tensor, block.bn1(block.conv_pw(x)))


def _project(block: Any, expanded: Tensor) -> Tensor:
    """The rest of a block without a residual, up to the projection's batch norm."""
    return cast(Tensor, block.conv_pwl(block.se(block.aa(block.bn2(block.conv_dw(expanded))))))
