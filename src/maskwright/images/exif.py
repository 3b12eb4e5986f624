"""The few EXIF entries that count: orientation, time of the photograph, how many pictures a multi-picture JPEG holds.

Read from the bytes themselves, so that damaged metadata never cost more than their own entry. Knows nothing of files.
"""

import re
from typing import Literal

_ORIENTATION, _PICTURES, _EXIF_DIRECTORY, _TAKEN = 274, 0xB001, 34665, 36867
_SIZES = {2: 1, 3: 2, 4: 4}  # bytes of a letter, a short and a long number
_TIME = re.compile(r"[12]\d{3}:[01]\d:[0-3]\d [0-2]\d:[0-5]\d:[0-6]\d")


def exif_orientation(exif: bytes) -> int:
    """Return the orientation 1 to 8 that EXIF data state; 1 where they state none or are damaged."""
    content = exif.removeprefix(b"Exif\0\0")
    value = _number(content, _first(content), _ORIENTATION)
    return value if 1 <= value <= 8 else 1


def exif_taken(exif: bytes) -> str:
    """Return when the photograph was taken, "YYYY:MM:DD HH:MM:SS"; "" where that is not stated, or is no time."""
    content = exif.removeprefix(b"Exif\0\0")
    directory = _number(content, _first(content), _EXIF_DIRECTORY)
    text = _entry(content, directory, _TAKEN)[:19].decode("ascii", "replace") if directory else ""
    return text if _TIME.fullmatch(text) else ""


def count_mpo_pictures(index: bytes) -> int:
    """Return how many pictures a JPEG's multi-picture index lists; 1 where it is damaged."""
    return max(1, _number(index, _first(index), _PICTURES))


def _order(content: bytes) -> Literal["little", "big"]:
    return "little" if content[:2] == b"II" else "big"


def _first(content: bytes) -> int:
    """Return where the first directory of a TIFF structure lies."""
    return int.from_bytes(content[4:8], _order(content))


def _number(content: bytes, directory: int, tag: int) -> int:
    """Return the first short or long number of an entry; 0 where there is none."""
    return int.from_bytes(_entry(content, directory, tag)[:4], _order(content))


def _entry(content: bytes, directory: int, tag: int) -> bytes:
    """Return the value of a directory's entry, of one number or of text; b"" where there is none."""
    order = _order(content)
    for entry in range(int.from_bytes(content[directory : directory + 2], order)):
        place = directory + 2 + 12 * entry
        if place + 12 > len(content):
            break
        if int.from_bytes(content[place : place + 2], order) == tag:
            kind = int.from_bytes(content[place + 2 : place + 4], order)
            size = _SIZES.get(kind, 0)
            length = int.from_bytes(content[place + 4 : place + 8], order) * size if kind == 2 else size
            start = place + 8 if length <= 4 else int.from_bytes(content[place + 8 : place + 12], order)
            return content[start : start + length]
    return b""
