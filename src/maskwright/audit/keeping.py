"""What one reading told of a picture and its mask, as bytes and back: JSON, and never anything that runs.

The pixels' digest and print are of fixed length and are kept apart (`store.py`).
"""

import json
from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property, lru_cache
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


def picture_from(
    content: str,
    root: Path,
    image: str,
    digest: bytes,
    print: PicturePrint | None,  # noqa: A002
) -> PictureFacts:
    """Undo `picture_bytes`, given as text. image: the file, relative to `root`."""
    info, error, grey, taken = _decode(content)[0]
    facts = object.__new__(_KeptPicture)
    facts.__dict__.update(_root=root, _image=image, info=_info(info), error=_error(error), digest=digest,
                          grey=bool(grey), print=print, taken=taken)  # fmt: skip
    return facts


class _KeptPicture(PictureFacts):
    """A path is made when it is asked for: that takes as long as all the rest."""

    @cached_property
    def path(self) -> Path:
        root, image = self.__dict__["_root"], self.__dict__["_image"]
        made: Path = root / image
        return made


def mask_bytes(facts: MaskFacts) -> bytes:
    """Return all that is known of a mask but its paths."""
    counts = None if facts.counts is None else list(facts.counts.items())
    content = [
        facts.height, facts.width, [_info_list(info) for info in facts.infos], _error_list(facts.error), facts.unknown,
        counts, facts.soft, facts.undecided, facts.raw_constant, facts.digest.hex(),
    ]  # fmt: skip
    drawing = None if facts.drawing is None else facts.drawing.to_json()
    return b"".join(json.dumps(part, separators=(",", ":")).encode() for part in (content, drawing))


def mask_from(content: str, root: Path, files: tuple[str, ...]) -> MaskFacts:
    """Undo `mask_bytes`, given as text. files: relative to `root`."""
    (height, width, infos, error, unknown, counts, soft, undecided, constant, digest), end = _decode(content)
    facts = object.__new__(_KeptMask)
    facts.__dict__.update(
        _root=root, _files=files, _drawing=(content, end), height=height, width=width,
        infos=tuple(_known_info(*info) for info in infos), error=_error(error), unknown=unknown,
        counts=None if counts is None else dict(counts), soft=soft, undecided=undecided, raw_constant=constant,
        digest=bytes.fromhex(digest),
    )  # fmt: skip
    return facts


class _KeptMask(MaskFacts):
    """Paths and drawing are made when they are asked for: most that pass over all masks want neither."""

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        root: Path = self.__dict__["_root"]
        return tuple(root / file for file in self.__dict__["_files"])

    @cached_property
    def drawing(self) -> MaskDrawing | None:
        drawing = _decode(*self.__dict__["_drawing"])[0]
        return None if drawing is None else MaskDrawing.from_json(drawing)


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
