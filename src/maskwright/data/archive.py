"""Zip and tar archives, unpacked into the cache under a name made of their content: each archive only once.

Nothing is written outside the cache, links and devices are left out, and there are limits to size and number.
"""

import hashlib
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from maskwright.data.names import shown
from maskwright.errors import DataError, OutputError
from maskwright.files import cache_folder, make_folder, whole_folder

MAX_FILES = 5_000_000
MIN_LIMIT = 2_000_000_000  # bytes that any archive may unfold to
MAX_RATIO = 50  # above that: so many times its own size
_ENDINGS = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_CHUNK = 1 << 20
DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError,
    UnicodeDecodeError,  # a name that says it is UTF-8 and is not
)  # fmt: skip


@dataclass
class Budget:
    """What archives that were given together may still unfold to: bytes and files."""

    bytes: int
    files: int

    @classmethod
    def of(cls, size: int) -> "Budget":
        """Return the budget of archives that have so many bytes together, as they were given."""
        return cls(max(MIN_LIMIT, MAX_RATIO * size), MAX_FILES)


def is_archive(path: Path) -> bool:
    """Whether the name or the content says zip or tar."""
    return is_archive_name(path.name) or zipfile.is_zipfile(path)


def is_archive_name(name: str) -> bool:
    """Whether the name says zip or tar."""
    return name.casefold().endswith(_ENDINGS)


def unpack(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Unpack into the cache, if that was not done before; return the folder and remarks.

    Raises DataError for a damaged archive, one that reaches out of its folder, or one that is too large;
    OutputError where the cache cannot be written.
    """
    folder = cache_folder() / "archives" / content_key(path)
    left_out = folder.with_suffix(".left-out")
    if not folder.is_dir():
        make_folder(folder.parent)
        with whole_folder(folder) as temporary:
            skipped = unpack_into(path, temporary)
        if skipped:
            left_out.write_text(str(skipped))
    notes: tuple[str, ...] = (f"unpacked {shown(path.name)} into the cache",)
    if left_out.is_file():
        notes = (*notes, f"{left_out.read_text()} links or devices in the archive were left out")
    return _inner(folder), notes


def _inner(folder: Path) -> Path:
    """Step into a folder that is alone in its folder."""
    while True:
        entries = [e for e in os.scandir(folder) if not e.name.startswith(".") and e.name != "__MACOSX"]
        if len(entries) != 1 or not entries[0].is_dir(follow_symlinks=False):
            return folder
        folder = folder / entries[0].name


def content_key(path: Path) -> str:
    """Return a name made of an archive's content. Raises DataError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise DataError(
            f"The archive cannot be read: {error.strerror}.", where=str(path), fix="check that it may be read"
        ) from error


def unpack_into(
    path: Path, folder: Path, told: Callable[[int], None] = lambda files: None, budget: Budget | None = None
) -> int:
    """Write the archive's files below an empty folder; return how many links and devices were left out.

    told: called with the number of files so far. budget: shared with other archives, and used up; default: its own.
    Raises DataError as `unpack` does; what was written stays then.
    """
    budget = budget or Budget.of(path.stat().st_size)
    skipped = files = 0
    try:
        with closing(_members(path)) as members:
            for name, stream in members:
                if stream is None:
                    skipped += 1
                    continue
                with stream:
                    files += 1
                    told(files)
                    budget.files -= 1
                    if budget.files < 0:
                        raise _too_large(path, f"more than {MAX_FILES} files")
                    target = _target(folder, name, path)
                    budget.bytes -= _copy(stream, target, budget.bytes, path) if target is not None else 0
    except OutputError:
        raise
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's; gzip and bz2 give theirs no number
            raise
        raise DataError(
            f"The archive is damaged, encrypted or of an unknown kind ({error}).", where=str(path),
            fix="download or pack it again, without a password") from error  # fmt: skip
    return skipped


def _members(path: Path) -> Generator[tuple[str, IO[bytes] | None], None, None]:
    """Yield (name, content) of each file; content is None for links and devices."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                kind = (info.external_attr >> 16) & 0o170000
                if info.is_dir():
                    continue
                yield info.filename, archive.open(info) if kind in (0, 0o100000) else None
        return
    with tarfile.open(path, "r:*") as tar:
        for member in tar:
            if member.isdir():
                continue
            yield member.name, tar.extractfile(member) if member.isreg() else None
        _check_end(tar)


def _check_end(tar: tarfile.TarFile) -> None:
    """Read what follows the last member, so that checksums are compared. Raises EOFError where the end is missing.

    tarfile itself takes a header that is cut off or damaged for the end.
    """
    if tar.fileobj is None:
        raise EOFError("it is closed")
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("its end is missing, or a header is damaged")
    while tar.fileobj.read(_CHUNK):
        pass


def _target(folder: Path, name: str, archive: Path) -> Path | None:
    """Return where a member goes; None for what is nobody's data. Raises DataError for a path that escapes."""
    pure = path_below(name)
    if pure is None:
        raise path_that_escapes(name, archive)
    if not pure.parts or pure.parts[0] == "__MACOSX" or pure.name.startswith("."):
        return None
    return folder.joinpath(*pure.parts)


def path_below(name: str) -> PurePosixPath | None:
    """Return the path that a foreign name means; None where it would lead out of the folder that it is put into."""
    pure = PurePosixPath(name.replace("\\", "/"))
    escapes = pure.is_absolute() or ".." in pure.parts or "\0" in name or (pure.parts and ":" in pure.parts[0])
    return None if escapes else pure


def path_that_escapes(name: str, archive: Path) -> DataError:
    """Say of an archive that it wants to write elsewhere."""
    return DataError(
        f"The archive holds a path that leads out of it: {shown(name)}.", where=str(archive),
        fix="do not trust this archive; pack the folder again from inside")  # fmt: skip


def _copy(stream: IO[bytes], target: Path, limit: int, archive: Path) -> int:
    """Write one member; count the bytes as they come, since headers may lie."""
    written = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as file:
            while chunk := stream.read(_CHUNK):
                written += len(chunk)
                if written > limit:
                    raise _too_large(archive, "far more than its own size")
                if shutil.disk_usage(target.parent).free < 2 * _CHUNK:
                    raise OutputError(
                        "The disk is full before the archive is unpacked.", where=str(target.parent),
                        fix="free some space, or use another disk (set MASKWRIGHT_CACHE, or fetch -o)")  # fmt: skip
                file.write(chunk)
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(
            f"The archive holds a name twice: {shown(target.name)}.", where=str(archive), fix="pack it again"
        ) from error
    return written


def _too_large(archive: Path, what: str) -> DataError:
    return DataError(
        f"The archive unfolds to {what}.", where=str(archive),
        fix="unpack it yourself, if you trust it, and name the folder")  # fmt: skip
