"""Picture files to arrays and back: the one decoder of training, scoring and predicting.

A file's content decides its format, never its name. EXIF orientation is applied; XMP's copy of it is not looked at.
Of files with several frames the first is read. Nothing is resized here except by a JPEG's own reduced scales.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin

from maskwright.images.exif import count_mpo_pictures, exif_orientation, exif_taken
from maskwright.images.modes import (
    Pixels,
    bands_of,
    has_alpha,
    is_wide,
    label_pixels,
    palette_of,
    picture_pixels,
    with_bands,
)
from maskwright.images.opening import (
    DECODING_ERRORS,
    Encoded,
    check_pixels,
    check_scans,
    check_sides,
    check_values,
    content_format,
    decoding,
    length_of,
    open_source,
    open_with_pillow,
    pillow_unlimited,
)
from maskwright.images.opening import DEFAULT_MAX_PIXELS as DEFAULT_MAX_PIXELS
from maskwright.images.opening import max_pixels as max_pixels
from maskwright.images.opening import set_max_pixels as set_max_pixels
from maskwright.images.png16 import PngHeader, read_png16, read_png_header
from maskwright.images.sizes import resize_image as resize_image
from maskwright.images.sizes import resize_labels as resize_labels
from maskwright.images.sizes import resize_labels_by_area as resize_labels_by_area
from maskwright.images.sizes import resize_picture
from maskwright.images.sizes import scaled_decoding_size as scaled_decoding_size
from maskwright.images.tiff import TiffLayout, read_tiff_layout, read_with_tifffile
from maskwright.images.writing import encode_png as encode_png

_ORIENTATION = 274
PathLike = str | os.PathLike[str]
Source = PathLike | Encoded

# What each orientation asks for: transpose, then flip rows, then flip columns.
_TURNS = {
    1: (False, False, False), 2: (False, False, True), 3: (False, True, True), 4: (False, True, False),
    5: (True, False, False), 6: (True, False, True), 7: (True, True, True), 8: (True, True, False),
}  # fmt: skip


@dataclass(frozen=True)
class ImageInfo:
    """What a file's header says of its picture.

    height, width: as read, after orientation. bands: without alpha; a palette counts as 3. dtype: "uint8" or "uint16".
    format: JPEG, MPO, PNG, GIF, BMP, TIFF or WEBP. mode: Pillow's word for the pixels, or "RGB;16" and the like where
    Pillow has none. orientation: EXIF's 1 to 8. frames: pictures in the file; the first is read.
    has_alpha: it has transparency, which is dropped. Of content in memory frames are not counted: 1.
    """

    height: int
    width: int
    bands: int
    dtype: str
    format: str
    mode: str
    orientation: int
    frames: int
    has_alpha: bool


@dataclass(frozen=True)
class OpenPicture:
    """An open file and what its header says; decoding it is asked for. Each method raises as `read_image` does."""

    path: Path
    file: BinaryIO
    info: ImageInfo
    image: ImageFile.ImageFile | None = None  # without it, it is not Pillow that decodes
    png: PngHeader | None = None
    tiff: TiffLayout | None = None

    def pixels(self, at_least: tuple[int, int] | None = None, towards: tuple[int, int] | None = None) -> Pixels:
        """Return what `read_image` gives, with the file's own bands."""
        return _decode(self, at_least, towards)

    def labels(self) -> Pixels:
        """Return what `read_labels` gives."""
        if self.image is None:
            pixels = _decode(self)
            return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
        image = _load(self, None)
        with decoding(self.path):
            labels = label_pixels(image, self.path)
        return turn(labels, _orientation_left(self))

    def palette(self) -> tuple[tuple[int, int, int], ...] | None:
        """Return what `read_palette` gives."""
        if self.image is None or self.image.mode not in ("P", "PA"):
            return None
        with decoding(self.path):
            stored = self.image.palette
            if (
                stored is not None and stored.mode == "RGB" and stored.rawmode in (None, "RGB")
            ):  # known before the pixels are decoded
                table = np.frombuffer(bytes(stored.palette), np.uint8)[: 3 * 256].reshape(-1, 3)
            else:
                table = palette_of(_load(self, None))
        return tuple((int(r), int(g), int(b)) for r, g, b in table)

    def taken(self) -> str:
        """Return EXIF's time of the photograph, "YYYY:MM:DD HH:MM:SS", or ""."""
        exif = self.png.exif if self.png is not None else b""
        if self.image is not None and self.png is None:
            stored = self.image.info.get("exif", b"")
            exif = stored if isinstance(stored, bytes) else b""
        return exif_taken(exif)


@contextmanager
def open_picture(source: Source) -> Iterator[OpenPicture]:
    """Open a picture file and read its header, once for all that is to be known of it. Raises DataError."""
    path = path_of(source)
    count = not isinstance(source, Encoded)  # what is sent may be made to be slow to count, and nobody asks
    with open_source(source if isinstance(source, Encoded) else path) as file:
        name = content_format(file, path)
        if name == "PNG":
            yield _open_png(file, path)
        elif name == "TIFF":
            yield _open_tiff(file, path, count=count)
        else:
            yield _open_other(file, name, path, count=count)


def path_of(source: Source) -> Path:
    """Return the path that errors about a picture name."""
    return Path(source.name if isinstance(source, Encoded) else source)


def read_info(path: PathLike) -> ImageInfo:
    """Read what the header says. Raises DataError for what is no readable picture."""
    with open_picture(path) as source:
        return source.info


def read_image(
    path: Source,
    *,
    bands: int | None = None,
    at_least: tuple[int, int] | None = None,
    towards: tuple[int, int] | None = None,
) -> Pixels:
    """Read a picture: (H, W, bands) uint8 or uint16, row 0 at the top, EXIF orientation applied, alpha dropped.

    bands: None keeps the file's own (palette and CMYK become RGB); 1 or 3 converts between grey and RGB.
    at_least: (height, width) after orientation: a JPEG may be decoded at 1/2, 1/4 or 1/8, never below this size.
    towards: the size that `resize_image` will be asked for: the picture may have it already, with the same bytes.

    16-bit values stay as they are. Raises DataError for what cannot be read or has other bands than asked for,
    MissingDependency where several bands need the extra `geo`.
    """
    with open_picture(path) as source:
        to_grey = bands == 1 and source.info.bands != 1  # of all its colours, before it is resized
        pixels = source.pixels(at_least, None if to_grey else towards)
    return with_bands(pixels, bands, path_of(path))


def read_labels(path: PathLike) -> Pixels:
    """Read a mask as it lies on disk, EXIF orientation applied where it carries one.

    Returns (H, W) uint8 or uint16 for grey, palette indices for a palette, 0 and 1 for one bit; (H, W, 3) for colour
    and (H, W, 4) for colour with alpha, also for grey whose alpha is not opaque throughout. Raises as `read_image`.
    """
    with open_picture(path) as source:
        return source.labels()


def read_palette(path: PathLike) -> tuple[tuple[int, int, int], ...] | None:
    """Return the palette's colours as (red, green, blue), index by index; None where the file has no palette."""
    with open_picture(path) as source:
        return source.palette()


def _open_png(file: BinaryIO, path: Path) -> OpenPicture:
    with decoding(path):
        png = read_png_header(file)
    check_pixels(png.width, png.height, path)
    orientation = exif_orientation(png.exif)
    if png.bits == 16 and png.colour in (2, 4, 6):
        check_sides(png.width, png.height, path)
        mode, bands = {2: ("RGB;16", 3), 4: ("LA;16", 1), 6: ("RGBA;16", 3)}[png.colour]
        alpha = png.colour != 2 or png.transparency
        size = _turned((png.height, png.width), orientation)
        info = ImageInfo(*size, bands, "uint16", "PNG", mode, orientation, png.frames, alpha)
        return OpenPicture(path, file, info, png=png)
    file.seek(0)
    image = open_with_pillow(file, "PNG", path)
    info = _info_of(image, "PNG", (png.height, png.width), orientation, png.frames)
    return OpenPicture(path, file, info, image=image, png=png)


def _open_tiff(file: BinaryIO, path: Path, *, count: bool) -> OpenPicture:
    with decoding(path), pillow_unlimited():
        tiff = read_tiff_layout(file)
    check_pixels(tiff.width, tiff.height, path)
    check_pixels(tiff.block[1], tiff.block[0], path)  # a strip or tile is decoded whole, however small the picture
    check_values(tiff.width * tiff.height * tiff.samples * -(-tiff.bits // 8), path)
    orientation = tiff.orientation if tiff.orientation in _TURNS else 1
    size = (tiff.height, tiff.width)
    if tiff.needs_tifffile:
        mode = f"{tiff.samples}x{tiff.bits}"
        dtype = "uint8" if tiff.bits <= 8 else "uint16"
        info = ImageInfo(*_turned(size, orientation), tiff.bands, dtype, "TIFF", mode, orientation, 1, bool(tiff.alpha))
        return OpenPicture(path, file, info, tiff=tiff)
    file.seek(0)
    image = open_with_pillow(file, "TIFF", path)
    frames = 1
    if count:
        with decoding(path), pillow_unlimited():
            frames = int(getattr(image, "n_frames", 1))
    return OpenPicture(path, file, _info_of(image, "TIFF", size, orientation, frames), image=image, tiff=tiff)


def _open_other(file: BinaryIO, name: str, path: Path, *, count: bool) -> OpenPicture:
    image = open_with_pillow(file, name, path)
    frames = 1
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        if image.info.get("progressive"):
            check_scans(file, path)
        gain_map = any(b"hdrgm:Version" in content for kind, content in image.applist if kind == "APP1")
        frames = 1 if gain_map else count_mpo_pictures(image.info.get("mp", b""))
        name = "MPO" if frames > 1 else name
    elif name in ("GIF", "WEBP") and count:
        with decoding(path), pillow_unlimited():
            frames = int(getattr(image, "n_frames", 1))
    exif = image.info.get("exif", b"")
    orientation = exif_orientation(exif) if isinstance(exif, bytes) else 1
    info = _info_of(image, name, (image.height, image.width), orientation, frames)
    return OpenPicture(path, file, info, image=image)


def _info_of(image: Image.Image, name: str, size: tuple[int, int], orientation: int, frames: int) -> ImageInfo:
    height, width = _turned(size, orientation)
    dtype = "uint16" if is_wide(image.mode) else "uint8"
    bands = bands_of(image.mode)
    return ImageInfo(height, width, bands, dtype, name, image.mode, orientation, frames, has_alpha(image))


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if _TURNS[orientation][0] else size


def turn(pixels: Pixels, orientation: int) -> Pixels:
    """Apply an EXIF orientation to (H, W) or (H, W, C)."""
    transpose, flip_rows, flip_columns = _TURNS[orientation]
    if transpose:
        pixels = pixels.swapaxes(0, 1)
    if flip_rows:
        pixels = pixels[::-1]
    if flip_columns:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _orientation_left(source: OpenPicture) -> int:
    """Return the orientation that the decoder has not applied: Pillow turns TIFF files itself."""
    return 1 if source.info.format == "TIFF" and source.image is not None else source.info.orientation


def _decode(
    source: OpenPicture, at_least: tuple[int, int] | None = None, towards: tuple[int, int] | None = None
) -> Pixels:
    """Decode to (H, W, bands), oriented, alpha dropped."""
    with decoding(source.path):
        if source.png is not None and source.image is None:
            pixels: Pixels = read_png16(source.file, source.png)[:, :, : source.info.bands]
        elif source.tiff is not None and source.image is None:
            pixels = read_with_tifffile(source.file, source.tiff, source.path)
        else:
            image = _load(source, at_least)
            if towards is not None and image.mode in ("L", "RGB") and source.info.orientation == 1:
                image = resize_picture(image, towards)  # no arrays of the whole picture on the way
            pixels = picture_pixels(image, source.path)
    return turn(pixels, _orientation_left(source))


def _load(source: OpenPicture, at_least: tuple[int, int] | None) -> Image.Image:
    """Decode with Pillow. Raises DataError."""
    image = source.image
    if image is None:
        raise ValueError("this file is not Pillow's to decode")
    if at_least is not None and source.info.format in ("JPEG", "MPO"):
        height, width = _turned(at_least, source.info.orientation)
        if 0 < height <= image.height and 0 < width <= image.width:
            image.draft(None, (width, height))
    with decoding(source.path):
        if source.tiff is None:
            image.load()
        else:
            _load_tiff(image, source.tiff, source.file)
    return image


def _load_tiff(image: Image.Image, tiff: TiffLayout, file: BinaryIO) -> None:
    """Decode and turn; what only XMP says of orientation is overruled by the tag."""
    image.getexif()[_ORIENTATION] = tiff.orientation if tiff.orientation in _TURNS else 1
    large = Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > Image.MAX_IMAGE_PIXELS
    try:
        with pillow_unlimited() if large else nullcontext():
            image.load()
    except DECODING_ERRORS as error:
        if tiff.end > length_of(file):
            raise OSError("truncated") from error
        raise
