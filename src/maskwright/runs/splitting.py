"""How a run divides its pictures: photographs of one family together, and without pairs that cannot be read.

Such pairs are errors of the check; a training meets them only where their kind was accepted.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.check import CheckReport
from maskwright.audit.facts import PairFacts
from maskwright.data.copies import only_originals, originals
from maskwright.data.dataset import Dataset
from maskwright.data.names import some
from maskwright.data.splits import Split, split_dataset
from maskwright.recipe import Recipe


@dataclass(frozen=True)
class Division:
    """split: of all pictures. foldable: rows that folds may share out. said: what is left out, in words."""

    split: Split
    foldable: NDArray[np.int64]
    said: str = ""


def divide(dataset: Dataset, recipe: Recipe, report: CheckReport) -> Division:
    """Divide a set that has been checked. Raises DataError.

    Folds may share out everything, but not an official or stated test part, nor what is left out.
    """
    data = recipe.data
    split = split_dataset(
        dataset, method=data.split, previous=Path(data.previous) if data.previous else None,
        seed=recipe.training.seed, related=report.families,
    )  # fmt: skip
    rows = originals(dataset.columns)
    if data.split != "hash" and (any(dataset.columns.parts) or data.split or data.previous):
        kept = np.sort(np.concatenate([split.indices("train"), split.indices("val")]))
        rows = only_originals(dataset.columns, kept)
    lost = np.setdiff1d(np.arange(len(dataset)), usable_rows(report))
    if not len(lost):
        return Division(split, rows)
    names = some([dataset.columns.ids[int(row)] for row in lost])
    said = f"; {len(lost)} pair{'s' * (len(lost) > 1)} that cannot be read left out: {names}"
    parts = np.array(split.parts, object)
    parts[lost] = ""
    return Division(replace(split, parts=tuple(parts), how=split.how + said), np.setdiff1d(rows, lost), said)


def usable_rows(report: CheckReport) -> list[int]:
    """Return the rows whose picture and mask can both be read."""
    return [row for row, pair in enumerate(report.facts) if _is_usable(pair)]


def _is_usable(pair: PairFacts) -> bool:
    return pair.picture.error is None and pair.mask.error is None and bool(pair.mask.paths)
