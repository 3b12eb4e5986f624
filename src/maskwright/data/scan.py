"""Which files lie under a folder: names only, no content but the first bytes of files without a telling suffix.

Follows links to folders, but enters no folder twice. Named pipes, devices and broken links are listed, never opened.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from maskwright.data.names import SUFFIXES, suffix_of
from maskwright.errors import DataError

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_IGNORED = frozenset(("Thumbs.db", "desktop.ini", "__MACOSX"))
MAX_DEPTH = 64


@dataclass
class Listing:
    """What lies under `root`, as relative paths with forward slashes, sorted.

    pictures: by suffix, or by their first bytes where the suffix tells nothing. others: every other visible file.
    problems: (path, what is wrong) of what could not be entered or is no file.
    sealed: folders whose names end with `seal`, which are not entered. hidden: how many files were passed over because
    their name says that they are nobody's data (.DS_Store).
    """

    root: Path
    pictures: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    hidden: int = 0
    seal: str = ""
    sealed: list[str] = field(default_factory=list)
    enter: Callable[[str], bool] = lambda folder: True


def scan(root: Path, *, seal: str = "", enter: Callable[[str], bool] = lambda folder: True) -> Listing:
    """List what lies under a folder. Raises DataError where the folder itself cannot be read.

    seal: folders whose names end so are not entered. enter: says which others are, by their relative paths.
    """
    listing = Listing(root, seal=seal, enter=enter)
    try:
        top = os.stat(root)
        os.scandir(root).close()
    except OSError as error:
        raise DataError(
            f"The folder cannot be read: {error.strerror}.", where=str(root), fix="check its permissions"
        ) from error
    seen = {(top.st_dev, top.st_ino)}
    waiting = [("", 0)]
    links: list[tuple[str, int]] = []
    while waiting or links:
        folder, depth = waiting.pop() if waiting else links.pop(0)
        if depth > MAX_DEPTH:
            listing.problems.append((folder, f"is more than {MAX_DEPTH} folders deep"))
            continue
        _enter(listing, folder, depth, seen, waiting, links)
    listing.pictures.sort()
    listing.others.sort()
    listing.problems.sort()
    listing.sealed.sort()
    return listing


def _enter(
    listing: Listing,
    folder: str,
    depth: int,
    seen: set[tuple[int, int]],
    waiting: list[tuple[str, int]],
    links: list[tuple[str, int]],
) -> None:
    try:
        with os.scandir(listing.root / folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        listing.problems.append((folder, f"cannot be entered: {error.strerror}"))
        return
    if folder and not _mark(os.stat(listing.root / folder), seen):
        return
    for entry in found:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if is_nobodys(entry.name):
            listing.hidden += 1
            continue
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError as error:
            listing.problems.append((path, f"cannot be followed: {error.strerror}"))
            continue
        if is_folder and listing.seal and entry.name.endswith(listing.seal):
            listing.sealed.append(path)
        elif is_folder and not listing.enter(path):
            continue
        elif is_folder:
            (links if entry.is_symlink() else waiting).append((path, depth + 1))
        elif not is_file:
            link = entry.is_symlink()
            listing.problems.append((path, "is a link that leads nowhere" if link else "is a pipe, socket or device"))
        else:
            (listing.pictures if is_picture(listing.root, path) else listing.others).append(path)


def is_nobodys(name: str) -> bool:
    """Whether the name of a file or folder says that it is nobody's data (.DS_Store)."""
    return name.startswith(".") or name in _IGNORED


def _mark(status: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    """Note that a folder is entered; False if it was before. Where the system gives no numbers, nothing is known."""
    key = (status.st_dev, status.st_ino)
    if status.st_ino and key in seen:
        return False
    seen.add(key)
    return True


def is_picture(root: Path, path: str) -> bool:
    """Whether a file is a picture by its suffix, or by its first bytes where the suffix tells nothing."""
    suffix = suffix_of(path)
    if suffix in SUFFIXES:
        return True
    if suffix and not suffix[1:].isdigit():
        return False
    try:
        with open(root / path, "rb") as file:
            start = file.read(12)
    except OSError:
        return False
    return start.startswith(_SIGNATURES) or (start[:4] == b"RIFF" and start[8:] == b"WEBP")
