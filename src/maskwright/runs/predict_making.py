"""What is still to be made of a picture, and making it: mask first by the network, then all other kinds from the mask.

Of a mask that is on disk already nothing but probabilities needs the network.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwright.data.hashing import hash_files
from maskwright.errors import ConfigError, DataError
from maskwright.files import write_bytes
from maskwright.images.cleaning import Cleaning
from maskwright.images.formats import Source
from maskwright.images.resize import resize_float
from maskwright.runs.opening import Opened
from maskwright.runs.predict_jobs import Job
from maskwright.runs.predict_kinds import GATHERED, KINDS, LABELME, MASK, OVERLAY, PROBABILITIES
from maskwright.runs.predict_large import predict_windows, write_masks
from maskwright.runs.predict_pictures import OVERLAY_SIDE, Made, Mask, contents, read_masks, settings
from maskwright.runs.predict_record import Record, Stamp, stamped
from maskwright.runtime.cut import cut_resized
from maskwright.runtime.predictor import Predictor

Floats = NDArray[np.float32]
_OF_PICTURE = frozenset((MASK, OVERLAY, PROBABILITIES, "cutout"))  # all others are made of the mask alone


@dataclass(frozen=True)
class Wish:
    """What is to be made of all pictures. kinds: of files, those of all pictures together among them."""

    kinds: tuple[str, ...]
    simplify: float = 0.0
    clean: Cleaning = Cleaning()
    overwrite: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def gathered(self) -> tuple[str, ...]:
        """The kinds of which there is one file for all pictures."""
        return tuple(kind for kind in self.kinds if kind in GATHERED)


def check_large(jobs: Sequence[Job], wish: Wish) -> None:
    """Raise ConfigError where more is wanted of a picture that must not be read whole than mask and overlay."""
    large = next((job for job in jobs if job.large), None)
    if large is None:
        return
    others = [kind for kind in wish.kinds if kind not in (MASK, OVERLAY)]
    if others or str(wish.clean):
        raise ConfigError(
            "Of pictures that are read piece by piece there are masks and overlays alone, as the network gives them.",
            where=large.picture.where,
            fix=f"leave out {'--write ' + ','.join(others) if others else '--clean'}, or this picture",
        )


@dataclass(frozen=True)
class Todo:
    """What is still to be made of a picture: kinds of files, the mask among them unless it is there and right.

    opened: gives the picture, where it is being fetched already.
    """

    job: Job
    kinds: tuple[str, ...]
    opened: Callable[[], Source] | None = None

    @property
    def fetches(self) -> bool:
        """Whether the picture has to be fetched first."""
        return self.job.picture.far and not _OF_PICTURE.isdisjoint(self.kinds)


def stamps_for(jobs: Sequence[Job], predictor: Predictor, wish: Wish) -> dict[str, Stamp | None]:
    """Return what each mask is made from; None where that cannot be told."""
    try:
        how = {"model": hash_files([predictor.path])[0], "runtime": predictor.runtime, "precision": predictor.precision}
    except DataError:  # the file is gone since it was opened
        return {job.key: None for job in jobs}
    if str(wish.clean):
        how["clean"] = str(wish.clean)
    return {job.key: _stamp(job, how) for job in jobs}


def _stamp(job: Job, how: Mapping[str, str]) -> Stamp | None:
    state = job.picture.state()
    return None if state is None else {**state, **how}


def what_is_missing(job: Job, record: Record, stamp: Stamp | None, opened: Opened, wish: Wish) -> Todo:
    """Return what is to be made: everything, or the kinds that were not made of the mask as they are wanted now.

    A mask is kept that was made of the same picture by the same model, run as would be right now. Where it is made
    anew, so is what was made of the old one.
    """
    made = record.made(job.key)
    same = any(record.tells(job.key, stamp and {**stamp, **how}) for how in opened.as_good)
    if wish.overwrite or not same or not job.has(MASK):
        others = {kind for kind in made if kind in KINDS and kind not in job.kinds and kind not in wish.left_out}
        return Todo(job, (*job.kinds, *sorted(others)))
    kinds = [kind for kind in job.kinds if kind != MASK]
    return Todo(job, tuple(kind for kind in kinds if not _is_made(kind, job, made, wish)))


def _is_made(kind: str, job: Job, made: Mapping[str, str], wish: Wish) -> bool:
    return job.has(kind) and kind in made and made[kind].split("\n")[0] == settings(kind, job, wish.simplify)


def stamp_after(todo: Todo, record: Record, stamp: Stamp | None, wish: Wish) -> Stamp | None:
    """Return what is to be noted of a mask once everything is made."""
    job, new = todo.job, MASK in todo.kinds
    made = {} if new else record.made(job.key)
    for kind in todo.kinds:
        if kind != MASK:
            said = settings(kind, job, wish.simplify)
            made[kind] = f"{said}\n{_digest(job.files(kind)[0].read_bytes())}" if kind == LABELME else said
    return stamped(stamp if new else record.stamp(job.key), made)


def make(predictor: Predictor, todo: Todo, record: Record, wish: Wish) -> float:
    """Write what is missing of a picture, its mask last; return the seconds. Raises DataError, OutputError."""
    begun = time.perf_counter()
    job = todo.job
    if job.form is not None and job.form.large:
        overlay = job.files(OVERLAY)[0] if OVERLAY in todo.kinds else None
        predict_windows(predictor, job.form, job.masks, overlay, OVERLAY_SIDE)
        return round(time.perf_counter() - begun, 4)
    made = _made(predictor, todo, wish)
    for kind in sorted(todo.kinds, key=lambda kind: kind == MASK):
        if kind == MASK and job.form is not None:
            write_masks(job.form, job.masks, made.mask, job.classes)
            continue
        files = job.files(kind)
        for file, content in zip(files, contents(kind, made), strict=True):
            if kind == LABELME and not wish.overwrite:
                _refuse_changed(file, content, record.made(job.key).get(kind, ""))
            write_bytes(file, content)
    return round(time.perf_counter() - begun, 4)


def _made(predictor: Predictor, todo: Todo, wish: Wish) -> Made:
    opened = cache(todo.opened or todo.job.picture.open)  # once for all that is made of it
    mask, probabilities = None, None
    if MASK not in todo.kinds:
        mask = read_masks(todo.job)
    if mask is None or PROBABILITIES in todo.kinds:
        found, probabilities = _asked(predictor, opened(), with_probabilities=PROBABILITIES in todo.kinds)
        mask = wish.clean(found) if mask is None else mask
    return Made(todo.job, mask, opened, probabilities, wish.simplify)


def _asked(predictor: Predictor, picture: Source, *, with_probabilities: bool) -> tuple[Mask, Floats | None]:
    """Return the mask, the same with and without probabilities."""
    if not with_probabilities:
        return predictor.mask(picture), None
    description = predictor.description
    if description.mode == "tile":
        prediction = predictor.predict(picture)
        return prediction.mask, prediction.probabilities
    image, size = predictor.read(picture)
    small = predictor.native_probabilities(image)
    mask = cut_resized(small, size, description.classes, description.threshold)
    return mask, np.clip(resize_float(small, size), 0, 1)


def _refuse_changed(file: Path, content: bytes, made: str) -> None:
    """Raise DataError where a file that people correct in place is neither as we left it nor as it would become."""
    try:
        there = file.read_bytes()
    except FileNotFoundError:
        return
    if there != content and _digest(there) != made.rpartition("\n")[2]:
        raise DataError(
            "The file was changed since `predict` wrote it; it may be somebody's work.", where=str(file),
            fix="move it to another folder, or replace it with --overwrite",
        )  # fmt: skip


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
