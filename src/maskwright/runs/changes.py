"""What was done to a data set, line by line: changes.csv. Knows nothing of how anything is done."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from maskwright.runs.tables import write_table

Action = Literal["mended", "moved", "grouped", "left out", "left alone"]
ACTIONS: tuple[Action, ...] = ("mended", "moved", "grouped", "left out", "left alone")
HEAD = ("file", "kind", "found", "action", "done", "from", "to")


@dataclass(frozen=True)
class Change:
    """file: of the source, "" for the whole set. kind: of the finding, or "place", "mask-encoding", "outlines", "copy".

    found: what was wrong, in words. done: what was done about it, or why nothing was. before, after: a path, size or
    group in the source and in the copy.
    """

    file: str
    kind: str
    found: str
    action: Action
    done: str
    before: str = ""
    after: str = ""


def write_changes(changes: Iterable[Change], path: Path) -> None:
    """Write one line for each change; names are made safe to show. Raises OutputError."""
    write_table(path, HEAD, (astuple(change) for change in changes))
