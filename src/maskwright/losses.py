"""Losses by name and weight: `dice+bce`, `0.7*dice+0.3*jaccard`, `cross_entropy`.

The terms are segmentation-models-pytorch's; here they are named, weighted, and kept blind to ignored pixels.
"""

import re
from collections.abc import Callable
from difflib import get_close_matches

import torch.nn.functional as F
from segmentation_models_pytorch import losses as smp_losses
from torch import Tensor

from maskwright.errors import ConfigError
from maskwright.images.classes import IGNORE, Classes

Loss = Callable[[Tensor, Tensor], Tensor]


def build_loss(text: str, classes: Classes) -> Loss:
    """Build a loss from its text: terms joined by +, each with a weight in front if wanted.

    Returns loss(logits, target): logits (N, K, H, W) float; target (N, H, W) integer with a class index or IGNORE,
    or, for overlapping classes, (N, K, H, W) with 0, 1 or IGNORE. The value is a scalar >= 0.
    `auto` is dice+bce for one output or overlapping classes, dice+cross_entropy otherwise. Raises ConfigError.
    """
    if text == "auto":
        text = "dice+bce" if classes.binary or not classes.exclusive else "dice+cross_entropy"
    terms = [(weight, _term(name, classes)) for weight, name in parse_loss(text)]

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        values = [weight * term(logits, target) for weight, term in terms]
        return sum(values[1:], values[0])

    return loss


def parse_loss(text: str) -> list[tuple[float, str]]:
    """Read `0.7*dice+0.3*jaccard` as [(0.7, "dice"), (0.3, "jaccard")]. Raises ConfigError."""
    terms = []
    for part in text.replace(" ", "").split("+"):
        match = re.fullmatch(r"(?:(\d+(?:\.\d*)?|\.\d+)\*)?([a-z_]+)", part)
        if match is None:
            raise ConfigError(f"Cannot read the loss '{text}'.", where="loss", fix="write for example 0.7*dice+0.3*bce")
        if match[2] not in LOSSES:
            near = get_close_matches(match[2], LOSSES, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(LOSSES)}"
            raise ConfigError(f"Unknown loss '{match[2]}'.", where=f"loss: {text}", fix=hint)
        terms.append((float(match[1] or 1), match[2]))
    if not any(weight > 0 for weight, _ in terms):
        raise ConfigError("Every weight of the loss is zero.", where=f"loss: {text}", fix="give a weight above 0")
    return terms


def _mode(classes: Classes) -> str:
    if not classes.exclusive:
        return "multilabel"
    return "binary" if classes.binary else "multiclass"


def _region(kind: type, classes: Classes) -> Loss:
    """A loss on shares of regions (dice, jaccard), summed over the batch: ignored pixels leave every sum."""
    term = kind(_mode(classes), from_logits=True)

    def region(logits: Tensor, target: Tensor) -> Tensor:
        logits, ignored = logits.float(), target == IGNORE
        if ignored.any():
            logits, target = _without(logits, target, ignored)
        value: Tensor = term(logits, target.long())
        return value

    return region


def _without(logits: Tensor, target: Tensor, ignored: Tensor) -> tuple[Tensor, Tensor]:
    """Drop ignored pixels: the rest lie in one row, (1, K, M, 1) and (1, M, 1).

    Of overlapping classes, where a pixel may be ignored in one class only, they become true negatives.
    """
    if target.ndim == 4:
        return logits.masked_fill(ignored, -40.0), target.masked_fill(ignored, 0)
    kept = logits.movedim(1, -1)[~ignored]
    return kept.T[None, :, :, None], target[~ignored][None, :, None]


def _bce(classes: Classes) -> Loss:
    if not classes.binary and classes.exclusive:
        raise ConfigError("bce is for one foreground class or overlapping ones.", where="loss", fix="use cross_entropy")

    def bce(logits: Tensor, target: Tensor) -> Tensor:
        target = target.unsqueeze(1) if target.ndim == 3 else target
        keep = (target != IGNORE).float()
        each = F.binary_cross_entropy_with_logits(logits.float(), target.float() * keep, reduction="none")
        return (each * keep).sum() / keep.sum().clamp_min(1)

    return bce


def _cross_entropy(classes: Classes) -> Loss:
    if not classes.exclusive or classes.binary:
        raise ConfigError("cross_entropy is for several classes that exclude each other.", where="loss", fix="use bce")

    def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
        each = F.cross_entropy(logits.float(), target.long(), ignore_index=IGNORE, reduction="sum")
        return each / (target != IGNORE).sum().clamp_min(1)

    return cross_entropy


LOSSES: dict[str, Callable[[Classes], Loss]] = {
    "dice": lambda classes: _region(smp_losses.DiceLoss, classes),
    "jaccard": lambda classes: _region(smp_losses.JaccardLoss, classes),
    "bce": _bce,
    "cross_entropy": _cross_entropy,
}


def _term(name: str, classes: Classes) -> Loss:
    return LOSSES[name](classes)
