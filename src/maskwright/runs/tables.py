"""CSV files that a spreadsheet may open: names are made safe, and nothing is written half."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from maskwright.data.names import shown
from maskwright.files import write_with

_FORMULAS = ("=", "+", "-", "@")  # a cell that begins so is computed by spreadsheets


def write_table(path: Path, head: Sequence[str], rows: Iterable[Sequence[str | int | float | None]]) -> None:
    """Write a table with a line of headings; None is an empty cell, numbers are written in full. Raises OutputError."""

    def write(temporary: Path) -> None:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow([cell(name) for name in head])
            table.writerows([cell(value) for value in row] for row in rows)

    write_with(path, write)


def cell(value: str | int | float | None) -> str | int | float:
    """Return text on one line that no spreadsheet takes for a formula; numbers as they are."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    safe = shown(value, 1000)
    return f"./{safe}" if safe.startswith(_FORMULAS) else safe
