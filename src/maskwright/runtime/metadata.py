"""Reading the description out of a model file, without any ONNX library and without touching the network in it.

An ONNX file is a protobuf message: fields of (number, kind, content). Metadata are its fields 14; all others are
stepped over. Knows nothing of what the description says.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from maskwright.errors import DataError
from maskwright.runtime.description import MAX_CHARACTERS, METADATA_KEY, ModelDescription, parse_description

_METADATA_PROPS = 14  # ModelProto.metadata_props, each a StringStringEntryProto: key = 1, value = 2
_MAX_ENTRY = 4 * MAX_CHARACTERS + 1000  # bytes; a character takes up to four
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_description(path: Path) -> ModelDescription:
    """Read and check what a model file says of itself.

    Raises DataError for a file that cannot be read, is no ONNX file, was not made by maskwright, or lies.
    """
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            text = _find_text(file, size, path)
    except OSError as error:
        raise DataError(
            f"The model file cannot be read: {error.strerror}.", where=str(path),
            fix="give the path of a model.onnx, or of a run that has one",
        ) from error  # fmt: skip
    if text is None:
        raise DataError(
            "This ONNX file was not made by maskwright: it holds no description.",
            where=str(path),
            fix="give a model.onnx written by `maskwright train` or `maskwright export`",
        )
    return parse_description(text, where=str(path))


def _find_text(file: BinaryIO, size: int, path: Path) -> str | None:
    found = None
    try:
        for number, kind, length in protobuf_fields(file, size):
            if number == _METADATA_PROPS and kind == _BYTES:
                if length > _MAX_ENTRY:
                    raise Damaged(f"metadata of {length} bytes")
                key, value = _entry(file, file.tell() + length)
                found = value.decode() if key == METADATA_KEY.encode() else found
            else:
                file.seek(length, 1)
    except (Damaged, UnicodeDecodeError) as error:
        raise DataError(
            "This is no ONNX file, or it is damaged.", where=f"{path}: {error}",
            fix="get the file again from where it was made",
        ) from None  # fmt: skip
    return found


class Damaged(Exception):
    """The bytes are not those of a protobuf message."""


def _entry(file: BinaryIO, end: int) -> tuple[bytes, bytes]:
    parts = {1: b"", 2: b""}
    for number, kind, length in protobuf_fields(file, end):
        content = file.read(length)
        if kind == _BYTES and number in parts:
            parts[number] = content
    return parts[1], parts[2]


def protobuf_fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (number, kind, bytes that follow) of each field up to `end`; the caller moves past those bytes."""
    while (position := file.tell()) < end:
        tag = _read_varint(file)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _read_varint(file)
            length = 0
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        elif kind == _BYTES:
            length = _read_varint(file)
        else:
            raise Damaged(f"unknown kind of field at byte {position}")
        if number == 0 or file.tell() + length > end:
            raise Damaged(f"the field at byte {position} goes beyond the end")
        yield number, kind, length


def _read_varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise Damaged("the file ends in the middle of a field")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise Damaged("a number is too long")
