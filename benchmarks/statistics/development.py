"""The populations on which the method was chosen and the warning was fitted: none of them is judged on.

They are drawn with other seeds than those of populations.py.
"""

import numpy as np
from populations import HERE, Floats, Population, log_normal_error, of_quantiles, of_values, read_dice, two_models
from scipy.special import betaincinv, ndtri, stdtrit

SEED = 4242
_DICE = HERE / "development_dice.csv"


def _beta(a: float, b: float) -> Population:
    return of_quantiles(f"beta {a:g}, {b:g}", "bounded and more or less skewed", lambda u: betaincinv(a, b, u))


def _log_normal(median: float, spread: float) -> Population:
    error = log_normal_error(median, spread)
    return of_quantiles(f"log-normal error {spread:g}", "long tail of bad masks", lambda u: error(_normal(u)))


def _mixture(share: float, bad: tuple[float, float], good: tuple[float, float]) -> Population:
    def quantile(u: Floats) -> Floats:
        of_bad = betaincinv(*bad, np.clip(u / share, 1e-9, 1 - 1e-9))
        return np.where(u < share, of_bad, betaincinv(*good, np.clip((u - share) / (1 - share), 1e-9, 1 - 1e-9)))

    return of_quantiles(f"{share:.0%} misses", "masks that miss the object among good ones", quantile)


def _normal(u: Floats) -> Floats:
    return np.asarray(ndtri(np.clip(u, 1e-12, 1 - 1e-12)))


def _t3(u: Floats) -> Floats:
    return np.asarray(stdtrit(3, np.clip(u, 1e-6, 1 - 1e-6)))


def _dice(column: str) -> Population:
    return of_values(column, "Dice of a real run", read_dice(_DICE, column))


def _difference(first: str, second: str) -> Population:
    difference = read_dice(_DICE, second) - read_dice(_DICE, first)
    return of_values(f"{second} - {first}", "two seeds, less their mean difference", difference - difference.mean())


SCORES = (
    of_quantiles("normal", "symmetric", lambda u: np.clip(0.5 + 0.1 * _normal(u), 0, 1)),
    of_quantiles("uniform", "symmetric, no tails", lambda u: 0.3 + 0.6 * u),
    of_quantiles("t 3", "symmetric, heavy tails", lambda u: np.clip(0.6 + 0.05 * _t3(u), 0, 1)),
    _beta(8, 2), _beta(20, 2), _beta(40, 3), _beta(5, 5), _beta(2, 5), _beta(1.5, 0.5),
    _log_normal(0.08, 0.6), _log_normal(0.1, 0.8), _log_normal(0.05, 1.2),
    _dice("isic035_0"), _dice("isic035_2"), _dice("pets_0"), _dice("pets_2"), _dice("pets3_0"),
    _mixture(0.1, (2, 5), (30, 3)), _mixture(0.2, (2, 5), (30, 3)), _mixture(0.03, (1, 5), (20, 2)),
)  # fmt: skip


NO_DIFFERENCE = (
    of_quantiles("uniform", "no tails", lambda u: 0.2 * u - 0.1),
    Population("normal", "no skewness", lambda z: 0.02 * z[0], 0.0),
    of_quantiles("t 3", "heavy tails", lambda u: 0.03 * _t3(u)),
    _difference("isic035_0", "isic035_1"), _difference("isic035_0", "isic035_2"), _difference("pets_0", "pets_1"),
    _difference("pets_1", "pets_2"), _difference("pets3_0", "pets3_1"),
    two_models("errors 0.8, 1", "the second fails worse", (0.08, 0.8), (0.07, 1.0), 0.6),
    two_models("errors 0.6, 1.2", "the second fails much worse", (0.05, 0.6), (0.03, 1.2), 0.8),
    two_models("errors 1, 1", "two alike", (0.06, 1.0), (0.06, 1.0), 0.5),
)  # fmt: skip
