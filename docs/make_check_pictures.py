"""Draws docs/images/check/KIND.png: for each kind of finding an example, damaged on purpose, made of generated pebbles.

Each scene is a small set with one fault. The check looks at it, and what it finds is drawn as on its page; findings
that need a training or many pictures are stated here. Run it by hand after the page's drawings have changed:
`python docs/make_check_pictures.py [KIND ...]`.
"""

import io
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maskwright.audit.check import check_dataset
from maskwright.audit.findings import KINDS, Finding
from maskwright.data.pebbles import make_pebbles
from maskwright.images.classes import PALETTE
from maskwright.images.formats import encode_png
from maskwright.report.check_page import Panel
from maskwright.report.evidence import AS_IT_IS, BETTER
from maskwright.report.pixels import EXTRA, Colour
from maskwright.report.sheet import INK, SOFT, font
from maskwright.runs.check_evidence import Evidence
from maskwright.runs.check_panels import panels_of

FOLDER = Path(__file__).with_name("images") / "check"
LARGEST = 24_000  # bytes of a picture
SIZE = (144, 192)
SMALL = (48, 64)  # a planned size at which tiny objects vanish
SIDE = 176  # the longer side of a panel here
COUNT = 10
ODD = "pebbles_0003"  # the picture that is damaged
_PAPER: Colour = (246, 247, 248)
_KEPT: tuple[Colour, ...] = (AS_IT_IS, BETTER, EXTRA)

Scene = Callable[[Path], Finding | None]


def image_path(folder: Path, name: str = ODD) -> Path:
    """Return where a picture of the scene lies."""
    return folder / "images" / f"{name}.jpg"


def mask_path(folder: Path, name: str = ODD) -> Path:
    """Return where a mask of the scene lies."""
    return folder / "masks" / f"{name}.png"


def read(path: Path) -> NDArray[np.uint8]:
    """Return a picture or mask as it lies on disk."""
    with Image.open(path) as image:
        return np.asarray(image)


def save(path: Path, pixels: NDArray[np.uint8] | Image.Image, kind: str = "", **options: object) -> None:
    """Write a picture in a format, by default the one that the suffix names."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, format=kind or None, **options)


def stated(kind: str, level: str, what: str, sample: str | None = ODD, **evidence: object) -> Finding:
    """Return a finding that the scene's own check does not make."""
    return Finding(kind, level, sample, what, "", "", evidence)  # type: ignore[arg-type]


def unreadable(folder: Path) -> None:
    """Put words where a picture should be."""
    image_path(folder).write_bytes(b"<html>404 Not Found</html>")


def truncated(folder: Path) -> None:
    """Cut a file in the middle."""
    whole = image_path(folder).read_bytes()
    image_path(folder).write_bytes(whole[: len(whole) // 2])


def wrong_extension(folder: Path) -> None:
    """Write a PNG under the name of a JPEG."""
    save(image_path(folder), read(image_path(folder)), "PNG")


def multi_frame(folder: Path) -> None:
    """Write two pictures into one file."""
    frames = [Image.fromarray(read(image_path(folder, f"pebbles_000{n}"))) for n in (3, 4)]
    image_path(folder).unlink()
    save(image_path(folder).with_suffix(".tif"), frames[0], save_all=True, append_images=frames[1:])


def exif_rotated(folder: Path) -> None:
    """Turn a picture and say so in its EXIF entry."""
    _turn(folder)


def exif_conflict(folder: Path) -> None:
    """Turn a picture and say so in its EXIF entry, and turn its mask without saying so."""
    _turn(folder)
    save(mask_path(folder), np.rot90(read(mask_path(folder))))


def _turn(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(image_path(folder), np.ascontiguousarray(np.rot90(read(image_path(folder)))), quality=92, exif=exif)


def mixed_modes(folder: Path) -> None:
    """Make one picture grey."""
    save(image_path(folder), Image.fromarray(read(image_path(folder))).convert("L"), quality=92)


def image_without_mask(folder: Path) -> None:
    """Remove a mask."""
    mask_path(folder).unlink()


def mask_without_image(folder: Path) -> None:
    """Remove a picture."""
    image_path(folder).unlink()


def ambiguous_pair(folder: Path) -> None:
    """Add a second mask that fits the picture as well."""
    save(mask_path(folder, "pebbles_3"), read(mask_path(folder, "pebbles_0004")))


def stray_file(folder: Path) -> None:
    """Leave pictures there that are neither pictures nor masks of the set."""
    for name in ("pebbles_0003", "pebbles_0004"):
        (folder / "sketches").mkdir(exist_ok=True)
        save(folder / "sketches" / f"{name}.png", read(image_path(folder, name)))


def size_mismatch(folder: Path) -> None:
    """Save a mask at half the size."""
    save(mask_path(folder), read(mask_path(folder))[::2, ::2])


def aspect_mismatch(folder: Path) -> None:
    """Cut the right third off a mask."""
    save(mask_path(folder), np.ascontiguousarray(read(mask_path(folder))[:, :128]))


def mask_values(folder: Path) -> None:
    """Let a mask hold a value that no other holds."""
    _as_classes(folder, 3)
    mask = read(mask_path(folder)).copy()
    mask[20:50, 120:170] = 77
    save(mask_path(folder), mask)
    (folder / "dataset.yaml").write_text("values: {background: 0, plain: 1, banded: 2}\n", encoding="utf-8")


def mask_antialiased(folder: Path) -> None:
    """Blur the borders of a mask."""
    mask = Image.fromarray(read(mask_path(folder)))
    save(
        mask_path(folder), mask.resize((96, 72), Image.Resampling.BILINEAR).resize((192, 144), Image.Resampling.BICUBIC)
    )


def mask_lossy(folder: Path) -> None:
    """Save a mask as JPEG."""
    save(mask_path(folder).with_suffix(".jpg"), read(mask_path(folder)), quality=40)
    mask_path(folder).unlink()


def mask_shifted(folder: Path) -> None:
    """Move a mask down and to the right."""
    mask = read(mask_path(folder))
    moved = np.zeros_like(mask)
    moved[8:, 14:] = mask[:-8, :-14]
    save(mask_path(folder), moved)


def mask_empty(folder: Path) -> None:
    """Empty a mask."""
    save(mask_path(folder), np.zeros(SIZE, np.uint8))


def mask_constant(folder: Path) -> None:
    """Fill a mask with one value."""
    save(mask_path(folder), np.full(SIZE, 255, np.uint8))


def class_missing(folder: Path) -> None:
    """Name a class that no mask shows."""
    _as_classes(folder, 3)
    classes = "values: {background: 0, plain: 1, banded: 2, speckled: 3}\n"
    (folder / "dataset.yaml").write_text(classes, encoding="utf-8")


def class_rare(folder: Path) -> None:
    """Let one mask alone show a class."""
    _as_classes(folder, 3)
    for path in (folder / "masks").glob("*.png"):
        if path != mask_path(folder):
            path.write_bytes(encode_png(np.minimum(read(path), 1), palette=PALETTE[:3]))


def tiny_objects(folder: Path) -> None:
    """Mark a few single grains."""
    mask = read(mask_path(folder)).copy()
    for row, column in ((20, 30), (70, 165), (120, 60)):
        mask[row - 6 : row + 9, column - 6 : column + 9] = 0
        mask[row : row + 3, column : column + 3] = 255
    save(mask_path(folder), mask)


def border_ring(folder: Path) -> None:
    """Leave the margins of a mask without labels."""
    mask = read(mask_path(folder, "pebbles_0001")).copy()
    mask[:6], mask[-6:], mask[:, :6], mask[:, -6:] = 0, 0, 0, 0
    save(mask_path(folder, "pebbles_0001"), mask)


def duplicate(folder: Path) -> None:
    """Copy a pair under another name."""
    image_path(folder, "pebbles_copy").write_bytes(image_path(folder).read_bytes())
    mask_path(folder, "pebbles_copy").write_bytes(mask_path(folder).read_bytes())


def near_duplicate(folder: Path) -> None:
    """Copy a pair mirrored and brightened."""
    image, mask = read(image_path(folder)), read(mask_path(folder))
    brighter = np.clip(image[:, ::-1].astype(np.float32) * 1.2, 0, 255).astype(np.uint8)
    save(image_path(folder, "pebbles_copy"), brighter, quality=60)
    save(mask_path(folder, "pebbles_copy"), np.ascontiguousarray(mask[:, ::-1]))


def label_conflict(folder: Path) -> None:
    """Copy a picture and give the copy another mask."""
    image_path(folder, "pebbles_copy").write_bytes(image_path(folder).read_bytes())
    mask = read(mask_path(folder)).copy()
    mask[:, :80] = 0
    save(mask_path(folder, "pebbles_copy"), mask)


def split_leak(folder: Path) -> None:
    """Put a picture into one part and its copy into another."""
    duplicate(folder)
    for kind in ("images", "masks"):
        for path in list((folder / kind).iterdir()):
            part = "test" if path.stem > "pebbles_0006" else "train"
            (folder / part / kind).mkdir(parents=True, exist_ok=True)
            path.rename(folder / part / kind / path.name)
        (folder / kind).rmdir()


def group_suggested(folder: Path) -> None:
    """Name pictures as if each two were of one stretch of a beach."""
    make_pebbles(folder, 24, size=SIZE, seed=5)
    for number in range(24):
        name = f"beach{number // 2:02d}_{'ab'[number % 2]}"
        image_path(folder, f"pebbles_{number:04d}").rename(image_path(folder, name))
        mask_path(folder, f"pebbles_{number:04d}").rename(mask_path(folder, name))


def suspect_label(folder: Path) -> Finding:
    """Forget the largest pebble."""
    from scipy import ndimage

    mask = read(mask_path(folder)).copy()
    objects, _ = ndimage.label(mask)
    number = int(np.bincount(objects.ravel())[1:].argmax()) + 1
    rows, columns = ndimage.find_objects(objects)[number - 1]
    mask[objects == number] = 0
    save(mask_path(folder), mask)
    box = [rows.start, columns.start, rows.stop, columns.stop]
    objects_found = [{"kind": "missing", "box": box, "score": 0.97}]
    return stated("suspect-label", "warning", "An object seems to be missing from the mask.", objects=objects_found)


def outlier_image(folder: Path) -> Finding:
    """Put a picture there that is of something else."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    stripes = np.stack([rows * 255 // SIZE[0], (columns // 24 % 2) * 160, 255 - columns * 255 // SIZE[1]], axis=2)
    save(image_path(folder), stripes.astype(np.uint8), quality=92)
    return stated("outlier-image", "note", "The picture is unlike all others.")


def _as_classes(folder: Path, classes: int) -> None:
    make_pebbles(folder, COUNT, size=SIZE, seed=5, classes=classes)


SCENES: dict[str, Scene] = {
    "unreadable": unreadable, "truncated": truncated, "wrong-extension": wrong_extension, "multi-frame": multi_frame,
    "exif-rotated": exif_rotated, "exif-conflict": exif_conflict, "mixed-modes": mixed_modes,
    "image-without-mask": image_without_mask, "mask-without-image": mask_without_image,
    "ambiguous-pair": ambiguous_pair, "stray-file": stray_file, "size-mismatch": size_mismatch,
    "aspect-mismatch": aspect_mismatch, "mask-values": mask_values, "mask-antialiased": mask_antialiased,
    "mask-lossy": mask_lossy, "mask-shifted": mask_shifted, "mask-empty": mask_empty, "mask-constant": mask_constant,
    "class-missing": class_missing, "class-rare": class_rare, "tiny-objects": tiny_objects, "border-ring": border_ring,
    "duplicate": duplicate, "near-duplicate": near_duplicate, "label-conflict": label_conflict,
    "split-leak": split_leak, "group-suggested": group_suggested, "suspect-label": suspect_label,
    "outlier-image": outlier_image,
}  # fmt: skip


def example(kind: str, folder: Path) -> tuple[Finding, list[Panel], bool]:
    """Make the scene; return what is found in it, the panels, and whether the check itself found it."""
    make_pebbles(folder, COUNT, size=SIZE, seed=5)
    told = SCENES[kind](folder)
    report = check_dataset(folder, size=SMALL if kind == "tiny-objects" else None)
    if report.dataset is None:
        raise RuntimeError("a check of a folder returns its dataset")
    found = next((one for one in report.findings if one.kind == kind), None)
    finding = found or told
    if finding is None:
        raise RuntimeError(f"{kind}: the check finds {sorted({one.kind for one in report.findings})}")
    source = Evidence(report.dataset, [finding])
    panels = panels_of(source, finding) or [source.tinted(row, report.dataset.columns.ids[row]) for row in (2, 3)]
    return finding, panels, found is not None


def compose(finding: Finding, panels: Sequence[Panel]) -> Image.Image:
    """Return the panels side by side with their captions, and what was found above them."""
    shown = [(panel, _picture(panel)) for panel in panels[:3]]
    width = max(320, 12 + sum(picture.width + 12 for _, picture in shown))
    lines = _wrapped(finding.what, width - 24)
    top = 16 + 17 * len(lines)
    height = top + max((picture.height + 38 for _, picture in shown), default=0) + 4
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        pen.text((12, 8 + 17 * number), line, INK, font(13))
    left = 12
    for panel, picture in shown:
        sheet.paste(picture, (left, top))
        for number, line in enumerate(_wrapped(panel.caption, picture.width, 12)[:2]):
            pen.text((left, top + picture.height + 3 + 15 * number), line, SOFT, font(12))
        left += picture.width + 12
    return sheet


def _picture(panel: Panel) -> Image.Image:
    if panel.picture is not None:
        small = panel.picture.copy()
        small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        return small
    frame = Image.new("RGB", (SIDE, SIDE * 3 // 4), "white")
    pen = ImageDraw.Draw(frame)
    pen.rectangle((0, 0, frame.width - 1, frame.height - 1), outline=SOFT)
    for number, line in enumerate(_wrapped(panel.said, SIDE - 24, 12)):
        pen.text((12, 40 + 15 * number), line, SOFT, font(12))
    return frame


def _wrapped(text: str, width: int, size: int = 13) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font(size).getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def encode(sheet: Image.Image) -> bytes:
    """Return a PNG of few colours, fewer where it would be large."""
    marked = Image.new("RGB", (sheet.width, sheet.height + 3 * 24), _PAPER)  # so that no mark's colour is left out
    marked.paste(sheet)
    for number, colour in enumerate(_KEPT):
        marked.paste(colour, (0, sheet.height + 24 * number, sheet.width, sheet.height + 24 * number + 24))
    for colours in (128, 96, 64, 48, 32, 24, 16):
        stream = io.BytesIO()
        palette = marked.quantize(colours, Image.Quantize.MEDIANCUT)
        sheet.quantize(palette=palette, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
        if stream.tell() <= LARGEST:
            break
    return stream.getvalue()


def main(kinds: Sequence[str]) -> None:
    """Draw the examples of some kinds, by default of all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            finding, panels, found = example(kind, Path(folder) / "pebbles")
            content = encode(compose(finding, panels))
        (FOLDER / f"{kind}.png").write_bytes(content)
        print(f"{kind:20} {len(content):6} bytes  {'found' if found else 'stated'}  {finding.what}")


if __name__ == "__main__":
    main(sys.argv[1:])
