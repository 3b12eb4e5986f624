"""How long the check of a data set will take, by a few of its pairs: read them, and compare those that look alike."""

import time
from collections.abc import Sequence
from math import comb

import numpy as np

from maskwright.audit.facts import PairFacts, look_at_pair
from maskwright.audit.families import find_families
from maskwright.data.dataset import Dataset
from maskwright.data.threads import in_threads, spread
from maskwright.errors import DataError
from maskwright.progress import Step
from maskwright.runs.excerpt import LISTED, sizes_of, timed

LOOKED_AT = 12  # pairs
COMPARING = 0.25  # of the time that reading takes, as a rule
# Where so many of the pairs among the few are likely relatives (views of one scene), every picture has as many as a
# check compares at most. Fewer tell nothing: among few pictures, landmarks look rarer than they are.
ALIKE = 1 / 3
MOST = 8  # comparisons of each picture


def check_seconds(dataset: Dataset) -> float:
    """Return how long the check of all pairs takes; 0 where one of the few cannot be read: the check will say so."""
    sizes = sizes_of(dataset, spread(range(len(dataset)), LISTED))
    rows = spread(sizes.by_size(), LOOKED_AT)
    try:
        look_at_pair(dataset, rows[0])  # what is loaded on first use is loaded now
        begun = time.perf_counter()
        looks = list(in_threads(lambda row: look_at_pair(dataset, row), rows))
        reading = (time.perf_counter() - begun) * sizes.share(rows) * len(dataset)
        found, comparing = _comparing(dataset, rows, looks)
    except DataError:
        return 0.0
    if found < max(1, ALIKE * comb(len(rows), 2)):
        return reading * (1 + COMPARING)
    return reading + comparing / found * min(MOST * len(dataset), comb(len(dataset), 2))


def _comparing(dataset: Dataset, rows: Sequence[int], looks: Sequence[PairFacts]) -> tuple[int, float]:
    """Return how many pairs of a few pictures are likely relatives, and the seconds of comparing them."""
    prints = [(row, look.picture) for row, look in zip(rows, looks, strict=True) if look.picture.print is not None]
    told: list[Step] = []
    if len(prints) < 2:
        return 0, 0.0
    given = (
        np.stack([np.frombuffer(one.digest, np.uint8) for _, one in prints]),
        np.stack([np.frombuffer(one.print.to_bytes(), np.uint8) for _, one in prints if one.print is not None]),
        np.ones(len(prints), np.bool_),
    )
    few = dataset.select([row for row, _ in prints])
    seconds, _ = timed(lambda: find_families(few, *given, told.append))
    return (told[-1].total if told else 0), seconds
