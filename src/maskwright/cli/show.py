"""Draws progress on stderr: a rich line with the time left on a terminal, an occasional plain line elsewhere.

Knows steps only; what they are about is their stage, values and text.
"""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from maskwright.cli.output import harmless
from maskwright.progress import Step

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_PLAIN_SECONDS = 10.0  # at least this long between two plain lines of one stage


def show_progress(*, quiet: bool, stream: TextIO | None = None) -> "Quiet | Terminal | Plain":
    """Choose how to show steps: not at all, as a bar, or as plain lines."""
    stream = stream or sys.stderr
    if quiet:
        return Quiet()
    return Terminal() if stream.isatty() else Plain(stream)


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> "Quiet":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, step: Step) -> None:
        """Take no notice."""


class Plain:
    """Writes a line when a stage begins, ends, and now and then between; for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""
        self._since = self._written = 0.0

    def __enter__(self) -> "Plain":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, step: Step) -> None:
        """Write the step if it is a remark, the last of its stage, or long after the last line."""
        now = time.monotonic()
        if _is_remark(step):
            self._write(step.text, now)
            return
        if step.stage != self._stage:
            self._stage, self._since, self._written = step.stage, now, now
        ended = 0 < step.total <= step.done
        if now - self._written >= _PLAIN_SECONDS or (ended and now - self._since >= 1.0):
            self._write(_plain_line(step, now - self._since), now)

    def _write(self, line: str, now: float) -> None:
        self._written = now
        try:
            self._stream.write(harmless(line) + "\n")
            self._stream.flush()
        except BrokenPipeError:  # nobody reads our progress any more: the work goes on
            self._write = lambda line, now: None  # type: ignore[method-assign]


class Terminal:
    """Draws one line that moves: stage, count, values, bar, time left."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._stage = ""
        self._since = 0.0

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: Step) -> None:
        """Move the line; a remark is written above it and stays."""
        self._bar = bar = self._bar or _start_bar()
        if _is_remark(step):
            bar.console.print(harmless(step.text), markup=False, highlight=False)
            return
        if self._task is None or step.stage != self._stage:
            if self._task is not None:
                bar.remove_task(self._task)
            self._stage, self._since = step.stage, time.monotonic()
            self._task = bar.add_task(step.stage, total=None, about="", left="")
        left = _seconds_left(step, time.monotonic() - self._since)
        bar.update(
            self._task,
            completed=step.done,
            total=step.total or None,
            about=harmless(_about(step)),
            left="" if left is None else f"{clock(left)} left",
        )


def _start_bar() -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    stage, about = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[about]}", markup=False)
    left = TextColumn("{task.fields[left]}", markup=False)
    bar = Progress(stage, about, BarColumn(bar_width=20), left, console=Console(stderr=True), transient=True)
    bar.start()
    return bar


def clock(seconds: float) -> str:
    """Write seconds as 0:07, 2:46 or 1:02:03.

    >>> clock(166.2), clock(3723)
    ('2:46', '1:02:03')
    """
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _is_remark(step: Step) -> bool:
    return step.done == step.total == 0 and bool(step.text)


def _plain_line(step: Step, elapsed: float) -> str:
    left = _seconds_left(step, elapsed)
    time_left = "" if left is None else f"   {clock(left)} left"
    return f"{step.stage} {_about(step)}".rstrip() + time_left


def _about(step: Step) -> str:
    """The count, the values and the words of a step: "3/16  loss 0.22  dice 0.913"."""
    count = f"{step.done}/{step.total}" if step.total else str(step.done or "")
    return "  ".join(part for part in (count, _values(step.values), step.text) if part)


def _values(values: Mapping[str, float]) -> str:
    """The numbers of a step; an epoch and their count are one: "epoch 3/14  loss 0.45"."""
    rest = {name: value for name, value in values.items() if name not in ("epoch", "epochs", "seconds_left")}
    parts = [f"{name.replace('_', ' ')} {_number(value)}" for name, value in rest.items()]
    if "epoch" in values:
        count = f"/{_number(values['epochs'])}" if "epochs" in values else ""
        parts.insert(0, f"epoch {_number(values['epoch'])}{count}")
    return "  ".join(parts)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def _seconds_left(step: Step, elapsed: float) -> float | None:
    """What the work itself says, else by proportion; None at the end and before the first unit is done."""
    if "seconds_left" in step.values:
        return step.values["seconds_left"]
    return elapsed * (step.total - step.done) / step.done if 0 < step.done < step.total else None
