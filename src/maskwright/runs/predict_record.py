"""predicted.json: what each mask of an output folder was made from: by it a mask is known to be right, and ours.

With each mask stands what else was made of it, and with the whole what the files of all pictures were made from.

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
_MADE = "made"  # beside a stamp: the kinds of files that were made of the mask, each with its settings

Stamp = Mapping[str, Any]  # what a mask was made from: the picture's size and time of change, the model, how it ran


@dataclass
class Record:
    """What each mask of an output folder was made from; None while it is being made anew."""

    path: Path
    _own: dict[str, Stamp | None] = field(default_factory=dict)
    _own_files: dict[str, str | None] = field(default_factory=dict)
    _written: float = field(default_factory=time.monotonic)
    _cost: float = 0.0  # seconds of the last writing

    def __post_init__(self) -> None:
        content = _read(self.path)
        self._known: dict[str, Stamp | None] = content.get("masks", {})
        self._files: dict[str, str | None] = content.get("files", {})

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def tells(self, key: str, stamp: Stamp | None) -> bool:
        """Whether a mask was made from just this."""
        known = self._known.get(key)
        return stamp is not None and known is not None and {**known, _MADE: None} == {**stamp, _MADE: None}

    def made(self, key: str) -> dict[str, str]:
        """Return the kinds of files that were made of a mask, each with its settings."""
        made = (self._known.get(key) or {}).get(_MADE)
        return {str(kind): str(settings) for kind, settings in made.items()} if isinstance(made, dict) else {}

    def stamp(self, key: str) -> Stamp | None:
        """Return what a mask was made from."""
        return self._known.get(key)

    def has_file(self, kind: str) -> bool:
        """Whether a file of all pictures is ours."""
        return kind in self._files

    def file(self, kind: str) -> str | None:
        """Return what a file of all pictures was made from."""
        return self._files.get(kind)

    def note_files(self, digests: Mapping[str, str | None]) -> None:
        """Take note of what files of all pictures were made from, None while they are made. Raises OutputError."""
        self._own_files.update(digests)
        self.write()

    def note(self, stamps: Mapping[str, Stamp | None]) -> None:
        """Take note; write it if the last writing is a while ago. Raises OutputError."""
        self._own.update(stamps)
        if time.monotonic() - self._written >= max(RECORD_SECONDS, self._cost / WRITING_SHARE):
            self.write()

    def write(self) -> None:
        """Write the record, with what another process noted meanwhile. Raises OutputError."""
        begun = time.monotonic()
        if self._own or self._own_files:
            there = _read(self.path)
            masks, files = {**there.get("masks", {}), **self._own}, {**there.get("files", {}), **self._own_files}
            content = {"schema_version": _SCHEMA_VERSION, "masks": masks}
            write_json(self.path, {**content, "files": files} if files else content)
        self._written = time.monotonic()
        self._cost = self._written - begun


def stamped(stamp: Stamp | None, made: Mapping[str, str]) -> Stamp | None:
    """Return a stamp with the kinds of files that were made of the mask, each with its settings."""
    return None if stamp is None else {**stamp, _MADE: dict(made)}


def unfinished(made: Mapping[str, str], kept: str) -> Stamp | None:
    """Return what stands in the record while a mask is made anew: of what was made before nothing but one kind."""
    return {_MADE: {kept: made[kept]}} if kept in made else None


def read_record(path: Path) -> dict[str, Stamp | None] | None:
    """Return what a record says of masks; None where there is none, or it is damaged."""
    return _read(path).get("masks")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return a record's tables of masks and files, nothing where there is none, or it is damaged."""
    try:
        content = json.loads(path.read_bytes())
        masks = content["masks"] if content["schema_version"] == _SCHEMA_VERSION else None
        files = content.get("files", {})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(masks, dict) or not all(isinstance(stamp, dict | None) for stamp in masks.values()):
        return {}
    return {"masks": masks, "files": files if isinstance(files, dict) else {}}
