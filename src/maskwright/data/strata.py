"""What makes pictures alike for a split: how much foreground they show, and what kind their names say.

Foreground is measured only where that is cheap, or handed in by who has measured it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.names import pieces, stem_of
from maskwright.data.threads import in_threads
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE
from maskwright.images.formats import read_info

CHEAP_PIXELS = 150_000_000  # masks of so many pixels in all are decoded in a second or two
_LEVELS = 4


def foreground_shares(dataset: Dataset) -> NDArray[np.float64] | None:
    """Return each picture's share of foreground, NaN where its mask cannot be read; None where that is not cheap."""
    if not len(dataset) or any(not masks for masks in dataset.columns.masks) or not _cheap(dataset):
        return None
    return np.array(list(in_threads(lambda i: _share(dataset, i), range(len(dataset)))))


def _cheap(dataset: Dataset) -> bool:
    if len(dataset) > 20_000:
        return False
    pixels = 0
    for sample in dataset:
        for path in sample.masks:
            try:
                info = read_info(path)
            except DataError:
                continue
            pixels += info.height * info.width
            if pixels > CHEAP_PIXELS:
                return False
    return True


def _share(dataset: Dataset, index: int) -> float:
    try:
        mask = dataset.read_mask(index)
    except DataError:
        return float("nan")
    counted = mask != IGNORE
    if mask.ndim == 3:
        counted = counted.all(axis=2)
        inside = ((mask == 1).any(axis=2)) & counted
    else:
        inside = (mask > 0) & counted
    return float(inside.sum() / max(1, int(counted.sum())))


def make_strata(dataset: Dataset, groups: Sequence[str], shares: NDArray[np.float64] | None) -> dict[str, str]:
    """Return for each of these groups a word; groups of the same word are to be spread evenly over the parts."""
    kinds = _kinds(dataset)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(dataset.columns.groups):
        rows[group].append(row)
    level = _levels(groups, rows, shares)
    return {
        group: f"{Counter(kinds[row] for row in rows[group]).most_common(1)[0][0]}/{level[group]}" for group in groups
    }


def _kinds(dataset: Dataset) -> list[str]:
    """Return what the first piece of the names says, where there are two to ten such words, none of them rare."""
    firsts = [(pieces(stem_of(image)) or ("",))[0].rstrip("0123456789") for image in dataset.columns.images]
    count = Counter(firsts)
    if not 2 <= len(count) <= 10 or min(count.values()) < max(5, len(firsts) // 50):
        return [""] * len(firsts)
    return firsts


def _levels(groups: Sequence[str], rows: dict[str, list[int]], shares: NDArray[np.float64] | None) -> dict[str, int]:
    """Return 0 for groups without foreground, else 1 to 4 by their mean share."""
    if shares is None:
        return dict.fromkeys(groups, 0)
    known = np.nan_to_num(shares, nan=0.0)
    mean = {group: float(known[rows[group]].mean()) for group in groups}
    order = sorted((value, group) for group, value in mean.items() if value > 0)
    level = dict.fromkeys(groups, 0)
    for rank, (_, group) in enumerate(order):
        level[group] = 1 + rank * _LEVELS // len(order)
    return level
