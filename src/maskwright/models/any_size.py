"""Networks that halve their picture several times, made to accept every height and width."""

import torch.nn.functional as F
from torch import Tensor, nn


class AnySize(nn.Module):
    """A network whose `compute` wants multiples of `stride`: other pictures are widened by their last row and column.

    The logits of what was added are cut off again.
    """

    stride: int

    def compute(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(N, C, H, W), H and W multiples of `stride` -> logits (N, K, H, W), and (N, K) of a second head if any."""
        raise NotImplementedError

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(N, C, H, W) float, normalised -> logits (N, K, H, W).

        A network with an auxiliary head returns in training mode also the logits (N, K) of the classes' presence.
        """
        height, width = image.shape[2:]
        below, right = -height % self.stride, -width % self.stride
        if not below and not right:
            return self.compute(image)
        found = self.compute(F.pad(image, (0, right, 0, below), mode="replicate"))
        if isinstance(found, tuple):
            return found[0][:, :, :height, :width], found[1]
        return found[:, :, :height, :width]


def enlarged(logits: Tensor, like: Tensor) -> Tensor:
    """Enlarge logits bilinearly to the height and width of `like`, where they are smaller."""
    if logits.shape[2:] == like.shape[2:]:
        return logits
    return F.interpolate(logits, size=like.shape[2:], mode="bilinear", align_corners=False)
