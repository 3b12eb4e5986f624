"""Every picture and mask of a set is read once, in threads; what an earlier check has read already is not read again.

The facts lie in the cache, one file a set. A row of them is believed where all that it depends on is the same: the
paths, sizes, times and inodes of its files (also the inode's time, which nobody can put back), how masks are decoded,
and the code that looked.
"""

import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL
from numpy.typing import NDArray

import maskwright
from maskwright.audit.facts import PairFacts, look_at_pair
from maskwright.audit.store import KEY_BYTES, FactsWriter, KeptFacts
from maskwright.data.dataset import Dataset
from maskwright.data.threads import in_threads
from maskwright.errors import DataError, OutputError
from maskwright.files import cache_folder, output_error
from maskwright.images.formats import max_pixels
from maskwright.progress import Progress, Step, ignore

Look = Callable[[Dataset, int], PairFacts]

_SETTLED_NS = 2_000_000_000  # a file changed less than this ago may change again without a later time of change
_STAT_ROWS = 512  # rows whose files are asked for in one go
_UNFINISHED_SECONDS = 24 * 3600.0
_UNUSED_SECONDS = 60 * 24 * 3600.0
_NO_KEY = bytes(KEY_BYTES)
_LOOKING = ("audit", "images", "data/maskfiles.py", "data/looks.py")  # the code that decides what facts say


def read_facts(dataset: Dataset, *, look: Look = look_at_pair, progress: Progress = ignore) -> KeptFacts:
    """Return the facts of each row; only what is new or has changed is read.

    look: reads one row; called from several threads. Memory does not grow with the set by more than 100 bytes a row.
    A cache that cannot be written is done without. Raises OutputError where there is no room for the facts at all.
    """
    owner = _owner(dataset)
    place = cache_folder() / "facts"
    files = _files_of(place, owner)
    known = _newest(files, owner)
    keys = _keys(dataset)
    source = np.full(len(dataset), -1) if known is None else find_rows(known, keys)
    if known is not None and len(known) == len(dataset) and np.array_equal(source, np.arange(len(dataset))):
        progress(Step("check", len(dataset), len(dataset)))
        return known.of(dataset)
    facts = _read(dataset, look, keys, source, known, _new_file(place, owner), owner, progress)
    _clear(place, files)
    return facts


def _read(
    dataset: Dataset,
    look: Look,
    keys: NDArray[np.uint8],
    source: NDArray[np.int64],
    known: KeptFacts | None,
    file: BinaryIO,
    owner: bytes,
    progress: Progress,
) -> KeptFacts:
    """Write the facts of each row: copied where they are known, else read. What was read is kept, come what may."""
    writer = FactsWriter(file, owner, len(dataset), cache_folder() / "facts")
    read = in_threads(lambda row: look(dataset, row), map(int, np.flatnonzero(source < 0)))
    whole = False
    try:
        for row in range(len(dataset)):
            if known is not None and source[row] >= 0:
                writer.copy(keys[row].tobytes(), known.raw(int(source[row])))
            else:
                pair = next(read)
                writer.add(_NO_KEY if _may_heal(pair) else keys[row].tobytes(), pair)
            progress(Step("check", row + 1, len(dataset)))
        facts = KeptFacts(writer.finish(), dataset)
        whole = True
        return facts
    finally:
        if not whole:
            with suppress(OSError, OutputError), file:  # stopped half-way: the next check goes on from here
                writer.finish()


def _may_heal(pair: PairFacts) -> bool:
    """Whether a file could not be read, which may change (a permission, a missing package) while the file does not."""
    return pair.picture.error is not None or (pair.mask.error is not None and not pair.mask.height)


def find_rows(known: KeptFacts, keys: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return for each key, (n, 16) uint8, the row of `known` that has it and is sound, else -1."""
    found = np.full(len(keys), -1)
    if not len(keys) or not len(known):
        return found
    there, wanted = (np.ascontiguousarray(k).view("<u8") for k in (known.keys, keys))
    order = np.argsort(there[:, 0], kind="stable")
    at = np.minimum(np.searchsorted(there[order, 0], wanted[:, 0]), len(order) - 1)
    rows = order[at]
    same = (there[rows] == wanted).all(axis=1) & wanted.any(axis=1)
    found[same] = rows[same]
    for i in np.flatnonzero(same):
        if not known.is_sound(int(found[i])):
            found[i] = -1
    return found


# --- which files, and whether they have changed ---------------------------------------------------------------------


def _keys(dataset: Dataset) -> NDArray[np.uint8]:
    """Return (n, 16) uint8: what tells each row's files, as they are now, from all others; zeros for unknown ones."""
    settled = time.time_ns() - _SETTLED_NS
    starts = range(0, len(dataset), _STAT_ROWS)
    parts = in_threads(
        lambda start: b"".join(_key(dataset, row, settled)
                               for row in range(start, min(start + _STAT_ROWS, len(dataset)))), starts)  # fmt: skip
    return np.frombuffer(bytearray(b"".join(parts)), np.uint8).reshape(-1, KEY_BYTES)


def _key(dataset: Dataset, row: int, settled: int) -> bytes:
    columns = dataset.columns
    root = os.fspath(dataset.root)
    digest = hashlib.blake2b(repr(columns.labels[row] if columns.labels else None).encode(), digest_size=KEY_BYTES)
    for path in (columns.images[row], *columns.masks[row]):
        try:
            status = os.stat(os.path.join(root, path))
        except (OSError, ValueError):
            return _NO_KEY
        if status.st_mtime_ns > settled:
            return _NO_KEY
        digest.update(
            f"{path}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}\0".encode(
                "utf-8", "surrogatepass"
            )
        )
    return digest.digest()


def _owner(dataset: Dataset) -> bytes:
    """Return 16 bytes that stand for the set's place, how its masks are decoded, and the code that looks."""
    content = [
        os.path.abspath(dataset.root), dataset.encoding.to_dict(), sorted((dataset.palette or {}).items()),
        dataset.classes.names, dataset.classes.exclusive, max_pixels(), PIL.__version__, np.__version__, _code(),
    ]  # fmt: skip
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).digest()


@lru_cache(maxsize=1)
def _code() -> str:
    """Return a hash of the code that looks at files: what other code has seen is not taken over."""
    digest = hashlib.sha256(maskwright.__version__.encode())
    home = Path(maskwright.__file__).parent
    for place in (home / name for name in _LOOKING):
        for path in sorted(place.glob("*.py")) or [place]:
            with suppress(OSError):  # installed without sources: the version alone must do
                digest.update(path.read_bytes())
    return digest.hexdigest()


# --- where the facts lie --------------------------------------------------------------------------------------------


def _files_of(place: Path, owner: bytes) -> list[Path]:
    """Return the files of a set, the newest first: one, or several where several checks ran at once."""
    try:
        found = [(entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(place)
                 if entry.name.startswith(f"{owner.hex()}-")]  # fmt: skip
    except OSError:
        return []
    return [Path(path) for _, path in sorted(found, reverse=True)]


def _newest(files: list[Path], owner: bytes) -> KeptFacts | None:
    """Open the newest file that is whole and the set's own; None without one."""
    for path in files:
        try:
            known = KeptFacts(open(path, "rb"))  # noqa: SIM115 (closed with the facts)
            if known.owner == owner:
                os.utime(path)
                return known
        except (DataError, OSError):
            continue  # not whole, or removed by another check just now
    return None


def _new_file(place: Path, owner: bytes) -> BinaryIO:
    """Open a file of facts that nobody else writes: in the cache, else, if that cannot be written, without a name."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        return open(place / f"{owner.hex()}-{secrets.token_hex(4)}.facts", "x+b")
    except OSError:
        try:
            return tempfile.TemporaryFile()  # noqa: SIM115 (closed with the facts)
        except OSError as error:
            raise output_error(error, Path(tempfile.gettempdir())) from error


def forget_facts(dataset: Dataset) -> None:
    """Remove what is kept of a set whose folder will not be there any more; facts in use stay readable."""
    for path in _files_of(cache_folder() / "facts", _owner(dataset)):
        with suppress(OSError):
            path.unlink()


def _clear(place: Path, replaced: list[Path]) -> None:
    """Remove the files that a new one has replaced, what killed checks have left, and what nobody used for long."""
    now = time.time()
    with suppress(OSError):
        for entry in os.scandir(place):
            age = now - entry.stat().st_mtime
            if Path(entry.path) in replaced and _is_whole(Path(entry.path)) or age > _UNUSED_SECONDS:
                Path(entry.path).unlink(missing_ok=True)
            elif age > _UNFINISHED_SECONDS and not _is_whole(Path(entry.path)):
                Path(entry.path).unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    try:
        KeptFacts(open(path, "rb"))  # noqa: SIM115 (closed with the facts)
    except (DataError, OSError):
        return False
    return True
