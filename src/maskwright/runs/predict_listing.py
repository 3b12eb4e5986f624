"""Which pictures `predict` is asked for: files, folders, patterns, archives, addresses, and content in memory.

Names are what the output mirrors. What an earlier `predict` wrote is no input. No picture is opened here.
"""

import os
import zipfile
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from maskwright.data.archive import is_archive_name, path_below, unpack
from maskwright.data.names import SUFFIXES, folder_of, suffix_of
from maskwright.data.patterns import is_pattern, split_pattern
from maskwright.data.remote import Stored, find_stored, is_address, local_path, split_address, without_secrets
from maskwright.data.scan import Listing, is_nobodys, scan
from maskwright.data.zipped import Zipped
from maskwright.errors import DataError
from maskwright.files import cache_folder
from maskwright.images.opening import Encoded
from maskwright.images.zarrs import SUFFIX as ZARR
from maskwright.images.zarrs import is_zarr
from maskwright.runs.predict_kinds import KINDS, USUAL
from maskwright.runs.predict_record import RECORD, read_record
from maskwright.runs.predict_sources import InMemory, InStore, InZip, Named, OnDisk, Unpacked

_FOLDERS = tuple(kind.folder for kind in KINDS.values())
_USUAL_FOLDERS = tuple(KINDS[kind].folder for kind in USUAL)  # also where no record says that they are ours
_PATTERN = "check it: '*' stays within one folder, '**' is any number of folders"

Input = str | os.PathLike[str] | Encoded
Problems = list[tuple[str, DataError]]


def list_pictures(inputs: Sequence[Input], output: Path, held: ExitStack) -> tuple[Named, Problems]:
    """Return the pictures of all inputs, in order, and what in folders cannot be followed or entered.

    output: what `predict` wrote there is left out. held: closes, at the end, what the pictures are read from.
    Raises DataError for an input that is not there or holds no pictures; as `find_stored` for addresses.
    """
    found: Named = []
    problems: Problems = []
    for given in inputs:
        pictures, wrong = _listed(given, output, held)
        found += pictures
        problems += wrong
    return found, problems


def _listed(given: Input, output: Path, held: ExitStack) -> tuple[Named, Problems]:
    if isinstance(given, Encoded):
        return [(InMemory(given), Path(Path(given.name).name))], []
    text = os.fspath(given)
    if is_address(text):
        local = local_path(text)
        if local is None:
            return _in_store(text)
        text = local
    path = Path(text)
    if is_zarr(path):
        return [(OnDisk(path), Path(path.name))], []
    if os.path.isdir(path):
        listing, names = _below(path, output)
        if not names:
            raise DataError("The folder holds no pictures.", where=text, fix="name a folder with pictures")
        return [(OnDisk(path / name), Path(name)) for name in names], _problems(listing)
    if os.path.exists(path):
        return (_in_archive(path, output, held) if _is_archive(path) else [(OnDisk(path), Path(path.name))]), []
    if is_pattern(text):
        return _matching(text, output, held)
    raise DataError("There is no such picture or folder.", where=text, fix="check the path")


def _below(folder: Path, output: Path, enter: Callable[[str], bool] = lambda name: True) -> tuple[Listing, list[str]]:
    """Return what lies below a folder, and the pictures of it, as training reads it, without what `predict` wrote."""
    listing = scan(folder, seal=ZARR, enter=enter)
    made = _made_by_predict(listing, output)
    arrays = [name for name in listing.sealed if is_zarr(folder / name)]
    return listing, [name for name in sorted([*listing.pictures, *arrays]) if not name.startswith(made)]


def _problems(listing: Listing, meant: Callable[[str], bool] = lambda name: True) -> Problems:
    fix = "put it right, or take it out of the folder"
    wrong = [(str(listing.root / name), what) for name, what in listing.problems if meant(name)]
    return [(path, DataError(f"It {what}.", where=path, fix=fix)) for path, what in wrong]


def _made_by_predict(listing: Listing, output: Path) -> tuple[str, ...]:
    """Return the beginnings of relative paths below which lies what `predict` writes: of this output, and of others."""
    outputs = [
        folder_of(path) for path in listing.others
        if path.rpartition("/")[2] == RECORD and read_record(listing.root / path) is not None
    ]  # fmt: skip
    made = [listing.root / folder / name for folder in outputs for name in _FOLDERS]
    made += [output / name for name in _USUAL_FOLDERS]
    root = listing.root.resolve()
    below = [folder.resolve() for folder in made]
    return tuple(f"{path.relative_to(root).as_posix()}/" for path in below if root in path.parents)


def _matching(text: str, output: Path, held: ExitStack) -> tuple[Named, Problems]:
    """Return the pictures that a pattern means, and those of archives that it means."""
    fixed, pattern = split_pattern(Path(text).parts)
    root = Path(*fixed)
    if not root.is_dir():
        raise DataError("Nothing matches: its beginning is no folder.", where=text, fix=f"check the path {root}")
    listing, names = _below(root, output, pattern.may_hold)

    def meant(name: str) -> bool:
        return pattern.matches(name) or (os.path.isdir(root / name) and pattern.may_hold(name))

    found: Named = [(OnDisk(root / name), Path(name)) for name in names if pattern.matches(name)]
    for name in listing.others:
        if is_archive_name(name) and pattern.matches(name):
            found += _in_archive(root / name, output, held)
    if not found:
        raise DataError("No picture matches.", where=text, fix=_PATTERN)
    return found, _problems(listing, meant)


def _is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive; one whose name says that it is a picture is not looked into."""
    if is_archive_name(path.name):
        return True
    return suffix_of(path.name) not in SUFFIXES and os.path.isfile(path) and zipfile.is_zipfile(path)


def _in_archive(path: Path, output: Path, held: ExitStack) -> Named:
    """Return the pictures of an archive: a zip is read as it is, of others the content is unpacked into the cache."""
    found: Named
    if zipfile.is_zipfile(path):
        archive = held.enter_context(closing(Zipped(path)))
        entries = dict(archive.files())
        found = [(InZip(archive, entries[name]), Path(name)) for name in _pictures_of(entries)]
    else:
        folder, _ = unpack(path)
        _, key, *inner = folder.relative_to(cache_folder()).parts
        _, names = _below(folder, output)
        found = [(Unpacked(folder / name, path, key, "/".join((*inner, name))), Path(name)) for name in names]
    if not found:
        raise DataError("The archive holds no pictures.", where=str(path), fix="name an archive with pictures")
    return found


def _in_store(address: str) -> tuple[Named, Problems]:
    """Return the picture of an address, or those below it that are meant."""
    said = without_secrets(address)
    if is_archive_name(said):
        raise DataError("Archives are read from disk alone.", where=said, fix="download it, and name the file")
    folder, pattern = split_address(address)
    there = find_stored(folder)
    if isinstance(there, Stored):
        found, names = {there.name: there}, [there.name]
    else:
        found = there
        names = [name for name in _pictures_of(found) if pattern is None or pattern.matches(name)]
    if not names:
        what = "No picture matches." if pattern else "There are no pictures."
        raise DataError(what, where=said, fix=_PATTERN if pattern else "check the address")
    pictures: Named = []
    problems: Problems = []
    for name in names:
        path, picture = path_below(name), InStore(found[name])
        if path is not None and path.parts:
            pictures.append((picture, Path(path)))
        else:
            error = DataError("Its name leads elsewhere.", where=picture.where, fix="give it a name without '..'")
            problems.append((picture.where, error))
    return pictures, problems


def _pictures_of(names: Collection[str]) -> list[str]:
    """Return, sorted, which names are pictures by their suffix, without what an earlier `predict` wrote."""
    outputs = [name.removesuffix(RECORD) for name in names if name.rpartition("/")[2] == RECORD]
    made = tuple(f"{folder}{kind}/" for folder in outputs for kind in _FOLDERS)
    pictures = [name for name in names if suffix_of(name) in SUFFIXES and not name.startswith(made)]
    return sorted(name for name in pictures if not any(is_nobodys(part) for part in name.split("/") if part != ".."))
