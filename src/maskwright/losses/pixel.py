"""Losses that are a mean over pixels: cross-entropies and focal. Ignored pixels leave the mean."""

import torch.nn.functional as F
from torch import Tensor

from maskwright.errors import ConfigError
from maskwright.images.classes import IGNORE, Classes
from maskwright.losses.types import PixelLoss


def bce(classes: Classes) -> PixelLoss:
    """Binary cross-entropy, -(t*log(p) + (1-t)*log(1-p)), the mean over counted pixels (and classes that overlap).

    Raises ConfigError for several classes that exclude each other.
    """
    return soft_bce(classes, smoothing=0.0, name="bce")


def soft_bce(classes: Classes, *, smoothing: float = 0.1, name: str = "soft_bce") -> PixelLoss:
    """`bce` with smoothed labels: 1 becomes 1 - smoothing, 0 becomes smoothing.

    Its least value is above 0: at p = t smoothed it is the entropy of the label, 0.325 for smoothing 0.1.
    """
    _one_or_overlapping(classes, name)

    def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
        planes = _planes(target)
        truth = planes.float()
        if smoothing:
            truth = (1 - truth) * smoothing + truth * (1 - smoothing)
        each = F.binary_cross_entropy_with_logits(logits.float(), truth, reduction="none")
        return (each * (planes != IGNORE)).sum() / _counted(target)

    return binary_cross_entropy


def cross_entropy(classes: Classes, *, smoothing: float = 0.0) -> PixelLoss:
    """-log of the probability of the pixel's class, the mean over counted pixels; every pixel has the same weight.

    smoothing: the label becomes 1 - smoothing plus smoothing / K, and each other class gets smoothing / K.
    Raises ConfigError for one foreground class or overlapping ones.
    """
    if not classes.exclusive or classes.binary:
        what = "cross_entropy is for several classes that exclude each other."
        raise ConfigError(what, where="loss", fix="use bce" if smoothing == 0 else "use soft_bce")

    def categorical_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
        whole = F.cross_entropy(
            logits.float(), target.long(), ignore_index=IGNORE, reduction="sum", label_smoothing=smoothing
        )
        return whole / _counted(target)

    return categorical_cross_entropy


def focal(classes: Classes, *, gamma: float = 2.0, alpha: float | None = None) -> PixelLoss:
    """Cross-entropy of each pixel times (1 - q) ** gamma, the mean over counted pixels; q: probability of the truth.

    Several classes that exclude each other: q from the softmax. One foreground class or overlapping ones: q from the
    sigmoid, and alpha weighs foreground, 1 - alpha background (None: both by 1).
    Raises ConfigError for alpha with several exclusive classes, and for gamma between 0 and 1, whose slope has no
    bound where the network is right.

    Source: Lin et al. 2017, Focal loss for dense object detection, arXiv:1708.02002.
    """
    if 0 < gamma < 1:
        what = f"gamma = {gamma:g} makes the slope infinite where the network is right."
        raise ConfigError(what, where="loss: focal", fix="give 0, or 1 and more")
    if classes.exclusive and not classes.binary:
        if alpha is not None:
            what = "alpha weighs a foreground against its background; here several classes exclude each other."
            raise ConfigError(what, where="loss: focal", fix="leave alpha out")
        return _focal_softmax(gamma)
    from segmentation_models_pytorch.losses import FocalLoss  # slow to import, and few losses need it

    term = FocalLoss("binary", alpha=alpha, gamma=gamma, ignore_index=IGNORE, reduction="sum")

    def sigmoid_focal(logits: Tensor, target: Tensor) -> Tensor:
        value: Tensor = term(logits.float(), _planes(target).long()) / _counted(target)
        return value

    return sigmoid_focal


def _focal_softmax(gamma: float) -> PixelLoss:
    """The one of smp takes each class against the rest by a sigmoid, which is not what the network's softmax says."""

    def softmax_focal(logits: Tensor, target: Tensor) -> Tensor:
        each = F.cross_entropy(logits.float(), target.long(), ignore_index=IGNORE, reduction="none")
        return ((1 - (-each).exp()).pow(gamma) * each).sum() / _counted(target)

    return softmax_focal


def _planes(target: Tensor) -> Tensor:
    """(N, H, W) -> (N, 1, H, W); (N, K, H, W) stays."""
    return target.unsqueeze(1) if target.ndim == 3 else target


def _counted(target: Tensor) -> Tensor:
    """How many labels count, at least 1."""
    return (target != IGNORE).sum().clamp_min(1)


def _one_or_overlapping(classes: Classes, name: str) -> None:
    if not classes.binary and classes.exclusive:
        fix = "use cross_entropy" if name == "bce" else "use cross_entropy(smoothing=0.1)"
        raise ConfigError(f"{name} is for one foreground class or overlapping ones.", where="loss", fix=fix)
