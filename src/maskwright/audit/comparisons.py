"""What earlier comparisons of two pictures gave, so that no two are compared again: by what their pixels are.

One file a set, in the cache. What the last check did not ask for is not kept any longer.
"""

import io
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from maskwright.audit.alignment import Alignment
from maskwright.audit.likeness import Likeness
from maskwright.errors import OutputError
from maskwright.files import cache_folder, write_bytes

_UNUSED_SECONDS = 60 * 24 * 3600.0
_ROW = np.dtype([
    ("pair", "V32"), ("alike", "?"), ("turn", "u1"), ("scale", "<f8", (2,)), ("shift", "<f8", (2,)), ("gain", "<f8"),
])  # fmt: skip


class Comparisons:
    """Looks comparisons up; `keep` writes down those that were asked for. path: None keeps nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known = {} if path is None else _read(path)
        self._asked: dict[bytes, Likeness | None] = {}

    def get(self, first: bytes, second: bytes, compare: Callable[[], Likeness | None]) -> Likeness | None:
        """Return how pictures with these digests, of 16 bytes, lie on each other; `compare` finds out what is new."""
        pair = first + second
        self._asked[pair] = found = self._known[pair] if pair in self._known else compare()
        return found

    def keep(self) -> None:
        """Write down what was asked for. A cache that cannot be written is done without."""
        if self._path is None or self._asked.keys() == self._known.keys():
            return
        rows = np.array([_row(pair, found) for pair, found in self._asked.items()], _ROW)
        stream = io.BytesIO()
        np.save(stream, rows, allow_pickle=False)
        with suppress(OSError, OutputError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self._path, stream.getvalue())
            for path in self._path.parent.iterdir():
                if time.time() - path.stat().st_mtime > _UNUSED_SECONDS:
                    path.unlink()


def kept_comparisons(owner: bytes) -> Comparisons:
    """Return the comparisons that are kept of a set, named as the facts of it are."""
    return Comparisons(cache_folder() / "comparisons" / f"{owner.hex()}.npy")


def _row(pair: bytes, found: Likeness | None) -> tuple[object, ...]:
    if found is None:
        return pair, False, 0, (0.0, 0.0), (0.0, 0.0), 0.0
    lies = found.alignment
    return pair, True, lies.turn, lies.scale, lies.shift, found.gain


def _read(path: Path) -> dict[bytes, Likeness | None]:
    """Return what a file holds; nothing where there is none, or none of this form."""
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return {}
    if rows.dtype != _ROW or rows.ndim != 1:
        return {}
    return {bytes(pair): _likeness(*found) for pair, *found in rows.tolist()}


def _likeness(alike: bool, turn: int, scale: list[float], shift: list[float], gain: float) -> Likeness | None:
    if not alike:
        return None
    return Likeness(Alignment(turn, (scale[0], scale[1]), (shift[0], shift[1])), gain)
