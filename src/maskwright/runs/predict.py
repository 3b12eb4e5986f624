"""`predict`: masks and overlays for files and folders. One broken picture never stops the others.

As many pictures are under way as there are cores, each from file to file in a thread of its own: decoding, network and
writing overlap, and memory holds a few pictures however many there are.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.hashing import hash_files
from maskwright.errors import DataError, MaskwrightError, OutputError
from maskwright.files import make_folder, write_bytes
from maskwright.images.classes import Classes
from maskwright.images.label_png import encode_label_png
from maskwright.progress import Progress, Step, ignore
from maskwright.runs.opening import Opened, open_for_masks
from maskwright.runs.predict_jobs import Job, list_pictures, named
from maskwright.runs.predict_record import RECORD as RECORD
from maskwright.runs.predict_record import Record, Stamp
from maskwright.runtime.predictor import Predictor

OVERLAY_SIDE = 1600  # pixels
_AHEAD = 2  # pictures handed out for each thread: none waits for the writing of the record


@dataclass(frozen=True)
class PredictResult:
    """What was made, and how.

    outputs: {input, mask, overlay, seconds, skipped} for each mask that is there now, without overlay where none was
    wanted. failures: {input, error}. runtime, precision: what ran the model; why: why these, in words.
    """

    outputs: tuple[dict[str, Any], ...]
    failures: tuple[dict[str, Any], ...]
    runtime: str
    precision: str
    why: str = "stated"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        how = {"runtime": self.runtime, "precision": self.precision, "why": self.why}
        return {"outputs": list(self.outputs), "failures": list(self.failures), **how}


def predict_files(
    model: str | Path | Predictor,
    inputs: Sequence[str | Path] | str | Path,
    output: str | Path,
    *,
    overwrite: bool = False,
    overlays: bool = True,
    runtime: str | None = None,
    precision: str | None = None,
    progress: Progress = ignore,
) -> PredictResult:
    """Predict pictures, and write output/masks/NAME.png and output/overlays/NAME.png, mirroring the input's folders.

    model: a run's folder, a model.onnx, or a Predictor. inputs: files, or folders (all pictures below them).
    overlays: False writes masks alone. runtime, precision: None or "auto": see `open_for_masks`.
    Masks are palette PNGs whose values are class indices (overlapping classes: one file a class, NAME.CLASS.png, with
    0 and 255), at the picture's size. A mask that the same model made of the same picture is kept, unless `overwrite`.
    Raises DataError for an input that does not exist, OutputError where nothing can be written, or where masks stand
    that `predict` did not make (unless `overwrite`).
    """
    listed, problems = list_pictures([inputs] if isinstance(inputs, str | Path) else inputs, Path(output))
    opened = _opened(model, len(listed), runtime, precision)
    predictor = opened.predictor
    progress(Step("predict", text=f"run    {predictor.runtime} {predictor.precision}: {opened.why}"))
    target = make_folder(Path(output))
    record = Record(target / RECORD)
    jobs = [Job(path, name, target, predictor.description.classes, overlays) for path, name in named(listed)]
    if not overwrite:
        _refuse_foreign(jobs, record)
    stamps = _stamps(jobs, predictor)
    kept = set() if overwrite else {job.key for job in jobs if _is_kept(job, record, stamps[job.key], opened)}
    record.note({job.key: None for job in jobs if job.key not in kept})
    record.write()  # before the first mask: what is half done is then known to be so, whatever ends us
    outputs, failures = [], [_failure(path, error) for path, error in problems]
    todo = [job for job in jobs if job.key not in kept]
    with _in_order(todo, lambda job: _predict_one(predictor, job), opened.callers) as results:
        for done, job in enumerate(jobs, start=1):
            try:
                seconds = 0.0 if job.key in kept else next(results)()
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
    return PredictResult(tuple(outputs), tuple(failures), predictor.runtime, predictor.precision, opened.why)


def _opened(model: str | Path | Predictor, pictures: int, runtime: str | None, precision: str | None) -> Opened:
    if isinstance(model, Predictor):
        return Opened(model, callers=1, why="opened before")
    return open_for_masks(model, pictures, runtime, precision)


def _is_kept(job: Job, record: Record, stamp: Stamp | None, opened: Opened) -> bool:
    """Whether the job's files are there, made of the same picture by the same model, and run as would be right now."""
    return any(record.tells(job.key, stamp and {**stamp, **how}) for how in opened.as_good) and job.is_made()


@contextmanager
def _in_order(
    jobs: Sequence[Job], work: Callable[[Job], float], threads: int
) -> Iterator[Iterator[Callable[[], float]]]:
    """Yield, for each job in order, a function that returns what `work` gave or raises what it raised.

    However it ends, the jobs under way are finished and no other is begun.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")
    coming = iter(jobs)

    def results() -> Iterator[Callable[[], float]]:
        under_way: deque[Future[float]] = deque(pool.submit(work, job) for job in islice(coming, _AHEAD * threads))
        while under_way:
            yield under_way.popleft().result
            under_way.extend(pool.submit(work, job) for job in islice(coming, 1))

    try:
        yield results()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _refuse_foreign(jobs: Sequence[Job], record: Record) -> None:
    """Raise OutputError where masks stand that `predict` did not make: they may be somebody's work."""
    foreign = [mask for job in jobs if job.key not in record for mask in job.masks if mask.exists()]
    if foreign:
        raise OutputError(
            f"Masks are there that `predict` did not make ({len(foreign)}).", where=str(foreign[0]),
            fix="choose another folder (-o FOLDER), or replace them with --overwrite",
        )  # fmt: skip


def _stamps(jobs: Sequence[Job], predictor: Predictor) -> dict[str, Stamp | None]:
    """Return what each mask is made from; None where that cannot be told."""
    try:
        how = {"model": hash_files([predictor.path])[0], "runtime": predictor.runtime, "precision": predictor.precision}
    except DataError:  # the file is gone since it was opened
        return {job.key: None for job in jobs}
    return {job.key: _stamp(job, how) for job in jobs}


def _stamp(job: Job, how: Mapping[str, str]) -> Stamp | None:
    try:
        status = os.stat(job.picture)
    except OSError:
        return None
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns, **how}


def _failure(path: Path, error: MaskwrightError) -> dict[str, Any]:
    return {"input": str(path), "error": {"what": error.what, "where": error.where, "fix": error.fix}}


def _predict_one(predictor: Predictor, job: Job) -> float:
    """Write a picture's overlay and masks; return the seconds that took."""
    begun = time.perf_counter()
    mask = predictor.mask(job.picture)
    if job.overlays:
        write_bytes(job.overlay, _draw(job.picture, mask, job.classes))
    for file, plane in zip(job.masks, _planes(mask, job.classes), strict=True):
        write_bytes(file, plane)
    return round(time.perf_counter() - begun, 4)


def _draw(path: Path, mask: NDArray[np.uint8], classes: Classes) -> bytes:
    """Draw a mask onto its picture, for looking at: large photographs are drawn smaller."""
    from maskwright.images.formats import encode_png, read_image, resize_labels
    from maskwright.report.pixels import overlay

    scale = min(1.0, OVERLAY_SIDE / max(mask.shape[:2]))
    image = read_image(path, at_least=(round(mask.shape[0] * scale), round(mask.shape[1] * scale)))
    return encode_png(overlay(image, resize_labels(mask, image.shape[:2]), classes), quick=True)


def _planes(mask: NDArray[np.uint8], classes: Classes) -> list[bytes]:
    if classes.exclusive:
        return [encode_label_png(mask, classes.colours)]
    return [encode_label_png(mask[..., k] * np.uint8(255)) for k in range(mask.shape[2])]
