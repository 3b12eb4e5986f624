"""Pictures to files, in a format that gives back the pixels: 8 or 16 bits, any number of bands, no metadata.

Photographs that came as JPEG may become one again (nearly the same pixels, a tenth of the size). Knows no masks.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from maskwright.errors import ShapeError, need
from maskwright.files import write_bytes
from maskwright.images.modes import Pixels
from maskwright.images.png16 import encode_png16

JPEG_QUALITY = 95


def picture_suffix(bands: int, dtype: str, *, lossy: bool = False) -> str:
    """Return the suffix of the format that holds such a picture: ".jpg", ".png", or ".tif" for other than 1 or 3 bands.

    lossy: whether JPEG will do, where it can hold the picture.
    """
    if bands not in (1, 3):
        return ".tif"
    return ".jpg" if lossy and dtype == "uint8" else ".png"


def write_picture(path: Path, image: Pixels) -> None:
    """Write (H, W, bands) uint8 or uint16 in the format of the suffix, as `picture_suffix` chose it.

    The same pixels give the same bytes. Raises OutputError, MissingDependency for TIFF without the extra `geo`.
    """
    write_bytes(path, _encode(image, path.suffix, path.name))


def encode_png(array: Pixels, *, palette: tuple[tuple[int, int, int], ...] | None = None, quick: bool = False) -> bytes:
    """Return a PNG without any metadata.

    array: (H, W) uint8 or uint16, (H, W, 1) the same, (H, W, 3) or (H, W, 4) uint8.
    palette: colours of the indices in an (H, W) uint8 array, at most 256. quick: a third of the time, for a file some
    per cent larger. Raises ShapeError for anything else.
    """
    pixels = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    flat, colour = pixels.ndim == 2, pixels.ndim == 3 and pixels.shape[2] in (3, 4)
    given = f"got {array.shape} {array.dtype}"
    if not (flat and pixels.dtype in (np.uint8, np.uint16) or colour and pixels.dtype == np.uint8) or not pixels.size:
        raise ShapeError(f"A PNG wants (H, W) uint8 or uint16, or (H, W, 3 or 4) uint8; {given}.")
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if palette is not None:
        if not flat or pixels.dtype != np.uint8 or len(palette) > 256:
            raise ShapeError(f"A palette of up to 256 colours wants (H, W) uint8; {given}, {len(palette)} colours.")
        image.putpalette([value for colour in palette for value in colour])
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1 if quick else 6)
    return stream.getvalue()


def _encode(image: Pixels, suffix: str, name: str) -> bytes:
    if image.ndim != 3 or image.dtype not in (np.uint8, np.uint16) or not image.size:
        raise ShapeError(f"A picture is (H, W, bands) uint8 or uint16; got {image.shape} {image.dtype}.")
    if suffix == ".tif":
        return _encode_tiff(image, name)
    if suffix == ".jpg":
        stream = io.BytesIO()
        flat = image[:, :, 0] if image.shape[2] == 1 else image
        Image.fromarray(np.ascontiguousarray(flat)).save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        return stream.getvalue()
    if image.dtype == np.uint16 and image.shape[2] == 3:
        return encode_png16(image)
    return encode_png(image)


def _encode_tiff(image: Pixels, name: str) -> bytes:
    purpose = f"Writing {name} ({image.shape[2]} bands)"
    tifffile = need("tifffile", extra="geo", purpose=purpose)
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, image, photometric="minisblack", planarconfig="contig", extrasamples=[0] * (image.shape[2] - 1),
        metadata=None, software=False, compression="deflate",
    )  # fmt: skip
    return stream.getvalue()
