"""The facts of a whole set in one file: written row after row, read back row by row, so that memory stays small.

The file: a head; the prints, each of PRINT_BYTES; what is of no fixed length, as `keeping.py` writes it; a table of
where each row lies. The head is written last: a file without it is not whole, and is not used.
Knows rows and their keys; which row belongs to which files is `reading.py`'s.
"""

import os
import struct
import threading
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from maskwright.audit.facts import MaskFacts, PairFacts, PictureFacts
from maskwright.audit.keeping import mask_bytes, mask_from, picture_bytes, picture_from
from maskwright.audit.prints import PRINT_BYTES, PicturePrint
from maskwright.data.dataset import Dataset
from maskwright.errors import DataError
from maskwright.files import output_error

KEY_BYTES = 16
DIGEST_BYTES = 16
_MAGIC = b"MWFACTS1"
_HEAD = struct.Struct("<8s16sIQQQI")  # magic, whose, PRINT_BYTES, rows, where the table begins, its end, its checksum
_ROW = np.dtype([
    ("key", "u1", (KEY_BYTES,)), ("digest", "u1", (DIGEST_BYTES,)), ("start", "<u8"), ("picture", "<u4"),
    ("mask", "<u4"), ("checksum", "<u4"), ("printed", "u1"),
])  # fmt: skip
_BLOCK = 256  # rows read, or written, at a time
_BLOCKS = 4  # blocks that stay in memory

Row = TypeVar("Row")
_Block = tuple[str, list[int], list[int], list[int]]  # rows, where each begins, where its mask begins, where it ends


class Column(Sequence[Row], Generic[Row]):
    """Rows that are made when they are asked for."""

    def __init__(self, length: int, row: Callable[[int], Row]) -> None:
        self._length = length
        self._row = row

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._length

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        """Return one row, or a list of some."""
        if isinstance(index, slice):
            return [self._row(i) for i in range(self._length)[index]]
        return self._row(range(self._length)[index])

    def __iter__(self) -> Iterator[Row]:
        """Make row after row."""
        return (self._row(i) for i in range(self._length))


class KeptFacts(Column[PairFacts]):
    """The facts of a data set, row by row. pictures, masks: one half of each, for passing over all; without prints.

    digests: (n, 16) uint8, zeros where the pixels could not be read. printed: (n,) bool, whether there is a print.
    prints: (n, PRINT_BYTES) uint8, memory-mapped. In memory: 60 bytes a row.
    """

    def __init__(self, file: BinaryIO, dataset: Dataset | None = None) -> None:
        """Open a whole file of facts; it is closed with this object. Raises DataError where it is not whole.

        dataset: whose rows these are, in order; without one, rows can only be compared and copied.
        """
        weakref.finalize(self, file.close)
        self._file = file
        self._dataset = dataset
        self._lock = threading.Lock()
        self._blocks: OrderedDict[int, _Block] = OrderedDict()
        self.owner, self._table = _read_table(file)
        super().__init__(len(self._table), self._pair)
        self.pictures: Column[PictureFacts] = Column(len(self), self._picture)
        self.masks: Column[MaskFacts] = Column(len(self), self._mask)
        self.digests: NDArray[np.uint8] = self._table["digest"]
        self.printed: NDArray[np.bool_] = self._table["printed"].astype(bool)

    def of(self, dataset: Dataset) -> "KeptFacts":
        """Say whose rows these are, and return this."""
        if len(dataset) != len(self):
            raise ValueError(f"{len(self)} rows of facts for {len(dataset)} pictures")
        self._dataset = dataset
        return self

    @property
    def keys(self) -> NDArray[np.uint8]:
        """(n, 16) uint8; zeros for rows that must not be used again."""
        keys: NDArray[np.uint8] = self._table["key"]
        return keys

    @property
    def prints(self) -> NDArray[np.uint8]:
        """(n, PRINT_BYTES) uint8, memory-mapped; zeros where there is no print."""
        if not self.printed.any():
            return np.broadcast_to(np.zeros(PRINT_BYTES, np.uint8), (len(self), PRINT_BYTES))
        return np.memmap(self._file, np.uint8, "r", _HEAD.size, (len(self), PRINT_BYTES))

    def raw(self, index: int) -> tuple[bytes, bytes, bytes, bytes]:
        """Return picture, mask, digest and print of a row as bytes, the print empty if there is none."""
        picture, mask = self._odd(index)
        digest = self._table["digest"][index].tobytes()
        return picture.encode("latin-1"), mask.encode("latin-1"), digest, self._print(index)

    def is_sound(self, index: int) -> bool:
        """Whether a row is as it was written."""
        return _checksum(*self.raw(index)) == int(self._table["checksum"][index])

    def _odd(self, index: int) -> tuple[str, str]:
        """Return what is of no fixed length: picture and mask, as JSON."""
        number, at = divmod(index, _BLOCK)
        with self._lock:
            if number not in self._blocks:
                self._blocks[number] = self._read_block(number)
                if len(self._blocks) > _BLOCKS:
                    self._blocks.popitem(last=False)
            self._blocks.move_to_end(number)
            odd, begins, middles, ends = self._blocks[number]
        return odd[begins[at] : middles[at]], odd[middles[at] : ends[at]]

    def _read_block(self, number: int) -> _Block:
        rows = self._table[number * _BLOCK : (number + 1) * _BLOCK]
        begins = rows["start"].astype(np.int64)
        middles = begins + rows["picture"]
        ends = middles + rows["mask"]
        first = int(begins[0])
        self._file.seek(first)
        odd = self._file.read(int(ends[-1]) - first).decode("latin-1")  # ASCII, unless it is damaged
        return odd, (begins - first).tolist(), (middles - first).tolist(), (ends - first).tolist()

    def _print(self, index: int) -> bytes:
        if not self._table["printed"][index]:
            return b""
        with self._lock:
            self._file.seek(_HEAD.size + index * PRINT_BYTES)
            return self._file.read(PRINT_BYTES)

    def _whose(self) -> Dataset:
        if self._dataset is None:
            raise ValueError("nobody has said whose facts these are")
        return self._dataset

    def _picture(self, index: int, print_: bytes = b"") -> PictureFacts:
        dataset = self._whose()
        digest = self._table["digest"][index].tobytes()
        return picture_from(
            self._odd(index)[0], dataset.root, dataset.columns.images[index], digest if any(digest) else b"",
            PicturePrint.from_bytes(print_) if print_ else None,
        )  # fmt: skip

    def _mask(self, index: int) -> MaskFacts:
        dataset = self._whose()
        return mask_from(self._odd(index)[1], dataset.root, dataset.columns.masks[index])

    def _pair(self, index: int) -> PairFacts:
        return PairFacts(self._picture(index, self._print(index)), self._mask(index))


class FactsWriter:
    """Writes the facts of `rows` rows, one after the other, into an open, empty file."""

    def __init__(self, file: BinaryIO, owner: bytes, rows: int, where: Path) -> None:
        self._file, self._owner, self._where = file, owner, where
        self._table = np.zeros(rows, _ROW)
        self._done = 0
        self._end = _HEAD.size + rows * PRINT_BYTES
        self._odd: list[bytes] = []
        self._prints: list[bytes] = []
        self._table["start"] = self._end

    def add(self, key: bytes, facts: PairFacts) -> None:
        """Write one row. key: KEY_BYTES; zeros if it must not be used again. Raises OutputError."""
        print_ = b"" if facts.picture.print is None else facts.picture.print.to_bytes()
        if len(print_) not in (0, PRINT_BYTES):
            raise ValueError(f"a print of {len(print_)} bytes")
        digest = facts.picture.digest.ljust(DIGEST_BYTES, b"\0")
        self.copy(key, (picture_bytes(facts.picture), mask_bytes(facts.mask), digest, print_))

    def copy(self, key: bytes, raw: tuple[bytes, bytes, bytes, bytes]) -> None:
        """Write one row that is bytes already, as `KeptFacts.raw` gives them. Raises OutputError."""
        picture, mask, digest, print_ = raw
        row = self._table[self._done]
        row["key"], row["digest"] = np.frombuffer(key, np.uint8), np.frombuffer(digest, np.uint8)
        row["start"], row["picture"], row["mask"] = self._end, len(picture), len(mask)
        row["checksum"], row["printed"] = _checksum(*raw), bool(print_)
        self._odd += (picture, mask)
        self._prints.append(print_)
        self._end += len(picture) + len(mask)
        self._done += 1
        if len(self._prints) == _BLOCK:
            self._flush()

    def finish(self) -> BinaryIO:
        """Write the table and the head; return the file, whole. Rows that never came are empty. Raises OutputError."""
        self._flush()
        self._table["start"][self._done :] = self._end
        table = self._table.tobytes()
        head = _HEAD.pack(_MAGIC, self._owner, PRINT_BYTES, len(self._table), self._end, self._end + len(table),
                          zlib.crc32(table))  # fmt: skip
        try:
            self._file.seek(self._end)
            self._file.write(table)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.seek(0)
            self._file.write(head)
            self._file.flush()
        except OSError as error:
            raise output_error(error, self._where) from error
        return self._file

    def _flush(self) -> None:
        odd = b"".join(self._odd)
        try:
            if any(self._prints):  # else a hole is left in the file, which takes no room
                self._file.seek(_HEAD.size + (self._done - len(self._prints)) * PRINT_BYTES)
                self._file.write(b"".join(print_ or bytes(PRINT_BYTES) for print_ in self._prints))
            self._file.seek(self._end - len(odd))
            self._file.write(odd)
        except OSError as error:
            raise output_error(error, self._where) from error
        self._odd.clear()
        self._prints.clear()


def columns_of(
    pictures: Sequence[PictureFacts],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    """Return digests (n, 16), prints (n, PRINT_BYTES) and whether there is a print (n,), of facts in memory."""
    count = len(pictures)
    digests, prints = np.zeros((count, DIGEST_BYTES), np.uint8), np.zeros((count, PRINT_BYTES), np.uint8)
    printed = np.zeros(count, bool)
    for i, picture in enumerate(pictures):
        digests[i] = np.frombuffer(picture.digest.ljust(DIGEST_BYTES, b"\0"), np.uint8)
        if picture.print is not None:
            prints[i], printed[i] = np.frombuffer(picture.print.to_bytes(), np.uint8), True
    return digests, prints, printed


def _checksum(*parts: bytes) -> int:
    value = 0
    for part in parts:
        value = zlib.crc32(part, value)
    return value


def _read_table(file: BinaryIO) -> tuple[bytes, NDArray[Any]]:
    """Return whose facts a file holds, and its table. Raises DataError where the file is not whole."""
    try:
        file.seek(0)
        magic, owner, print_bytes, rows, begin, end, checksum = _HEAD.unpack(file.read(_HEAD.size))
        size = os.fstat(file.fileno()).st_size
        if magic != _MAGIC or print_bytes != PRINT_BYTES or size != end or end - begin != rows * _ROW.itemsize:
            raise ValueError("it is of another making")
        file.seek(begin)
        content = file.read(end - begin)
        if zlib.crc32(content) != checksum:
            raise ValueError("its table is damaged")
    except (OSError, ValueError, struct.error) as error:
        raise DataError(f"The kept facts are not whole ({error}).", fix="nothing: they are made again") from error
    return owner, np.frombuffer(content, _ROW)
