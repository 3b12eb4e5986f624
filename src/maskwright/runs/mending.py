"""`check --fix`: a clean copy of a checked set, in which everything is put right that needs no guess.

The source is only read. What was done, left out and left alone stands in changes.csv, and the copy is checked itself.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from maskwright.audit.check import CheckReport, check_dataset
from maskwright.audit.findings import LEVELS, Finding
from maskwright.audit.reading import forget_facts
from maskwright.data.dataset import Dataset
from maskwright.data.names import PARTS, shown
from maskwright.data.read import read_dataset
from maskwright.data.splitfile import stated_parts
from maskwright.data.threads import cores, in_threads
from maskwright.errors import DataError
from maskwright.files import whole_folder
from maskwright.progress import Progress, Step, ignore
from maskwright.runs.changes import ACTIONS, Change, write_changes
from maskwright.runs.mending_files import Job, write_pair
from maskwright.runs.mending_groups import groups_of, names_of
from maskwright.runs.mending_notes import grouping_changes, leftover_changes, untouched_changes
from maskwright.runs.mending_rows import Decision, Reason, decide, family_reasons
from maskwright.runs.written_set import Line, refuse_place, write_description, write_pairs

CHANGES = "changes.csv"
_WORKERS = 4  # pictures at a time, at most
_MEMORY = 600_000_000  # bytes that pictures at work may take together; a single one may take more
_ROUNDS = 20  # of checking the copy and leaving out what would still be an error


@dataclass(frozen=True)
class Mended:
    """folder: the copy. changes: its changes.csv. pairs: in it; left_out: pairs of the source that are not.

    actions: how many lines of changes.csv say "mended", "moved", "grouped", "left out", "left alone". kinds: of those
    that say "mended", how many of each kind. remaining: findings of the copy itself, by level.
    """

    folder: Path
    changes: Path
    pairs: int
    left_out: int
    actions: Mapping[str, int]
    kinds: Mapping[str, int]
    remaining: Mapping[str, int]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "folder": str(self.folder), "changes": str(self.changes), "pairs": self.pairs, "left_out": self.left_out,
            "actions": dict(self.actions), "kinds": dict(self.kinds), "remaining": dict(self.remaining),
            "seconds": round(self.seconds, 2),
        }  # fmt: skip


def mend(
    report: CheckReport, output: Path, *, leave_out_duplicates: bool = False, progress: Progress = ignore
) -> Mended:
    """Write a clean copy of a checked set into a new or empty folder.

    report: of `check_dataset`, with the data set and the facts it was made from. leave_out_duplicates: of pictures
    that are there several times only one is copied; otherwise all are, in one group.

    Raises DataError where the report is none of a set or no pair would be left, OutputError where the folder is not
    empty, lies inside the data or cannot be written; then nothing is left behind.
    """
    begun = time.monotonic()
    target = Path(output)
    if report.dataset is None or len(report.facts) != len(report.dataset):
        raise DataError("The report does not hold the pictures that were checked.", where=str(target),
                        fix="give the report that check_dataset returned in this process")  # fmt: skip
    refuse_place(target, report.dataset.root, "a mended set")
    dataset, split_changes = _with_parts(report.dataset, report.errors)
    report = replace(report, dataset=dataset)
    decision = decide(report, dataset.columns, leave_out_duplicates=leave_out_duplicates)
    if not decision.treatments:
        raise _nothing_left(dataset, decision.left)
    if target.is_dir():
        target.rmdir()  # it is empty; a folder takes its place
    with whole_folder(target, shared=False) as folder:
        work = _Work(report, dataset, folder, progress, split_changes)
        work.write(decision)
        remaining = work.check()
        changes = work.finish()
    actions = Counter(change.action for change in changes)
    return Mended(
        folder=target,
        changes=target / CHANGES,
        pairs=len(work.lines),
        left_out=len(work.left),
        actions={action: actions[action] for action in ACTIONS if actions[action]},
        kinds=dict(sorted(Counter(change.kind for change in changes if change.action == "mended").items())),
        remaining={level: count for level in LEVELS if (count := sum(found.level == level for found in remaining))},
        seconds=time.monotonic() - begun,
    )


def _with_parts(dataset: Dataset, errors: Sequence[Finding]) -> tuple[Dataset, list[Change]]:
    """Return the set with the parts that count, those of a stated split.csv too, and what to say of them.

    Parts that tear stated groups apart are not taken over: without them a split keeps groups together.
    """
    parts, whose = stated_parts(dataset)
    torn = [found for found in errors if found.kind == "split-leak" and found.sample is None]
    changes = []
    if torn and whose:
        done = "the parts are not taken over, so that a split of the copy keeps groups together"
        changes, parts = [Change("", "split-leak", torn[0].what, "mended", done, whose)], [""] * len(dataset)
    columns = replace(dataset.columns, parts=tuple(PARTS.get(part, part) for part in parts))
    return replace(dataset, columns=columns), changes


def _nothing_left(dataset: Dataset, left: Mapping[int, Reason]) -> DataError:
    kinds = Counter(reason.kind for reason in left.values())
    said = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common(4))
    return DataError(
        f"No pair would be left: {said}.", where=shown(str(dataset.root), 500),
        fix="see each finding with `maskwright check`, and correct what is wrong in the source")  # fmt: skip


class _Work:
    """The copy while it is being made: lines of pairs.csv and changes by row, and rows that are left out."""

    def __init__(
        self, report: CheckReport, dataset: Dataset, folder: Path, progress: Progress, said: Sequence[Change]
    ) -> None:
        self._report, self._dataset, self._folder, self._progress = report, dataset, folder, progress
        self._said = said
        self.lines: dict[int, Line] = {}
        self.changes: dict[int, list[Change]] = {}
        self.left: dict[int, Reason] = {}

    def write(self, decision: Decision) -> None:
        """Write the pairs that are kept; one that can no longer be read is left out."""
        self.left = dict(decision.left)
        rows = list(decision.treatments)
        jobs = self._jobs(decision, names_of(self._dataset.columns, rows), groups_of_rows(self._report, rows))
        work = partial(_write_or_say, self._dataset, self._folder)
        for done, (row, written) in enumerate(in_threads(work, jobs, workers=_workers(self._report)), 1):
            if isinstance(written, Reason):
                self.left[row] = written
            else:
                self.lines[row], self.changes[row] = written
            self._progress(Step("mend", done, len(rows)))
        self._describe()

    def _jobs(self, decision: Decision, names: Mapping[int, str], groups: Mapping[int, str]) -> Iterator[Job]:
        columns = self._dataset.columns
        for row, treatment in decision.treatments.items():
            parent = columns.parents[row] if columns.parents else ""
            yield Job(row, names[row], treatment, self._report.facts[row], groups[row], columns.parts[row], parent)

    def _describe(self) -> None:
        if not self.lines:
            raise _nothing_left(self._dataset, self.left)
        new = {self._dataset.columns.images[row]: line.image for row, line in self.lines.items()}
        lines = (self.lines[row] for row in sorted(self.lines))
        named = (replace(line, parent=new.get(line.parent, shown(line.parent, 1000))) for line in lines)
        write_pairs(named, self._dataset.classes, self._folder, parts=True)
        notes = (f"A clean copy, written by maskwright check --fix. What was done stands in {CHANGES}.",)
        write_description(self._dataset, self._folder, notes)

    def check(self) -> tuple[Finding, ...]:
        """Check the copy, leave out what is still an error, and return what is found in the end."""
        for _ in range(_ROUNDS):
            clean = read_dataset(self._folder)
            try:
                report = check_dataset(clean, progress=self._progress)
            finally:
                forget_facts(clean)  # its folder is about to get another name
            found = self._still_wrong(report)
            for row, reason in found:
                self._take_out(row, reason)
            if not found:
                break
            self._describe()
        return report.findings

    def _still_wrong(self, report: CheckReport) -> list[tuple[int, Reason]]:
        """Return rows of the source whose pair is an error in the copy."""
        clean = report.dataset
        if clean is None:
            raise ValueError("a check knows what it has checked")
        row_of = {line.image: row for row, line in self.lines.items()}
        why = "it would be an error of the copy, too"
        wrong = {row: replace(reason, why=why) for row, reason in family_reasons(report.errors, clean.columns).items()}
        place = {name: row for row, name in enumerate(clean.columns.ids)}
        for finding in report.errors:
            if finding.sample in place and not finding.evidence.get("samples"):
                wrong[place[finding.sample]] = Reason(finding.kind, finding.what, why)
        return [(row_of[clean.columns.images[row]], reason) for row, reason in sorted(wrong.items())]

    def _take_out(self, row: int, reason: Reason) -> None:
        line = self.lines.pop(row)
        for path in (line.image, *line.masks):
            (self._folder / path).unlink()
        self.changes.pop(row, None)
        self.left[row] = reason

    def finish(self) -> list[Change]:
        """Write changes.csv, ordered as the source: pairs, then what belongs to none; return its lines."""
        columns = self._dataset.columns
        changes: list[Change] = []
        for row in range(len(self._dataset)):
            if row in self.left:
                reason = self.left[row]
                image = columns.images[row]
                changes.append(Change(image, reason.kind, reason.found, "left out", reason.why, image))
            changes += self.changes.get(row, ())
        changes += self._said
        changes += grouping_changes(self._report, self._dataset, self.lines)
        changes += untouched_changes(self._report, self._dataset, changes, self.left)
        changes += leftover_changes(self._dataset)
        write_changes(changes, self._folder / CHANGES)
        return changes


def groups_of_rows(report: CheckReport, rows: list[int]) -> dict[int, str]:
    """Return the group that each of these rows gets in the copy."""
    dataset = report.dataset
    if dataset is None:
        raise ValueError("a report without its data set is refused before")
    return groups_of(report, dataset.columns, rows)


def _write_or_say(dataset: Dataset, folder: Path, job: Job) -> tuple[int, tuple[Line, list[Change]] | Reason]:
    try:
        return job.row, write_pair(dataset, folder, job)
    except DataError as error:
        return job.row, Reason("unreadable", error.what, "it could not be copied")


def _workers(report: CheckReport) -> int:
    """Return how many pairs may be written at a time: fewer of large ones."""
    largest = 1
    for pair in report.facts:
        info, mask = pair.picture.info, pair.mask
        picture = 0 if info is None else info.height * info.width * (3 * info.bands + 4)
        largest = max(largest, picture + mask.height * mask.width * 12)
    return max(1, min(_WORKERS, cores(), _MEMORY // largest))
