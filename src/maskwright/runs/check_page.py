"""The page of a check: counts and histograms from what the audit saw, and the pictures behind its findings.

Reads pictures again, a few of each kind of finding, and hands plain values to `report/`.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from maskwright.audit.check import CheckReport
from maskwright.audit.facts import PairFacts
from maskwright.audit.findings import KINDS, Finding
from maskwright.data.dataset import Dataset
from maskwright.data.threads import in_threads
from maskwright.images.classes import IGNORE
from maskwright.progress import Progress, Step, ignore
from maskwright.report.check_groups import group
from maskwright.report.check_page import CheckFacts, ClassRow, Illustrated, write_page
from maskwright.runs.check_evidence import Evidence
from maskwright.runs.check_panels import panels_of
from maskwright.runs.check_sheets import RowLook, look, sheet_pairs


def write_check_page(
    path: str | Path, report: CheckReport, *, pictures: bool = True, progress: Progress = ignore
) -> None:
    """Write one self-contained HTML page of a check. Raises OutputError where it cannot be written.

    report: of `check_dataset`, with its dataset. pictures=False: no picture is read or embedded. At most about 15 MB
    of thumbnails are embedded, those of the worst findings first; a picture that cannot be read leaves a frame that
    says why.
    """
    looks = [] if report.dataset is None else _looks(report.dataset, report.facts)
    facts = _facts(report, looks)
    if report.dataset is None or not pictures:
        write_page(Path(path), facts, pictures=pictures)
        return
    source = Evidence(report.dataset)
    illustrated = _illustrated(source, report.findings, progress)
    write_page(Path(path), facts, illustrated=illustrated, sheets=sheet_pairs(source, looks))


def _looks(dataset: Dataset, facts: Sequence[PairFacts]) -> list[RowLook]:
    return [look(row, pair, dataset.classes) for row, pair in enumerate(facts)]


def _illustrated(source: Evidence, findings: Sequence[Finding], progress: Progress) -> Iterator[Illustrated]:
    """Yield the pictures of those findings that the page shows with pictures, worst first."""
    numbers = [number for one in group([finding.to_json() for finding in findings], KINDS) for number, _ in one.shown]

    def draw(number: int) -> Illustrated:
        return Illustrated(number, panels_of(source, findings[number]))

    for done, one in enumerate(in_threads(draw, numbers), 1):
        yield one
        progress(Step("page", done, len(numbers)))


def _facts(report: CheckReport, looks: Sequence[RowLook]) -> CheckFacts:
    dataset = report.dataset
    root = "" if dataset is None else str(dataset.root)
    sizes: dict[tuple[int, int], int] = {}
    for one in looks:
        if one.size is not None:
            sizes[one.size] = sizes.get(one.size, 0) + 1
    rows, looked_at = _class_rows(report)
    name = "data" if dataset is None else dataset.root.resolve().name
    return CheckFacts(
        name=name or "data",
        made=time.strftime("%Y-%m-%d %H:%M"),
        pairs=report.pairs,
        images=report.images,
        masks=report.masks,
        encoding=report.encoding.kind,
        classes=report.classes,
        findings=[_inside(finding, root) for finding in report.findings],
        meanings=KINDS,
        notes=report.notes,
        rows=rows,
        looked_at=looked_at,
        sizes=sizes,
        shares=[one.share for one in looks if one.share is not None],
    )


def _inside(finding: Finding, root: str) -> dict[str, object]:
    """Return a finding as plain values, its file named from the set's folder on: a page may be handed on."""
    content = finding.to_json()
    where = content["where"]
    if root and where.startswith(root):
        content["where"] = where[len(root) :].lstrip("/\\")
    return content


def _class_rows(report: CheckReport) -> tuple[list[ClassRow], int]:
    """Return a line a class, and how many masks they are taken from."""
    names = report.classes.names
    pixels, masks = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    total = looked_at = 0
    for pair in report.facts:
        counts = pair.mask.counts
        if counts is None:
            continue
        looked_at += 1
        total += pair.mask.height * pair.mask.width - counts.get(IGNORE, 0)
        for label, number in counts.items():
            if number and label < len(names):
                pixels[label] += number
                masks[label] += 1
    spreads = report.shares
    return [
        ClassRow(name, int(masks[i]), float(pixels[i] / total) if total > 0 else 0.0, spreads.get(name))
        for i, name in enumerate(names)
    ], looked_at
