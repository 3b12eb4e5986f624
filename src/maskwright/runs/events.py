"""A run's diary, `events.jsonl`: one JSON object a line, the truth from which curves and reports are made.

A line that a kill cut in half is dropped; an epoch that is trained again after a resume replaces its first record.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from maskwright.files import make_folder, output_error, write_text

Listener = Callable[[Path, Mapping[str, Any]], None]


class Events:
    """The diary of one run. heard: told of each record that was added, with the diary's folder."""

    def __init__(self, path: Path, heard: Listener | None = None) -> None:
        self.path = path
        self._heard = heard

    def read(self) -> list[dict[str, Any]]:
        """Return all whole records, oldest first; none where there is no diary yet."""
        if not self.path.exists():
            return []
        records = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                continue  # cut in half by a kill
        return records

    def of_kind(self, event: str) -> list[dict[str, Any]]:
        """Return the records of one kind."""
        return [record for record in self.read() if record.get("event") == event]

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record with the time; an epoch not later than one on record drops what came after it."""
        if record.get("event") == "epoch":
            self._forget_from(int(record["epoch"]))
        record = {**record, "time": round(time.time(), 3)}
        line = json.dumps(record, allow_nan=False)
        make_folder(self.path.parent)
        try:
            with open(self.path, "a+b") as file:
                start = "" if _ends_whole(file) else "\n"
                file.write(f"{start}{line}\n".encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise output_error(error, self.path) from error
        if self._heard is not None:
            self._heard(self.path.parent, record)

    def _forget_from(self, epoch: int) -> None:
        records = self.read()
        kept = [r for r in records if not (r.get("event") == "epoch" and int(r["epoch"]) >= epoch)]
        if len(kept) < len(records):
            write_text(self.path, "".join(json.dumps(record) + "\n" for record in kept))


def _ends_whole(file: Any) -> bool:
    file.seek(0, os.SEEK_END)
    if file.tell() == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")
