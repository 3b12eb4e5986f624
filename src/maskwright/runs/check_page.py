"""The page of a check: counts and histograms from what the audit saw, and the pictures behind its findings.

Reads pictures again, a few of each kind of finding, and hands plain values to `report/`.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.audit.advice import things_to_do
from maskwright.audit.check import CheckReport
from maskwright.audit.findings import KINDS, Finding
from maskwright.data.threads import in_threads
from maskwright.progress import Progress, Step, ignore
from maskwright.report.check_groups import group
from maskwright.report.check_page import CheckFacts, ClassRow, FirstStep, Illustrated, write_page
from maskwright.report.pixels import clear_colours
from maskwright.runs.check_evidence import Evidence
from maskwright.runs.check_panels import panels_of
from maskwright.runs.check_sheets import sheet_pairs
from maskwright.runs.check_tally import Tally, tally


def write_check_page(
    path: str | Path, report: CheckReport, *, pictures: bool = True, progress: Progress = ignore
) -> None:
    """Write one self-contained HTML page of a check. Raises OutputError where it cannot be written.

    report: of `check_dataset`, with its dataset. pictures=False: no picture is read or embedded. At most about 15 MB
    of thumbnails are embedded, those of the worst findings first; a picture that cannot be read leaves a frame that
    says why.
    """
    seen = tally(report.facts, report.classes)
    facts = _facts(report, seen)
    if report.dataset is None or not pictures:
        write_page(Path(path), facts, pictures=pictures)
        return
    source = Evidence(report.dataset, report.findings)
    illustrated = _illustrated(source, report.findings, facts, progress)
    write_page(Path(path), facts, illustrated=illustrated, sheets=sheet_pairs(source, seen))


def _illustrated(
    source: Evidence, findings: Sequence[Finding], facts: CheckFacts, progress: Progress
) -> Iterator[Illustrated]:
    """Yield the pictures of those findings that the page shows with pictures, worst first."""
    numbers = [number for one in group(facts.findings, facts.meanings) for number, _ in one.shown]

    def draw(number: int) -> Illustrated:
        return Illustrated(number, panels_of(source, findings[number]))

    for done, one in enumerate(in_threads(draw, numbers), 1):
        yield one
        progress(Step("page", done, len(numbers)))


def _facts(report: CheckReport, seen: Tally) -> CheckFacts:
    dataset = report.dataset
    root = "" if dataset is None else str(dataset.root)
    return CheckFacts(
        name="data" if dataset is None else dataset.root.resolve().name or "data",
        made=time.strftime("%Y-%m-%d %H:%M"),
        pairs=report.pairs,
        images=report.images,
        masks=report.masks,
        encoding=report.encoding.kind,
        classes=clear_colours(report.classes),
        findings=[_inside(finding, root) for finding in report.findings],
        meanings=KINDS,
        steps=[FirstStep(one.action, one.level, one.kinds, one.pictures) for one in things_to_do(report.findings)],
        notes=report.notes,
        rows=_class_rows(report, seen),
        looked_at=seen.looked_at,
        sizes=seen.size_counts(),
        shares=seen.share[np.isfinite(seen.share)],
        objects=seen.objects,
    )


def _inside(finding: Finding, root: str) -> dict[str, Any]:
    """Return a finding as plain values, its file named from the set's folder on: a page may be handed on."""
    content = finding.to_json()
    where = content["where"]
    if root and where.startswith(root):
        content["where"] = where[len(root) :].lstrip("/\\")
    return content


def _class_rows(report: CheckReport, seen: Tally) -> list[ClassRow]:
    """Return a line a class."""
    return [
        ClassRow(name, int(seen.masks[i]), float(seen.pixels[i] / max(1, seen.counted)), report.shares.get(name))
        for i, name in enumerate(report.classes.names)
    ]
