"""How many epochs a stretch of time holds: before a training, and again after each of its epochs.

Pure arithmetic on seconds, so that a training that goes on after a stop decides as it would have without it.
Never imports torch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

RECENT = 3  # epochs that say how long the next will take
MUCH = 1.2  # more epochs are given only where they are so many times as many
ROUNDING = 1e-6  # a whole epoch that fits but for its last bit fits


@dataclass(frozen=True)
class Clock:
    """What a fit may take.

    fit_seconds: in all its sittings together. epoch_seconds: of an epoch with its validation, as forecast, by phase.
    """

    fit_seconds: float
    epoch_seconds: tuple[float, ...]

    def revise(self, lengths: Sequence[int], *, phase: int, phase_begin: int, ends: Sequence[float]) -> tuple[int, ...]:
        """Return the epochs of each phase anew, after an epoch of `phase`.

        lengths: epochs of each phase so far planned. phase_begin: epochs before this phase. ends: seconds of training
        at the end of each epoch. Later phases are reckoned as much slower or faster than forecast as this one is.
        More epochs are given only in the first half: later, the learning rate would have to rise again.
        """
        done = len(ends) - phase_begin
        begins = [0.0, *ends[:-1]]
        taken = [end - begin for begin, end in zip(begins, ends, strict=True)][phase_begin:]
        ratio = median(taken[-RECENT:]) / self.epoch_seconds[phase]
        costs = [seconds * ratio for seconds in self.epoch_seconds[phase:]]
        coming = [lengths[phase] - done, *lengths[phase + 1 :]]
        left = self.fit_seconds - ends[-1]
        fitting = fit_lengths(coming, costs, left)
        late = 2 * len(ends) > sum(lengths)
        if sum(fitting) >= sum(coming) and (late or sum(fitting) < MUCH * sum(coming)):
            return tuple(lengths)
        return (*lengths[:phase], done + fitting[0], *fitting[1:])


def fit_lengths(planned: Sequence[int], epoch_seconds: Sequence[float], seconds: float) -> tuple[int, ...]:
    """Return how many epochs of each phase fit into `seconds`, in the proportion of `planned`.

    Each phase that was planned gets one before any gets two, earlier ones first, so that only the last can come away
    empty; what is left over goes to whoever is furthest below its share.

    >>> fit_lengths([4, 4], [1.0, 3.0], 16), fit_lengths([10, 10], [1.0, 1.0], 9), fit_lengths([2, 2], [5.0, 5.0], 6)
    ((4, 4), (5, 4), (1, 0))
    """
    counts, left = [0] * len(planned), seconds + ROUNDING
    for at, wanted in enumerate(planned):
        if wanted and left < epoch_seconds[at]:
            return tuple(counts)
        if wanted:
            counts[at], left = 1, left - epoch_seconds[at]
    need = sum(wanted * cost for wanted, cost in zip(planned, epoch_seconds, strict=True))
    share = (seconds + ROUNDING) / need if need else 0.0
    for at, wanted in enumerate(planned):
        more = max(0, min(math.floor(wanted * share) - counts[at], int(left / epoch_seconds[at]))) if wanted else 0
        counts[at], left = counts[at] + more, left - more * epoch_seconds[at]
    while True:
        open_ = [at for at, wanted in enumerate(planned) if wanted and epoch_seconds[at] <= left]
        if not open_:
            return tuple(counts)
        lowest = min(open_, key=lambda at: counts[at] / planned[at])
        counts[lowest], left = counts[lowest] + 1, left - epoch_seconds[lowest]
