"""Trackers are copies of a run's diary: they follow `events.jsonl`, which stays the truth.

A tracker works in a thread of its own: a slow server makes no training wait, and one that fails ends only itself.
How far each copy has come stands in `tracking.json` in the run's folder, so that a training that goes on, or a copy
that fell behind, is continued; a run that was not tracked can be copied when it is finished.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from maskwright.errors import ConfigError, MaskwrightError
from maskwright.progress import Progress, Step
from maskwright.runs.copies import RunCopy
from maskwright.runs.folder import RunFolder
from maskwright.runs.trackers import kind_of

START_SECONDS = 120.0  # a tracker that has not begun by then is not there
END_SECONDS = 60.0  # how long the end waits for what is still to be sent


@dataclass(frozen=True)
class Tracked:
    """A tracker's copy at the end. where: how to look at it. error: why it is not complete, empty if it is."""

    tracker: str
    where: str
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"tracker": self.tracker, "where": self.where, "complete": not self.error, "error": self.error}


class Tracking:
    """The trackers of one call of `train`."""

    def __init__(self, names: Sequence[str], *, pictures: bool, progress: Progress) -> None:
        self._names, self._pictures, self._progress = names, pictures, progress
        self._lines: dict[str, _Line] = {}
        self._copies: dict[str, RunCopy] = {}
        self._told: set[str] = set()

    @contextmanager
    def follow(self, run: RunFolder) -> Iterator[RunFolder]:
        """Begin or continue the copies of a run, and yield the run with a diary that they listen to.

        Raises ConfigError where a tracker cannot be started. After that, one that fails is mentioned once, and the
        training goes on.
        """
        well = False
        try:
            for name in self._names:
                self._start(name, run)
            yield replace(run, heard=self._hear)
            well = True
        finally:
            self._stop(well)

    def report(self) -> tuple[Tracked, ...]:
        """Tell what became of each copy."""
        errors = {name: line.reason for name, line in self._lines.items()}
        return tuple(Tracked(name, copy.where, errors[name]) for name, copy in self._copies.items())

    def _start(self, name: str, run: RunFolder) -> None:
        line, copy = _Line(name), RunCopy(name, run, pictures=self._pictures)
        self._lines[name], self._copies[name] = line, copy
        line.ask(copy.begin)
        line.wait(START_SECONDS)
        if line.error is not None:
            self._told.add(name)
            raise _cannot_start(name, line.error) from line.error
        if line.busy:
            raise ConfigError(
                f"{name} did not answer within {START_SECONDS:.0f} s.",
                where=f"--track {name}",
                fix=kind_of(name).fix,
            )
        self._progress(Step("track", text=f"track  {name}: {copy.where}"))

    def _hear(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Take notice of what was written into a diary."""
        if record.get("event") in ("epoch", "finished"):
            records = RunFolder(folder).events.read()  # here, where nobody writes into it meanwhile
            for name, line in self._lines.items():
                line.ask(partial(self._copies[name].catch_up, RunFolder(folder), records))
        self._mention_failures()

    def _mention_failures(self) -> None:
        for name, line in self._lines.items():
            if line.error is not None and name not in self._told:
                self._told.add(name)
                text = f"warning {name} takes no more: {line.reason} The training goes on; events.jsonl has everything."
                self._progress(Step("track", text=text))

    def _stop(self, well: bool) -> None:
        for name, line in self._lines.items():
            line.ask(partial(self._end, name, well), last=True)
        for line in self._lines.values():
            line.wait(END_SECONDS if well and line.error is None else END_SECONDS / 10)
            line.give_up()
        self._mention_failures()

    def _end(self, name: str, well: bool) -> None:
        self._copies[name].end(well and self._lines[name].error is None)


class _Caught(AbstractContextManager["_Caught"]):
    """Holds what was raised inside. A tracker is somebody else's code and may raise anything at all."""

    error: Exception | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.error = error
            return True
        return False


class _Line(threading.Thread):
    """Does what one tracker is asked to, in order, beside the training; after an error it only ends."""

    def __init__(self, name: str) -> None:
        super().__init__(name=f"maskwright-{name}", daemon=True)
        self.error: Exception | None = None
        self._asked: queue.SimpleQueue[tuple[Callable[[], None], bool]] = queue.SimpleQueue()
        self._left, self._lock = 0, threading.Condition()
        self._given_up = False
        self.start()

    def ask(self, task: Callable[[], None], *, last: bool = False) -> None:
        """Have something done; last: even after an error, and nothing after it."""
        with self._lock:
            self._left += 1
        self._asked.put((task, last))

    @property
    def busy(self) -> bool:
        """Whether something is still to be done."""
        return self._left > 0

    @property
    def reason(self) -> str:
        """Why not everything was done, in one line; empty if it was."""
        if self.error is not None:
            return _one_line(self.error)
        return "It has not taken everything yet." if self._given_up else ""

    def wait(self, seconds: float) -> None:
        """Wait until everything is done, so long at most."""
        with self._lock:
            self._lock.wait_for(lambda: self._left == 0, timeout=seconds)

    def give_up(self) -> None:
        """Note whether something was left undone; the thread itself ends with the process."""
        self._given_up = self.busy

    def run(self) -> None:
        """Work."""
        last = False
        while not last:
            task, last = self._asked.get()
            if last or self.error is None:
                with _Caught() as caught:
                    task()
                self.error = self.error or caught.error
            with self._lock:
                self._left -= 1
                self._lock.notify_all()


def _one_line(error: Exception) -> str:
    what = error.what if isinstance(error, MaskwrightError) else str(error)
    first = next((line.strip() for line in what.splitlines() if line.strip()), type(error).__name__)
    return first if first.endswith((".", "!", "?")) else f"{first}."


def _cannot_start(name: str, error: Exception) -> MaskwrightError:
    if isinstance(error, MaskwrightError):
        return error
    fix = "pip install 'maskwright[track]'" if isinstance(error, ImportError) else kind_of(name).fix
    return ConfigError(f"{name} cannot be started: {_one_line(error)}", where=f"--track {name}", fix=fix)
