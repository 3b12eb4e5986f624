"""`show`: a sheet of a set's pairs before training, spread over what the set holds, with its odd ones among them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.read import read_dataset
from maskwright.data.splits import PARTS
from maskwright.data.threads import in_threads, spread
from maskwright.errors import ConfigError, DataError, OutputError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.formats import read_info
from maskwright.images.modes import Pixels
from maskwright.progress import Progress, Step, ignore
from maskwright.recipe import DataOptions
from maskwright.report.pairs_sheet import SIDE, Entry, Pair, write_pairs_sheet
from maskwright.report.pixels import IGNORED

LOOKED_AT = 400  # masks at most, from which the shown ones are chosen and the shares taken
_PIXELS = 150_000_000  # of masks that are looked at, at most: some seconds


@dataclass(frozen=True)
class ShownPair:
    """A pair on the sheet. shares: class name -> share of the mask's counting pixels, classes it shows only."""

    id: str
    part: str
    shares: Mapping[str, float]
    ignored: float


@dataclass(frozen=True)
class ShownClass:
    """pixels: its share of all pixels that count; masks: the share of masks that show it."""

    name: str
    colour: tuple[int, int, int]
    pixels: float
    masks: float


@dataclass(frozen=True)
class ShowResult:
    """sheet: the PNG. pairs: how many the set holds. looked_at: masks from which shares and choice were taken.

    failures: pairs among those looked at that cannot be read, as {id, error}.
    """

    sheet: Path
    pairs: int
    looked_at: int
    shown: tuple[ShownPair, ...]
    classes: tuple[ShownClass, ...]
    notes: tuple[str, ...]
    failures: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "sheet": str(self.sheet),
            "pairs": self.pairs,
            "looked_at": self.looked_at,
            "shown": [
                {"id": one.id, "part": one.part, "shares": dict(one.shares), "ignored": one.ignored}
                for one in self.shown
            ],
            "classes": [
                {"name": one.name, "colour": list(one.colour), "pixels": one.pixels, "masks": one.masks}
                for one in self.classes
            ],
            "notes": list(self.notes),
            "failures": list(self.failures),
        }


def show(
    data: str | Path | Dataset,
    output: str | Path | None = None,
    *,
    number: int = 12,
    seed: int = 0,
    part: str | None = None,
    options: DataOptions | None = None,
    progress: Progress = ignore,
) -> ShowResult:
    """Write a sheet of pairs: picture, and mask in class colours over it; ignored pixels are grey and hatched.

    data: a folder, archive or CSV manifest, read with `options`, or a Dataset. output: the PNG, or a folder for it;
    default NAME-sheet.png in the current folder. number: pairs on it. seed: another one shows others. part: only
    pictures of this official part.

    Chosen are an empty mask if there is one, the fullest, the one with most classes, each class, and for the rest
    pictures from little to much foreground. Pairs that cannot be read are passed over, and named in the result.
    Raises DataError (of the first pair, where none can be read), ConfigError or OutputError.
    """
    if not 1 <= number <= 200:
        raise ConfigError(f"A sheet shows 1 to 200 pairs, not {number}.", where="--number", fix="--number 12")
    dataset = data if isinstance(data, Dataset) else read_dataset(Path(data), options, progress=progress)
    path = _place(dataset, data, output)
    rows = _rows(dataset, part)
    looks, chosen, failed = _choose_readable(dataset, rows, number, seed, progress)
    pairs = (_pair(dataset, looks[at], progress, done, len(chosen)) for done, at in enumerate(chosen, 1))
    classes = _classes(looks, dataset.classes)
    write_pairs_sheet(
        path,
        pairs,
        dataset.classes,
        _legend(dataset.classes, classes, looks),
        title=_title(dataset, data, part, len(rows)),
        subtitle=_subtitle(len(chosen), len(looks), len(rows)),
    )
    shown = tuple(_shown(dataset, looks[at]) for at in chosen)
    failures = tuple(_failure(dataset, one) for one in sorted(failed, key=lambda one: one.row))
    return ShowResult(path, len(rows), len(looks), shown, classes, dataset.notes, failures)


# --- where, and which -----------------------------------------------------------------------------------------------


def _name(dataset: Dataset, data: str | Path | Dataset) -> str:
    """Return what the set is called: its folder, archive or CSV file without suffix."""
    place = dataset.root if isinstance(data, Dataset) else Path(data)
    return (place.resolve().name if place.is_dir() else place.resolve().stem) or "data"


def _place(dataset: Dataset, data: str | Path | Dataset, output: str | Path | None) -> Path:
    """Return the sheet's path. Raises ConfigError or OutputError for a place where it must not go."""
    name = f"{_name(dataset, data)}-sheet.png"
    path = Path(name) if output is None else Path(output)
    if path.is_dir():
        path = path / name
    if path.suffix.lower() != ".png":
        raise ConfigError(f"A sheet is a PNG, not '{path.suffix}'.", where=str(path), fix=f"-o {path.stem}.png")
    root = dataset.root.resolve()
    from_folder = isinstance(data, Dataset) or Path(data).is_dir()
    if from_folder and root in path.resolve().parents:
        raise OutputError(
            "The sheet would lie inside the data and be read as one of its pictures the next time.", where=str(path),
            fix="name a place outside of the data: -o SHEET.png")  # fmt: skip
    return path


def _rows(dataset: Dataset, part: str | None) -> list[int]:
    if part is None:
        return list(range(len(dataset)))
    if part not in PARTS:
        raise ConfigError(f"'{part}' is no part.", where="--part", fix=f"one of {', '.join(PARTS)}")
    rows = [row for row, found in enumerate(dataset.columns.parts) if found == part]
    if not rows:
        named = sorted(set(dataset.columns.parts) - {""})
        fix = f"it has {', '.join(named)}" if named else "leave --part out: parts are drawn when a training begins"
        raise DataError(f"The data has no official part '{part}'.", where=str(dataset.root), fix=fix)
    return rows


@dataclass(frozen=True)
class _Look:
    """A mask that was looked at: pixels of each class, and of those that count in nothing."""

    row: int
    counts: NDArray[np.int64]
    kept: int
    ignored: int


class _Failed(NamedTuple):
    """A pair that cannot be read."""

    row: int
    error: DataError


def _choose_readable(
    dataset: Dataset, rows: Sequence[int], number: int, seed: int, progress: Progress
) -> tuple[list[_Look], list[int], list[_Failed]]:
    """Return some masks, which of them to show, and the pairs that cannot be read.

    Whether a picture is whole is seen only when it is read: where one that was chosen is not, it is chosen anew.
    Raises the first error where nothing can be read.
    """
    looks, failed = _look(dataset, rows, seed, progress)
    whole: set[int] = set()
    while looks:
        chosen = choose([look.counts for look in looks], dataset.classes, number, random.Random(seed))
        unread = [looks[at].row for at in chosen if looks[at].row not in whole]
        found = [one for one in in_threads(partial(_try_picture, dataset), unread) if one is not None]
        if not found:
            return looks, chosen, failed
        failed += found
        broken = {one.row for one in found}
        whole |= set(unread) - broken
        looks = [look for look in looks if look.row not in broken]
    raise min(failed, key=lambda one: one.row).error


def _try_picture(dataset: Dataset, row: int) -> _Failed | None:
    try:
        _read_reduced(dataset, row)
    except DataError as error:
        return _Failed(row, error)
    return None


def _look(dataset: Dataset, rows: Sequence[int], seed: int, progress: Progress) -> tuple[list[_Look], list[_Failed]]:
    """Count the classes of some masks; return them, and the pairs that cannot be read."""
    pixels = next((size for row in spread(rows, 24) if (size := _mask_pixels(dataset, row))), 0)
    most = max(24, min(LOOKED_AT, _PIXELS // pixels)) if pixels else LOOKED_AT
    sample = sorted(random.Random(seed).sample(rows, most)) if len(rows) > most else rows
    looks, failed = [], []
    for done, found in enumerate(in_threads(partial(_look_at, dataset), sample), 1):
        if isinstance(found, _Look):
            looks.append(found)
        else:
            failed.append(found)
        progress(Step("look", done, len(sample)))
    return looks, failed


def _mask_pixels(dataset: Dataset, row: int) -> int:
    """Return the pixels of a picture's first mask; 0 where it has none that can be read."""
    try:
        return sum(info.height * info.width for info in map(read_info, dataset[row].masks[:1]))
    except DataError:
        return 0


def _look_at(dataset: Dataset, row: int) -> _Look | _Failed:
    try:
        read_info(dataset[row].image)
        mask = dataset.read_mask(row)
    except DataError as error:
        return _Failed(row, error)
    number = len(dataset.classes.names)
    ignored = int(np.count_nonzero((mask == IGNORE) if mask.ndim == 2 else (mask == IGNORE).all(axis=2)))
    if mask.ndim == 2:
        counts = np.bincount(mask.ravel(), minlength=number)[:number].astype(np.int64)
    else:
        counts = (mask == 1).sum(axis=(0, 1), dtype=np.int64)
    return _Look(row, counts, mask.shape[0] * mask.shape[1] - ignored, ignored)


def choose(counts: Sequence[NDArray[np.int64]], classes: Classes, number: int, chance: random.Random) -> list[int]:
    """Choose which masks to show, by the pixels of each class in them; from little to much foreground.

    First the odd ones: an empty mask, the fullest, the one with most classes, and each class where it is largest; they
    take at most two thirds. The rest are spread evenly over the share of foreground.
    """
    first = 1 if classes.exclusive else 0
    table = np.stack(counts)[:, first:].astype(float)
    if classes.exclusive:
        table = table / np.maximum(1, np.stack(counts).sum(axis=1, keepdims=True))
    full = table.sum(axis=1)
    order = sorted(range(len(counts)), key=lambda at: (full[at], chance.random()))
    if len(order) <= number:
        return order
    odd = [order[-1]]
    if full[order[0]] == 0:
        odd.append(order[0])
    if table.shape[1] > 1:
        richest = max(order, key=lambda at: (np.count_nonzero(table[at]), full[at]))
        if np.count_nonzero(table[richest]) > np.count_nonzero(table[odd[0]]):
            odd.append(richest)
        by_rarity = sorted(range(table.shape[1]), key=lambda k: np.count_nonzero(table[:, k]))
        for k in by_rarity:
            if table[:, k].any() and not any(table[at, k] > 0 for at in odd):
                odd.append(int(table[:, k].argmax()))
    picked = dict.fromkeys(odd[: -(-number * 2 // 3)])
    rest = [at for at in order if at not in picked]
    wanted = number - len(picked)
    for step in range(wanted):
        low, high = round(step * len(rest) / wanted), round((step + 1) * len(rest) / wanted)
        picked[rest[chance.randrange(low, max(low + 1, high))]] = None
    return sorted(picked, key=lambda at: order.index(at))


# --- what is said ---------------------------------------------------------------------------------------------------


def _pair(dataset: Dataset, look: _Look, progress: Progress, done: int, total: int) -> Pair:
    """Read a pair for the sheet."""
    image = _read_reduced(dataset, look.row)
    progress(Step("draw", done, total))
    return Pair(_called(dataset, look.row), _said(dataset.classes, look), image, dataset.read_mask(look.row))


def _read_reduced(dataset: Dataset, row: int) -> Pixels:
    """Read a picture at a scale that is enough for the sheet, as far as its format can: a JPEG."""
    info = read_info(dataset[row].image)
    scale = min(1.0, 2 * SIDE / max(info.height, info.width))
    size = (max(1, round(info.height * scale)), max(1, round(info.width * scale)))
    return dataset.read_image(row, at_least=size)


def _failure(dataset: Dataset, failed: _Failed) -> dict[str, Any]:
    error = failed.error
    return {
        "id": dataset.columns.ids[failed.row], "error": {"what": error.what, "where": error.where, "fix": error.fix},
    }  # fmt: skip


def _called(dataset: Dataset, row: int) -> str:
    part = dataset.columns.parts[row]
    return dataset.columns.ids[row] + (f"   ({part})" if part else "")


def _shares(classes: Classes, look: _Look) -> dict[str, float]:
    """Return the share of each class that the mask shows, background left out, largest first."""
    first = 1 if classes.exclusive else 0
    found = {classes.names[k]: look.counts[k] / max(1, look.kept) for k in range(first, len(classes.names))}
    return dict(sorted(((name, float(s)) for name, s in found.items() if s > 0), key=lambda item: -item[1]))


def _said(classes: Classes, look: _Look) -> list[str]:
    shares = _shares(classes, look)
    words = [f"{name} {percent(share)}" for name, share in shares.items()] or ["empty mask"]
    if look.ignored:
        words.insert(2, f"ignored {percent(look.ignored / (look.kept + look.ignored))}")
    return words


def percent(share: float) -> str:
    """Write a share as people do.

    >>> percent(0.2871), percent(0.0123), percent(0.000004), percent(0.9975), percent(1.0)
    ('29 %', '1.2 %', '< 0.1 %', '> 99 %', '100 %')
    """
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.0995 else f"{100 * share:.1f} %"


def _classes(looks: Sequence[_Look], classes: Classes) -> tuple[ShownClass, ...]:
    counts = np.stack([look.counts for look in looks])
    kept = max(1, sum(look.kept for look in looks))
    return tuple(
        ShownClass(name, classes.colours[k], float(counts[:, k].sum() / kept), float((counts[:, k] > 0).mean()))
        for k, name in enumerate(classes.names)
    )


def _legend(classes: Classes, found: Sequence[ShownClass], looks: Sequence[_Look]) -> list[Entry]:
    """Return the classes with their shares, and what is ignored."""
    entries = []
    for k, one in enumerate(found):
        kind = "background" if classes.exclusive and k == 0 else "class"
        said = f"{percent(one.pixels)} of all pixels, in {percent(one.masks)} of the masks"
        said = said if one.masks else "in none of the masks"
        entries.append(Entry(kind, one.colour, one.name, f"{said}; not tinted" if kind == "background" else said))
    ignored, total = sum(look.ignored for look in looks), sum(look.kept + look.ignored for look in looks)
    if ignored or classes.ignored:
        said = f"{percent(ignored / max(1, total))} of all pixels: counts in nothing"
        entries.append(Entry("ignored", IGNORED, classes.ignored or "ignored", said))
    return entries


def _title(dataset: Dataset, data: str | Path | Dataset, part: str | None, pairs: int) -> str:
    of_part = f" of the part {part}" if part else ""
    return f"{_name(dataset, data)}   {pairs} pairs{of_part}, {len(dataset.classes.names)} classes"


def _subtitle(shown: int, looked_at: int, pairs: int) -> str:
    which = "all of them" if shown == pairs else f"{shown} of them, from little to much foreground"
    shares = "" if looked_at == pairs else f"; shares taken on {looked_at} masks"
    return f"{which}{shares}"


def _shown(dataset: Dataset, look: _Look) -> ShownPair:
    total = max(1, look.kept + look.ignored)
    shares = {name: round(share, 6) for name, share in _shares(dataset.classes, look).items()}
    columns = dataset.columns
    return ShownPair(columns.ids[look.row], columns.parts[look.row], shares, round(look.ignored / total, 6))
