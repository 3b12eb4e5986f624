"""Drawing annotations into mask files in the cache, named by a digest of what they show: each is drawn only once.

Exclusive classes: one file a picture, each pixel a class number. Larger things first, smaller ones over them, and a
higher layer over a lower one; crowds below all. Overlapping classes: one file a picture and class.
The place of the cache is in no digest, and an emptied cache is filled with the same bytes again.
"""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from maskwright.data.annotations.areas import too_large
from maskwright.data.annotations.model import Record, Thing
from maskwright.data.names import shown
from maskwright.data.threads import in_threads
from maskwright.errors import DataError
from maskwright.files import cache_folder, write_bytes
from maskwright.images.classes import IGNORE
from maskwright.images.formats import encode_png, read_info, turn
from maskwright.progress import Progress, Step, ignore

_RULES = b"maskwright outlines 1"  # changed when the same annotation is to be drawn otherwise
_WORD = b"claimed"
_HEADER = 33  # bytes of a PNG's signature and IHDR
_PIXELS_AT_ONCE = 64_000_000  # of all canvases that threads draw at the same time
Size = tuple[int, int]


@dataclass(frozen=True)
class Drawn:
    """The masks of one picture. masks: absolute paths; labels: overlapping classes only, the class of each.

    claimed: pixels that several classes claim. image: (height, width) of the picture; size: of the masks.
    turned: the file's coordinates are those of the picture before its EXIF orientation.
    """

    masks: tuple[str, ...]
    labels: tuple[int, ...]
    claimed: int
    image: tuple[int, int]
    size: tuple[int, int]
    turned: bool


def draw_all(
    root: Path, records: Sequence[Record], *, exclusive: bool, progress: Progress = ignore
) -> list[Drawn | DataError]:
    """Return the masks of each record, in order, drawing those that are not in the cache.

    records: labels are class indices as the masks are to hold them (exclusive: 0 is background), or IGNORE. What
    cannot be drawn because its picture cannot be read, and no size is stated, is the error instead.
    Raises DataError naming the record's place, OutputError where the cache cannot be written.
    """
    drawn: list[Drawn | DataError] = []
    room = _Room(_PIXELS_AT_ONCE)
    for one in in_threads(lambda record: _draw(root, record, room, exclusive=exclusive), records):
        drawn.append(one)
        progress(Step("draw", len(drawn), len(records)))
    return drawn


class _Room:
    """How many pixels threads may draw at the same time; a canvas that is larger than that is drawn alone."""

    def __init__(self, pixels: int) -> None:
        self._free = self._all = pixels
        self._freed = Condition()

    @contextmanager
    def taken(self, size: Size) -> Iterator[None]:
        """Wait until a canvas of this size has room, and hold it meanwhile."""
        pixels = min(size[0] * size[1], self._all)
        with self._freed:
            self._freed.wait_for(lambda: pixels <= self._free)
            self._free -= pixels
        try:
            yield
        finally:
            with self._freed:
                self._free += pixels
                self._freed.notify_all()


def _draw(root: Path, record: Record, room: _Room, *, exclusive: bool) -> Drawn | DataError:
    canvas = _canvas(root, record)
    if isinstance(canvas, DataError):
        return canvas
    image, size, drawn_on, orientation = canvas
    layers = [(0, record.things)] if exclusive else _by_class(record.things)
    masks, claimed = [], 0
    for _, things in layers:
        path = _path(things, drawn_on, orientation)
        found = _claimed(path)
        if found is None:
            with room.taken(drawn_on):
                mask, found = _paint(things, drawn_on, record.where)
                write_bytes(path, _with_count(encode_png(turn(mask, orientation)), found))
        masks.append(path.as_posix())
        claimed += found if exclusive else 0
    labels = () if exclusive else tuple(label for label, _ in layers)
    return Drawn(tuple(masks), labels, claimed, image, size, orientation != 1)


def _canvas(root: Path, record: Record) -> tuple[Size, Size, Size, int] | DataError:
    """Return the sizes of picture, mask and drawing, and how the drawing is turned to become the mask.

    Where the stated size is the picture's before its EXIF orientation, the mask is turned as the picture is. Any other
    size that is stated stays the mask's own, so that `check` compares it with the picture's. Raises DataError for one
    that is far beyond the picture's: what a file states decides how much memory drawing takes.
    """
    try:
        info = read_info(root / record.image)
    except DataError as error:
        return error if record.size is None else (record.size, record.size, record.size, 1)
    image = (info.height, info.width)
    if record.size is None or record.size == image:
        return image, image, image, 1
    if info.orientation >= 5 and record.size == image[::-1]:
        return image, image, record.size, info.orientation
    if too_large(record.size, image):
        raise DataError(
            f"The picture {shown(record.image)} is {image[0]} x {image[1]}, and {record.size[0]} x {record.size[1]} in "
            "its annotations (height x width): more than four times its side.", where=record.where,
            fix="put the picture there that was annotated, or export the annotations for this one",
        )  # fmt: skip
    return image, record.size, record.size, 1


def _by_class(things: Sequence[Thing]) -> list[tuple[int, tuple[Thing, ...]]]:
    """Return the things of each class, as 1; under IGNORE crowds and ignored things where nothing else lies.

    At least one class, if an empty one.
    """
    plain = [thing for thing in things if not thing.crowd and thing.label != IGNORE]
    found = [
        (label, tuple(replace(thing, label=1) for thing in plain if thing.label == label))
        for label in sorted({thing.label for thing in plain})
    ]
    rest = [replace(thing, label=1, layer=0, crowd=False) for thing in things if thing.crowd or thing.label == IGNORE]
    if rest:
        found.append((IGNORE, (*rest, *(replace(thing, label=0, layer=1) for thing in plain))))
    return found or [(0, ())]


def _path(things: Sequence[Thing], size: tuple[int, int], orientation: int) -> Path:
    digest = hashlib.sha256(_RULES)
    digest.update(f"{size} {orientation} {len(things)}".encode())
    for thing in things:
        digest.update(f"{thing.label} {thing.layer} {thing.crowd}".encode())
        for part in thing.area.identity():
            digest.update(part)
    name = digest.hexdigest()
    return cache_folder().absolute() / "outlines" / name[:2] / f"{name}.png"


def _paint(things: Sequence[Thing], size: tuple[int, int], where: str) -> tuple[NDArray[np.uint8], int]:
    """Return the mask and how many pixels things of different classes claim."""
    windows = []
    for place, thing in enumerate(things):
        top, left, inside = thing.area.draw(size, where)
        area = int(np.count_nonzero(inside))
        if area:
            order = (not thing.crowd, thing.layer, -area, place)
            windows.append((order, thing, top, left, inside.shape, np.packbits(inside)))
    windows.sort(key=lambda window: window[0])
    mask = np.zeros(size, np.uint8)
    twice = np.zeros(size, bool)
    for _, thing, top, left, shape, packed in windows:
        inside = np.unpackbits(packed, count=shape[0] * shape[1]).reshape(shape).view(bool)
        part = (slice(top, top + shape[0]), slice(left, left + shape[1]))
        if thing.crowd:
            mask[part][inside] = IGNORE
            continue
        if thing.label not in (0, IGNORE):
            below = mask[part]
            twice[part] |= inside & (below != 0) & (below != IGNORE) & (below != thing.label)
        mask[part][inside] = thing.label
    return mask, int(np.count_nonzero(twice))


def _with_count(png: bytes, count: int) -> bytes:
    """Write a number into a PNG's header, as text that decoders pass over."""
    body = b"tEXt" + _WORD + b"\0" + str(count).encode()
    chunk = len(body[4:]).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return png[:_HEADER] + chunk + png[_HEADER:]


def _claimed(path: Path) -> int | None:
    """Return the number that `_with_count` wrote; None where the file is not there, or not ours."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEADER + 64)
    except (FileNotFoundError, NotADirectoryError):  # writing says what is wrong
        return None
    except OSError as error:
        raise DataError(
            f"A mask in the cache cannot be read: {error.strerror}.", where=str(path),
            fix="remove it; it is drawn again",
        ) from error  # fmt: skip
    start = _HEADER + 8 + len(_WORD) + 1
    length = int.from_bytes(head[_HEADER : _HEADER + 4], "big") - len(_WORD) - 1
    if head[_HEADER + 8 : start] != _WORD + b"\0" or not 0 < length < 20:
        return None
    text = head[start : start + length]
    return int(text) if text.isdigit() else None
