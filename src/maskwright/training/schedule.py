"""The learning rate as a function of the step: pure numbers, so that a resumed training needs no hidden state."""

import math
from collections.abc import Sequence

from maskwright.recipe import Phase


def rate_factor(phase: Phase, step: int, steps: int) -> float:
    """Return the factor on the peak rate at `step` of a phase of `steps` steps (0 <= step < steps).

    Linear warm-up over the phase's share `warmup`, then cosine to 1 % of the peak, or constant. The factor of a
    plateau schedule comes on top (`plateau_factor`).
    """
    warm = round(phase.warmup * steps)
    if step < warm:
        return (step + 1) / (warm + 1)
    if phase.schedule != "cosine":
        return 1.0
    done = (step - warm) / max(1, steps - warm)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def plateau_factor(phase: Phase, scores: Sequence[float]) -> float:
    """Return the factor that a plateau schedule has reached.

    scores: of the validations so far, oldest first, higher is better. Patience counts as in Keras: the rate falls as
    soon as `plateau_patience` validations in a row were no better than the best before (PyTorch's scheduler allows one
    more), and so on from there.
    """
    if phase.schedule != "plateau":
        return 1.0
    best, waited, factor = -math.inf, 0, 1.0
    for score in scores:
        if score > best:
            best, waited = score, 0
            continue
        waited += 1
        if waited >= phase.plateau_patience:
            factor, waited = factor * phase.plateau_factor, 0
    return factor


def epochs_without_gain(scores: Sequence[float]) -> int:
    """Return how many validations have passed since the best one (the first of equals)."""
    best, waited = -math.inf, 0
    for score in scores:
        best, waited = (score, 0) if score > best else (best, waited + 1)
    return waited
