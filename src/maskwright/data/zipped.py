"""The files of a zip archive, read one by one without unpacking it: nothing is written, and memory holds a few files.

The limits are those of unpacking, and one more to the size of a single file, since it is read whole.
"""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO

from maskwright.data.archive import DAMAGED, MAX_FILES, Budget, path_below, path_that_escapes
from maskwright.data.names import shown
from maskwright.data.scan import is_nobodys
from maskwright.errors import DataError
from maskwright.images.opening import MAX_ENCODED, check_encoded


class Zipped:
    """An open zip archive. Its files may be read in any thread; `close` it at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._alone = Lock()
        with _telling(path):
            self._budget = Budget.of(os.stat(path).st_size)
            self._archive = zipfile.ZipFile(path)

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def files(self) -> list[tuple[str, zipfile.ZipInfo]]:
        """Return (relative path, entry) of each visible file, as it stands in the archive.

        Where all lie in one folder, paths begin below it, as they do when a data set is given as an archive. Links and
        devices are left out. Raises DataError for a path that escapes, or too many files.
        """
        entries = [info for info in self._archive.infolist() if not info.is_dir()]
        if len(entries) > MAX_FILES:
            raise _too_large(self.path, f"It holds more than {MAX_FILES} files.")
        found = []
        for info in entries:
            path = path_below(info.filename)
            if path is None:
                raise path_that_escapes(info.filename, self.path)
            kind = (info.external_attr >> 16) & 0o170000
            if kind in (0, 0o100000) and path.parts and not any(map(is_nobodys, path.parts)):
                found.append((path.as_posix(), info))
        return _below_the_only_folder(found)

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Return the content of a file. Raises DataError."""
        where = f"{self.path}/{shown(info.filename)}"
        with self._alone:
            limit = min(MAX_ENCODED, self._budget.bytes)
        with _telling(Path(where)), self._opened(info) as stream:
            content = stream.read(limit + 1)  # headers may lie about the size
        check_encoded(len(content), where)
        if len(content) > limit:
            raise _too_large(self.path, "It unfolds to far more than its own size.")
        with self._alone:
            self._budget.bytes -= len(content)
        return content

    @contextmanager
    def _opened(self, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        """Open a file: only reading is safe in several threads, the counting of open files is not."""
        with self._alone:
            stream = self._archive.open(info)
        try:
            yield stream
        finally:
            with self._alone:
                stream.close()


def _below_the_only_folder(found: list[tuple[str, zipfile.ZipInfo]]) -> list[tuple[str, zipfile.ZipInfo]]:
    folders = [path.split("/")[:-1] for path, _ in found]
    common = len(os.path.commonprefix(folders)) if folders else 0
    return [("/".join(path.split("/")[common:]), info) for path, info in found]


@contextmanager
def _telling(where: Path) -> Iterator[None]:
    """Turn what reading an archive raises into a DataError."""
    try:
        yield
    except DataError:
        raise
    except (*DAMAGED, OSError) as error:
        raise DataError(
            f"The archive is damaged, encrypted or of an unknown kind ({error}).", where=str(where),
            fix="download or pack it again, without a password") from error  # fmt: skip


def _too_large(path: Path, what: str) -> DataError:
    return DataError(what, where=str(path), fix="unpack it yourself, if you trust it, and name the folder")
