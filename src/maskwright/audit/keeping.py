"""What one reading told of a picture and its mask, as bytes and back: JSON, and never anything that runs.

The pixels' digest and print are of fixed length and are kept apart (`store.py`).
"""

import json
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from maskwright.audit.drawing import MaskDrawing
from maskwright.audit.facts import MaskFacts, PictureFacts
from maskwright.audit.prints import PicturePrint
from maskwright.errors import DataError
from maskwright.images.formats import ImageInfo

_INFO = tuple(field.name for field in fields(ImageInfo))
_decode = json.JSONDecoder().raw_decode  # what was written without blanks needs no search for them


def picture_bytes(facts: PictureFacts) -> bytes:
    """Return all that is known of a picture but its path, digest and print."""
    content = [_info_list(facts.info), _error_list(facts.error), int(facts.grey), facts.taken]
    return json.dumps(content, separators=(",", ":")).encode()


def picture_from(content: str, path: Path, digest: bytes, print: PicturePrint | None) -> PictureFacts:  # noqa: A002
    """Undo `picture_bytes`, given as text."""
    info, error, grey, taken = _decode(content)[0]
    return PictureFacts(path, _info(info), _error(error), digest, bool(grey), print, taken)


def mask_bytes(facts: MaskFacts) -> bytes:
    """Return all that is known of a mask but its paths."""
    counts = None if facts.counts is None else list(facts.counts.items())
    content = [
        facts.height, facts.width, [_info_list(info) for info in facts.infos], _error_list(facts.error), facts.unknown,
        counts, facts.soft, facts.undecided, facts.raw_constant, facts.digest.hex(),
        None if facts.drawing is None else facts.drawing.to_json(),
    ]  # fmt: skip
    return json.dumps(content, separators=(",", ":")).encode()


def mask_from(content: str, paths: tuple[Path, ...]) -> MaskFacts:
    """Undo `mask_bytes`, given as text."""
    height, width, infos, error, unknown, counts, soft, undecided, constant, digest, drawing = _decode(content)[0]
    return MaskFacts(
        paths, height, width, tuple(_known_info(*info) for info in infos), _error(error), unknown,
        None if counts is None else {label: pixels for label, pixels in counts}, soft, undecided, constant,
        bytes.fromhex(digest), None if drawing is None else MaskDrawing.from_json(drawing),
    )  # fmt: skip


def _info_list(info: ImageInfo | None) -> list[Any] | None:
    return None if info is None else [getattr(info, name) for name in _INFO]


def _info(content: Sequence[Any] | None) -> ImageInfo | None:
    return None if content is None else _known_info(*content)


@lru_cache(maxsize=4096)  # most pictures of a set are alike in all of it
def _known_info(*content: Any) -> ImageInfo:
    return ImageInfo(*content)


def _error_list(error: DataError | None) -> list[str] | None:
    return None if error is None else [error.what, error.where, error.fix]


def _error(content: Sequence[str] | None) -> DataError | None:
    return None if content is None else DataError(content[0], where=content[1], fix=content[2])
