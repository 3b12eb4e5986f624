"""A picture that is to be predicted, wherever it lies: what it is called, how it is opened, what tells that it changed.

On disk, in an archive, in memory, or in a store. Which pictures are meant is `predict_listing.py`'s affair.
"""

import hashlib
import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.data.remote import Stored
from maskwright.data.zipped import Zipped
from maskwright.images.formats import Source
from maskwright.images.opening import Encoded

State = Mapping[str, Any]  # plain values that are the same as long as the picture is


class Picture(ABC):
    """A picture that can be opened, any number of times."""

    __slots__ = ()

    @property
    def file(self) -> Path | None:
        """Its path, where it is a file or folder on disk."""
        return None

    @property
    def far(self) -> bool:
        """Whether opening it waits for a network."""
        return False

    @property
    @abstractmethod
    def where(self) -> str:
        """What people call it: a path or an address, nothing secret."""

    @abstractmethod
    def open(self) -> Source:
        """Return what the decoder reads. Raises DataError."""

    @abstractmethod
    def state(self) -> State | None:
        """Return what tells whether it is still the same picture; None where that cannot be told."""

    def seen_from(self, folder: Path) -> str:
        """Return what a file in a folder calls the picture."""
        return self.where


@dataclass(frozen=True, slots=True)
class OnDisk(Picture):
    """A file, or a folder that is a Zarr array."""

    path: Path

    @property
    def file(self) -> Path:
        """Its path."""
        return self.path

    @property
    def where(self) -> str:
        """Its path."""
        return str(self.path)

    def open(self) -> Source:
        """Return its path."""
        return self.path

    def state(self) -> State | None:
        """Return size and time of change; None where it is gone."""
        try:
            files = [path for path in self.path.rglob("*") if path.is_file()] if self.path.is_dir() else [self.path]
            found = [os.stat(path) for path in files]
        except OSError:
            return None
        size, latest = sum(one.st_size for one in found), max((one.st_mtime_ns for one in found), default=0)
        return {"size": size, "mtime_ns": latest}

    def seen_from(self, folder: Path) -> str:
        """Return its path relative to the folder; whole, where none leads there from another drive."""
        picture = os.path.abspath(self.path)
        try:
            return os.path.relpath(picture, os.path.abspath(folder))
        except ValueError:
            return picture


@dataclass(frozen=True, slots=True)
class Unpacked(OnDisk):
    """A file of an archive that was unpacked into the cache. archive: its path. content: a digest of what it holds."""

    archive: Path
    content: str
    name: str

    @property
    def where(self) -> str:
        """The archive's path, and the name in it."""
        return f"{self.archive}/{self.name}"

    def state(self) -> State | None:
        """Return what the archive holds, and which file of it this is: times in the cache tell nothing."""
        return {"archive": self.content, "name": as_text(self.name)}

    def seen_from(self, folder: Path) -> str:
        """Return archive and name: the cache may be cleared."""
        return self.where


@dataclass(frozen=True, slots=True)
class InZip(Picture):
    """A file of an open zip archive."""

    archive: Zipped
    entry: zipfile.ZipInfo

    @property
    def where(self) -> str:
        """The archive's path, and the name in it."""
        return f"{self.archive.path}/{self.entry.filename}"

    def open(self) -> Source:
        """Read it into memory. Raises DataError."""
        return Encoded(self.archive.read(self.entry), self.where)

    def state(self) -> State | None:
        """Return its size and checksum."""
        return {"size": self.entry.file_size, "crc32": self.entry.CRC}


@dataclass(frozen=True, slots=True)
class InMemory(Picture):
    """A picture file's content."""

    content: Encoded

    @property
    def where(self) -> str:
        """Its name."""
        return self.content.name

    def open(self) -> Source:
        """Return it."""
        return self.content

    def state(self) -> State | None:
        """Return its size and digest."""
        content = self.content.content
        return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@dataclass(frozen=True, slots=True)
class InStore(Picture):
    """An object of a store, or a picture on the web."""

    stored: Stored

    @property
    def far(self) -> bool:
        """It is fetched."""
        return True

    @property
    def where(self) -> str:
        """Its address."""
        return self.stored.address

    def open(self) -> Source:
        """Fetch it. Raises DataError."""
        return Encoded(self.stored.fetch(), self.where)

    def state(self) -> State | None:
        """Return its size and what the store says of its version; None where it says nothing."""
        return {"size": self.stored.size, "version": self.stored.version} if self.stored.version else None


Named = list[tuple[Picture, Path]]  # (picture, name relative to its input)


def as_text(path: str | Path) -> str:
    """Return a path with plain slashes, as text that can be written: a file's name need not be any."""
    return Path(path).as_posix().encode("utf-8", "backslashreplace").decode()
