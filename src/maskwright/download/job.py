"""One download while it runs: what is expected, how to ask, and the part that has arrived.

What has arrived lies in NAME.part beside the file, with a note of what it is a part of, until it is complete.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import IO, Any

from maskwright.errors import MaskwrightError, OutputError
from maskwright.files import output_error, write_json
from maskwright.progress import Progress

_STRONG_ETAG = re.compile(r'"[^"\r\n]*"')


@dataclass(frozen=True)
class Expected:
    """What the file must be, as far as anybody published it.

    size: bytes. checksum: "sha256:..." or "md5:...". starts: what its first bytes may be, such as b"PK" for a zip.
    """

    size: int | None = None
    checksum: str = ""
    starts: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How to ask. timeout: seconds without a byte. headers: for the first host only (a token).

    offline_fix: what to do without the network. pause: waits between tries; explain: turns a refusal (401, 403, 404)
    into an error that says more.
    """

    timeout: float = 30.0
    headers: Mapping[str, str] = field(default_factory=dict)
    offline_fix: str = "check the connection and try again"
    pause: Callable[[float], None] = time.sleep
    explain: Callable[[int], MaskwrightError | None] | None = None


ANYTHING, PLAINLY = Expected(), Manner()


@dataclass
class Job:
    """One download. stated: the checksum that the server gave. began: the server has answered in this call."""

    address: str
    path: Path
    part: Path
    file: IO[bytes]
    expected: Expected
    manner: Manner
    progress: Progress
    stage: str
    stated: str = ""
    total: int | None = None
    began: bool = False
    told: int = 0  # megabytes

    @property
    def have(self) -> int:
        """How many bytes have arrived."""
        return os.fstat(self.file.fileno()).st_size

    def restart(self) -> None:
        """Drop what has arrived."""
        self.file.truncate(0)
        self.file.seek(0)


class Again(Exception):
    """It broke off or the server is busy: worth another try after `seconds`."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds


def note_of(part: Path) -> Path:
    """Return where it stands of what file a part is a part."""
    return part.with_name(f"{part.name}.json")


def write_note(job: Job, headers: Message) -> None:
    """Note address, length, and the tag or time by which the server can tell whether the file is still the same."""
    etag = headers.get("ETag", "")
    validator = etag if _STRONG_ETAG.fullmatch(etag) else headers.get("Last-Modified", "")
    write_json(note_of(job.part), {"address": job.address, "total": job.total, "validator": validator})


def read_note(job: Job) -> dict[str, Any] | None:
    """Return the note of a part that the same address began, else None."""
    try:
        note = json.loads(note_of(job.part).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    fits = isinstance(note, dict) and note.get("address") == job.address and isinstance(note.get("validator"), str)
    return note if fits and "\n" not in note["validator"] and "\r" not in note["validator"] else None


@contextmanager
def alone(part: Path) -> Iterator[IO[bytes]]:
    """Open the part for going on, alone: two processes must not write one file. An empty one is removed at the end."""
    try:
        file = open(part, "r+b" if part.exists() else "x+b")
    except OSError as error:
        raise output_error(error, part) from error
    with file:
        _lock(file, part)
        file.seek(0, os.SEEK_END)
        try:
            yield file
        finally:
            empty = os.fstat(file.fileno()).st_size == 0
            file.close()
            if empty:
                part.unlink(missing_ok=True)
                note_of(part).unlink(missing_ok=True)


def _lock(file: IO[bytes], part: Path) -> None:
    """Lock until the file is closed, where the system can (Windows keeps no two writers apart here)."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(
            "Another process is downloading this file.", where=str(part), fix="wait for it, or stop it first"
        ) from error
    except OSError:
        return  # a file system without locks
