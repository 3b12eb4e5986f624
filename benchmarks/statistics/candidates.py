"""Published intervals for a mean, vectorised over many samples, that the chosen one is compared with.

Each takes X (R, n), one sample a row, and returns the lower and the upper bounds, (R,) each.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri, stdtrit

Floats = NDArray[np.float64]
Bounds = tuple[Floats, Floats]

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2
DRAWS = 1000


def t(x: Floats) -> Bounds:
    """Student's t."""
    half = _t(x) * _error(x)
    return x.mean(1) - half, x.mean(1) + half


def t_logit(x: Floats) -> Bounds:
    """Student's t on the logit of the mean, by the delta method."""
    mean = np.clip(x.mean(1), 1e-9, 1 - 1e-9)
    half = _t(x) * _error(x) / (mean * (1 - mean))
    return expit(logit(mean) - half), expit(logit(mean) + half)


def johnson(x: Floats) -> Bounds:
    """Johnson's modified t (1978), the whole correction: mu3 / (6 s^2 n) (1 + 2 t^2)."""
    low, high = t(x)
    shift = _skewness(x) * _error(x) / (6 * np.sqrt(x.shape[1])) * (1 + 2 * _t(x) ** 2)
    return low + shift, high + shift


def hall(x: Floats) -> Bounds:
    """Hall's cubic transformation of t (1992)."""
    lean = _skewness(x) / np.sqrt(x.shape[1])
    lean = np.where(np.abs(lean) < 1e-6, 1e-6, lean)

    def inverse(at: float) -> Floats:
        return np.asarray(3 / lean * (np.cbrt(1 + lean * (at - lean / 6)) - 1))

    return x.mean(1) - _error(x) * inverse(_t(x)), x.mean(1) - _error(x) * inverse(-_t(x))


def percentile(x: Floats) -> Bounds:
    """The percentile bootstrap."""
    low, high = np.quantile(_resampled(x)[0], [TAIL, 1 - TAIL], axis=1)
    return x.mean(1) + low, x.mean(1) + high


def bca(x: Floats) -> Bounds:
    """Efron's BCa bootstrap (1987)."""
    means = np.sort(_resampled(x)[0], axis=1)
    bias = ndtri(np.clip((means < 0).mean(1) + (means == 0).mean(1) / 2, 1e-3, 1 - 1e-3))
    acceleration = _moment_skewness(x) / (6 * np.sqrt(x.shape[1]))

    def bound(z: float) -> Floats:
        share = ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))
        at = np.clip((share * DRAWS).astype(int), 0, DRAWS - 1)
        return np.asarray(x.mean(1) + means[np.arange(len(x)), at])

    return bound(float(ndtri(TAIL))), bound(float(-ndtri(TAIL)))


def bootstrap_t(x: Floats) -> Bounds:
    """The bootstrap-t (Efron 1981)."""
    means, variances = _resampled(x)
    number = x.shape[1]
    studentised = means / np.sqrt(np.maximum(variances, 1e-18) / (number - 1))
    low, high = np.quantile(studentised, [TAIL, 1 - TAIL], axis=1)
    return x.mean(1) - high * _error(x), x.mean(1) - low * _error(x)


def empirical_likelihood(x: Floats) -> Bounds:
    """Owen's empirical likelihood (1988), with the square of t in place of chi-squared."""
    ends = []
    for extreme in (x.min(1) + 1e-9, x.max(1) - 1e-9):
        inside, outside = x.mean(1), extreme
        for _ in range(30):
            middle = (inside + outside) / 2
            holds = _log_ratio(x - middle[:, None]) < _t(x) ** 2
            inside, outside = np.where(holds, middle, inside), np.where(holds, outside, middle)
        ends.append(inside)
    return ends[0], ends[1]


CANDIDATES: dict[str, Callable[[Floats], Bounds]] = {
    "t": t, "t of the logit": t_logit, "percentile": percentile, "BCa": bca, "bootstrap-t": bootstrap_t,
    "Johnson": johnson, "Hall": hall, "empirical likelihood": empirical_likelihood,
}  # fmt: skip


def _t(x: Floats) -> float:
    return float(stdtrit(x.shape[1] - 1, 1 - TAIL))


def _error(x: Floats) -> Floats:
    return np.asarray(x.std(1, ddof=1) / np.sqrt(x.shape[1]))


def _moment_skewness(x: Floats) -> Floats:
    away = x - x.mean(1, keepdims=True)
    return np.asarray((away**3).mean(1) / np.maximum((away**2).mean(1), 1e-18) ** 1.5)


def _skewness(x: Floats) -> Floats:
    number = x.shape[1]
    return np.asarray(_moment_skewness(x) * np.sqrt(number * (number - 1)) / (number - 2))


@lru_cache(maxsize=1)
def _times(number: int) -> Floats:
    """Return how often each of `number` values is drawn, (DRAWS, number); the same draws for all samples."""
    rng = np.random.default_rng(0)
    return np.stack([np.bincount(rng.integers(0, number, number), minlength=number) for _ in range(DRAWS)]).astype(
        float
    )


def _resampled(x: Floats) -> Bounds:
    """Return the resampled means less the mean, and the resampled variances, (R, DRAWS) each."""
    number = x.shape[1]
    away = x - x.mean(1, keepdims=True)
    means = away @ _times(number).T / number
    return means, (away**2) @ _times(number).T / number - means**2


def _log_ratio(away: Floats) -> Floats:
    """Return -2 log of the empirical likelihood ratio of mean 0, by bisection for the multiplier."""
    number = away.shape[1]
    low = (1 / number - 1) / np.maximum(away.max(1), 1e-12)
    high = (1 / number - 1) / np.minimum(away.min(1), -1e-12)
    for _ in range(40):
        middle = (low + high) / 2
        rising = (away / (1 + middle[:, None] * away)).sum(1) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return np.asarray(2 * np.log1p(middle[:, None] * away).sum(1))
