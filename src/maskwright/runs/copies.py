"""A tracker's copy of a run: what of its diaries, plan, scores and files the tracker holds, and what is still to send.

A copy is caught up with the diary, whatever has happened in between; how far it has come stands in `tracking.json`
beside the diary. Used by one thread; whatever a tracker raises passes through.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import maskwright
from maskwright.files import write_json
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.sendable import copies_to_send, plan_without_places, without_places
from maskwright.runs.tracker import Page, Tracker, flatten, safe
from maskwright.runs.trackers import kind_of

LEDGER = "tracking.json"
_SHEET = "sheet.png"
Records = Sequence[Mapping[str, Any]]

_WRITING = threading.Lock()  # the ledger of a run is written by a thread for each tracker


class RunCopy:
    """One tracker's copy of a run and of its folds. Used by one thread."""

    def __init__(self, name: str, run: RunFolder, *, pictures: bool) -> None:
        self._name, self._run, self._pictures = name, run, pictures
        self._kind = kind_of(name)
        self._pages: dict[Path, PageCopy] = {}
        self.where = name

    def begin(self) -> None:
        """Begin what is to be written, and copy what stands in the diaries already."""
        from accelerate.state import PartialState

        PartialState()  # Accelerate's trackers ask it whether this is the main process
        folds = int(self._run.start_record().get("folds") or 0)
        numbered = [self._run.fold(number) for number in range(1, folds + 1)]
        done = [fold for fold in numbered if fold.model.exists()]
        rest = next((fold for fold in numbered if not fold.model.exists()), self._run)
        begun = [rest] if self._kind.alone or rest.events.path.exists() else []
        for folder in [*done, *begun] if self._kind.alone else [self._run, *done, *begun]:
            self.catch_up(folder, folder.events.read())

    def catch_up(self, folder: RunFolder, records: Records) -> None:
        """Copy what a diary holds and the tracker does not. records: the diary's, read when nobody wrote into it."""
        for path in [path for path in self._pages if path not in (folder.path, self._run.path)]:
            self._pages.pop(path).end(well=True)  # of a fold that is done
        page = self._pages.get(folder.path)
        if page is None:
            page = self._pages[folder.path] = PageCopy(self._name, folder, self._run, pictures=self._pictures)
        page.catch_up(records)
        self.where = page.where

    def end(self, well: bool) -> None:
        """End everything that is open; folds before their run."""
        for path in reversed(list(self._pages)):
            self._pages.pop(path).end(well=well)


class PageCopy:
    """A tracker's copy of one diary, and its line in the ledger."""

    def __init__(self, name: str, folder: RunFolder, root: RunFolder, *, pictures: bool) -> None:
        shown = root.path.resolve().name
        page = Page(folder.path, root.path, shown if folder.path == root.path else f"{shown}/{folder.path.name}")
        self._name, self._folder, self._root, self._page = name, folder, root, page
        self._tracker = kind_of(name)(name, page)
        self._pictures = pictures or self._tracker.stays
        self._line = Ledger(folder.path / LEDGER, name, self._tracker)
        self._open = False
        self._sent: dict[int, dict[str, float]] = {}

    @property
    def where(self) -> str:
        """Where the copy can be looked at, for people."""
        return self._line.address or self._tracker.where

    def catch_up(self, records: Records) -> None:
        """Send what stands in the diary and was not sent."""
        if self._line.ended:
            return
        if not self._open:
            self._line.id = self._tracker.begin(self._line.id, self._line.epochs)
            if self._tracker.where.startswith("http"):
                self._line.address = self._tracker.where  # is known only while the run is open
            self._open = True
            self._sent = {at: numbers for at, numbers, _ in self._epochs(records) if at < self._line.epochs}
        if self._folder.plan.exists() and not self._line.described:
            self._tracker.describe(self._description())
            self._line.described = True
        for epoch, numbers, time in self._epochs(records):
            self._send(epoch, numbers, time)
        finished = [float(record["time"]) for record in records if record.get("event") == "finished"]
        if self._folder.path == self._root.path and finished:
            self._send_results(finished[-1])
            self._line.ended = True
        self._line.write()

    def end(self, *, well: bool) -> None:
        """End the copy; well: nothing more will come."""
        if not self._open:
            return
        self._tracker.end(well=well)
        is_fold = self._folder.path != self._root.path
        self._line.ended = self._line.ended or (well and is_fold and self._folder.model.exists())
        self._line.write()

    def _epochs(self, records: Records) -> Iterator[tuple[int, dict[str, float], float]]:
        """Yield (epoch, numbers, time) of a diary; epochs from 0."""
        measure = self._root.read_recipe().evaluation.choose_by
        for record in records:
            if record.get("event") == "epoch":
                yield int(record["epoch"]), epoch_numbers(record, measure), float(record["time"])

    def _send(self, epoch: int, numbers: dict[str, float], time: float) -> None:
        before = self._sent.get(epoch)
        if before == numbers:
            return
        if before is None and epoch < self._line.epochs:
            before = {}  # sent by an earlier call, and no longer in the diary
        new = numbers
        if before is not None and self._tracker.again == "keep":
            new = {}
        elif before is not None and self._tracker.again == "replace":
            self._tracker.rewind(epoch + 1)
            self._sent = {at: values for at, values in self._sent.items() if at < epoch}
        elif before is not None:
            new = {key: value for key, value in numbers.items() if before.get(key) != value}
        if new:
            self._tracker.log(new, epoch + 1, time)
        self._sent[epoch] = numbers
        self._line.epochs = max(self._line.epochs, epoch + 1)

    def _description(self) -> dict[str, Any]:
        """Return the recipe, the plan, and what a run's beginning says, flat; no paths of this computer."""
        recipe = without_places(self._root.read_recipe()).model_dump(mode="json")
        plan = plan_without_places(self._folder)
        settled = {key: value for key, value in plan.items() if key not in ("reasons", "schema_version")}
        started = self._root.start_record()
        run = {key: started.get(key) for key in ("split", "fingerprint", "minutes", "device", "accepted")}
        return flatten({**recipe, "plan": settled, "run": {**run, "maskwright": maskwright.__version__}})

    def _send_results(self, time: float) -> None:
        """Send the scores, and the files that the tracker may have."""
        last = max(self._sent, default=0) + 1
        self._tracker.log(score_numbers(read_json(self._folder.evaluation)), last, time)
        with TemporaryDirectory(prefix="maskwright-") as place:
            self._tracker.keep(copies_to_send(self._folder, Path(place), pictures=self._pictures))
        sheet = self._folder.path / _SHEET
        if self._pictures and sheet.exists():
            self._tracker.show(sheet, last)


class Ledger:
    """How far one tracker's copy of one diary has come: its lines in `tracking.json`."""

    def __init__(self, path: Path, name: str, tracker: Tracker) -> None:
        self._path, self._name, self._store = path, name, tracker.store
        line = self._read().get(name, {})
        if line.get("store") != self._store or not (tracker.continues or line.get("ended")):
            line = {}  # another server, or a run that cannot be gone on with: all is sent anew
        self.id, self.address = str(line.get("id", "")), str(line.get("address", ""))
        self.epochs = int(line.get("epochs", 0))
        self.described, self.ended = bool(line.get("described")), bool(line.get("ended"))

    def write(self) -> None:
        """Write it down. Raises OutputError."""
        with _WRITING:
            line = {
                "store": self._store, "address": self.address, "id": self.id, "epochs": self.epochs,
                "described": self.described, "ended": self.ended,
            }  # fmt: skip
            write_json(self._path, {"schema_version": 1, "trackers": {**self._read(), self._name: line}})

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        trackers = read_json(self._path).get("trackers")
        return dict(trackers) if isinstance(trackers, dict) else {}


def epoch_numbers(record: Mapping[str, Any], measure: str) -> dict[str, float]:
    """Return what a tracker is told of an epoch: its numbers under train/, the validation score under val/.

    >>> epoch_numbers({"event": "epoch", "epoch": 0, "loss": 0.5, "score": 0.9, "time": 1.0}, "dice")
    {'train/loss': 0.5, 'val/dice': 0.9}
    """
    rest = {key: value for key, value in record.items() if key not in ("event", "epoch", "score", "time")}
    numbers = {f"train/{safe(key)}": value for key, value in rest.items() if _is_number(value)}
    if _is_number(record.get("score")):
        numbers[f"val/{measure}"] = record["score"]
    return numbers


def score_numbers(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Return the test scores with their intervals, as named numbers; what is not defined is left out."""
    parts = {"test/": evaluation["per_image"], "test_pooled/": evaluation["pooled"]}
    if len(evaluation["per_class"]) > 1:
        parts |= {f"test_{safe(name)}/": one["per_image"] for name, one in evaluation["per_class"].items()}
    numbers = {}
    for prefix, scores in parts.items():
        for name, score in scores.items():
            for key, ending in (("value", ""), ("low", "_low"), ("high", "_high")):
                if _is_number(score.get(key)):
                    numbers[f"{prefix}{safe(name)}{ending}"] = score[key]
    return numbers


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
