"""Opening a picture file: what its content is, whether it may be read, and errors in words.

Pillow's plugins are called by content, never by name, and only those named here. Pillow's own limit on pixels and its
warnings about odd metadata are replaced by ours. Knows nothing of arrays; `formats.py` decodes.
"""

import errno
import os
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from maskwright.errors import ConfigError, DataError, MaskwrightError

DEFAULT_MAX_PIXELS = 250_000_000
PIXELS_VARIABLE = "MASKWRIGHT_MAX_PIXELS"
MAX_SIDE = 65_536  # pixels, of a 16-bit PNG in colour
MAX_SCANS = 200  # of a progressive JPEG; thumbnails within the file count too
_BYTES_A_PIXEL = 8
MAX_ENCODED = 1 << 29  # bytes of a picture file that lies in no folder, but is fetched into memory

# What Pillow and tifffile raise on damaged files; anything else is a bug of ours and keeps its traceback.
DECODING_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, LookupError, TypeError, OverflowError,
    RuntimeError, AttributeError, ZeroDivisionError, AssertionError,
)  # fmt: skip

_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"GIF87a", "GIF"), (b"GIF89a", "GIF"), (b"BM", "BMP"),
    (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"II+\0", "TIFF"), (b"MM\0+", "TIFF"),
)  # fmt: skip
_OTHERS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the picture", "fetch the pictures: git lfs pull"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", ""),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", ""),
    (b"8BPS", "a Photoshop file", ""),
    (b"%PDF", "a PDF document", ""),
    (b"\x93NUMPY", "a NumPy array", ""),
    (b"PK\x03\x04", "a zip archive", "give the archive itself as the data, or unpack it"),
    (b"\x1f\x8b", "a gzip file", "unpack it"),
    (b"\x89HDF", "an HDF5 file", ""),
    (b"SIMPLE  =", "a FITS file", ""),
)
_TRUNCATED = ("truncated", "too early", "unexpected end", "not enough", "end of file")
_CONVERT = "convert it to PNG, JPEG, TIFF, BMP, GIF or WebP, or take it out of the folder"

_stated_max_pixels: int | None = None
_pillow_settings = threading.RLock()


def set_max_pixels(pixels: int | None) -> None:
    """Set how many pixels a picture may have before it is refused; None goes back to the environment or the default.

    Raises ConfigError unless positive.
    """
    global _stated_max_pixels
    if pixels is not None and pixels < 1:
        raise ConfigError(
            f"The largest number of pixels must be positive; {pixels} was given.",
            where="max_pixels",
            fix="give 1 or more",
        )
    _stated_max_pixels = pixels


def max_pixels() -> int:
    """Return how many pixels a picture may have: as set, or MASKWRIGHT_MAX_PIXELS, or DEFAULT_MAX_PIXELS."""
    if _stated_max_pixels is not None:
        return _stated_max_pixels
    stated = os.environ.get(PIXELS_VARIABLE, "")
    if not stated:
        return DEFAULT_MAX_PIXELS
    if not stated.isdecimal() or int(stated) < 1:
        raise ConfigError(
            f"{PIXELS_VARIABLE} is '{stated}', which is no positive whole number.",
            where=f"environment variable {PIXELS_VARIABLE}",
            fix=f"set it to a number of pixels, such as {DEFAULT_MAX_PIXELS}, or unset it",
        )
    return int(stated)


def check_pixels(width: int, height: int, path: Path) -> None:
    """Raise DataError for a picture of no pixels, or of more than `max_pixels()` (a decompression bomb)."""
    if width < 1 or height < 1:
        raise DataError(f"The picture is {width} x {height} pixels.", where=str(path), fix=_REPLACE)
    limit = max_pixels()
    if width * height > limit:
        raise DataError(
            f"The picture has {width * height:,} pixels ({width} x {height}); more than {limit:,} are not read.",
            where=str(path),
            fix=f"if it is no trick, raise the limit: maskwright --max-pixels {width * height} ..., "
            f"or the environment variable {PIXELS_VARIABLE}={width * height}",
        )


def check_sides(width: int, height: int, path: Path) -> None:
    """Raise DataError for a side longer than any camera has, where time grows with the longer side."""
    if max(width, height) > MAX_SIDE:
        raise DataError(
            f"The picture is {width} x {height} pixels; sides of more than {MAX_SIDE:,} are not read in this format.",
            where=str(path), fix="cut it into pieces, or save it with 8 bits a band",
        )  # fmt: skip


def check_values(size: int, path: Path) -> None:
    """Raise DataError for a picture that takes more bytes than `max_pixels()` of eight each, once it is decoded."""
    limit = _BYTES_A_PIXEL * max_pixels()
    if size > limit:
        raise DataError(
            f"The picture takes {size:,} bytes once it is decoded; more than {limit:,} are not read.", where=str(path),
            fix="save fewer bands or bits, or raise the limit on pixels",
        )  # fmt: skip


def check_scans(file: BinaryIO, path: Path) -> None:
    """Raise DataError for a progressive JPEG of absurdly many scans: each costs a pass over the whole picture."""
    file.seek(0)
    content = file.read()
    file.seek(0)
    if content.count(b"\xff\xda") > MAX_SCANS:
        raise DataError(
            f"The JPEG has more than {MAX_SCANS} scans; usual ones have ten.", where=str(path),
            fix="open it in any program and save it anew",
        )  # fmt: skip


_REPLACE = "replace the file, or take it out of the folder"


@dataclass(frozen=True)
class Encoded:
    """A picture file's content that is in memory. name: for error messages alone; nothing of that name is opened."""

    content: bytes = field(repr=False)
    name: str = "picture"


def check_encoded(size: int, name: str) -> None:
    """Raise DataError for a file of so many bytes that it is not taken into memory."""
    if size > MAX_ENCODED:
        raise DataError(
            f"The file has more than {MAX_ENCODED:,} bytes, which are not taken into memory.", where=name,
            fix="put it into a folder, and name that",
        )  # fmt: skip


@contextmanager
def open_source(source: Path | Encoded) -> Iterator[BinaryIO]:
    """Open a regular file, or content in memory, for reading. Raises DataError."""
    if isinstance(source, Encoded):
        yield BytesIO(source.content)
        return
    with open_file(source) as file:
        yield file


@contextmanager
def open_file(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading; a folder, pipe or device is refused before it can block. Raises DataError."""
    try:
        kind = os.stat(path).st_mode
        if not stat.S_ISREG(kind):
            raise DataError(
                f"This is {_kind_of_file(kind)}, not a picture file.", where=str(path), fix="name a picture file"
            )
        file = open(path, "rb")  # noqa: SIM115 (closed below; opening must not share its errors with the body)
    except OSError as error:
        raise _cannot_open(error, path) from error
    with file:
        yield file


def content_format(file: BinaryIO, path: Path) -> str:
    """Return the format that the first bytes show: JPEG, PNG, GIF, BMP, TIFF or WEBP. Raises DataError for others."""
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    raise _no_picture(head, path)


def open_with_pillow(file: BinaryIO, name: str, path: Path) -> ImageFile.ImageFile:
    """Read the header with the plugin for `name`; the pixels are not decoded. Raises DataError."""
    with decoding(path), pillow_unlimited():
        if name == "WEBP" and _riff_size(file) > length_of(file):
            raise OSError("truncated")
        image = _PLUGINS[name](file)
        if name == "TIFF":
            image.getexif()  # read now, so that loading in a thread warns of nothing
    check_pixels(*image.size, path)
    return image


def length_of(file: BinaryIO) -> int:
    """Return the bytes of an open file; it stays where it is."""
    at = file.tell()
    length = file.seek(0, os.SEEK_END)
    file.seek(at)
    return length


def _riff_size(file: BinaryIO) -> int:
    """Return the size in bytes that a WebP file says it has."""
    size = int.from_bytes(file.read(8)[4:], "little") + 8
    file.seek(0)
    return size


@contextmanager
def pillow_unlimited() -> Iterator[None]:
    """Lift Pillow's own limit and silence its warnings, one thread at a time (both are global settings)."""
    with _pillow_settings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def without_warnings(category: type[Warning]) -> Iterator[None]:
    """Silence a category, one thread at a time: what is silenced is a global setting, as Pillow's are."""
    with _pillow_settings, warnings.catch_warnings():
        warnings.simplefilter("ignore", category)
        yield


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn what decoders raise on damaged files into a DataError naming the file."""
    try:
        yield
    except MaskwrightError:
        raise
    except MemoryError as error:
        raise DataError(
            "The picture does not fit into memory.", where=str(path), fix="make it smaller, or free some memory"
        ) from error
    except DECODING_ERRORS as error:
        if isinstance(error, OSError) and error.errno in (errno.EIO, errno.ESTALE):
            raise _cannot_open(error, path) from error
        raise damaged(str(error), path) from error


def damaged(reason: str, path: Path) -> DataError:
    """Say of a file that its content cannot be decoded; `reason` is the decoder's."""
    if any(words in reason.lower() for words in _TRUNCATED):
        return DataError(
            "The file ends too early: part of the picture is missing.",
            where=str(path),
            fix="copy or download it again, or take it out of the folder",
        )
    said = f" ({reason[:120]})" if reason else ""
    return DataError(f"The picture cannot be decoded{said}.", where=str(path), fix=_REPLACE)


def _no_picture(head: bytes, path: Path) -> DataError:
    if not head:
        return DataError("The file is empty.", where=str(path), fix="copy or download it again")
    for signature, name, fix in _OTHERS:
        if head.startswith(signature):
            return DataError(f"This is {name}.", where=str(path), fix=fix or _CONVERT)
    if head[4:8] == b"ftyp":
        kind = {b"avif": "an AVIF", b"heic": "a HEIC", b"heix": "a HEIC", b"mif1": "a HEIF"}.get(head[8:12])
        return DataError(f"This is {kind} picture." if kind else "This is a video.", where=str(path), fix=_CONVERT)
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return DataError("This is a web page, not a picture.", where=str(path), fix="download the picture itself")
    if not any(head):
        return DataError("The file holds nothing but zeros.", where=str(path), fix="copy or download it again")
    return DataError("This is no picture that can be read here.", where=str(path), fix=_CONVERT)


def _kind_of_file(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
    )  # fmt: skip
    return next((name for test, name in kinds if test(mode)), "no regular file")


def _cannot_open(error: OSError, path: Path) -> DataError:
    if isinstance(error, DataError):
        return error
    if isinstance(error, FileNotFoundError):
        what = "The file is a link to nothing." if path.is_symlink() else "There is no such file."
        return DataError(what, where=str(path), fix="check the name")
    fix = "allow yourself to read it" if isinstance(error, PermissionError) else "check the disk and the name"
    return DataError(f"The file cannot be opened: {error.strerror or error}.", where=str(path), fix=fix)
