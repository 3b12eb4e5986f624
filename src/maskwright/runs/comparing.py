"""`compare`: runs and evaluations against each other, on the pictures that all of them have.

Reads evaluation.json, and of runs the recipe and what was noted at their start: seeds of one recipe become one entry.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from maskwright.data.names import shown
from maskwright.errors import ConfigError, DataError
from maskwright.evaluation.comparing import Candidate, Comparison, compare_sets
from maskwright.evaluation.comparing_reading import read_scores
from maskwright.evaluation.comparing_sets import ScoredSet
from maskwright.runs.folder import RunFolder

FILE = "evaluation.json"
_LARGEST = 1 << 30  # bytes of an evaluation: 1.3 million pictures of about 793; read, each takes about 2 kB of memory
_SEED = re.compile(r"(seed|s)?[-_. ]?\d+", re.IGNORECASE)
_SEED_AT_END = re.compile(r"[-_. /]*((?<=[-_. /])s|seed)?[-_. ]*\d*$", re.IGNORECASE)
_SCORE_IT = "score it first: maskwright evaluate RUN DATA -o FOLDER, and give that folder"


@dataclass(frozen=True)
class _Found:
    """One thing that was named. recipe: what a training has in common with its other seeds, "" where not known."""

    place: Path
    name: str
    scores: ScoredSet
    recipe: str = ""
    seed: int = 0
    note: str = ""


def compare(entries: Sequence[str | Path], *, measure: str = "dice", each: bool = False) -> Comparison:
    """Compare runs, and evaluations that `evaluate` wrote, on the pictures that all of them have.

    entries: folders of runs, folders that hold an evaluation.json, or such files; the first is what others are held
    against. measure: a column of numbers in the tables of pictures. each: seeds of one recipe, trained on the same
    data, are entries of their own; otherwise they are one entry, and intervals hold for the seeds too.

    Raises DataError for a file that is damaged, and for entries that were not scored on the same thing.
    """
    files, notes = _distinct([_file_of(Path(entry)) for entry in entries])
    if len(files) < 2 <= len(entries):
        times = "twice" if len(entries) == 2 else f"{len(entries)} times"
        raise ConfigError(
            f"The same place was named {times}, and a comparison needs two.", where=str(files[0]),
            fix="name another run, or another folder that maskwright evaluate wrote: maskwright compare A B",
        )  # fmt: skip
    if len(files) < 2:
        raise ConfigError(
            "There is nothing to compare with.", where=", ".join(map(str, files)),
            fix="name two or more runs, or folders that maskwright evaluate wrote: maskwright compare A B",
        )  # fmt: skip
    names = names_of([_folder(path) for path in files])
    found = [_read(path, name) for path, name in zip(files, names, strict=True)]
    notes += [one.note for one in found if one.note]
    candidates, said = (_apart(found), []) if each else _by_recipe(found)
    comparison = compare_sets(candidates, measure)
    return replace(comparison, notes=(*notes, *said, *comparison.notes))


def _file_of(entry: Path) -> Path:
    """Return the evaluation that is meant. Raises DataError, ConfigError."""
    where = shown(str(entry), 300)
    if entry.is_dir():
        if (entry / FILE).is_file():
            return entry / FILE
        if RunFolder(entry).recipe.is_file():
            raise DataError(
                "The run has no scores yet.", where=where, fix=f"finish it: maskwright train DATA -o {where}"
            )
        raise DataError(f"The folder holds no {FILE}.", where=where, fix="give a run's folder, or one of evaluate -o")
    if not entry.exists():
        raise ConfigError("There is no such run or evaluation.", where=where, fix="check the path")
    if not entry.is_file() or entry.suffix.lower() != ".json":
        raise DataError("This is no evaluation.", where=where, fix=_SCORE_IT)
    return entry


def _distinct(files: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return each file once, and what to say of those that were named again."""
    kept: dict[Path, Path] = {}
    notes = []
    for path in files:
        if path.resolve() in kept:
            notes.append(f"{shown(str(path.parent))} is named twice and counts once.")
        kept.setdefault(path.resolve(), path)
    return list(kept.values()), notes


def names_of(folders: Sequence[PurePath]) -> list[str]:
    """Name each folder by its last part, with as many parts before it as tell it from the others and from a seed.

    >>> names_of([PurePath("/runs/a/seed-0"), PurePath("/runs/b/seed-0"), PurePath("/runs/big")])
    ['a/seed-0', 'b/seed-0', 'big']
    """
    parts = [folder.parts[1:] or (str(folder),) for folder in folders]
    depth = [2 if _SEED.fullmatch(one[-1]) and len(one) > 1 else 1 for one in parts]
    while True:
        names = ["/".join(one[-deep:]) for one, deep in zip(parts, depth, strict=True)]
        times = Counter(names)
        longer = [
            deep + 1 if times[name] > 1 and deep < len(one) else deep
            for name, one, deep in zip(names, parts, depth, strict=True)
        ]
        if longer == depth:
            return _numbered([shown(name) for name in names])
        depth = longer


def _numbered(names: Sequence[str]) -> list[str]:
    """Return the names with a number where one is there already."""
    unlike: list[str] = []
    for name in names:
        number, told = 2, name
        while told in unlike:
            number, told = number + 1, f"{name} ({number})"
        unlike.append(told)
    return unlike


def _folder(file: Path) -> Path:
    """Return the folder that an evaluation.json stands for; a file of another name stands for itself."""
    whole = file.resolve()
    return whole.parent if whole.name == FILE else whole.with_suffix("")


def _read(path: Path, name: str) -> _Found:
    content, run = _load(path), RunFolder(path.parent)
    if path.name != FILE or not run.recipe.is_file() or not run.events.path.is_file():
        return _Found(path, name, read_scores(content, name=name, where=str(path)))
    started = run.start_record()
    fingerprint = started.get("fingerprint")
    known = fingerprint if isinstance(fingerprint, str) else ""
    scores = read_scores(content, name=name, where=str(path), fingerprint=known)
    try:
        recipe = run.read_recipe().model_dump(mode="json")
    except ConfigError as error:
        note = f"The recipe of {name} cannot be read, so it is taken for no seed of another's: {error.what}"
        return _Found(path, name, scores, note=note)
    seed = recipe["training"].pop("seed")
    recipe["data"].pop("split")  # the same pictures are compared anyway
    return _Found(path, name, scores, json.dumps([recipe, known, started.get("minutes")], sort_keys=True), seed)


def _load(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises DataError; also for NaN, which JSON does not have, and for what would fill memory."""
    where, fix = str(path), "score it again"
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError("The file is too large for an evaluation.", where=where, fix="check the path")
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except RecursionError as error:
        raise DataError("It is nested too deeply to be an evaluation.", where=where, fix=fix) from error
    except DataError:
        raise
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot be read: {shown(str(error), 300)}.", where=where, fix=fix) from error
    if not isinstance(content, dict):
        raise DataError("Holds no JSON object.", where=where, fix=fix)
    return content


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


# --- seeds of one recipe ------------------------------------------------------------------------------------------


def _apart(found: Sequence[_Found]) -> list[Candidate]:
    return [Candidate(one.name, (one.scores,), _seeds([one]), (str(one.place),), one.recipe) for one in found]


def _seeds(found: Sequence[_Found]) -> tuple[int, ...]:
    return tuple(one.seed for one in found if one.recipe)


def _by_recipe(found: Sequence[_Found]) -> tuple[list[Candidate], list[str]]:
    """Return entries in the order in which they were named, the seeds of one recipe as one; and what to say of it."""
    gathered: dict[tuple[str, int], dict[int, _Found]] = {}
    notes = []
    for at, one in enumerate(found):
        same = gathered.setdefault((one.recipe, 0) if one.recipe else ("", at + 1), {})
        if one.seed in same:
            notes.append(f"{one.name} has recipe and seed of {same[one.seed].name}: it is no other seed of it.")
            gathered[one.recipe, at + 1] = {one.seed: one}
        else:
            same[one.seed] = one
    members = [list(same.values()) for same in gathered.values()]
    names = names_of([_common_folder([_folder(one.place) for one in same]) for same in members])
    candidates = []
    for one_recipe, name in zip(members, names, strict=True):
        places = tuple(str(one.place) for one in one_recipe)
        sets = tuple(one.scores for one in one_recipe)
        candidates.append(Candidate(name, sets, _seeds(one_recipe), places, one_recipe[0].recipe))
    return candidates, notes


def _common_folder(folders: Sequence[Path]) -> PurePath:
    """Return what the folders of several seeds are called without the seed: runs/big-0 and runs/big-1 are runs/big."""
    start = os.path.commonprefix([folder.as_posix() for folder in folders])
    rest = [folder.as_posix()[len(start) :] for folder in folders]
    numbered = all(_SEED.fullmatch(one) or not one for one in rest)
    if len(folders) == 1 or not numbered:
        more = "" if len(folders) == 1 else f" and {len(folders) - 1} more"
        return folders[0].with_name(folders[0].name + more)
    return PurePath(_SEED_AT_END.sub("", start) or start)
