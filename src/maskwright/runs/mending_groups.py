"""Names and groups of a mended set: related pictures get one group, so that a split keeps them together."""

from collections import Counter
from collections.abc import Iterable, Sequence

from maskwright.audit.check import CheckReport
from maskwright.data.dataset import Columns
from maskwright.data.names import shown
from maskwright.runs.written_set import Names

_RELATED = ("duplicate", "near-duplicate")
_FOLDER = "images/"


def names_of(columns: Columns, rows: Sequence[int]) -> dict[int, str]:
    """Return each kept picture's name below images/: where all lie below such a folder already, the one it has."""
    there = all(columns.images[row].startswith(_FOLDER) for row in rows)
    names = Names()
    return {row: names.take(_below(columns.images[row]) if there else columns.ids[row]) for row in rows}


def _below(path: str) -> str:
    """Return a path without its first folder and its suffix: images/a/b.jpg is a/b."""
    inner = path.removeprefix(_FOLDER)
    folder, slash, name = inner.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return f"{folder}{slash}{stem if dot and stem else name}"


def groups_of(report: CheckReport, columns: Columns, rows: Sequence[int]) -> dict[int, str]:
    """Return the group of each kept row: groups that share relatives become one, called as the first of them.

    Parts that are given stay as they are: relatives that lie in several of them get a group in each.
    """
    parent = list(range(len(columns.ids)))

    def top(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def join(found: Iterable[int]) -> None:
        kept = sorted(row for row in found if row in chosen)
        for row in kept[1:]:
            first, second = sorted((top(kept[0]), top(row)))
            parent[second] = first

    chosen = set(rows)
    same: dict[str, int] = {}
    for row in rows:
        join((same.setdefault(columns.groups[row], row), row))
    for family in families_of(report, columns):
        join(family)
    parts: dict[int, set[str]] = {}
    for row in rows:
        parts.setdefault(top(row), set()).update({columns.parts[row]} - {""})
    first_of: dict[tuple[int, str], int] = {}
    keys = ((row, (top(row), columns.parts[row] if len(parts[top(row)]) > 1 else "")) for row in rows)
    return _labelled({row: first_of.setdefault(key, row) for row, key in keys}, columns)


def families_of(report: CheckReport, columns: Columns) -> list[tuple[int, ...]]:
    """Return rows of pictures that are the same or nearly so."""
    rows = {name: row for row, name in enumerate(columns.ids)}
    stated = [
        tuple(rows[name] for name in finding.evidence.get("samples", ()) if name in rows)
        for finding in report.findings
        if finding.kind in _RELATED
    ]
    return [*report.families, *stated]


def _labelled(tops: dict[int, int], columns: Columns) -> dict[int, str]:
    """Name each group in printable text, no two alike."""
    label: dict[int, str] = {}
    seen: Counter[str] = Counter()
    for row in dict.fromkeys(tops.values()):
        text = shown(columns.groups[row].strip(), 200) or columns.ids[row]
        seen[text] += 1
        while seen[text] > 1:
            text = f"{text}#{seen[text]}"
            seen[text] += 1
        label[row] = text
    return {row: label[first] for row, first in tops.items()}
