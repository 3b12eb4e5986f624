"""Cutting a JPEG file down to its first picture without decoding it, so that its pixels stay what they are.

Knows the file's segments alone. Source: ITU-T T.81 (1992), annex B; CIPA DC-007 for files of several pictures.
"""

import re

_SCAN, _END = 0xDA, 0xD9
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without content
_APPLICATION, _COMMENT = range(0xE0, 0xF0), 0xFE
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in a scan: neither a stuffed byte nor a restart


def first_picture(content: bytes) -> bytes:
    """Return a JPEG file's first picture without EXIF, XMP, comments and further pictures.

    What decoding needs stays: JFIF's and Adobe's words on colour, and a colour profile. Raises ValueError where the
    segments are damaged.
    """
    if content[:2] != b"\xff\xd8":
        raise ValueError("no JPEG file")
    kept, place = [content[:2]], 2
    while True:
        marker, place = _marker(content, place)
        if marker == _END:
            return b"".join((*kept, b"\xff\xd9"))
        if marker in _ALONE:
            kept.append(bytes((0xFF, marker)))
            continue
        end = place + int.from_bytes(content[place : place + 2], "big")
        if end < place + 2 or end > len(content):
            raise ValueError("a segment that ends beyond the file")
        segment = content[place:end]
        if marker == _SCAN:
            found = _NEXT_MARKER.search(content, end)
            if found is None:
                raise ValueError("a scan without an end")
            segment, end = content[place : found.start()], found.start()
        if _is_needed(marker, segment[2:]):
            kept.append(bytes((0xFF, marker)) + segment)
        place = end


def _marker(content: bytes, place: int) -> tuple[int, int]:
    """Return the marker at a place, and the place behind it."""
    begin = place
    while content[place : place + 1] == b"\xff":
        place += 1
    if place == begin or place >= len(content):
        raise ValueError("no marker where one is due")
    return content[place], place + 1


def _is_needed(marker: int, content: bytes) -> bool:
    if marker == _COMMENT:
        return False
    if marker not in _APPLICATION:
        return True
    known = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
    return marker in known and content.startswith(known[marker])
