"""SHA-256 of files' contents, remembered for files that have not changed.

One small JSON file a folder of pictures, in the cache: name -> size, time of change, inode, hash. What it says is
believed only where all three still agree. Knows nothing of pictures.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from maskwright.data.threads import in_threads
from maskwright.errors import DataError, OutputError
from maskwright.files import cache_folder, write_json
from maskwright.images.opening import open_file
from maskwright.progress import Progress, Step, ignore

_SCHEMA_VERSION = 1
_SETTLED_NS = 2_000_000_000  # a file changed less than this ago may change again without a later time of change
_Entry = tuple[int, int, int, str]


def hash_files(paths: Iterable[Path], *, workers: int | None = None, progress: Progress = ignore) -> list[str]:
    """Return the SHA-256 of each file's content, as 64 hexadecimal digits, in order.

    Hashes of unchanged files are taken from the cache; a cache that cannot be written is done without.
    Raises DataError for a file that cannot be read.
    """
    absolute = [Path(os.path.abspath(path)) for path in paths]
    folders = {path.parent for path in absolute}
    known = {folder: _read_cache(folder) for folder in folders}
    entries = []
    settled = time.time_ns() - _SETTLED_NS
    for entry in in_threads(lambda path: _hash_unless_known(path, known[path.parent]), absolute, workers=workers):
        entries.append(entry)
        progress(Step("hash", len(entries), len(absolute)))
    fresh: dict[Path, dict[str, _Entry]] = {}
    for path, entry in zip(absolute, entries, strict=True):
        if known[path.parent].get(path.name) != entry and entry[1] < settled:
            fresh.setdefault(path.parent, {})[path.name] = entry
    for folder, changed in fresh.items():
        _write_cache(folder, {**known[folder], **changed})
    return [entry[3] for entry in entries]


def _hash_unless_known(path: Path, known: dict[str, _Entry]) -> _Entry:
    with open_file(path) as file:
        status = os.fstat(file.fileno())
        stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
        entry = known.get(path.name)
        if entry is not None and entry[:3] == stamp:
            return entry
        try:
            return (*stamp, hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise DataError(
                f"The file cannot be read: {error.strerror or error}.", where=str(path), fix="check the disk"
            ) from error


def _cache_file(folder: Path) -> Path:
    return cache_folder() / "hashes" / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]}.json"


def _read_cache(folder: Path) -> dict[str, _Entry]:
    """Return what is remembered of a folder; nothing where the cache file is missing or damaged."""
    try:
        content = json.loads(_cache_file(folder).read_bytes())
        if content["schema_version"] != _SCHEMA_VERSION or content["folder"] != os.fspath(folder):
            return {}
        return {name: (int(size), int(changed), int(inode), str(digest))
                for name, (size, changed, inode, digest) in content["files"].items()}  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_cache(folder: Path, entries: dict[str, _Entry]) -> None:
    content = {"schema_version": _SCHEMA_VERSION, "folder": os.fspath(folder), "files": entries}
    try:
        write_json(_cache_file(folder), content)
    except (OutputError, UnicodeEncodeError):
        return  # nothing is lost but time: the files are hashed again
