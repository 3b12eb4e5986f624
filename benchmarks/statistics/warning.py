"""Fits the table from which `maskwright.metrics.coverage` says what an interval covers with few pictures or groups.

    python benchmarks/statistics/warning.py            about 6 minutes on one core; writes warning.json and prints TABLE

On the development populations, for each number of pictures (and of groups of three kinds), it measures how often
the interval holds the true mean, and fits the shortfall below 95 % as base + near * nearness + tail * lopsidedness:
three figures for each number, such that the mean of what is said over the samples of each population comes closest.
Populations with rare misses are left out: a sample without a miss cannot know of them (their error is written down).
"""

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from development import SCORES, SEED
from populations import HERE, Floats, Population, draw_counts, pooled_truth, units_of_counts
from scipy.optimize import minimize

from maskwright.metrics.coverage import MOST, lopsidedness, nearness, said
from maskwright.metrics.interval_bounds import LEVEL, Units, bounds
from maskwright.metrics.intervals import mean_units

NUMBERS = (2, 3, 4, 5, 7, 10, 14, 20)
POOLED_NUMBERS = (*NUMBERS, 30, 50, 100)  # pooled scores over pictures of unequal sizes have a table of their own
ONLY_MEASURED = (50, 100)  # of means nothing is left to fit there; for the populations with rare misses
KINDS: dict[str, tuple[tuple[int, int], float]] = {"groups": ((2, 20), 0.3), "small": ((1, 8), 0.5)}
GROUP_NUMBERS = (2, 3, 5, 7, 10, 20)
RIDGE = 1e-3  # keeps the figures small, so that what is said of two like samples is alike
_UNSEEN = "misses"


def sample_cell(population: Population, kind: str, number: int, repeats: int) -> tuple[float, Floats]:
    """Return how often the interval holds the mean, and of each sample (1, nearness, lopsidedness), (R, 3)."""
    rng = np.random.default_rng([SEED, number, *population.name.encode(), *kind.encode()])
    truth = pooled_truth(population) if kind == "pooled" else population.mean
    held, features = 0, []
    for _ in range(repeats):
        if kind == "pooled":
            units = units_of_counts(*draw_counts(population, rng, number, grouped=False))
        elif kind == "pictures":
            units = mean_units(population.draw(rng, number))
        else:
            units = mean_units(*population.draw_groups(rng, number, *KINDS[kind]))
        assert isinstance(units, Units)
        low, high = bounds(units)
        held += low <= truth <= high
        features.append((1.0, nearness(units), lopsidedness(units)))
    return held / repeats, np.array(features)


def mean_said(features: Floats, weights: Floats) -> float:
    """Return the mean figure over the samples, where those as good as 95 % say 95 %."""
    return float(np.mean([said(float(shortfall)) or LEVEL for shortfall in features @ weights]))


def fit(cells: list[tuple[float, Floats]]) -> Floats:
    """Return the three figures with the least squared error of the mean figure, which never is above 95 %."""
    truth = np.array([covered for covered, _ in cells])

    def error(weights: Floats) -> float:
        clipped = [LEVEL - np.clip(features @ weights, 0, MOST).mean() for _, features in cells]
        return float(((clipped - truth) ** 2).sum() + RIDGE * (weights**2).sum())

    starts = (np.array([0.0, 0.1, 0.1]), np.array([-0.1, 0.1, 0.3]), np.array([0.02, 0.0, 0.0]))
    best = min((minimize(error, start, method="Nelder-Mead") for start in starts), key=lambda found: found.fun)
    return np.asarray(best.x)


def fit_number(number: int, kinds: Sequence[str], repeats: int, *, fitted: bool = True) -> dict[str, Any]:
    """Return the table's row for this number, and what is said and covered on each population."""
    cells = {
        (population.name, kind): sample_cell(population, kind, number, repeats)
        for population in SCORES for kind in kinds
    }  # fmt: skip
    seen = [cell for (name, _), cell in cells.items() if _UNSEEN not in name]
    weights = np.round(fit(seen) if fitted else np.zeros(3), 3) + 0.0
    populations = [
        {"population": name, "unit": kind, "covered": covered, "said": mean_said(features, weights)}
        for (name, kind), (covered, features) in cells.items()
    ]
    row = {"number": number, "fitted": fitted, "weights": weights.tolist(), "populations": populations}
    off = [100 * (one["said"] - one["covered"]) for one in populations if _UNSEEN not in one["population"]]
    print(
        f"    ({number}, {', '.join(map(str, row['weights']))}),  # off by {min(off):.1f} to {max(off):.1f}", flush=True
    )
    return row


def fit_means(repeats: int) -> list[dict[str, Any]]:
    """Return the table for means over pictures and for all scores over groups."""
    return [
        fit_number(number, ["pictures", *(KINDS if number in GROUP_NUMBERS else ())], repeats, fitted=number in NUMBERS)
        for number in NUMBERS + ONLY_MEASURED
    ]


def fit_pooled(repeats: int) -> list[dict[str, Any]]:
    """Return the table for pooled scores over pictures."""
    return [fit_number(number, ["pooled"], repeats) for number in POOLED_NUMBERS]


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--only", choices=("means", "pooled"), help="keep the other table as it was written")
    arguments = parser.parse_args()
    path = HERE / "warning.json"
    tables = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for name, fit_table in {"means": fit_means, "pooled": fit_pooled}.items():
        if arguments.only in (None, name):
            tables[name] = fit_table(arguments.repeats)
    path.write_text(json.dumps(tables, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
