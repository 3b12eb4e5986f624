"""A learning-rate range test: some steps at a rate that rises exponentially, and what the loss did meanwhile.

Knows networks and batches; what the curve means is worked out from its numbers alone (`suggest_rate`).
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, nn

from maskwright.losses import Loss
from maskwright.progress import Progress, Step, ignore
from maskwright.training.loop import Batches
from maskwright.training.steps import FitSettings, State, descend, find_gradient

LOWEST, HIGHEST = 1e-7, 1.0
MOST_STEPS, FEWEST_STEPS = 100, 50
SMOOTHING = 0.2  # standard deviation of the smoothing, in decades of the rate
DIVERGED = 1.25  # times the loss of the untrained network
LEAST_FALL = 0.02  # of the loss; less is no fall
FALLEN = 2 / 3  # the share of the fall that the suggestion waits for
_LIMIT = 1.5  # a loss that explodes is cut to this before smoothing, or it would pull up its neighbours


@dataclass(frozen=True)
class RangeTest:
    """What a range test saw.

    rates: of decoder and head, one a step, rising. losses: of those steps' batches. untrained: what the network, as it
    was at first, made of the same batches. curve: their ratio, smoothed; 1 at first. diverged: whether it ended before
    the highest rate. suggestion: a peak rate, or None. why: the reason, in words.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    untrained: tuple[float, ...]
    curve: tuple[float, ...]
    diverged: bool
    suggestion: float | None
    why: str

    @property
    def ratios(self) -> list[float]:
        """The losses divided by the untrained network's, step by step."""
        return _ratios(self.losses, self.untrained)


def run_range_test(
    network: nn.Module,
    batches: Batches,
    loss: Loss,
    settings: FitSettings,
    *,
    device: torch.device,
    steps: int | None = None,
    progress: Progress = ignore,
) -> RangeTest:
    """Train a copy for up to `steps` steps while the rate rises from LOWEST to HIGHEST; `network` stays as it is.

    The first phase's frozen or trained encoder, optimizer, batches and augmentation are those of a training; the
    encoder's rate keeps its share of the decoder's. No warm-up, no schedule. steps: default 4 epochs, within 50 to 100.
    Each loss is divided by what the untrained network makes of the same batch: easy and hard batches cancel.
    It ends early where the loss is not finite, or three in a row are a quarter above the untrained network's.

    Source: Smith 2017, Cyclical learning rates, arXiv:1506.01186, section 3.3, with an exponential instead of a linear
    rise, and the division.
    """
    moving, still = (State(copy.deepcopy(network), settings, device) for _ in range(2))
    steps = steps or min(MOST_STEPS, max(FEWEST_STEPS, 4 * batches.steps))
    rates: list[float] = []
    losses: list[float] = []
    untrained: list[float] = []
    for number, rate in enumerate(np.geomspace(LOWEST, HIGHEST, steps).tolist()):
        position = moving.position
        position.epoch, position.step = divmod(number, batches.steps)
        moving.scale_rates(rate / moving.phase.learning_rate)
        images, labels = moving.shown(batches.batch(position.epoch, position.step))
        value = find_gradient(moving, images, labels, loss, progress)
        still.position = position
        first = _loss_of(still, images, labels, loss)
        if not math.isfinite(value) or not math.isfinite(first):
            break
        rates, losses, untrained = [*rates, rate], [*losses, value], [*untrained, first]
        progress(Step("find rate", number + 1, steps, {"rate": rate, "loss": value}))
        if len(losses) >= 3 and min(_ratios(losses, untrained)[-3:]) > DIVERGED:
            break
        descend(moving)
    curve = smooth(_ratios(losses, untrained), rates)
    suggestion, why = suggest_rate(rates, curve)
    return RangeTest(tuple(rates), tuple(losses), tuple(untrained), tuple(curve), len(losses) < steps, suggestion, why)


def smooth(ratios: Sequence[float], rates: Sequence[float]) -> list[float]:
    """Return losses averaged over neighbours (Gaussian, in the logarithm of the rate), without lagging behind."""
    if len(ratios) < 3:
        return list(ratios)
    decades = math.log10(rates[-1] / rates[0])
    sigma = max(1.0, SMOOTHING * (len(ratios) - 1) / decades)
    averaged: NDArray[np.float64] = gaussian_filter1d(np.minimum(ratios, _LIMIT), sigma, mode="nearest")
    return [float(value) for value in averaged]


def suggest_rate(rates: Sequence[float], curve: Sequence[float]) -> tuple[float | None, str]:
    """Return a peak rate and why, or None and why not: where two thirds of the fall are made, or minimum / 10 if less.

    The first rate at which the smoothed loss has made two thirds of its fall lies at the end of the steepest descent.
    Unlike the largest difference between neighbours it does not hang on noise, and unlike the minimum's rate it is not
    led astray by a loss with an upper bound, such as Dice, which never diverges. None where the loss does not fall.
    """
    if len(curve) < 5:
        return None, "the loss was not finite from the first steps on; try --set training.precision=fp32"
    least = int(np.argmin(curve))
    if curve[least] > 1 - LEAST_FALL:
        return None, f"the loss did not fall by {LEAST_FALL:.0%} at any rate"
    fallen = int(np.argmax(np.asarray(curve) <= 1 - FALLEN * (1 - curve[least])))
    if rates[fallen] <= rates[least] / 10:
        return rates[fallen], f"where two thirds of the loss's fall are made; it is least at {rates[least]:.2g}"
    return rates[least] / 10, f"a tenth of {rates[least]:.2g}, where the loss is least"


def _loss_of(state: State, images: Tensor, labels: Tensor, loss: Loss) -> float:
    """Return the loss of a batch, in the pieces in which its gradient is found, and with the same dropout."""
    state.train_mode()
    torch.manual_seed(state.seed)
    pieces = state.position.micro_batches
    value = 0.0
    with torch.no_grad():
        for part, truth in zip(images.tensor_split(pieces), labels.tensor_split(pieces), strict=True):
            value += float(loss(state.forward(part), truth)) * len(part) / len(images)
    return value


def _ratios(losses: Sequence[float], untrained: Sequence[float]) -> list[float]:
    return [loss / max(first, 1e-8) for loss, first in zip(losses, untrained, strict=True)]
