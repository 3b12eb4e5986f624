"""What a training works on: the data, the recipe, the device, and the time that there is."""

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.planning.costs import Counts
from maskwright.planning.facts import Facts
from maskwright.planning.plan import Plan
from maskwright.progress import Progress
from maskwright.recipe import Recipe

Indices = NDArray[np.int64]
MIN_VALIDATION = 8  # pictures; with fewer, the best epoch and the best cut would be chance


@dataclass(frozen=True)
class Work:
    """What a training works on.

    minutes: for the whole command, or None. pictures: whether reports may show pictures. rows: what is packed, for
    trainings that share a pack; None: what the training at hand needs. like: the plan of an earlier fold, from which
    encoder, weights and precision are taken, since they depend on the machine and not on the pictures. facts: those
    that it rests on: folds see pictures alike, and looking at the same ones again takes as long as training a little.
    begun: `time.monotonic()` when the command began. trainings: that still have to fit into the minutes, this one
    included. scored: pictures that are scored after each of them.
    """

    dataset: Dataset
    recipe: Recipe
    device: str
    minutes: float | None
    progress: Progress
    pictures: bool = True
    rows: Indices | None = None
    like: Plan | None = None
    facts: Facts | None = None
    begun: float = field(default_factory=time.monotonic)
    trainings: int = 1
    scored: int = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.begun


def counts_of(work: Work, train: int, val: int, steps: int) -> Counts:
    """Return how often each piece of a training comes; too few validation pictures are not looked at."""
    return Counts(train, val if val >= MIN_VALIDATION else 0, work.scored, steps, work.trainings - 1)
