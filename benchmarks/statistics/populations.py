"""The populations that the intervals are judged on, written down before any method was run on them.

Scores lie in [0, 1], differences in [-1, 1]. A population turns standard normal numbers into scores, so that pictures
of a group can be related (their normal numbers share a part, RELATED of the variance). Its true mean is known: exact,
or from a fine grid of quantiles.

The populations on which the method was chosen and the warning fitted are others: see development.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from maskwright.metrics.interval_bounds import Units
from maskwright.metrics.intervals import pooled_units

Floats = NDArray[np.float64]

HERE = Path(__file__).parent
SEED = 20260101
PICTURES = (10, 20, 50, 100, 1000)
GROUPS = (5, 10, 30)
SIZES = (2, 20)  # pictures in a group: each number from 2 to 20 is as likely
RELATED = 0.3  # what pictures of a group share: frames of one clip share more, pictures of one patient often less
SIZE_SPREAD = 0.7  # log-normal object sizes; in ISIC the middle two thirds span a factor of 4
SIZE_SHARE = 0.3  # correlation of (log) object size and score on the normal scale: larger objects score better
_GRID = ndtri((np.arange(1_000_000) + 0.5) / 1_000_000)


@dataclass(frozen=True)
class Population:
    """Scores (or differences) of pictures. of: normal numbers (latents, ...) to values (...). mean: the true one."""

    name: str
    why: str
    of: Callable[[Floats], Floats]
    mean: float
    latents: int = 1

    def draw(self, rng: np.random.Generator, pictures: int) -> Floats:
        """Return the scores of so many unrelated pictures."""
        return self.of(rng.standard_normal((self.latents, pictures)))

    def draw_groups(
        self, rng: np.random.Generator, groups: int, sizes: tuple[int, int] = SIZES, related: float = RELATED
    ) -> tuple[Floats, NDArray[np.intp]]:
        """Return the scores of groups of related pictures, and the number of each picture's group."""
        of_picture = np.repeat(np.arange(groups), rng.integers(sizes[0], sizes[1] + 1, groups))
        shared = rng.standard_normal((self.latents, groups))[:, of_picture]
        own = rng.standard_normal(shared.shape)
        return self.of(np.sqrt(related) * shared + np.sqrt(1 - related) * own), of_picture


def of_quantiles(name: str, why: str, quantile: Callable[[Floats], Floats]) -> Population:
    """Return the population with this quantile function."""
    return Population(name, why, lambda z: quantile(ndtr(z[0])), float(quantile(ndtr(_GRID)).mean()))


def of_values(name: str, why: str, values: Floats) -> Population:
    """Return the population in which each of these values is as likely."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    return Population(
        name, why, lambda z: ordered[np.minimum((ndtr(z[0]) * len(ordered)).astype(int), last)], float(ordered.mean())
    )


def log_normal_error(median: float, spread: float) -> Callable[[Floats], Floats]:
    """Return normal numbers to scores of which 1 - score is log-normal, cut at 1."""
    return lambda z: 1 - np.minimum(1.0, median * np.exp(spread * z))


def read_dice(path: Path, column: str) -> Floats:
    """Return a column of a table of Dice values; blanks are left out."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    at = lines[0].split(",").index(column)
    return np.array([float(cell) for cell in (line.split(",")[at] for line in lines[1:]) if cell])


def two_models(
    name: str, why: str, first: tuple[float, float], second: tuple[float, float], shared: float
) -> Population:
    """Return B - A of two models with log-normal errors (median, spread), moved so that the true mean is 0."""
    a, b = log_normal_error(*first), log_normal_error(*second)
    gap = float(b(_GRID).mean() - a(_GRID).mean())
    return Population(
        name, why, lambda z: b(shared * z[0] + np.sqrt(1 - shared**2) * z[1]) - a(z[0]) - gap, 0.0, latents=2
    )


def _near_normal(z: Floats) -> Floats:
    return np.clip(0.75 + 0.08 * z[0], 0, 1)


def _isic(column: str) -> Floats:
    return read_dice(HERE / "isic_dice.csv", column)


def _heavy(z: Floats) -> Floats:
    return log_normal_error(0.06, 1.0)(z[0])


def _moved() -> Floats:
    difference = _isic("seed_1") - _isic("seed_0")
    return difference - difference.mean()


SCORES = (
    Population("near-normal", "the easy case that every method claims; mean 0.75, deviation 0.08", _near_normal, 0.75),
    of_values("isic", "the Dice of a real run's 150 test pictures", _isic("seed_0")),
    Population(
        "heavy-tailed", "1 - Dice is log-normal, median 0.06, spread 1, cut at 1: most masks are good, few are awful",
        _heavy, float(_heavy(_GRID[None]).mean()),
    ),
)  # fmt: skip

NO_DIFFERENCE = (
    Population("near-normal", "differences without skewness, deviation 0.05", lambda z: 0.05 * z[0], 0.0),
    of_values("isic", "two seeds of one training on the same 150 pictures, less their mean difference", _moved()),
    two_models(
        "heavy-tailed", "two models of one mean; the second fails more seldom and worse", (0.06, 0.7), (0.042, 1.1), 0.7
    ),
)


def draw_counts(scores: Population, rng: np.random.Generator, units: int, *, grouped: bool) -> tuple[Floats, Floats]:
    """Return 2 tp and 2 tp + fp + fn of pictures, or the sums of groups of them. Their ratio is a unit's Dice."""
    if not grouped:
        z = rng.standard_normal((scores.latents, units))
        return _counts(scores, z, rng)
    of_picture = np.repeat(np.arange(units), rng.integers(SIZES[0], SIZES[1] + 1, units))
    shared = rng.standard_normal((scores.latents, units))[:, of_picture]
    z = np.sqrt(RELATED) * shared + np.sqrt(1 - RELATED) * rng.standard_normal(shared.shape)
    both, whole = _counts(scores, z, rng)
    return np.bincount(of_picture, both).astype(float), np.bincount(of_picture, whole).astype(float)


def units_of_counts(both: Floats, whole: Floats) -> Units:
    """Return what the pooled Dice of such counts is made of."""
    left_out = (both.sum() - both) / (whole.sum() - whole)
    units = pooled_units(float(both.sum() / whole.sum()), left_out, whole)
    assert isinstance(units, Units)
    return units


def _counts(scores: Population, z: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    own = rng.standard_normal(z.shape[1])
    whole = np.rint(2e4 * np.exp(SIZE_SPREAD * (SIZE_SHARE * z[0] + np.sqrt(1 - SIZE_SHARE**2) * own)))
    return np.rint(scores.of(z) * whole), whole


def pooled_truth(scores: Population) -> float:
    """Return the pooled Dice of infinitely many pictures: each score weighs as its expected size."""
    weight = np.exp(SIZE_SPREAD * SIZE_SHARE * _GRID)
    return float((scores.of(_GRID[None]) * weight).sum() / weight.sum())


def generator(*cell: str | int) -> np.random.Generator:
    """Return the random numbers of one cell of the final table."""
    return np.random.default_rng([SEED, *(crc32(str(part).encode()) for part in cell)])
