"""Fetching a public set: download, compare, unpack, and put the folders where its readers expect them, all or none.

Everything on its way lies in FOLDER/.fetch; what is complete there is never done again. SOURCE.txt is written there
first and moved last: as long as it lies there, a call that was stopped has not put everything in place. Archives that
the user has put into FOLDER by hand are compared and used.
"""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from maskwright.data.archive import unpack_into
from maskwright.data.names import shown, some
from maskwright.data.public import kaggle
from maskwright.data.public.catalogue import Archive, PublicSet, find_set
from maskwright.data.public.fetched import Fetched, Item, source_text
from maskwright.download import Manner, download, file_checksum
from maskwright.errors import DataError, MaskwrightError, OutputError
from maskwright.files import make_folder, output_error, size_in_words, whole_folder, write_json, write_text
from maskwright.progress import Progress, Step, ignore

_UNFOLDED = 1.1  # of its own size, what an archive of pictures unpacks to at most; bytes
_SPARE = 100_000_000
_SOURCE = "SOURCE.txt"


def fetch(
    name: str | PublicSet,
    output: str | Path | None = None,
    *,
    keep_archives: bool = False,
    progress: Progress = ignore,
    manner: Manner | None = None,
) -> Fetched:
    """Fetch a public set into a folder named after it, or into `output`; what is there already is left as it is.

    name: of the catalogue, or an entry of one's own. keep_archives: leave the archives beside the folders.
    manner: how to ask (timeout, waits); default: patiently.

    Raises ConfigError (no such set), MaskwrightError (no network, no token, refused), DataError (not what was
    published, damaged) and OutputError (disk full, in the way). A broken fetch goes on when called again.
    """
    entry = find_set(name) if isinstance(name, str) else name
    folder = Path(output) if output is not None else Path(entry.name)
    work = folder / ".fetch"
    todo = _find_todo(entry, folder, work)
    if not todo:
        shutil.rmtree(work, ignore_errors=True)  # of a call that was stopped while it cleared up
        return Fetched(entry, folder, tuple(Item(archive.name, there=True) for archive in entry.archives))
    make_folder(work)
    try:
        _check_room(entry, folder, work, todo)
        asking = _with_token(entry, folder, work, todo, manner or Manner())
        for line in _announcement(entry, todo):
            progress(Step("fetch", text=line))
        done = {archive.name: _get(archive, folder, work, asking, keep_archives, progress) for archive in todo}
        items = tuple(done.get(archive.name, Item(archive.name, there=True)) for archive in entry.archives)
        write_text(work / _SOURCE, source_text(entry, items))
        _put_in_place(folder, work, todo, keep_archives)
        shutil.rmtree(work, ignore_errors=True)
    finally:
        _remove_empty(work, folder)
    return Fetched(entry, folder, items)


def _remove_empty(*folders: Path) -> None:
    """Leave no empty folder behind where nothing came."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return  # not empty, or gone


def _announcement(entry: PublicSet, todo: list[Archive]) -> tuple[str, ...]:
    """Say what comes and under which terms, before it does."""
    exact = "" if all(archive.expected.size for archive in todo) else "about "
    size = sum(archive.size for archive in todo)
    return (
        f"{entry.title}: {entry.task}; {entry.pictures:,} pictures, {exact}{size_in_words(size)}",
        f"licence   {entry.licence}   (see {entry.home})",
        f"cite      {entry.citation}",
        *(f"{archive.name}: no checksum is published; its length and its own checksums are compared"
          for archive in todo if not archive.expected.checksum),
    )  # fmt: skip


def _is_there(folder: Path, archive: Archive) -> bool:
    return all((folder / place).exists() for place in archive.unpacks_to)


def _find_todo(entry: PublicSet, folder: Path, work: Path) -> list[Archive]:
    """Return the archives that are not there, and those that a stopped call has not put in place with all the rest.

    What such a call has unpacked is forgotten where a part of it is neither there nor in its place any more.
    """
    stopped = (work / _SOURCE).exists()
    todo = []
    for archive in entry.archives:
        unpacked = work / _unpacked(archive)
        if _is_there(folder, archive) and not (stopped and unpacked.exists()):
            continue
        todo.append(archive)
        if any(not source.exists() and not target.exists() for source, target in _moves(archive, folder, work)):
            shutil.rmtree(unpacked, ignore_errors=True)
    return todo


def _moves(archive: Archive, folder: Path, work: Path) -> list[tuple[Path, Path]]:
    """Return (from, to) of what an archive brings, once it is unpacked."""
    top = work / _unpacked(archive) / archive.inside
    return [(top / place, folder / place) for place in archive.unpacks_to]


def _is_moved(source: Path, target: Path, work: Path, archive: Archive) -> bool:
    """Whether an earlier call has put this in place already."""
    return (work / _unpacked(archive)).exists() and target.exists() and not source.exists()


# --- before anything is asked for -----------------------------------------------------------------------------------


def _check_room(entry: PublicSet, folder: Path, work: Path, todo: list[Archive]) -> None:
    """Raise OutputError where something is in the way or space is short."""
    for archive in todo:
        standing = [
            str(target.relative_to(folder)) for source, target in _moves(archive, folder, work)
            if target.exists() and not _is_moved(source, target, work, archive)
        ]  # fmt: skip
        if standing:
            raise OutputError(
                f"A part of {archive.name} is there already: {some(standing)}.", where=str(folder),
                fix="remove it, or fetch into another folder (-o FOLDER)")  # fmt: skip
    missing = sum(int(archive.size * _UNFOLDED) for archive in todo if not (work / _unpacked(archive)).exists())
    largest = max((_still_to_come(archive, folder, work) for archive in todo), default=0)
    free = shutil.disk_usage(work).free
    if free < missing + largest + _SPARE:
        raise OutputError(
            f"{entry.title} needs about {(missing + largest) / 1e9:.1f} GB here while it is unpacked; "
            f"{free / 1e9:.1f} GB are free.", where=str(folder),
            fix="free some space, or fetch into a folder on another disk (-o FOLDER)")  # fmt: skip


def _unpacked(archive: Archive) -> str:
    return f"{archive.name}.unpacked"


def _still_to_come(archive: Archive, folder: Path, work: Path) -> int:
    if (folder / archive.name).exists() or (work / archive.name).exists() or (work / _unpacked(archive)).exists():
        return 0
    part = work / f"{archive.name}.part"
    return max(0, archive.size - (part.stat().st_size if part.exists() else 0))


def _with_token(entry: PublicSet, folder: Path, work: Path, todo: list[Archive], manner: Manner) -> Manner:
    """Add the token that the set's account needs, where anything must be asked for. Raises MaskwrightError."""
    absent = [archive for archive in todo if not any((place / archive.name).exists() for place in (folder, work))]
    absent = [archive for archive in absent if not (work / _unpacked(archive)).exists()]
    if entry.account != "kaggle" or not absent:
        return manner
    rules = f"{entry.home}/rules"
    token = kaggle.authorization()
    if token is None:
        names = " and ".join(archive.name for archive in absent)
        raise kaggle.missing(
            entry.title, rules, f"download {names} with a browser into {folder}, then run the same command again"
        )
    return replace(manner, headers={"Authorization": token}, explain=lambda code: kaggle.refusal(code, rules))


# --- one archive ----------------------------------------------------------------------------------------------------


def _get(archive: Archive, folder: Path, work: Path, manner: Manner, keep_archives: bool, progress: Progress) -> Item:
    """Have one archive unpacked in the working folder; a note there says where it came from."""
    note = work / f"{archive.name}.json"
    if (work / _unpacked(archive)).exists() and (item := _noted(note)) is not None:
        return item
    by_hand = folder / archive.name
    if by_hand.exists():
        path, address = by_hand, ""
        _compare(by_hand, archive)
    else:
        path, address = _download(archive, work, manner, progress)
    progress(Step("unpack", text=f"unpacking {archive.name}"))
    checksum = archive.expected.checksum
    if not checksum.startswith("sha256:"):
        checksum = file_checksum(path)
    try:
        links = _unpack(path, archive, work, progress)
    except DataError:  # it would prove wrong again
        if address:
            path.unlink()
        raise
    item = Item(archive.name, address, path.stat().st_size, checksum, bool(archive.expected.checksum), links=links)
    write_json(note, {**vars(item)})
    if address and not keep_archives:
        path.unlink()
    return item


def _noted(note: Path) -> Item | None:
    try:
        return Item(**json.loads(note.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _compare(path: Path, archive: Archive) -> None:
    """Compare an archive that was put there by hand. Raises DataError."""
    expected = archive.expected
    size = path.stat().st_size
    wrong = ""
    if expected.size is not None and size != expected.size:
        wrong = f"has {size:,} bytes; it was published with {expected.size:,}"
    elif expected.checksum and file_checksum(path, expected.checksum.partition(":")[0]) != expected.checksum:
        wrong = "does not match the published checksum"
    if wrong:
        raise DataError(f"{shown(path.name)} {wrong}.", where=str(path), fix="remove it and run the same command again")


def _download(archive: Archive, work: Path, manner: Manner, progress: Progress) -> tuple[Path, str]:
    """Download from the first address that has it; another one is tried only where nothing has arrived yet."""
    path = work / archive.name
    by_hand = (
        f"connect to the network, or put {archive.name} into {work.parent} by hand; then run the same command again"
    )
    manner = replace(manner, offline_fix=by_hand)
    first: MaskwrightError | None = None
    for address in archive.addresses:
        try:
            return download(address, path, archive.expected, manner, progress=progress), address
        except MaskwrightError as error:
            if isinstance(error, OutputError) or path.with_name(f"{path.name}.part").exists():
                raise
            first = first or error
    raise first or DataError(f"{archive.name} has no address.", fix="give one in the entry's addresses")


def _unpack(path: Path, archive: Archive, work: Path, progress: Progress) -> int:
    """Unpack whole or not at all, and see that it holds what it should. Raises DataError."""

    def told(files: int) -> None:
        if files % 100 == 0:
            progress(Step("unpack", files, text=f"files of {archive.name}"))

    with whole_folder(work / _unpacked(archive)) as temporary:
        links = unpack_into(path, temporary, told)
        top = temporary / archive.inside
        lacking = [place for place in archive.unpacks_to if not (top / place).exists()]
        if lacking:
            held = sorted(entry.name for entry in top.iterdir()) if top.is_dir() else []
            raise DataError(
                f"{archive.name} does not hold {some(lacking)}" + (f"; it holds {some(held)}." if held else "."),
                where=str(path), fix="the archive was replaced: look at the set's own page")  # fmt: skip
    return links


# --- in place -------------------------------------------------------------------------------------------------------


def _put_in_place(folder: Path, work: Path, todo: list[Archive], keep_archives: bool) -> None:
    """Move what was unpacked into the folder, SOURCE.txt last: all of it, or after a failure none. Raises OutputError.

    What an earlier call has moved, before it was stopped, stays where it is.
    """
    moves = [
        (source, target) for archive in todo for source, target in _moves(archive, folder, work)
        if not _is_moved(source, target, work, archive)
    ]  # fmt: skip
    if keep_archives:
        moves += [(work / archive.name, folder / archive.name) for archive in todo if (work / archive.name).exists()]
    moved: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            if target.exists():
                raise FileExistsError(17, "a file or folder of that name stands there", str(target))
            make_folder(target.parent)
            os.rename(source, target)
            moved.append((source, target))
        os.replace(work / _SOURCE, folder / _SOURCE)
    except OSError as error:
        (work / _SOURCE).unlink(missing_ok=True)
        for source, target in reversed(moved):
            os.rename(target, source)
        raise error if isinstance(error, OutputError) else output_error(error, folder) from error
