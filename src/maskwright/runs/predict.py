"""`predict`: masks, and what else is made of them, for pictures wherever they lie. A broken one never stops the others.

As many pictures are under way as there are cores, each from file to file in a thread of its own: decoding, network and
writing overlap, and memory holds a few pictures however many there are. What lies far away is fetched a few pictures
ahead. Files of all pictures together are made at the end, from the masks on disk.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from maskwright.data.remote import is_address, local_path, without_secrets
from maskwright.errors import ConfigError, MaskwrightError, OutputError
from maskwright.files import make_folder, write_text
from maskwright.images.cleaning import Cleaning
from maskwright.images.opening import Encoded
from maskwright.progress import Progress, Step, ignore
from maskwright.runs.opening import Opened, open_for_masks
from maskwright.runs.predict_failures import foreign_list, write_failures
from maskwright.runs.predict_jobs import Job, jobs_for
from maskwright.runs.predict_kinds import GATHERED, KINDS, LABELME, LABELS, MASK, OVERLAY, wanted_kinds
from maskwright.runs.predict_large import Form, form_of, need_writers
from maskwright.runs.predict_listing import Input, Problems, list_pictures
from maskwright.runs.predict_making import Todo, Wish, check_large, make, stamp_after, stamps_for, what_is_missing
from maskwright.runs.predict_record import RECORD as RECORD
from maskwright.runs.predict_record import Record, Stamp, unfinished
from maskwright.runs.predict_sources import Named, Picture
from maskwright.runtime.choosing import MANY
from maskwright.runtime.predictor import Predictor

if TYPE_CHECKING:
    from maskwright.runs.predict_gathering import Gathering

_AHEAD = 2  # pictures handed out for each thread: none waits for the writing of the record

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class PredictResult:
    """What was made, and how.

    outputs: {input, mask, overlay, files, seconds, skipped} for each mask that is there now, with overlay and files (of
    the other kinds) where they were wanted. failures: {input, error}. runtime, precision: what ran the model; why: why
    these, in words. files: those of all pictures together, by kind.
    """

    outputs: tuple[dict[str, Any], ...]
    failures: tuple[dict[str, Any], ...]
    runtime: str
    precision: str
    why: str = "stated"
    files: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        how = {"runtime": self.runtime, "precision": self.precision, "why": self.why}
        return {"outputs": list(self.outputs), "failures": list(self.failures), "files": dict(self.files), **how}


def predict_files(
    model: str | Path | Predictor,
    inputs: Sequence[Input] | Input,
    output: str | Path,
    *,
    write: str | Sequence[str] | None = None,
    overwrite: bool = False,
    overlays: bool = True,
    simplify: float = 0.0,
    clean: str | Cleaning | None = None,
    runtime: str | None = None,
    precision: str | None = None,
    progress: Progress = ignore,
) -> PredictResult:
    """Predict pictures, and write output/masks/NAME.png and output/overlays/NAME.png, mirroring the input's folders.

    model: a run's folder, a model.onnx, or a Predictor. inputs: files, folders (all pictures below them), patterns
    ("photos/**/*.jpg"), zip or tar archives, addresses (s3://, gs://, az://, https://), or Encoded content.
    write: kinds of files, by default ("mask", "overlay"); masks are always written. Of each picture: mask, overlay,
    binary, colour, probabilities, cutout, labelme, geojson; of all together: coco, label-studio, cvat, areas.
    overlays: False writes no overlays. simplify: how far, in pixels, outlines may leave the masks'; 0: not at all.
    clean: what is done to masks, such as "fill-holes,least-area=50". runtime, precision: None or "auto": see
    `open_for_masks`.
    Masks are palette PNGs whose values are class indices (overlapping classes: one file a class, NAME.CLASS.png, with
    0 and 255), at the picture's size. What the same model made of the same picture is kept, and of a mask that is kept
    other kinds are made without the network, but for probabilities. `overwrite` makes all anew.
    Raises DataError for an input that does not exist, ConfigError for a kind that does not, OutputError where nothing
    can be written, or where files stand that `predict` did not make (unless `overwrite`).
    """
    wish = _wish(write, simplify, clean, overlays=overlays, overwrite=overwrite)
    target = _folder_for(output)
    with ExitStack() as held:
        given = [inputs] if isinstance(inputs, str | PathLike | Encoded) else inputs
        listed, problems = list_pictures(given, target, held)
        forms = [None if picture.file is None else form_of(picture.file) for picture, _ in listed]
        need_writers(forms)
        opened = _opened(model, forms, runtime, precision)
        return _predict_listed(listed, forms, problems, opened, make_folder(target), wish, progress)


def _folder_for(output: str | Path) -> Path:
    """Return the folder that everything goes into. Raises ConfigError for an address of a store."""
    if not is_address(str(output)):
        return Path(output)
    local = local_path(str(output))
    if local is None:
        raise ConfigError(
            "Masks are written into a folder, not yet into a store.", where=f"-o {without_secrets(str(output))}",
            fix="name a folder, and copy it when it is finished, such as with: aws s3 sync FOLDER s3://BUCKET/FOLDER",
        )  # fmt: skip
    return Path(local)


def _predict_listed(
    listed: Named, forms: Sequence[Form | None], problems: Problems, opened: Opened, target: Path, wish: Wish,
    progress: Progress,
) -> PredictResult:  # fmt: skip
    predictor, classes = opened.predictor, opened.predictor.description.classes
    progress(Step("predict", text=f"run    {predictor.runtime} {predictor.precision}: {opened.why}"))
    record = Record(target / RECORD)
    jobs = jobs_for(listed, forms, target, classes, tuple(kind for kind in wish.kinds if kind in KINDS))
    check_large(jobs, wish)
    if not wish.overwrite:
        gathered = [target / GATHERED[kind] for kind in wish.gathered if not record.has_file(kind)]
        _refuse_foreign(jobs, record, [*gathered, *foreign_list(target)])
    stamps = stamps_for(jobs, predictor, wish)
    todo = [what_is_missing(job, record, stamps[job.key], opened, wish) for job in jobs]
    record.note({one.job.key: unfinished(record.made(one.job.key), LABELME) for one in todo if MASK in one.kinds})
    record.write()  # before the first mask: what is half done is then known to be so, whatever ends us
    well, outputs, failed = _make_all(todo, predictor, record, stamps, wish, opened.callers, progress)
    files, broken = _gathered(well, wish, target, record, opened, progress)
    if LABELME in wish.kinds:
        from maskwright.data.annotations.written.labelme import labels_text

        write_text(target / KINDS[LABELME].folder / LABELS, labels_text(classes))
    failures = [*(_failed(where, error) for where, error in problems), *failed, *broken]
    write_failures(target, failures)
    unread = {failure["input"] for failure in broken}
    made = tuple(output for output in outputs if output["input"] not in unread)
    return PredictResult(made, tuple(failures), predictor.runtime, predictor.precision, opened.why, files)


def _make_all(
    todo: Sequence[Todo], predictor: Predictor, record: Record, stamps: Mapping[str, Stamp | None], wish: Wish,
    threads: int, progress: Progress,
) -> tuple[list[Job], list[dict[str, Any]], list[dict[str, Any]]]:  # fmt: skip
    """Make what is missing; return the jobs of which everything is there, what to say of them, and the failures."""
    well: list[Job] = []
    outputs, failures = [], []
    with (
        _fetching([one for one in todo if one.kinds], _AHEAD * threads) as coming,
        _in_order(coming, lambda one: make(predictor, one, record, wish), threads) as made,
    ):
        for done, one in enumerate(todo, start=1):
            try:
                seconds = next(made)() if one.kinds else 0.0
            except OutputError:
                raise
            except MaskwrightError as error:
                failures.append(_failure(one.job.picture, error))
            else:
                well.append(one.job)
                outputs.append({**one.job.entry(), "seconds": seconds, "skipped": not one.kinds})
                if one.kinds:
                    record.note({one.job.key: stamp_after(one, record, stamps[one.job.key], wish)})
            progress(Step("predict", done, len(todo)))
    record.write()
    return well, outputs, failures


def _wish(
    write: str | Sequence[str] | None, simplify: float, clean: str | Cleaning | None, *, overlays: bool, overwrite: bool
) -> Wish:
    if not 0 <= simplify < float("inf"):
        raise ConfigError(f"Outlines cannot be {simplify:g} pixels off.", where="--simplify", fix="give 0 or more")
    cleaning = Cleaning.parse(clean) if isinstance(clean, str) else clean or Cleaning()
    left_out = () if overlays else (OVERLAY,)
    return Wish(wanted_kinds(write, overlays=overlays), simplify, cleaning, overwrite, left_out)


def _opened(
    model: str | Path | Predictor, forms: Sequence[Form | None], runtime: str | None, precision: str | None
) -> Opened:
    if isinstance(model, Predictor):
        return Opened(model, callers=1, why="opened before")
    large = sum(form is not None and form.large for form in forms)
    work = len(forms) + MANY * large  # of a large picture there are many tiles
    return open_for_masks(model, work, runtime, precision, at_once=max(1, len(forms) - large))


@contextmanager
def _fetching(todo: Sequence[Todo], threads: int) -> Iterator[Iterator[Todo]]:
    """Yield the same, in order; what has to be fetched is begun when it is asked for."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch")

    def begun() -> Iterator[Todo]:
        for one in todo:
            yield replace(one, opened=pool.submit(one.job.picture.open).result) if one.fetches else one

    try:
        yield begun()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _in_order(
    given: Iterable[Given], work: Callable[[Given], Made], threads: int
) -> Iterator[Iterator[Callable[[], Made]]]:
    """Yield, for each thing in order, a function that returns what `work` gave or raises what it raised.

    However it ends, the things under way are finished and no other is begun.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")
    coming = iter(given)

    def results() -> Iterator[Callable[[], Made]]:
        under_way: deque[Future[Made]] = deque(pool.submit(work, one) for one in islice(coming, _AHEAD * threads))
        while under_way:
            yield under_way.popleft().result
            under_way.extend(pool.submit(work, one) for one in islice(coming, 1))

    try:
        yield results()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _refuse_foreign(jobs: Sequence[Job], record: Record, gathered: Sequence[Path]) -> None:
    """Raise OutputError where files stand that `predict` did not make: they may be somebody's work."""
    of_each = [(kind, file) for job in jobs if job.key not in record for kind in job.kinds for file in job.files(kind)]
    foreign = [(kind, file) for kind, file in (*of_each, *(("", file) for file in gathered)) if file.exists()]
    if foreign:
        what = "Masks" if all(kind == MASK for kind, _ in foreign) else "Files"
        raise OutputError(
            f"{what} are there that `predict` did not make ({len(foreign)}).", where=str(foreign[0][1]),
            fix="choose another folder (-o FOLDER), or replace them with --overwrite",
        )  # fmt: skip


def _gathered(
    jobs: Sequence[Job], wish: Wish, target: Path, record: Record, opened: Opened, progress: Progress
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    if not wish.gathered:
        return {}, []  # what they need is not even imported
    from maskwright.runs.predict_gathering import Gathering

    classes = opened.predictor.description.classes
    return _gather(Gathering(jobs, wish.gathered, target, classes, wish.simplify), record, opened, progress)


def _gather(
    gathering: "Gathering", record: Record, opened: Opened, progress: Progress
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Write the files of all pictures that are not right already; return all of them, and masks that are broken."""
    files = {kind: str(gathering.path(kind)) for kind in gathering.kinds}
    digests = {kind: gathering.digest(kind) for kind in gathering.kinds}
    missing = [kind for kind, digest in digests.items() if not gathering.is_there(kind) or record.file(kind) != digest]
    broken: list[dict[str, Any]] = []

    def parts(work: Callable[[Job], Made]) -> Iterator[Made]:
        with _in_order(gathering.jobs, work, opened.callers) as results:
            for done, (job, result) in enumerate(zip(gathering.jobs, results, strict=True), start=1):
                try:
                    yield result()
                except OutputError:
                    raise
                except MaskwrightError as error:
                    broken.append(_failure(job.picture, error))
                progress(Step("gather", done, len(gathering.jobs)))

    if missing:
        record.note_files(dict.fromkeys(missing))
        gathering.write(missing, parts)
        if not broken:
            record.note_files({kind: digests[kind] for kind in missing})
    return files, broken


def _failure(picture: Picture, error: MaskwrightError) -> dict[str, Any]:
    """Say what failed. A decoder knows paths alone, which have no double slash: then the address itself is named."""
    where = picture.where if error.where == str(Path(picture.where)) else error.where
    return _failed(picture.where, MaskwrightError(error.what, where=where, fix=error.fix))


def _failed(where: str, error: MaskwrightError) -> dict[str, Any]:
    return {"input": where, "error": {"what": error.what, "where": error.where, "fix": error.fix}}
