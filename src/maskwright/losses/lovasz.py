"""The Lovász extension of the Jaccard index: a loss whose slope is that of the score itself."""

from functools import cache
from typing import Any

from torch import Tensor

from maskwright.images.classes import IGNORE, Classes
from maskwright.losses.types import PixelLoss


def lovasz(classes: Classes) -> PixelLoss:
    """Lovász hinge for one foreground class or overlapping ones, Lovász softmax for several exclusive classes.

    All counted pixels of the batch are sorted together. Hinge: on logits, so it is not bounded, and 0 only where every
    logit is beyond 1 on its right side; overlapping classes: the mean over those that have a counted pixel.
    Softmax: in [0, 1], the mean over classes that the batch shows. No counted pixel: 0 with zero gradient.

    Source: Berman et al. 2018, The Lovász-Softmax loss, arXiv:1705.08790.
    """
    if classes.exclusive and not classes.binary:
        return _softmax
    return _hinge


def _hinge(logits: Tensor, target: Tensor) -> Tensor:
    planes, values = target if target.ndim == 4 else target.unsqueeze(1), []
    for logit, truth in zip(logits.float().unbind(1), planes.unbind(1), strict=True):
        counted = truth != IGNORE
        if counted.any():
            values.append(_formula("binary")(logit[counted], truth[counted].long()))
    return sum(values[1:], values[0]) / len(values) if values else 0 * logits.float().sum()


def _softmax(logits: Tensor, target: Tensor) -> Tensor:
    counted = target != IGNORE
    if not counted.any():
        return 0 * logits.float().sum()
    kept = logits.float().movedim(1, -1)[counted]  # (M, K): a batch of one row of M pixels
    value: Tensor = _formula("multiclass")(kept.T[None, :, :, None], target[counted].long()[None, :, None])
    return value


@cache
def _formula(mode: str) -> Any:
    from segmentation_models_pytorch.losses import LovaszLoss  # slow to import, and few losses need it

    return LovaszLoss(mode)
