"""predicted.json: what each mask of an output folder was made from: by it a mask is known to be right, and ours.

Knows nothing of pictures or models: a stamp is whatever its writer says.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskwright.files import write_json

RECORD = "predicted.json"
RECORD_SECONDS = 2.0  # between two writings of the record: what is lost when killed is made again
WRITING_SHARE = 0.05  # of the time that may go into writing it: a record of a million masks takes seconds
_SCHEMA_VERSION = 1

Stamp = Mapping[str, Any]  # what a mask was made from: the picture's size and time of change, the model, how it ran


@dataclass
class Record:
    """What each mask of an output folder was made from; None while it is being made anew."""

    path: Path
    _own: dict[str, Stamp | None] = field(default_factory=dict)
    _written: float = field(default_factory=time.monotonic)
    _cost: float = 0.0  # seconds of the last writing

    def __post_init__(self) -> None:
        self._known: dict[str, Stamp | None] = read_record(self.path) or {}

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def tells(self, key: str, stamp: Stamp | None) -> bool:
        """Whether a mask was made from just this."""
        return stamp is not None and self._known.get(key) == stamp

    def note(self, stamps: Mapping[str, Stamp | None]) -> None:
        """Take note; write it if the last writing is a while ago. Raises OutputError."""
        self._own.update(stamps)
        if time.monotonic() - self._written >= max(RECORD_SECONDS, self._cost / WRITING_SHARE):
            self.write()

    def write(self) -> None:
        """Write the record, with what another process noted meanwhile. Raises OutputError."""
        begun = time.monotonic()
        if self._own:
            masks = {**(read_record(self.path) or {}), **self._own}
            write_json(self.path, {"schema_version": _SCHEMA_VERSION, "masks": masks})
        self._written = time.monotonic()
        self._cost = self._written - begun


def read_record(path: Path) -> dict[str, Stamp | None] | None:
    """Return what a record says; None where there is none, or it is damaged."""
    try:
        content = json.loads(path.read_bytes())
        masks = content["masks"] if content["schema_version"] == _SCHEMA_VERSION else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return masks if isinstance(masks, dict) else None
