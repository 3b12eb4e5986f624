"""`predict`: masks and overlays for files and folders. One broken picture never stops the others."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.files import make_folder, write_bytes
from maskwright.images.classes import Classes
from maskwright.images.formats import encode_png, read_image, resize_labels
from maskwright.progress import Progress, Step, ignore
from maskwright.report.pixels import overlay
from maskwright.runs.opening import open_model
from maskwright.runtime.predictor import Predictor

OVERLAY_SIDE = 1600  # pixels
SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".mpo"}


@dataclass(frozen=True)
class PredictResult:
    """outputs: {input, mask, overlay, seconds, skipped} for each mask that is there now. failures: {input, error}."""

    outputs: tuple[dict[str, Any], ...]
    failures: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"outputs": list(self.outputs), "failures": list(self.failures)}


def predict_files(
    model: str | Path | Predictor,
    inputs: Sequence[str | Path] | str | Path,
    output: str | Path,
    *,
    overwrite: bool = False,
    runtime: str | None = None,
    precision: str | None = None,
    progress: Progress = ignore,
) -> PredictResult:
    """Predict pictures, and write output/masks/NAME.png and output/overlays/NAME.png, mirroring the input's folders.

    model: a run's folder, a model.onnx, or a Predictor. inputs: files, or folders (all pictures below them).
    Masks are palette PNGs whose values are class indices (overlapping classes: one file a class, NAME.CLASS.png, with
    0 and 255), at the picture's size. A mask that is there already is kept, unless `overwrite`.
    Raises DataError for an input that does not exist, OutputError where nothing can be written.
    """
    predictor = model if isinstance(model, Predictor) else open_model(model, runtime, precision)
    listed = list_pictures([inputs] if isinstance(inputs, str | Path) else inputs)
    target = make_folder(Path(output))
    outputs, failures = [], []
    for done, (path, name) in enumerate(_named(listed), start=1):
        try:
            outputs.append(_predict_one(predictor, path, target, name, overwrite))
        except DataError as error:
            failures.append({"input": str(path), "error": {"what": error.what, "where": error.where, "fix": error.fix}})
        progress(Step("predict", done, len(listed)))
    return PredictResult(tuple(outputs), tuple(failures))


def list_pictures(inputs: Sequence[str | Path]) -> list[tuple[Path, Path]]:
    """Return (file, name relative to its input) for files and folders, in order. Raises DataError."""
    found: list[tuple[Path, Path]] = []
    for entry in map(Path, inputs):
        if entry.is_dir():
            below = sorted(p for p in entry.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            found += [(path, path.relative_to(entry)) for path in below]
            if not below:
                raise DataError("The folder holds no pictures.", where=str(entry), fix="name a folder with pictures")
        elif entry.exists():
            found.append((entry, Path(entry.name)))
        else:
            raise DataError("There is no such picture or folder.", where=str(entry), fix="check the path")
    return found


def _named(listed: list[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    """Give each picture its output's name: without suffix, unless two would be the same; then with it, or a number."""
    stems = Counter(name.with_suffix("") for _, name in listed)
    taken: Counter[Path] = Counter()
    named = []
    for path, name in listed:
        short = name.with_suffix("") if stems[name.with_suffix("")] == 1 else name
        taken[short] += 1
        named.append((path, short if taken[short] == 1 else short.with_name(f"{short.name}.{taken[short]}")))
    return named


def _predict_one(predictor: Predictor, path: Path, target: Path, name: Path, overwrite: bool) -> dict[str, Any]:
    classes = predictor.description.classes
    masks = mask_files(target / "masks" / name, classes)
    drawn = target / "overlays" / name.with_name(name.name + ".png")
    entry = {"input": str(path), "mask": str(masks[0]), "overlay": str(drawn)}
    if len(masks) > 1:
        entry["masks"] = [str(mask) for mask in masks]  # type: ignore[assignment]
    if not overwrite and all(mask.exists() for mask in masks):
        return {**entry, "seconds": 0.0, "skipped": True}
    begun = time.perf_counter()
    mask = predictor.predict(path).mask
    write_bytes(drawn, _draw(path, mask, classes))
    for file, plane in zip(masks, _planes(mask, classes), strict=True):
        write_bytes(file, plane)  # last, since its presence says that the picture is done
    return {**entry, "seconds": round(time.perf_counter() - begun, 4), "skipped": False}


def _draw(path: Path, mask: NDArray[np.uint8], classes: Classes) -> bytes:
    """Draw a mask onto its picture, for looking at: large photographs are drawn smaller."""
    scale = min(1.0, OVERLAY_SIDE / max(mask.shape[:2]))
    image = read_image(path, at_least=(round(mask.shape[0] * scale), round(mask.shape[1] * scale)))
    return encode_png(overlay(image, resize_labels(mask, image.shape[:2]), classes))


def mask_files(stem: Path, classes: Classes) -> list[Path]:
    """Return the mask files of a picture: one, or one for each overlapping class."""
    if classes.exclusive:
        return [stem.with_name(stem.name + ".png")]
    return [stem.with_name(f"{stem.name}.{_plain(name)}.png") for name in classes.names]


def _planes(mask: NDArray[np.uint8], classes: Classes) -> list[bytes]:
    if classes.exclusive:
        return [encode_png(mask, palette=classes.colours)]
    return [encode_png(mask[..., k] * np.uint8(255)) for k in range(mask.shape[2])]


def _plain(name: str) -> str:
    """Keep of a class's name what is harmless in a file's name."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:60] or "class"
