"""Which classes a picture shows: the loss of an auxiliary classification head."""

import torch
import torch.nn.functional as F
from torch import Tensor

from maskwright.images.classes import IGNORE, Classes


def presence_loss(presence: Tensor, target: Tensor, classes: Classes) -> Tensor:
    """Binary cross-entropy on whether each class is among the counted pixels of each picture; a scalar >= 0.

    presence: (N, K) logits. target: (N, H, W), or (N, K, H, W) for overlapping classes. For one foreground class K is
    1 and says whether the picture shows it. What has no counted pixel leaves the mean.
    """
    shown, known = _shown(target, presence.shape[1], classes)
    each = F.binary_cross_entropy_with_logits(presence.float(), shown, reduction="none")
    return (each * known).sum() / known.sum().clamp_min(1)


def _shown(target: Tensor, outputs: int, classes: Classes) -> tuple[Tensor, Tensor]:
    """Return whether each class is shown, and whether that can be known: (N, K) floats of 0 and 1."""
    if target.ndim == 4:
        flat = target.flatten(2)
        return (flat == 1).any(2).float(), (flat != IGNORE).any(2).float()
    flat = target.flatten(1)
    numbers = [1] if classes.binary else range(outputs)
    shown = torch.stack([(flat == number).any(1) for number in numbers], dim=1)
    return shown.float(), (flat != IGNORE).any(1, keepdim=True).float().expand_as(shown)
