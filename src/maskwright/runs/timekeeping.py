"""Ending in time: how many epochs really come, decided when training begins and after each epoch; and what it took.

What is decided is written down, in the diary and in the checkpoint, so that a training that goes on after a stop goes
the same way. The minutes of such a training count from the first start to its stop, and go on with it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from maskwright.planning.clock import Clock, fit_lengths
from maskwright.planning.costs import compare_terms
from maskwright.planning.plan import Plan, clock_words
from maskwright.progress import Progress, Step
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.memory import peak_bytes
from maskwright.runs.planning import seconds_left
from maskwright.runs.work import Work, counts_of

if TYPE_CHECKING:
    from maskwright.training.checkpoint import Position

TERMS = {
    "pack": "pack", "train": "fit", "calibrate": "choose", "export": "export", "score": "score", "report": "report",
}  # fmt: skip
BEGIN = "begin"  # whatever else is told of comes before the training


@dataclass(frozen=True)
class Timed:
    """plan: with the epochs that are to come now. revise: what the loop asks after each epoch, or None."""

    plan: Plan
    revise: "Callable[[Position, Sequence[int]], Sequence[int]] | None"


def keep_time(work: Work, run: RunFolder, plan: Plan, *, train: int, val: int) -> Timed:
    """Fit a plan's epochs into the time that is left now, or that was left when this training first began.

    train, val: pictures. Without minutes, or for a plan that measured no costs, nothing is changed.
    """
    if work.minutes is None or plan.costs is None:
        return Timed(plan, None)
    noted = run.events.of_kind("clock")
    if not noted:
        counts = counts_of(work, train, val, plan.steps)
        each, seconds = plan.costs.epochs(counts), seconds_left(work, plan.costs, counts)
        epochs = fit_lengths(plan.epochs, each, seconds)
        epochs = epochs if any(epochs) else (1, *epochs[1:])
        noted = [{"event": "clock", "fit_seconds": seconds, "epoch_seconds": list(each), "epochs": list(epochs)}]
        run.events.add(noted[0])
        if epochs != plan.epochs:
            why = f"{clock_words(seconds)} are left for training at {clock_words(max(each))} an epoch"
            _tell(work.progress, plan.epochs, epochs, why)
    clock = Clock(float(noted[-1]["fit_seconds"]), tuple(map(float, noted[-1]["epoch_seconds"])))
    return Timed(replace(plan, epochs=tuple(noted[-1]["epochs"])), _reviser(work, run, clock))


def _reviser(work: Work, run: RunFolder, clock: Clock) -> "Callable[[Position, Sequence[int]], Sequence[int]]":
    def revise(position: "Position", epochs: Sequence[int]) -> Sequence[int]:
        revised = clock.revise(epochs, phase=position.phase, phase_begin=position.phase_begin, ends=position.ends)
        if revised != tuple(epochs):
            begins = [0.0, *position.ends]
            last = begins[-1] - begins[-2]
            run.events.add({
                "event": "lengths", "after_epoch": position.epoch, "before": list(epochs), "epochs": list(revised),
                "epoch_seconds": round(last, 3), "expected": round(clock.epoch_seconds[position.phase], 3),
            })  # fmt: skip
            expected = clock.epoch_seconds[position.phase]
            _tell(work.progress, epochs, revised, f"an epoch takes {last:.1f} s, expected were {expected:.1f} s")
        return revised

    return revise


def _tell(progress: Progress, before: Sequence[int], after: Sequence[int], why: str) -> None:
    number, instead = sum(after), " + ".join(map(str, before))
    told = " + ".join(map(str, after)) if len(after) > 1 else str(number)
    progress(Step("train", text=f"time   {told} epoch{'s' * (number != 1)} instead of {instead}: {why}"))


class Stopwatch:
    """A Progress that passes everything on, and knows how many seconds went into each term of a forecast.

    The time between two steps counts for the later one. A step without count and words only ends what went before it;
    one of words alone is a remark.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress, self._last = progress, time.monotonic()
        self.seconds: dict[str, float] = dict.fromkeys((BEGIN, *TERMS.values()), 0.0)

    def __call__(self, step: Step) -> None:
        """Note the time, and pass the step on."""
        now = time.monotonic()
        remark = step.done == step.total == 0 and step.text
        term = BEGIN if remark else TERMS.get(step.stage, BEGIN)
        self.seconds[term] += now - self._last
        self._last = now
        self._progress(step)

    def rest(self) -> None:
        """Count what is left, up to now, for the report."""
        now = time.monotonic()
        self.seconds["report"] += now - self._last
        self._last = now


def forecast_line(run: RunFolder, elapsed: float) -> tuple[str, str] | None:
    """Say what was forecast, and what was taken up to now, `elapsed` seconds after the command began.

    None for a training without a forecast, or one that went on after a stop.
    """
    expected, memory = _expected(run)
    if not expected or _went_on(run, elapsed):
        return None
    said, taken = clock_words(sum(expected.values())), clock_words(elapsed)
    peak = peak_bytes()
    if memory is not None and peak is not None:
        said, taken = f"{said}, {memory / 1e9:.1f} GB", f"{taken} and {peak / 1e9:.1f} GB"
    return said, f"rehearsed on a few of the pictures; up to this page it took {taken}"


def _expected(run: RunFolder) -> tuple[Mapping[str, float], float | None]:
    """Return the forecast terms of a run's plan, none where it made none, and the memory of this process."""
    plan = read_json((run if run.plan.exists() else run.fold(1)).plan)
    return plan.get("forecast") or {}, plan.get("memory") if plan.get("device") == "cpu" else None


def _went_on(run: RunFolder, seconds: float) -> bool:
    """Whether a run began before the command that has now taken so many seconds."""
    return time.time() - float(run.start_record()["time"]) > seconds + 1


def settle_forecast(run: RunFolder, watch: Stopwatch, minutes: float | None) -> None:
    """Compare what the plan said with what was taken: an event, and a line for the user.

    Not where the training went on after a stop: the stopwatch knows the last sitting only.
    """
    expected, memory = _expected(run)
    watch.rest()
    taken = {name: round(value, 3) for name, value in watch.seconds.items()}
    peak = peak_bytes() if memory is not None else None
    run.events.add({"event": "stages", "taken": taken})
    if not expected or _went_on(run, sum(taken.values())):
        return
    compared = compare_terms(expected, taken)
    run.events.add({
        "event": "forecast", "minutes": minutes, **compared, "expected_memory": memory, "taken_memory": peak,
    })  # fmt: skip
    before, after = clock_words(compared["expected_seconds"]), clock_words(compared["taken_seconds"])
    watch(Step("report", text=f"time   forecast {before}, took {after}"))
