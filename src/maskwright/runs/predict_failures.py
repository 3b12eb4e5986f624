"""failures.csv: the pictures of the last `predict` that failed, and how to put each right; no file where none did."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwright.files import output_error
from maskwright.runs.tables import write_table

FAILURES = "failures.csv"
_HEAD = ("picture", "what", "where", "fix")


def write_failures(target: Path, failures: Sequence[Mapping[str, Any]]) -> None:
    """Write the list, or take away that of an earlier call where nothing failed any more. Raises OutputError."""
    path = target / FAILURES
    if failures:
        errors = [(one["input"], one["error"]) for one in failures]
        rows = [(picture, error["what"], error["where"], error["fix"]) for picture, error in errors]
        write_table(path, _HEAD, rows)
        return
    try:
        if not foreign_list(target):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, path) from error


def foreign_list(target: Path) -> list[Path]:
    """Return the list's path where a file of that name is there which `predict` did not write; else nothing."""
    path, head = target / FAILURES, ",".join(_HEAD).encode()
    try:
        with open(path, "rb") as file:
            ours = file.read(len(head)) == head
    except FileNotFoundError:
        return []
    except OSError as error:
        raise output_error(error, path) from error
    return [] if ours else [path]
