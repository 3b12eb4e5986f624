"""Losses on shares of regions: Dice, its logarithm, Jaccard (IoU), Tversky. Ignored pixels leave every sum."""

import torch
from torch import Tensor

from maskwright.errors import ConfigError
from maskwright.images.classes import IGNORE, Classes
from maskwright.losses.types import PixelLoss

_OVER = (0, 2, 3)  # the sums run over the whole batch: all pixels of all pictures, each class by itself
_LEAST_SCORE = 1e-7  # below it the logarithm is cut off
_LEAST_SMOOTH = 1e-30  # a smaller one vanishes in float32


def dice(classes: Classes, *, smooth: float = 0.0) -> PixelLoss:
    """1 - (2 * sum(t*p) + smooth) / (sum(t) + sum(p) + smooth), the mean over classes.

    t: 1 where the pixel is of the class, else 0. p: its probability (softmax over classes that exclude each other,
    sigmoid otherwise). Each sum runs over all counted pixels of the whole batch, as if it were one long row: not
    picture by picture. For one foreground class this is the Dice loss of the Keras write-ups, with their smooth.

    smooth = 0: a class that the batch does not show is left out of the mean (its value would be 1 whatever p is), so
    its false positives cost nothing here. smooth > 0: every class counts; one that is not shown gives
    1 - smooth / (sum(p) + smooth), which with 1e-15 is 1 and without slope, as in Keras, and with 1 a real penalty.

    Source: Milletari et al. 2016, V-Net, arXiv:1606.04797, with p and t in the denominator instead of their squares.
    """
    return _region(classes, 0.5, 0.5, smooth / 2)


def log_dice(classes: Classes, *, smooth: float = 0.0) -> PixelLoss:
    """-log of what `dice` subtracts from 1, the mean over classes: steeper where the overlap is small; at most 16.2.

    Source: Wong et al. 2018, Exponential logarithmic loss, arXiv:1809.00076, without its exponent.
    """
    return _region(classes, 0.5, 0.5, smooth / 2, logarithm=True)


def jaccard(classes: Classes, *, smooth: float = 0.0) -> PixelLoss:
    """1 - (sum(t*p) + smooth) / (sum(t) + sum(p) - sum(t*p) + smooth), the mean over classes; otherwise as `dice`.

    Source: Rahman and Wang 2016, Optimizing intersection-over-union in deep neural networks.
    """
    return _region(classes, 1.0, 1.0, smooth)


def tversky(classes: Classes, *, alpha: float = 0.5, beta: float = 0.5, smooth: float = 0.0) -> PixelLoss:
    """1 - (TP + smooth) / (TP + alpha * FP + beta * FN + smooth), the mean over classes; otherwise as `dice`.

    TP = sum(t*p), FP = sum((1-t)*p), FN = sum(t*(1-p)). alpha above beta: rather miss than claim too much.
    Raises ConfigError where both are 0: it would be 0 whatever the network says.

    Source: Salehi et al. 2017, Tversky loss function, arXiv:1706.05721.
    """
    if alpha == beta == 0:
        raise ConfigError("tversky with alpha = beta = 0 punishes nothing.", where="loss", fix="give one above 0")
    return _region(classes, alpha, beta, smooth)


def _region(classes: Classes, alpha: float, beta: float, smooth: float, *, logarithm: bool = False) -> PixelLoss:
    """Build a region loss: the score of each class over the whole batch, and the mean over classes that count."""
    if 0 < smooth < _LEAST_SMOOTH:
        raise ConfigError(
            f"smooth is too small for the numbers a network computes in (below {2 * _LEAST_SMOOTH:g}).",
            where="loss",
            fix="give 0, or 1e-15 or more",
        )
    mode = "binary" if classes.binary else "multiclass" if classes.exclusive else "multilabel"
    eps = 0.0 if smooth > 0 else 1e-7  # of the denominator, which smooth keeps above zero by itself

    def region(logits: Tensor, target: Tensor) -> Tensor:
        logits = logits.float()
        truth, counted = _truth(target, logits.shape[1], classes)
        probability = logits.softmax(dim=1) if mode == "multiclass" else logits.sigmoid()
        score = _score(probability * counted, truth, alpha, beta, smooth, eps)
        score = score.clamp(_LEAST_SCORE if logarithm else 0, 1)  # rounding alone can carry it out of 0..1
        value = -score.log() if logarithm else 1 - score
        in_mean = truth.sum(_OVER) > 0 if smooth == 0 else counted.expand_as(truth).sum(_OVER) > 0
        mean: Tensor = (value * in_mean).sum() / in_mean.sum().clamp_min(1)
        return mean

    return region


def _score(probability: Tensor, truth: Tensor, alpha: float, beta: float, smooth: float, eps: float) -> Tensor:
    """Return (TP + smooth) / (TP + alpha * FP + beta * FN + smooth) of each class, (K,)."""
    claimed, true = probability.sum(_OVER), truth.sum(_OVER)
    both = (claimed + true - torch.linalg.vector_norm(probability - truth, ord=1, dim=_OVER)) / 2
    whole = both + alpha * (claimed - both) + beta * (true - both) + smooth
    score: Tensor = (both + smooth) / whole.clamp_min(eps)
    return score


def _truth(target: Tensor, outputs: int, classes: Classes) -> tuple[Tensor, Tensor]:
    """Return truth (N, K, H, W), and what counts, (N, K, H, W) or (N, 1, H, W): floats of 0 and 1."""
    planes = target if target.ndim == 4 else target.unsqueeze(1)
    counted = planes != IGNORE
    if classes.exclusive and not classes.binary:
        numbers = torch.arange(outputs, device=target.device)[None, :, None, None]
        return ((planes == numbers) & counted).float(), counted.float()
    return (planes == 1).float(), counted.float()
