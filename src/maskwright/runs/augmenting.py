"""`augment`: changed copies of the training pictures, written once and after the split.

The folder that is written keeps the split and knows each copy's original, so that whatever is asked of it later, a
copy of a test picture cannot reach training.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.audit.check import CheckReport
from maskwright.data.copies import copy_name, originals, parts_of_copies
from maskwright.data.dataset import Dataset
from maskwright.data.read import read_dataset
from maskwright.data.splits import PARTS
from maskwright.data.threads import cores, in_threads, spread
from maskwright.errors import ConfigError, need
from maskwright.files import whole_folder
from maskwright.images.formats import read_info
from maskwright.planning.facts import gather_facts
from maskwright.progress import Progress, Step, ignore
from maskwright.recipe import DataOptions, Recipe
from maskwright.runs.gate import check_before_training
from maskwright.runs.recipes import load_recipe
from maskwright.runs.splitting import divide
from maskwright.runs.written_set import (
    Line,
    Names,
    copy_picture,
    image_path,
    refuse_place,
    suffix_for,
    write_description,
    write_image,
    write_masks,
    write_pairs,
)

if TYPE_CHECKING:
    import torch

    from maskwright.training.augment import Draw

_WORKERS = 4  # pictures at a time, at most
_MEMORY = 600_000_000  # bytes that pictures at work may take together; a single one may take more
_TRIES = 400  # to draw a copy that no other copy of the picture equals


@dataclass(frozen=True)
class AugmentResult:
    """folder: what was written. pictures, copies: in it; augmented: pictures that got new copies.

    parts: pictures in each part, copies not counted; empty where training will use folds. split: in words.
    """

    folder: Path
    pictures: int
    copies: int
    augmented: int
    parts: Mapping[str, int]
    split: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "folder": str(self.folder), "pictures": self.pictures, "copies": self.copies,
            "augmented": self.augmented, "parts": dict(self.parts), "split": self.split,
            "seconds": round(self.seconds, 2),
        }  # fmt: skip


def augment(
    data: str | Path | Dataset,
    output: str | Path,
    *,
    copies: int = 3,
    recipe: str | Path | Recipe | None = None,
    overrides: Mapping[str, Any] | None = None,
    accept: Sequence[str] = (),
    progress: Progress = ignore,
) -> AugmentResult:
    """Write a picture set with `copies` changed copies of each training picture, as a training would change it.

    data: a folder (or archive, or CSV manifest), or a Dataset. output: a new or empty folder; it becomes a set that
    `check` and `train` read without an option. recipe, overrides: as of `train`: `data` says how to read and split,
    `augmentation` what changes, `training.seed` the chances. accept: kinds of findings to go on in spite of.

    The split is that of `train`. Only pictures that train get copies; the others are copied as they are. Where there
    are too few for a test part, every picture that may train gets them, and `train` divides originals into folds with
    their copies. Copies that are there already are kept, and no copies of copies are made.

    Raises DataError, ConfigError or OutputError, each with how to put it right; then no folder is left.
    """
    begun = time.monotonic()
    need("torch", extra="train", purpose="Augmenting")
    if copies < 1:
        raise ConfigError(f"{copies} copies are none.", where="--copies", fix="ask for at least 1")
    settled = load_recipe(recipe, overrides)
    target = Path(output)
    dataset = (
        data if isinstance(data, Dataset) else read_dataset(Path(data), settled.data, tolerant=True, progress=progress)
    )
    if isinstance(data, Dataset) and settled.data == DataOptions():
        settled = settled.model_copy(update={"data": data.options})
    refuse_place(
        target, None if isinstance(data, str | Path) and Path(data).is_file() else dataset.root, "an augmented set"
    )
    report = check_before_training(dataset, accept, progress)
    plan = _plan(dataset, settled, copies, report, progress)
    _drawings(plan, min(plan.augmented), range(1, copies + 1), (64, 64))  # refuses before anything is written
    progress(Step("split", text=f"split  {plan.how}"))
    if target.is_dir():
        target.rmdir()  # it is empty; a folder takes its place
    with whole_folder(target, shared=False) as folder:
        written = _write(plan, folder, progress)
    return AugmentResult(
        folder=target,
        pictures=sum(not line.parent for line in written),
        copies=sum(bool(line.parent) for line in written),
        augmented=len(plan.augmented),
        parts=plan.counts(),
        split=plan.how,
        seconds=time.monotonic() - begun,
    )


# --- what is to be written ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """rows: of the pictures to be written. parts: of each row of the data. augmented: the rows that get copies.

    how: the split, in words. folds: no parts are written, since training will use folds. value_range: what counts as
    a full value.
    """

    dataset: Dataset
    recipe: Recipe
    copies: int
    rows: tuple[int, ...]
    parts: tuple[str, ...]
    augmented: frozenset[int]
    how: str
    folds: bool
    value_range: float

    def counts(self) -> dict[str, int]:
        """Return how many originals lie in each part."""
        if self.folds:
            return {}
        count = Counter(self.parts[int(row)] for row in originals(self.dataset.columns))
        return {part: count[part] for part in PARTS if count[part]}


def _plan(dataset: Dataset, recipe: Recipe, copies: int, report: CheckReport, progress: Progress) -> _Plan:
    """Split as `train` does; with folds, validation pictures train too."""
    split = divide(dataset, recipe, report).split
    parts = dict(enumerate(split.parts))
    columns = dataset.columns
    kept = [int(row) for row in originals(columns)]
    if split.needs_folds or recipe.folds is not None:
        parts = {row: "train" if parts[row] == "val" else parts[row] for row in kept}
        parts |= parts_of_copies(columns, parts)
    augmented = frozenset(row for row in kept if parts[row] == "train")
    value_range = 255.0
    if dataset.dtype != "uint8":
        value_range = gather_facts(dataset, sorted(augmented), progress).value_range
    return _Plan(
        dataset=dataset,
        recipe=recipe,
        copies=copies,
        rows=tuple(row for row in sorted(parts) if parts[row]),
        parts=tuple(parts[row] for row in range(len(dataset))),
        augmented=augmented,
        how=split.how,
        folds=set(parts.values()) <= {"train", ""},  # parts are kept for the sake of a test part alone, too
        value_range=value_range,
    )


@dataclass(frozen=True)
class _Job:
    """A picture to be written under a name, the names of its new copies with their numbers, and its original."""

    row: int
    name: str
    copies: tuple[tuple[int, str], ...]
    parent: str


def _jobs(plan: _Plan) -> list[_Job]:
    """Name every picture, then every new copy after its original."""
    columns, names = plan.dataset.columns, Names()
    name_of = {row: names.take(columns.ids[row]) for row in plan.rows}
    new_path = {columns.images[row]: image_path(plan.dataset, row, name) for row, name in name_of.items()}
    jobs = []
    for row, name in name_of.items():
        old_parent = columns.parents[row] if columns.parents else ""
        wanted = plan.copies if row in plan.augmented else 0
        jobs.append(_Job(row, name, _copy_names(name, wanted, names), new_path.get(old_parent, old_parent)))
    return jobs


def _copy_names(name: str, wanted: int, names: Names) -> tuple[tuple[int, str], ...]:
    """Return (number, name) of new copies; numbers of copies that are there already are passed over."""
    found: list[tuple[int, str]] = []
    number = 0
    while len(found) < wanted:
        number += 1
        if names.take_exactly(copy_name(name, number)):
            found.append((number, copy_name(name, number)))
    return tuple(found)


# --- writing --------------------------------------------------------------------------------------------------------


def _write(plan: _Plan, folder: Path, progress: Progress) -> list[Line]:
    """Write pictures, masks, pairs.csv and dataset.yaml; return the lines of pairs.csv."""
    jobs = _jobs(plan)
    total = sum(1 + len(job.copies) for job in jobs)
    lines: list[Line] = []
    for written in in_threads(partial(_write_job, plan, folder), jobs, workers=_workers(plan)):
        lines += written
        progress(Step("augment", len(lines), total))
    write_pairs(lines, plan.dataset.classes, folder, parts=not plan.folds)
    changes = ", ".join(f"{name} {value}" for name, value in plan.recipe.augmentation if value and name != "base")
    notes = (
        f"Written by maskwright augment: {plan.copies} copies of each of {len(plan.augmented)} training pictures.",
        f"Split: {plan.how}.",
        f"Changes: {changes}; seed {plan.recipe.training.seed}.",
        "Copies only train, and only where the picture trains that stands in the column 'parent' of pairs.csv.",
    )
    write_description(plan.dataset, folder, notes)
    return lines


def _workers(plan: _Plan) -> int:
    """Return how many pictures may be changed at a time: fewer of large ones, judged by some of them."""
    infos = [read_info(plan.dataset[row].image) for row in spread(plan.rows, 24)]
    largest = max(info.height * info.width for info in infos)
    each = largest * (9 * plan.dataset.bands + 12)  # old and new pixels, and the old ones as floats; masks
    return max(1, min(_WORKERS, cores(), _MEMORY // each))


def _write_job(plan: _Plan, folder: Path, job: _Job) -> list[Line]:
    """Write a picture as it is, its mask, and its new copies."""
    from maskwright.training.offline import change

    dataset, row = plan.dataset, job.row
    image, mask, classes = copy_picture(dataset, row, folder, job.name), dataset.read_mask(row), dataset.classes
    group, part = dataset.columns.groups[row], plan.parts[row]
    lines = [Line(image, write_masks(mask, classes, folder, job.name), group, part, job.parent)]
    if not job.copies:
        return lines
    pixels, suffix = dataset.read_image(row), suffix_for(dataset, row)
    drawings = _drawings(plan, row, [number for number, _ in job.copies], (pixels.shape[0], pixels.shape[1]))
    for (_, name), (drawn, generator) in zip(job.copies, drawings, strict=True):
        changed, truth = change(drawn, pixels, mask, value_range=plan.value_range, generator=generator)
        path = write_image(changed, folder, name, suffix)
        lines.append(Line(path, write_masks(truth, classes, folder, name), group, "train", image))
    return lines


def _drawings(
    plan: _Plan, row: int, numbers: Sequence[int], size: tuple[int, int]
) -> "list[tuple[Draw, torch.Generator]]":
    """Draw copies that differ from the picture and from each other; each has chances of its own, from its number.

    Raises ConfigError where the recipe leaves no room for so many.
    """
    import torch

    from maskwright.training.offline import draw_one, key_of

    seen: set[tuple[float, ...] | None] = {None}
    found = []
    for number in numbers:
        for attempt in range(_TRIES):
            words = f"{plan.recipe.training.seed}:{plan.dataset.columns.ids[row]}:{number}:{attempt}"
            digest = hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
            drawn = draw_one(plan.recipe.augmentation, plan.dataset.bands, size, generator)
            key = key_of(drawn)
            if drawn.noise > 0 or key not in seen:
                break
        else:
            raise _too_alike(len(seen) - 1, plan.copies)
        seen.add(key)
        found.append((drawn, generator))
    return found


def _too_alike(possible: int, copies: int) -> ConfigError:
    if not possible:
        return ConfigError(
            "The recipe's augmentation changes nothing: every copy would equal its picture.", where="augmentation",
            fix="state a change, such as --set augmentation.flip_horizontal=0.5")  # fmt: skip
    return ConfigError(
        f"The recipe's augmentation gives no more than {possible} different copies of a picture, not {copies}.",
        where="--copies", fix=f"--copies {possible}, or more changes, such as --set augmentation.quarter_turns=true",
    )  # fmt: skip
