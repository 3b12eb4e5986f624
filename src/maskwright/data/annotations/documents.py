"""Reading JSON, XML and text that others wrote: bounded, and with errors that name the file and the place in it.

Nothing here knows a format. `Documents` keeps what was parsed to recognise a format, so that large files are parsed
once.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from numpy.typing import NDArray

from maskwright.data.names import shown
from maskwright.errors import DataError
from maskwright.images.opening import max_pixels, open_file

LARGEST = 4_000_000_000  # bytes of one file
_KEPT = 64_000_000  # bytes of files that stay parsed while a format is looked for
_BROKEN = "export the annotations again, or correct the file"


class Documents:
    """The files below a folder; what was parsed last stays parsed, up to a bound."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kept: dict[str, Any] = {}
        self._bytes = 0

    def where(self, path: str) -> str:
        """Return a file's path for messages."""
        return shown(str(self.root / path), 500)

    def size(self, path: str) -> int:
        """Return a file's size in bytes, 0 where it cannot be looked at."""
        try:
            return (self.root / path).stat().st_size
        except (OSError, ValueError):
            return 0

    def head(self, path: str, count: int) -> bytes:
        """Return the first bytes of a file, b"" where it cannot be read."""
        try:
            with open_file(self.root / path) as file:
                return file.read(count)
        except (DataError, OSError):
            return b""

    def text(self, path: str) -> str:
        """Return a text file's content. Raises DataError."""
        try:
            with open_file(self.root / path) as file:
                if self.size(path) > LARGEST:
                    raise DataError(
                        f"The file is larger than {LARGEST:,} bytes.", where=self.where(path), fix="split it"
                    )
                return file.read().decode("utf-8-sig")
        except OSError as error:
            raise DataError(
                f"The file cannot be read: {error.strerror or error}.", where=self.where(path), fix="check the disk"
            ) from error
        except UnicodeDecodeError as error:
            raise DataError("The file is no UTF-8 text.", where=self.where(path), fix=_BROKEN) from error

    def json(self, path: str, *, keep: bool = False) -> Any:
        """Return a JSON file's content. keep: hold it for the next call. Raises DataError naming line and column."""
        if path in self._kept:
            return self._kept[path] if keep else self._kept.pop(path)
        text = self.text(path)
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(
                f"This is no valid JSON: {error.msg}.",
                where=f"{self.where(path)}, line {error.lineno}, column {error.colno}", fix=_BROKEN,
            ) from error  # fmt: skip
        except (ValueError, RecursionError) as error:
            raise DataError("This is no JSON that can be read.", where=self.where(path), fix=_BROKEN) from error
        if keep and (self._bytes + len(text) <= _KEPT or not self._kept):
            self._kept[path] = content
            self._bytes += len(text)
        return content

    def xml(self, path: str, tags: tuple[str, ...]) -> Iterator[Element]:
        """Yield each element with one of these tags when it is complete; what lies in it is dropped afterwards.

        Entities and DTDs are refused. Raises DataError naming line and column.
        """
        try:
            with open_file(self.root / path) as file:
                depth = 0
                for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
                    if element.tag in tags:
                        depth += 1 if event == "start" else -1
                        if event == "end" and not depth:
                            yield element
                    if event == "end" and not depth:
                        element.clear()
        except ParseError as error:
            line, column = error.position
            raise DataError(
                f"This is no valid XML: {error}.",
                where=f"{self.where(path)}, line {line}, column {column}",
                fix=_BROKEN,
            ) from error
        except DefusedXmlException as error:
            raise DataError(
                "The XML declares entities or a document type, which annotation tools never write.",
                where=self.where(path), fix="do not trust this file; export the annotations again",
            ) from error  # fmt: skip
        except (OSError, ValueError, LookupError) as error:
            raise DataError(f"The XML cannot be read: {error}.", where=self.where(path), fix=_BROKEN) from error


# --- what is in them: typed, or an error ----------------------------------------------------------------------------


def broken(what: str, where: str) -> DataError:
    """Return the error for content that no tool writes."""
    return DataError(what, where=where, fix=_BROKEN)


def table(value: Any, what: str, where: str) -> dict[str, Any]:
    """Return a JSON object. Raises DataError."""
    if not isinstance(value, dict):
        raise broken(f"{what} is no object with keys.", where)
    return value


def entries(value: Any, what: str, where: str) -> list[Any]:
    """Return a JSON list. Raises DataError."""
    if not isinstance(value, list):
        raise broken(f"{what} is no list.", where)
    return value


def word(value: Any, what: str, where: str) -> str:
    """Return a text that can be a name: not empty, one line. Numbers become text. Raises DataError."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > 4000:
        raise broken(f"{what} is no name.", where)
    return value


def label_name(value: Any, where: str) -> str:
    """Return a class's name, printable and bounded. Raises DataError."""
    return shown(word(value, "A class", where).strip(), 200)


def number(value: Any) -> float | None:
    """Return a finite number, also one in a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if np.isfinite(found) else None


def whole(value: Any) -> int | None:
    """Return a whole number, also one in a text; None for anything else."""
    found = number(value)
    return int(found) if found is not None and found == int(found) and abs(found) < 2**53 else None


def stated_size(height: Any, width: Any, where: str) -> tuple[int, int] | None:
    """Return (height, width) that a file states; None where it states none. Raises DataError for one that cannot be."""
    if height is None and width is None:
        return None
    size = whole(height), whole(width)
    if size[0] is None or size[1] is None or size[0] < 1 or size[1] < 1:
        raise broken(f"The picture's size is stated as {str(height)[:20]} x {str(width)[:20]} (height x width).", where)
    if size[0] * size[1] > max_pixels():
        raise DataError(
            f"The picture is stated to have {size[0] * size[1]:,} pixels ({size[1]} x {size[0]}); more than "
            f"{max_pixels():,} are not read.", where=where,
            fix=f"if it is no trick, raise the limit: maskwright --max-pixels {size[0] * size[1]} ...",
        )  # fmt: skip
    return size[0], size[1]


def ring(values: Any) -> NDArray[np.float64] | None:
    """Return points (n, 2) of an outline, from [[x, y], ...] or [x, y, x, y, ...]; None for what encloses nothing.

    Fewer than three points, numbers that are not finite, and points on one line enclose nothing.
    """
    try:
        points = np.asarray(values, np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    if points.ndim == 1 and points.size % 2 == 0:
        points = points.reshape(-1, 2)
    if points.ndim != 2 or points.shape[0] < 3 or points.shape[1] != 2:
        return None
    if not np.isfinite(points).all() or np.abs(points).max() > 1e9:
        return None
    x, y = points[:, 0] - points[0, 0], points[:, 1] - points[0, 1]
    far = int(np.argmax(x * x + y * y))
    on_one_line = not np.any(x * y[far] != y * x[far])
    return None if on_one_line else points


def box_ring(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    """Return the outline of a box."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


def turned(points: NDArray[np.float64], centre: tuple[float, float], degrees: float) -> NDArray[np.float64]:
    """Turn points clockwise (as seen, y down) around a centre."""
    if not degrees:
        return points
    angle = np.deg2rad(degrees)
    x, y = points[:, 0] - centre[0], points[:, 1] - centre[1]
    return np.stack(
        [centre[0] + x * np.cos(angle) - y * np.sin(angle), centre[1] + x * np.sin(angle) + y * np.cos(angle)], axis=1
    )


def hex_colour(value: Any) -> tuple[int, int, int] | None:
    """Return (red, green, blue) of "#rrggbb"; None for anything else."""
    if not isinstance(value, str) or len(value) != 7 or value[0] != "#":
        return None
    try:
        return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)
    except ValueError:
        return None
