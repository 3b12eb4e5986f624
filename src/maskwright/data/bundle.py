"""A folder of archives as they were downloaded, side by side, read as if each were unpacked there.

images.tar.gz and annotations.tar.gz, train.zip and train_masks.zip: such a folder holds no pictures of its own.
"""

import hashlib
import os
import shutil
from pathlib import Path

from maskwright.data.archive import Budget, content_key, is_archive_name, unpack_into
from maskwright.data.names import shown, some, suffix_of
from maskwright.data.scan import is_picture
from maskwright.errors import DataError
from maskwright.files import cache_folder, make_folder, whole_folder

_LARGEST_NOTE = 20_000_000  # bytes of a list or table that lies beside the archives
_TABLES = (".txt", ".csv", ".tsv", ".json", ".yaml", ".yml", ".lst")
_CARVANA = frozenset({"train.zip", "train_masks.zip"})  # what its other archives hold has no masks, or is a copy


def unpack_bundle(folder: Path, packed: int | None = None) -> tuple[Path, tuple[str, ...]] | None:
    """Unpack the archives of a folder into one folder of the cache; None if it is no folder of archives.

    packed: bytes of the archive that the folder itself came from, if it did: the limit to what all of them together
    unfold to hangs on what was given, since archives within archives may be as many and as large as they like.

    Raises DataError for an archive that is damaged or escapes, or two that hold the same file.
    """
    archives, tables = _held(folder)
    if not archives:
        return None
    notes: tuple[str, ...] = ()
    if _CARVANA <= {path.name for path in archives}:
        left = sorted(path.name for path in archives if path.name not in _CARVANA)
        archives = [path for path in archives if path.name in _CARVANA]
        notes = (f"archives of Carvana that are not needed are left packed: {some(left)}",) if left else ()
    target = cache_folder() / "archives" / _key(archives, tables)
    if not target.is_dir():
        make_folder(target.parent)
        with whole_folder(target) as temporary:
            budget = Budget.of(packed if packed is not None else sum(path.stat().st_size for path in archives))
            for path in archives:
                _add(path, temporary, budget)
            for path in tables:
                shutil.copyfile(path, temporary / path.name)
    return target, (f"unpacked {some([path.name for path in archives], 8)} into the cache", *notes)


def _held(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return archives and tables of a folder that holds nothing else of interest; nothing if it does."""
    archives, tables = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name == "__MACOSX":
                    continue
                if not entry.is_file() or is_picture(folder, entry.name):
                    return [], []
                if suffix_of(entry.name) in _TABLES:
                    if entry.stat().st_size <= _LARGEST_NOTE:
                        tables.append(Path(entry.path))
                elif is_archive_name(entry.name):
                    archives.append(Path(entry.path))
    except OSError:
        return [], []  # scanning the folder says what is wrong
    return sorted(archives), sorted(tables)


def _key(archives: list[Path], tables: list[Path]) -> str:
    digest = hashlib.sha256(b"bundle 1")
    for path in archives:
        digest.update(f"{path.name}\0{content_key(path)}\0".encode("utf-8", "surrogateescape"))
    for path in tables:
        digest.update(f"{path.name}\0".encode("utf-8", "surrogateescape"))
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _add(path: Path, folder: Path, budget: Budget) -> None:
    """Unpack an archive: its folders beside the others', loose files into a folder of the archive's name."""
    with whole_folder(folder / f".{path.name}.unpacked") as temporary:
        unpack_into(path, temporary, budget=budget)
    unpacked = folder / f".{path.name}.unpacked"
    loose = any(not item.is_dir() for item in unpacked.iterdir())
    _merge(unpacked, folder / _stem(path.name) if loose else folder, path)


def _merge(source: Path, target: Path, archive: Path) -> None:
    """Move what a folder holds into another. Raises DataError for a file that is there already."""
    make_folder(target)
    for item in sorted(source.iterdir()):
        place = target / item.name
        if item.is_dir() and place.is_dir():
            _merge(item, place, archive)
        elif place.exists():
            raise DataError(
                f"Two archives hold the same file: {shown(item.name)}.", where=str(archive),
                fix="unpack them yourself, each into a folder of its own")  # fmt: skip
        else:
            os.rename(item, place)
    source.rmdir()


def _stem(name: str) -> str:
    for ending in (".tar.gz", ".tar.bz2", ".tar.xz"):
        if name.casefold().endswith(ending):
            return name[: -len(ending)]
    return name.rpartition(".")[0] or name
