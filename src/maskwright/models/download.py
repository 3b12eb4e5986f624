"""Fetching one file over HTTPS into the cache: whole or not at all, checked, never asked for twice.

Knows nothing of weights.
"""

import base64
import hashlib
import shutil
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from maskwright.errors import DataError, MaskwrightError
from maskwright.files import write_with


def download(address: str, path: Path, *, timeout: float = 20.0, offline_fix: str) -> Path:
    """Download `address` to `path`, unless it is there; check length and the MD5 that the server states.

    The checksum is the one in Google Cloud Storage's `x-goog-hash` header: it proves that the bytes arrived as
    they were sent. timeout: seconds without an answer. offline_fix: what to tell a user who has no network.
    Raises MaskwrightError (no network, no such file) and DataError (cut short, changed on the way).
    """
    if path.exists():
        return path
    try:
        with urlopen(address, timeout=timeout) as answer:  # noqa: S310 - the caller's address is https or a test's
            expected = _stated_md5(answer.headers.get_all("x-goog-hash") or [])
            length = answer.headers.get("Content-Length")
            write_with(path, lambda temporary: _save(answer, temporary, expected, length, address))
    except HTTPError as error:
        raise MaskwrightError(f"The server answers {error.code}.", where=address, fix=offline_fix) from error
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise MaskwrightError(f"No network: {reason}.", where=address, fix=offline_fix) from error
    return path


class SupportsRead(Protocol):
    """Bytes that arrive."""

    def read(self, length: int = ..., /) -> bytes: ...  # noqa: D102


def _stated_md5(headers: list[str]) -> str | None:
    for part in ",".join(headers).split(","):
        name, _, value = part.strip().partition("=")
        if name == "md5":
            return base64.b64decode(value).hex()
    return None


def _save(answer: SupportsRead, temporary: Path, expected: str | None, length: str | None, address: str) -> None:
    with open(temporary, "wb") as file:
        shutil.copyfileobj(answer, file)
    size = temporary.stat().st_size
    if length is not None and size != int(length):
        raise DataError(f"Only {size} of {length} bytes arrived.", where=address, fix="try again")
    if expected is not None and hashlib.md5(temporary.read_bytes()).hexdigest() != expected:
        raise DataError("The file does not match the server's checksum.", where=address, fix="try again")
