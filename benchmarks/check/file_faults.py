"""Faults of single files and of pairing: broken, misnamed, turned, of another mode or size, alone, ambiguous."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from copies import CleanSet, Copy, Pair, open_picture, put, put_picture, with_pixels
from faultkind import Damage, Fault, PairDamage, Rng, how_many, strengths
from PIL import Image

_ORIENTATION = 0x0112
_TAIL = 40  # bytes: less than that off the end of a PNG takes no pixel away
_STORED = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def _either(damage: Callable[[Path, Rng], None]) -> PairDamage:
    """Damage the picture or the mask, as chance has it."""

    def do(copy: Copy, pair: Pair, rng: Rng) -> str:
        damage(pair.image if rng.random() < 0.5 else pair.mask, rng)
        return pair.id

    return do


def _cut(share: float) -> PairDamage:
    def do(path: Path, rng: Rng) -> None:
        content = path.read_bytes()
        put(path, content[: min(int(len(content) * share), len(content) - _TAIL)])

    return _either(do)


def _named_otherwise(form: str, *, mask: bool = False) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        path = pair.mask if mask else pair.image
        image = open_picture(path)
        if image.format == form:
            return None
        if form == "GIF" and image.mode == "RGBA":
            image = image.convert("RGB")
        put_picture(path, image, form)
        return pair.id

    return do


def _frames(suffix: str, *, mask: bool = False) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str:
        path = pair.mask if mask else pair.image
        image = open_picture(path)
        if suffix == ".gif" and image.mode == "RGBA":
            image = image.convert("RGB")
        others = [with_pixels(np.asarray(image)[::-1], image), with_pixels(np.asarray(image)[:, ::-1], image)]
        path.unlink()
        put_picture(path.with_suffix(suffix), image, save_all=True, append_images=others)
        return pair.id

    return do


def with_exif(path: Path, exif: Image.Exif, turn: Image.Transpose | None = None) -> None:
    """Write EXIF into a picture file; where its pixels need not be turned, a JPEG keeps them exactly."""
    image = open_picture(path)
    form = image.format or ""
    if turn is not None:
        image = image.transpose(turn)
        put_picture(path, image, form, exif=exif, **({"quality": 95} if form == "JPEG" else {}))
    else:
        put_picture(path, image, form, exif=exif, **({"quality": "keep"} if form == "JPEG" else {}))


def _rotated(orientation: int) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        if open_picture(pair.image).format not in ("JPEG", "PNG", "TIFF"):
            return None
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        with_exif(pair.image, exif, _STORED[orientation])
        return pair.id

    return do


def _mode(wanted: str) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str | None:
        image = open_picture(pair.image)
        if image.mode == wanted:
            return None
        made = _in_mode(image, wanted)
        pair.image.unlink()
        put_picture(pair.image.with_suffix(".png"), made)
        return pair.id

    return do


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        grey = np.asarray(image.convert("L")).astype(np.uint16)
        return Image.fromarray(grey * np.uint16(257))
    if mode == "RGB" and image.mode == "L":
        grey = np.asarray(image).astype(np.float32)
        return Image.fromarray(np.stack([grey, grey * 0.9, grey * 0.7], axis=2).astype(np.uint8))
    made = image.convert(mode)
    if mode in ("RGBA", "LA"):
        made.putalpha(Image.linear_gradient("L").resize(image.size))
    return made


def _is_colour(clean: CleanSet) -> str:
    return "" if clean.image_mode in ("RGB", "RGBA") else "its pictures are grey"


def _is_grey(clean: CleanSet) -> str:
    return "" if clean.image_mode == "L" else "its pictures are coloured"


def _is_opaque(clean: CleanSet) -> str:
    return "its pictures all have transparency" if clean.image_mode == "RGBA" else ""


def _without_mask(copy: Copy, pair: Pair, rng: Rng) -> str:
    pair.mask.unlink()
    return pair.id.rpartition("/")[2]


def _without_image(copy: Copy, pair: Pair, rng: Rng) -> str:
    pair.image.unlink()
    return pair.mask.stem


def _two_masks(copy: Copy, pair: Pair, rng: Rng) -> str:
    image = open_picture(pair.mask)
    other = ".tif" if pair.mask.suffix != ".tif" else ".png"
    put_picture(pair.mask.with_suffix(other), with_pixels(np.asarray(image)[:, ::-1], image))
    return pair.id


def _two_pictures(copy: Copy, pair: Pair, rng: Rng) -> str:
    image = open_picture(pair.image)
    other = ".png" if pair.image.suffix != ".png" else ".jpg"
    put_picture(pair.image.with_suffix(other), with_pixels(255 - np.asarray(image)[::-1], image))
    return pair.id


def _stray(name: str) -> Callable[[Copy, Rng], Damage]:
    def do(copy: Copy, rng: Rng) -> Damage:
        names = [name.format(i) for i in range(how_many(len(copy.pairs)))]
        for path in names:
            if path.endswith((".png", ".jpg")):
                put_picture(copy.folder / path, Image.fromarray(rng.integers(0, 255, (90, 120, 3), np.uint8)))
            else:
                put(copy.folder / path, rng.bytes(500))
        return Damage(tuple((frozenset({Path(path).stem}),) for path in names))

    return do


def _resized(share: float) -> PairDamage:
    def do(copy: Copy, pair: Pair, rng: Rng) -> str:
        image = open_picture(pair.mask)
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        put_picture(pair.mask, image.resize(size, Image.Resampling.NEAREST), image.format or "")
        return pair.id

    return do


def _cropped(copy: Copy, pair: Pair, rng: Rng) -> str:
    image = open_picture(pair.mask)
    raw = np.asarray(image)
    rows = round(raw.shape[0] * 0.1)
    put_picture(pair.mask, with_pixels(raw[rows:], image), image.format or "")
    return pair.id


def _turned(copy: Copy, pair: Pair, rng: Rng) -> str | None:
    image = open_picture(pair.mask)
    if abs(image.width - image.height) < 0.04 * image.width:
        return None
    put_picture(pair.mask, with_pixels(np.rot90(np.asarray(image)), image), image.format or "")
    return pair.id


def _fits(clean: CleanSet) -> str:
    return "its masks all differ in size from their pictures" if clean.stretched else ""


FILE_FAULTS: tuple[Fault, ...] = (
    *strengths("unreadable", (
        ("random bytes", _either(lambda path, rng: put(path, rng.bytes(3000)))),
        ("no bytes", _either(lambda path, rng: put(path, b""))),
        ("a page of HTML", _either(lambda path, rng: put(path, b"<!DOCTYPE html><title>404</title>" * 20))),
    )),
    *strengths("truncated", tuple((f"cut at {share:.0%}", _cut(share)) for share in (0.95, 0.6, 0.3))),
    *strengths("wrong-extension", (
        ("PNG inside", _named_otherwise("PNG")), ("GIF inside", _named_otherwise("GIF")),
        ("BMP inside", _named_otherwise("BMP")), ("JPEG inside", _named_otherwise("JPEG")),
        ("mask is a TIFF", _named_otherwise("TIFF", mask=True)),
    )),
    *strengths("multi-frame", (
        ("GIF", _frames(".gif")), ("TIFF", _frames(".tif")), ("mask TIFF", _frames(".tif", mask=True)),
    )),
    *strengths("exif-rotated", tuple((f"orientation {number}", _rotated(number)) for number in (3, 6, 8))),
    *strengths("mixed-modes", (("grey", _mode("L")), ("16 bits", _mode("I;16"))), suits=_is_colour),
    *strengths("mixed-modes", (("transparency", _mode("RGBA")),), suits=_is_opaque),
    *strengths("mixed-modes", (("colour", _mode("RGB")),), suits=_is_grey),
    *strengths("image-without-mask", (("mask removed", _without_mask),)),
    *strengths("mask-without-image", (("picture removed", _without_image),)),
    *strengths("ambiguous-pair", (("two masks of a name", _two_masks), ("two pictures of a name", _two_pictures))),
    Fault("stray-file", "no picture", whole=_stray("notes_{}.dat")),
    Fault("stray-file", "picture elsewhere", whole=_stray("previews/sheet_{}.png"), accepted=("image-without-mask",)),
    *strengths("size-mismatch", (("half", _resized(0.5)), ("90 %", _resized(0.9)), ("twice", _resized(2))),
               suits=_fits),
    *strengths("aspect-mismatch", (("a tenth cut off", _cropped), ("turned", _turned)), suits=_fits),
)  # fmt: skip
