"""Writing results whole or not at all, and the folder for what can be made again.

Every file appears under its name only when it is complete: temporary name, sync, rename.
Knows nothing of what is written.
"""

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from maskwright.errors import MaskwrightError, OutputError

_FIXES = {
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EDQUOT: "free some space (your quota is used up), or write to another disk",
    errno.EROFS: "the disk is read-only: write somewhere else (-o FOLDER)",
    errno.EACCES: "you may not write there: choose another folder (-o FOLDER), or change its permissions",
    errno.EPERM: "you may not write there: choose another folder (-o FOLDER), or change its permissions",
    errno.ENOTDIR: "a file stands where a folder is needed: choose another folder (-o FOLDER)",
    errno.EEXIST: "a file stands where a folder is needed: choose another folder (-o FOLDER)",
}


def size_in_words(size: int) -> str:
    """Write a number of bytes as people do.

    >>> size_in_words(5_834_000_000), size_in_words(19_173_078)
    ('5.8 GB', '19 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def output_error(error: OSError, path: Path) -> OutputError:
    """Say of a failed write what, where and how to fix."""
    reason = error.strerror or str(error)
    fix = _FIXES.get(error.errno or 0, "check the folder and try again")
    return OutputError(f"Cannot write: {reason}.", where=str(path), fix=fix)


def make_folder(path: Path) -> Path:
    """Create a folder and its parents. Raises OutputError where that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, path) from error
    return path


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary_path)`, then rename the result to `path`; on any failure leave nothing.

    The temporary file lies in the same folder and keeps the suffix of `path`. Raises OutputError.
    """
    with whole_file(path) as temporary:
        write(temporary)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, of the same suffix; what is written there becomes `path`.

    On any failure nothing is left. Raises OutputError.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.stem[:60]}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if isinstance(error, MaskwrightError):
            raise
        raise output_error(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises OutputError."""
    write_with(path, lambda temporary: temporary.write_bytes(content))


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text whole or not at all. Raises OutputError."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: object) -> None:
    """Write indented JSON whole or not at all; NaN and infinity are refused. Raises OutputError."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_json_rows(path: Path, head: Mapping[str, object], name: str, rows: Iterable[object]) -> None:
    """Write just what `write_json` writes of {**head, name: [*rows]}, a row at a time. Raises OutputError."""

    def write(temporary: Path) -> None:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(json_pieces(head, name, rows, ensure_ascii=False))
            file.write("\n")

    write_with(path, write)


def json_pieces(
    head: Mapping[str, object], name: str, rows: Iterable[object], *, ensure_ascii: bool = True
) -> Iterator[str]:
    """Yield the indented JSON of {**head, name: [*rows]} in pieces, so that memory holds one row, however many come."""
    whole = json.dumps({**head, name: []}, indent=2, allow_nan=False, ensure_ascii=ensure_ascii)
    yield whole.removesuffix("]\n}")
    between, end = "\n    ", "]\n}"
    for row in rows:
        text = json.dumps(row, indent=2, allow_nan=False, ensure_ascii=ensure_ascii)
        yield between + text.replace("\n", "\n    ")
        between, end = ",\n    ", "\n  ]\n}"
    yield end


@contextmanager
def whole_folder(path: Path, *, shared: bool = True) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it becomes `path`, on failure it is gone.

    shared: if another process has made `path` meanwhile, its folder is kept and ours is dropped, since both hold the
    same: only for folders whose name says what is in them. Of any other folder ours is the wanted one: then it is an
    error, and what calls that were killed have left of it is cleared away first. Raises OutputError.
    """
    make_folder(path.parent)
    if not shared:
        _clear_leftovers(path)
    temporary = path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}.part")
    held: int | None = None
    try:
        temporary.mkdir()
        held = _hold(temporary)
        yield temporary
        try:
            os.replace(temporary, path)
        except OSError as error:
            if not path.is_dir():
                raise
            if not shared:
                raise OutputError(
                    "Another process has put something there meanwhile.", where=str(path),
                    fix="choose another folder (-o FOLDER), or look what it is and remove it") from error  # fmt: skip
    except OSError as error:
        if isinstance(error, OutputError) or not _is_below(error, temporary):
            raise
        raise output_error(error, path) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if held is not None:
            os.close(held)


def _clear_leftovers(path: Path) -> None:
    """Remove temporary folders of `path` that no living process holds; where that cannot be told, they stay."""
    ours = re.compile(rf"\.{re.escape(path.name[:60])}\.[0-9a-f]{{8}}\.part")
    try:
        found = [entry for entry in os.scandir(path.parent) if ours.fullmatch(entry.name)]
    except OSError:
        return  # it may be written to, but not be listed
    for entry in found:
        held = _hold(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else None
        if held is not None:
            shutil.rmtree(entry.path, ignore_errors=True)
            os.close(held)


def _hold(folder: Path) -> int | None:
    """Lock a folder until the descriptor is closed or the process ends; None where that is not possible."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by another, or a file system without locks
        os.close(descriptor)
        return None
    return descriptor


def _is_below(error: OSError, folder: Path) -> bool:
    """Whether a write failed, rather than a read of somebody else's file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS) or error.filename is None:
        return True
    return str(error.filename).startswith(str(folder))


def cache_folder() -> Path:
    """Return where things that can be made again are kept: MASKWRIGHT_CACHE, or the user's cache folder."""
    stated = os.environ.get("MASKWRIGHT_CACHE")
    if stated:
        return Path(stated)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maskwright"
