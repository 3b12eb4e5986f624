"""Findings about pictures that seem to belong together: by their names and folders, and by when they were taken.

They suggest; nothing is put into one group because of them.
"""

from collections.abc import Sequence
from datetime import datetime

from maskwright.audit.facts import PictureFacts
from maskwright.audit.findings import Finding
from maskwright.data.dataset import Dataset
from maskwright.data.names import shown, some

_BURST = 10.0  # seconds between one photograph and the next of a series
_LISTED = 100


def group_findings(dataset: Dataset, pictures: Sequence[PictureFacts]) -> list[Finding]:
    """Return what names, folders and times of photographs suggest about groups."""
    found = []
    if dataset.grouping_guessed:
        what = f"Pictures seem to belong together, {dataset.grouping}. A split keeps each group together."
        fix = "state group: name, if each picture stands for itself"
        evidence = {"groups": len(set(dataset.columns.groups))}
        found.append(Finding("group-suggested", "note", None, what, "", fix, evidence))
    if dataset.advice:
        what = f"{dataset.advice[:1].upper()}{dataset.advice[1:]}."
        fix = "state group in dataset.yaml, or take scores with a grain of salt"
        found.append(Finding("group-suggested", "warning", None, what, "", fix, {}))
    return found + _series(dataset, pictures)


def _series(dataset: Dataset, pictures: Sequence[PictureFacts]) -> list[Finding]:
    """Return one note on photographs taken within seconds of each other that are in different groups."""
    series = [rows for rows in taken_together(pictures) if len({dataset.columns.groups[row] for row in rows}) > 1]
    if not series:
        return []
    names = [[dataset.columns.ids[row] for row in rows] for rows in series]
    total = sum(map(len, series))
    what = (
        f"{total} photographs were taken within seconds of each other, in {len(series)} series such as "
        f"{some(names[0])}: they may show the same."
    )
    fix = "if they do, give each series one group: a column 'group' in a pairs.csv"
    evidence = {
        "count": total,
        "series": len(series),
        "samples": [name for rows in names for name in rows][:_LISTED],
        "families": [[shown(name) for name in rows[:_LISTED]] for rows in names[:_LISTED]],
    }
    return [Finding("group-suggested", "note", None, what, "", fix, evidence)]


def taken_together(pictures: Sequence[PictureFacts]) -> list[list[int]]:
    """Return series of rows: each taken at most ten seconds after the one before, pictures of one size."""
    known = []
    for row, picture in enumerate(pictures):
        time = _time(picture.taken) if picture.taken else None
        if time is not None and picture.info is not None:
            known.append((tuple(sorted((picture.info.height, picture.info.width))), time, row))
    known.sort()
    series: list[list[int]] = []
    for at, (size, time, row) in enumerate(known):
        before = known[at - 1] if at else None
        if before is not None and before[0] == size and time - before[1] <= _BURST:
            series[-1].append(row)
        else:
            series.append([row])
    return [rows for rows in series if len(rows) > 1]


def _time(text: str) -> float | None:
    """Return seconds of EXIF's "YYYY:MM:DD HH:MM:SS"; None for what is no time."""
    try:
        return (datetime.strptime(text.strip(), "%Y:%m:%d %H:%M:%S") - datetime(1970, 1, 1)).total_seconds()
    except ValueError:
        return None
