"""Losses by name, weight and option: `dice+bce`, `0.7*dice(smooth=1)+0.3*jaccard`, `cross_entropy`.

Some formulas are segmentation-models-pytorch's; here all are named and summed. Every value is >= 0, since every term
is and no weight is below 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from maskwright.errors import ConfigError
from maskwright.images.classes import Classes
from maskwright.losses import pixel, region
from maskwright.losses.grammar import Option, Term, read_terms
from maskwright.losses.lovasz import lovasz
from maskwright.losses.presence import presence_loss
from maskwright.losses.types import Loss, Output, PixelLoss

_SMOOTH = Option(0.0, about="added to the numerator and the denominator of the score")


@dataclass(frozen=True)
class Kind:
    """A loss that can be named. build(classes, **options) returns it, or raises ConfigError where it makes no sense."""

    build: Callable[..., PixelLoss]
    about: str
    options: Mapping[str, Option] = field(default_factory=dict)


_JACCARD = Kind(region.jaccard, "1 - the Jaccard index (IoU) of regions", {"smooth": _SMOOTH})

LOSSES: dict[str, Kind] = {
    "dice": Kind(region.dice, "1 - the Dice score of regions", {"smooth": _SMOOTH}),
    "log_dice": Kind(region.log_dice, "-log of the Dice score of regions", {"smooth": _SMOOTH}),
    "jaccard": _JACCARD,
    "iou": _JACCARD,
    "tversky": Kind(
        region.tversky,
        "as dice, false positives and false negatives weighed apart",
        {
            "alpha": Option(0.5, about="weight of false positives"),
            "beta": Option(0.5, about="weight of false negatives"),
            "smooth": _SMOOTH,
        },
    ),
    "lovasz": Kind(lovasz, "the Jaccard index made continuous (Lovász hinge or softmax)"),
    "bce": Kind(pixel.bce, "binary cross-entropy of pixels"),
    "soft_bce": Kind(
        pixel.soft_bce,
        "bce with smoothed labels",
        {"smoothing": Option(0.1, high=0.5, about="0 becomes this, 1 becomes 1 minus this")},
    ),
    "cross_entropy": Kind(
        pixel.cross_entropy,
        "cross-entropy of pixels, over several exclusive classes",
        {"smoothing": Option(0.0, high=1.0, about="share of a label that is spread over all classes")},
    ),
    "focal": Kind(
        pixel.focal,
        "cross-entropy of pixels, less of those that are right already",
        {
            "gamma": Option(2.0, about="0, or 1 and more: how much less"),
            "alpha": Option(None, high=1.0, about="weight of foreground, 1 - alpha of background"),
        },
    ),
}


def build_loss(text: str, classes: Classes, *, auxiliary: float = 0.0) -> Loss:
    """Build a loss from its text: terms joined by +, each with a weight in front and options in brackets if wanted.

    Returns loss(output, target), a scalar >= 0; see `losses.types` for what they are. `auto` is dice+bce for one output
    or overlapping classes, dice+cross_entropy otherwise. auxiliary: weight of `with_presence`. Raises ConfigError.
    """
    if text.strip() == "auto":
        text = "dice+bce" if classes.binary or not classes.exclusive else "dice+cross_entropy"
    terms = [(term.weight, LOSSES[term.name].build(classes, **term.options)) for term in parse_loss(text)]

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        values = [weight * term(logits, target) for weight, term in terms]
        return sum(values[1:], values[0])

    return with_presence(loss, auxiliary, classes)


def parse_loss(text: str) -> list[Term]:
    """Read `0.7*dice(smooth=1)+0.3*jaccard` as its terms. Raises ConfigError."""
    return read_terms(text, {name: kind.options for name, kind in LOSSES.items()})


def with_presence(loss: PixelLoss, weight: float, classes: Classes) -> Loss:
    """Add `weight` times the loss of an auxiliary head, which says which classes each picture shows.

    The network returns (logits, presence) in training then, presence (N, K) logits; with weight 0 they are not looked
    at. Raises ConfigError where a weight is given and the network has no such head.
    """

    def whole(output: Output, target: Tensor) -> Tensor:
        logits, presence = output if isinstance(output, tuple) else (output, None)
        if weight == 0:
            return loss(logits, target)
        if presence is None:
            what = "This network has no auxiliary classification head."
            raise ConfigError(what, where=f"model.auxiliary: {weight:g}", fix="leave it out, or choose an smp network")
        return loss(logits, target) + weight * presence_loss(presence, target, classes)

    return whole
