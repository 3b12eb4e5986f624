"""`predict`: masks and overlays for files and folders. One broken picture never stops the others.

Beside the masks lies predicted.json, which says what each was made from: by it a mask is known to be still right, and
to be ours.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.hashing import hash_files
from maskwright.data.names import folder_of
from maskwright.data.scan import Listing, scan
from maskwright.errors import DataError, MaskwrightError, OutputError
from maskwright.files import make_folder, write_bytes, write_json
from maskwright.images.classes import Classes
from maskwright.images.formats import encode_png, read_image, resize_labels
from maskwright.progress import Progress, Step, ignore
from maskwright.report.pixels import overlay
from maskwright.runs.opening import open_model
from maskwright.runtime.predictor import Predictor

OVERLAY_SIDE = 1600  # pixels
RECORD = "predicted.json"
_SCHEMA_VERSION = 1
_RECORD_SECONDS = 2.0  # between two writings of the record: what is lost when killed is made again
_FOLDERS = ("masks", "overlays")

Stamp = Mapping[str, Any]  # what a mask was made from: the picture's size and time of change, the model, how it ran
Named = list[tuple[Path, Path]]  # (file, name relative to its input)


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
    0 and 255), at the picture's size. A mask that the same model made of the same picture is kept, unless `overwrite`.
    Raises DataError for an input that does not exist, OutputError where nothing can be written, or where masks stand
    that `predict` did not make (unless `overwrite`).
    """
    predictor = model if isinstance(model, Predictor) else open_model(model, runtime, precision)
    classes = predictor.description.classes
    listed, problems = list_pictures([inputs] if isinstance(inputs, str | Path) else inputs, Path(output))
    target = make_folder(Path(output))
    record = _Record(target / RECORD)
    jobs = [_Job(path, name, target, classes) for path, name in _named(listed)]
    if not overwrite:
        _refuse_foreign(jobs, record)
    stamps = _stamps(jobs, predictor)
    kept = {job.key for job in jobs if not overwrite and record.tells(job.key, stamps[job.key]) and job.is_made()}
    record.note({job.key: None for job in jobs if job.key not in kept})
    record.write()  # before the first mask: what is half done is then known to be so, whatever ends us
    outputs, failures = [], [_failure(path, error) for path, error in problems]
    for done, job in enumerate(jobs, start=1):
        try:
            seconds = 0.0 if job.key in kept else _predict_one(predictor, job)
        except OutputError:
            raise
        except MaskwrightError as error:
            failures.append(_failure(job.picture, error))
        else:
            outputs.append({**job.entry(), "seconds": seconds, "skipped": job.key in kept})
            if job.key not in kept:
                record.note({job.key: stamps[job.key]})
        progress(Step("predict", done, len(jobs)))
    record.write()
    return PredictResult(tuple(outputs), tuple(failures))


def list_pictures(inputs: Sequence[str | Path], output: Path) -> tuple[Named, list[tuple[Path, DataError]]]:
    """Return the pictures of files and folders, in order, and what in the folders cannot be followed or entered.

    Folders are read as training reads them; what an earlier `predict` wrote is left out. Raises DataError.
    """
    found: Named = []
    problems: list[tuple[Path, DataError]] = []
    for entry in map(Path, inputs):
        if os.path.isdir(entry):
            listing = scan(entry)
            made = _made_by_predict(listing, output)
            below = [path for path in listing.pictures if not path.startswith(made)]
            if not below:
                raise DataError("The folder holds no pictures.", where=str(entry), fix="name a folder with pictures")
            found += [(entry / path, Path(path)) for path in below]
            for path, what in listing.problems:
                fix = "put it right, or take it out of the folder"
                problems.append((entry / path, DataError(f"It {what}.", where=str(entry / path), fix=fix)))
        elif os.path.exists(entry):
            found.append((entry, Path(entry.name)))
        else:
            raise DataError("There is no such picture or folder.", where=str(entry), fix="check the path")
    return found, problems


def _made_by_predict(listing: Listing, output: Path) -> tuple[str, ...]:
    """Return the beginnings of relative paths below which lie masks and overlays: of this output, and of others."""
    outputs = [
        folder_of(path) for path in listing.others
        if path.rpartition("/")[2] == RECORD and _read_record(listing.root / path) is not None
    ]  # fmt: skip
    made = [listing.root / folder / name for folder in outputs for name in _FOLDERS]
    made += [output / name for name in _FOLDERS]
    root = listing.root.resolve()
    below = [folder.resolve() for folder in made]
    return tuple(f"{path.relative_to(root).as_posix()}/" for path in below if root in path.parents)


def _named(listed: Named) -> Named:
    """Give each picture its output's name: without suffix, unless two would be the same; then with it, or a number."""
    stems = Counter(name.with_suffix("") for _, name in listed)
    taken: Counter[Path] = Counter()
    named = []
    for path, name in listed:
        short = name.with_suffix("") if stems[name.with_suffix("")] == 1 else name
        taken[short] += 1
        named.append((path, short if taken[short] == 1 else short.with_name(f"{short.name}.{taken[short]}")))
    return named


@dataclass(frozen=True)
class _Job:
    """One picture and the files that are made of it."""

    picture: Path
    name: Path
    target: Path
    classes: Classes

    @property
    def key(self) -> str:
        """The name as a record can hold it: a file's name need not be text."""
        return self.name.as_posix().encode("utf-8", "backslashreplace").decode()

    @property
    def masks(self) -> list[Path]:
        return mask_files(self.target / "masks" / self.name, self.classes)

    @property
    def overlay(self) -> Path:
        return self.target / "overlays" / self.name.with_name(self.name.name + ".png")

    def is_made(self) -> bool:
        return all(mask.exists() for mask in self.masks)

    def entry(self) -> dict[str, Any]:
        """Return what a result says of the files."""
        masks = [str(mask) for mask in self.masks]
        entry = {"input": str(self.picture), "mask": masks[0], "overlay": str(self.overlay)}
        return {**entry, "masks": masks} if len(masks) > 1 else entry


@dataclass
class _Record:
    """What each mask of an output folder was made from; None while it is being made anew."""

    path: Path
    _own: dict[str, Stamp | None] = field(default_factory=dict)
    _written: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._known: dict[str, Stamp | None] = _read_record(self.path) or {}

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def tells(self, key: str, stamp: Stamp | None) -> bool:
        """Whether a mask was made from just this."""
        return stamp is not None and self._known.get(key) == stamp

    def note(self, stamps: Mapping[str, Stamp | None]) -> None:
        """Take note; write it if the last writing is a while ago. Raises OutputError."""
        self._own.update(stamps)
        if time.monotonic() - self._written >= _RECORD_SECONDS:
            self.write()

    def write(self) -> None:
        """Write the record, with what another process noted meanwhile. Raises OutputError."""
        if self._own:
            masks = {**(_read_record(self.path) or {}), **self._own}
            write_json(self.path, {"schema_version": _SCHEMA_VERSION, "masks": masks})
        self._written = time.monotonic()


def _read_record(path: Path) -> dict[str, Stamp | None] | None:
    """Return what a record says; None where there is none, or it is damaged."""
    try:
        content = json.loads(path.read_bytes())
        masks = content["masks"] if content["schema_version"] == _SCHEMA_VERSION else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return masks if isinstance(masks, dict) else None


def _refuse_foreign(jobs: Sequence[_Job], record: _Record) -> None:
    """Raise OutputError where masks stand that `predict` did not make: they may be somebody's work."""
    foreign = [mask for job in jobs if job.key not in record for mask in job.masks if mask.exists()]
    if foreign:
        raise OutputError(
            f"Masks are there that `predict` did not make ({len(foreign)}).", where=str(foreign[0]),
            fix="choose another folder (-o FOLDER), or replace them with --overwrite",
        )  # fmt: skip


def _stamps(jobs: Sequence[_Job], predictor: Predictor) -> dict[str, Stamp | None]:
    """Return what each mask is made from; None where that cannot be told."""
    try:
        how = {"model": hash_files([predictor.path])[0], "runtime": predictor.runtime, "precision": predictor.precision}
    except DataError:  # the file is gone since it was opened
        return {job.key: None for job in jobs}
    stamps: dict[str, Stamp | None] = {}
    for job in jobs:
        try:
            status = os.stat(job.picture)
        except OSError:
            stamps[job.key] = None
        else:
            stamps[job.key] = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, **how}
    return stamps


def _failure(path: Path, error: MaskwrightError) -> dict[str, Any]:
    return {"input": str(path), "error": {"what": error.what, "where": error.where, "fix": error.fix}}


def _predict_one(predictor: Predictor, job: _Job) -> float:
    """Write a picture's overlay and masks; return the seconds that took."""
    begun = time.perf_counter()
    mask = predictor.predict(job.picture).mask
    write_bytes(job.overlay, _draw(job.picture, mask, job.classes))
    for file, plane in zip(job.masks, _planes(mask, job.classes), strict=True):
        write_bytes(file, plane)
    return round(time.perf_counter() - begun, 4)


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
