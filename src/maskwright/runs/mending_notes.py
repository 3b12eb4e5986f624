"""What a mended set does not show by itself: relatives in one group, findings left alone, files not copied."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from maskwright.audit.check import CheckReport
from maskwright.audit.findings import Finding
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown, some
from maskwright.runs.changes import Action, Change
from maskwright.runs.written_set import Line

_RELATED = ("duplicate", "near-duplicate")
_BY_ROW = (  # kinds that are mended pair by pair: their lines say so
    "exif-rotated", "wrong-extension", "multi-frame", "mask-antialiased", "mask-lossy",
)  # fmt: skip
_NOT_COPIED = ("image-without-mask", "mask-without-image", "ambiguous-pair")  # listed file by file
_TOGETHER = "kept, in one group with its relatives, so that a split keeps them together"
_APART = "kept; the parts of the source are kept, too, and relatives lie in several of them"
_WHY = {
    "error": "it is an error of the whole set: nothing tells which pairs are right",
    "warning": "it wants a person's eyes",
    "note": "nothing needs to be done",
}


def grouping_changes(report: CheckReport, dataset: Dataset, lines: Mapping[int, Line]) -> list[Change]:
    """Return one line for each kept picture that has relatives."""
    columns, changes = dataset.columns, []
    rows = {name: row for row, name in enumerate(columns.ids)}
    for finding in report.findings:
        if finding.kind not in _RELATED:
            continue
        family = [rows[name] for name in finding.evidence.get("samples", ()) if rows.get(name) in lines]
        together = len({lines[row].group for row in family}) == 1
        for row in family if len(family) > 1 else ():
            old, new = columns.groups[row], lines[row].group
            action: Action = "left alone" if shown(old, 200) == new else "grouped"
            done = _TOGETHER if together else _APART
            changes.append(Change(columns.images[row], finding.kind, finding.what, action, done, old, new))
    return changes


def untouched_changes(
    report: CheckReport, dataset: Dataset, changes: Sequence[Change], left: Mapping[int, object]
) -> list[Change]:
    """Return a line for each finding that no other line speaks of."""
    rows = {name: row for row, name in enumerate(dataset.columns.ids)}
    opaque = {change.file for change in changes if change.kind == "mixed-modes" and change.action == "mended"}
    settled = {change.kind for change in changes if change.action in ("mended", "left out")}
    resized = any(change.kind == "size-mismatch" and change.action == "mended" for change in changes)
    found = []
    for finding in report.findings:
        row = None if finding.sample is None else rows.get(finding.sample)
        if finding.kind in (*_RELATED, *_BY_ROW, *_NOT_COPIED, "stray-file") and not _unlisted(finding):
            continue
        if finding.kind == "size-mismatch" and row is None and resized:
            continue
        if finding.kind == "mixed-modes" and (bool(opaque) if row is None else dataset.columns.images[row] in opaque):
            continue
        if finding.level == "error" and (row is None and finding.kind in settled or _is_left_out(finding, rows, left)):
            continue
        if row is not None and (row in left or finding.level == "error"):
            continue
        file = dataset.columns.images[row] if row is not None else ""
        found.append(Change(file, finding.kind, finding.what, "left alone", _why(finding)))
    return found


def _why(finding: Finding) -> str:
    if _unlisted(finding):
        return "they are copied, in no part"
    if finding.kind == "group-suggested" and finding.level == "note":
        return "the groups stand in pairs.csv, as they were guessed"
    return _WHY[finding.level]


def _unlisted(finding: Finding) -> bool:
    """Whether a finding speaks of pictures that are in no official part: these are copied."""
    return finding.kind == "stray-file" and "samples" in finding.evidence


def _is_left_out(finding: Finding, rows: Mapping[str, int], left: Mapping[int, object]) -> bool:
    """Whether an error is settled by leaving out pictures."""
    names: Iterable[str] = finding.evidence.get("samples", ())
    return any(rows.get(name) in left for name in names)


def leftover_changes(dataset: Dataset) -> Iterator[Change]:
    """Yield a line for each file of the source that belongs to no pair."""
    leftovers = dataset.leftovers
    for path in leftovers.images:
        yield Change(path, "image-without-mask", "The picture has no mask.", "left out", "a pair needs both", path)
    for path in leftovers.masks:
        yield Change(path, "mask-without-image", "The mask has no picture.", "left out", "a pair needs both", path)
    for unclear in leftovers.unclear:
        said = f"Several fit: {some(list(unclear.images))} and {some(list(unclear.masks))}."
        for path in (*unclear.images, *unclear.masks):
            yield Change(path, "ambiguous-pair", said, "left out", "nothing tells which belong together", path)
    for path in leftovers.unused:
        said = "It is neither taken for a picture nor for a mask."
        yield Change(path, "stray-file", said, "left out", "it is not part of the set", path)
    for path in leftovers.others:
        yield Change(path, "stray-file", "It is no picture.", "left out", "it is not part of the set", path)
    for path, what in leftovers.problems:
        yield Change(path, "unreadable", f"It {what}.", "left out", "it could not be entered or read", path)
