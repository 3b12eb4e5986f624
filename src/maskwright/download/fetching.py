"""The story of one download: ask for what is missing, write it, try again where that may help, compare at the end."""

import base64
import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Mapping
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import OpenerDirector, Request, build_opener

from maskwright.download.job import (
    ANYTHING,
    PLAINLY,
    Again,
    Expected,
    Job,
    Manner,
    alone,
    note_of,
    read_note,
    write_note,
)
from maskwright.download.redirects import CarefulRedirects
from maskwright.errors import DataError, MaskwrightError, OutputError
from maskwright.files import make_folder, output_error
from maskwright.progress import Progress, Step, ignore

TRIES = 5  # in a row without one new byte
LONGEST_WAIT = 60.0  # seconds that a server may ask us to wait; longer is the user's decision
SPARE = 50_000_000  # bytes that stay free on the disk
MOST_UNSTATED = 50_000_000_000  # bytes of a file whose length nobody states: an answer without an end is no file
_CHUNK = 1 << 18
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_LENGTH = re.compile(r"[0-9]{1,18}")  # Python refuses to read numbers of thousands of digits
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")


def download(
    address: str,
    path: Path,
    expected: Expected = ANYTHING,
    manner: Manner = PLAINLY,
    *,
    progress: Progress = ignore,
    stage: str = "download",
) -> Path:
    """Download `address` to `path`, if it is not there; go on with what an earlier call left behind.

    Length and checksum are compared with what is expected, else with what the server states (`x-goog-hash`).
    Raises MaskwrightError (no network, refused), DataError (another file than expected, changed on the way) and
    OutputError (disk full). Whatever breaks it off, Ctrl-C too: the part stays, except where it proved wrong.
    """
    if path.exists():
        return path
    make_folder(path.parent)
    part = path.with_name(f"{path.name}.part")
    with alone(part) as file:
        job = Job(address, path, part, file, expected, manner, progress, stage)
        _fetch_all(job)
        _check(job)
    os.replace(part, path)
    note_of(part).unlink(missing_ok=True)
    return path


def _fetch_all(job: Job) -> None:
    """Ask until everything is there; give up after some tries in a row that bring nothing."""
    opener = build_opener(CarefulRedirects())
    failures = 0
    while True:
        before = job.have
        try:
            _fetch_rest(job, opener)
            return
        except Again as reason:
            failures = failures + 1 if job.have <= before else 1
            if failures >= TRIES or (reason.seconds or 0) > LONGEST_WAIT:
                raise _given_up(job, reason) from reason
            job.manner.pause(reason.seconds if reason.seconds is not None else float(2 ** (failures - 1)))


def _given_up(job: Job, reason: Again) -> MaskwrightError:
    have = f"{job.have:,} of {job.total:,} bytes" if job.total else f"{job.have:,} bytes"
    goes_on = job.have > 0 and _may_go_on(job, read_note(job))
    kept = f" {have} have arrived and are kept." if goes_on else ""
    if (reason.seconds or 0) > LONGEST_WAIT:
        fix = f"run the same command again in {reason.seconds:.0f} seconds"
    else:
        fix = "run the same command again: it goes on from there" if goes_on else job.manner.offline_fix
    return MaskwrightError(f"{reason}.{kept}", where=job.address, fix=fix)


def _fetch_rest(job: Job, opener: OpenerDirector) -> None:
    """Make one request for what is missing and write what comes. Raises Again where that may help."""
    request = Request(job.address, headers={"Accept-Encoding": "identity", "User-Agent": "maskwright"})
    for name, value in job.manner.headers.items():
        request.add_unredirected_header(name, value)
    start = _prepare_range(job, request)
    try:
        with opener.open(request, timeout=job.manner.timeout) as answer:
            if _take(job, answer, start):
                return
            _save(job, answer)
    except HTTPError as error:
        with error:
            _refused(job, error)
    except OutputError:
        raise
    except (OSError, HTTPException) as error:  # of the connection; what a disk refuses is an OutputError already
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        if not job.began:
            untrusted = "CERTIFICATE_VERIFY" in reason
            what = "The server's certificate cannot be trusted" if untrusted else "No network"
            raise MaskwrightError(f"{what}: {reason}.", where=job.address, fix=job.manner.offline_fix) from error
        raise Again(f"It broke off: {reason}") from error


def _prepare_range(job: Job, request: Request) -> int:
    """Ask for the rest, on condition that the file is still the same; return where the rest begins."""
    start, note = job.have, read_note(job)
    if start == 0:
        return 0
    if note is None or not _may_go_on(job, note):
        job.restart()
        return 0
    request.add_header("Range", f"bytes={start}-")
    if note["validator"]:
        request.add_header("If-Range", note["validator"])
    job.total = note.get("total")
    return start


def _may_go_on(job: Job, note: Mapping[str, Any] | None) -> bool:
    """Whether two halves of different files would be noticed: by the server's tag or time, or by a checksum."""
    return note is not None and bool(note["validator"] or job.expected.checksum or job.stated)


def _take(job: Job, answer: HTTPResponse, start: int) -> bool:
    """Look at the answer's head and place the file where its body belongs; True if there is nothing more to get."""
    headers, job.began = answer.headers, True
    if headers.get("Content-Encoding", "identity") != "identity":
        raise DataError("The server sends the file packed in a way that was not asked for.", where=job.address,
                        fix="download it with a browser")  # fmt: skip
    if headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise DataError(
            "The server sends a web page in place of the file (a login or a notice, perhaps).", where=job.address,
            fix="open the address in a browser: an account may be needed, or the file has moved")  # fmt: skip
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "")) if answer.status == 206 else None
    total: int | None
    if start and found is not None and int(found[1]) == start and str(job.total or found[3]) == found[3]:
        total = int(found[3]) if found[3] != "*" else None
        job.file.seek(start)
        job.progress(Step(job.stage, text=f"going on with {job.path.name} at {start / 1e6:.1f} MB"))
    elif answer.status == 206:
        job.restart()
        raise Again("The server answers with another part than was asked for", 0)
    else:  # the whole file: it has changed, or the server knows no parts
        job.restart()
        total = _stated_length(headers)
    job.total = total if total is not None else job.expected.size
    job.stated = _stated_md5(headers.get_all("x-goog-hash") or []) or job.stated
    _compare_size(job, total)
    _check_disk(job, job.total)
    write_note(job, headers)
    return job.total is not None and job.have == job.total and job.have > 0


def _stated_length(headers: Message) -> int | None:
    """Return the length that the server states; None where it states none, or what is no length."""
    found = _LENGTH.fullmatch(headers.get("Content-Length", ""))
    return int(found[0]) if found is not None else None


def _compare_size(job: Job, total: int | None) -> None:
    published = job.expected.size
    if published is not None and total is not None and total != published:
        job.restart()
        raise DataError(
            f"The server offers {total:,} bytes; the file was published with {published:,}.", where=job.address,
            fix="the file was replaced or the address is a notice: look at the set's own page")  # fmt: skip


def _check_disk(job: Job, total: int | None) -> None:
    """Raise OutputError unless what is still to come fits; of an unknown length, while a little is left free."""
    free = shutil.disk_usage(job.part.parent).free
    missing = max(0, total - job.have) if total is not None else 0
    if missing + SPARE > free:
        rest = f"{missing / 1e9:.1f} GB are still to come" if total is not None else "nobody knows how much will come"
        raise OutputError(
            f"The disk has {free / 1e9:.1f} GB free; {rest}.",
            where=str(job.part.parent), fix="free some space, or write to another disk")  # fmt: skip


def _save(job: Job, answer: HTTPResponse) -> None:
    """Write the body. Raises Again if it ends early."""
    limit = job.total
    try:
        while chunk := answer.read(_CHUNK):
            if job.file.tell() == 0:
                _check_start(job, chunk)
            job.file.write(chunk)
            job.file.flush()
            done = job.file.tell()
            if limit is not None and done > limit:
                job.restart()
                raise DataError(
                    f"The server sends more than {limit:,} bytes.", where=job.address, fix="try again later"
                )
            if limit is None:
                _check_unstated(job, done)
            _report(job, done)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
            raise output_error(error, job.part) from error
        raise
    if limit is not None and job.have < limit:
        raise Again(f"It broke off: only {job.have:,} of {limit:,} bytes arrived")


def _check_unstated(job: Job, done: int) -> None:
    """Stop a file of unstated length that does not end, or that fills the disk. Raises DataError, OutputError."""
    if done > MOST_UNSTATED:
        job.restart()
        raise DataError(
            f"The server states no length and sends more than {MOST_UNSTATED:,} bytes.", where=job.address,
            fix="if the file is really so large, download it with a browser")  # fmt: skip
    _check_disk(job, None)


def _report(job: Job, done: int) -> None:
    """Tell each new megabyte."""
    now = max(1, done // 1_000_000)
    if now != job.told or done == job.total:
        job.told = now
        job.progress(Step(job.stage, now, max(now, (job.total or 0) // 1_000_000), text=f"MB  {job.path.name}"))


def _check_start(job: Job, chunk: bytes) -> None:
    if job.expected.starts and not chunk.startswith(job.expected.starts):
        page = chunk.lstrip()[:200].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"{"))
        what = "a web page or message" if page else "something else"
        raise DataError(
            f"The server sends {what} in place of the archive.", where=job.address,
            fix="open the address in a browser: an account may be needed, or the file has moved")  # fmt: skip


def _refused(job: Job, error: HTTPError) -> None:
    """Turn an answer that is an error into ours, or into another try."""
    if error.code == 416:  # nothing after what we have: complete, or of another file
        found = re.fullmatch(r"bytes \*/([0-9]{1,18})", error.headers.get("Content-Range", ""))
        if found is not None and int(found[1]) == job.have:
            job.total = job.have
            return
        job.restart()
        raise Again("The server's file is another than the part that was here", 0)
    job.began = True
    if error.code in _BUSY:
        raise Again(f"The server is busy (it answers {error.code})", _retry_after(error.headers))
    explained = job.manner.explain(error.code) if job.manner.explain is not None else None
    raise explained or MaskwrightError(
        f"The server answers {error.code}.", where=job.address, fix=job.manner.offline_fix
    ) from error


def _retry_after(headers: Message) -> float | None:
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) if text else None
    except ValueError:
        return None


# --- checks -------------------------------------------------------------------------------------------------------


def _check(job: Job) -> None:
    """Compare the checksum. Raises DataError, after which nothing is left to go on with."""
    job.file.flush()
    checksum = job.expected.checksum or (f"md5:{job.stated}" if job.stated else "")
    size = job.expected.size
    if size is not None and job.have != size:
        job.restart()
        raise DataError(f"{job.have:,} of {size:,} bytes arrived.", where=job.address, fix="try again")
    if checksum and file_checksum(job.part, checksum.partition(":")[0]) != checksum:
        job.restart()
        whose = "the published checksum" if job.expected.checksum else "the server's checksum"
        raise DataError(f"The file does not match {whose}.", where=job.address, fix="try again")


def file_checksum(path: Path, kind: str = "sha256") -> str:
    """Return "sha256:..." (or md5) of a file's content."""
    with open(path, "rb") as file:
        return f"{kind}:{hashlib.file_digest(file, kind).hexdigest()}"


def _stated_md5(headers: list[str]) -> str:
    """Return the md5 of `x-goog-hash` in hexadecimal; "" where there is none or it is no md5."""
    for part in ",".join(headers).split(","):
        name, _, value = part.strip().partition("=")
        if name == "md5":
            try:
                digest = base64.b64decode(value, validate=True)
            except ValueError:
                return ""
            return digest.hex() if len(digest) == 16 else ""
    return ""
