"""A run: a folder that anyone can read without maskwright, and the rules for beginning it or going on with it."""

import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from maskwright.errors import ConfigError, DataError
from maskwright.files import make_folder, write_text
from maskwright.recipe import Recipe
from maskwright.runs.events import Events, Listener
from maskwright.runs.recipes import dump_recipe, load_recipe


class State(Enum):
    """Where a run stands."""

    NEW = "new"
    UNFINISHED = "unfinished"
    FINISHED = "finished"


HELD_OUT = ("test", "folds", "all")  # parts whose scoring is a look at pictures that were kept away


@dataclass(frozen=True)
class RunFolder:
    """The places of a run's files. heard: listens to the diary, and to those of the folds."""

    path: Path
    heard: Listener | None = field(default=None, repr=False, compare=False)

    @property
    def recipe(self) -> Path:
        """The whole recipe, YAML."""
        return self.path / "recipe.yaml"

    @property
    def split(self) -> Path:
        """One line a picture: image, group, part."""
        return self.path / "split.csv"

    @property
    def plan(self) -> Path:
        """What `auto` became."""
        return self.path / "plan.json"

    @property
    def checkpoint(self) -> Path:
        """The folder of the exact state."""
        return self.path / "checkpoint"

    @property
    def model(self) -> Path:
        """The model file."""
        return self.path / "model.onnx"

    @property
    def evaluation(self) -> Path:
        """The scores."""
        return self.path / "evaluation.json"

    @property
    def events(self) -> Events:
        """The diary."""
        return Events(self.path / "events.jsonl", self.heard)

    def fold(self, number: int) -> "RunFolder":
        """The folder of one fold, counted from 1."""
        return RunFolder(self.path / f"fold-{number}", self.heard)

    def times_read(self) -> int:
        """Return how often the pictures that were kept away have been scored."""
        return sum(one.get("part") in HELD_OUT for one in self.events.of_kind("scored"))

    def state(self) -> State:
        """Tell where the run stands."""
        if not self.recipe.exists() or not (self.plan.exists() or self.fold(1).plan.exists()):
            return State.NEW  # before there is a plan, nothing is worth going on with
        return State.FINISHED if self.events.of_kind("finished") else State.UNFINISHED

    def start_record(self) -> dict[str, Any]:
        """Return what was noted when the run began: data, fingerprint, options. Raises DataError."""
        records = self.events.of_kind("started")
        if not records:
            raise DataError(
                "This folder holds no run.", where=str(self.path), fix="give a folder made by maskwright train"
            )
        return records[0]

    def read_recipe(self) -> Recipe:
        """Read the run's recipe. Raises ConfigError."""
        return load_recipe(self.recipe)

    def discard(self) -> None:
        """Take away what a start that failed has left: our own files only, and the folder if it is empty then."""
        for path in (self.recipe, self.split, self.events.path):
            path.unlink(missing_ok=True)
        for folder in (self.fold(1).path, self.path):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def begin(self, recipe: Recipe, record: dict[str, Any]) -> None:
        """Write recipe and first record. Raises OutputError."""
        make_folder(self.path)
        self.events.path.unlink(missing_ok=True)
        self.events.add({"event": "started", **record})
        write_text(self.recipe, dump_recipe(recipe))


def next_folder(name: str, base: Path = Path("runs")) -> Path:
    """Return runs/NAME-1, or the first number that is free."""
    number = 1
    while (base / f"{name}-{number}").exists():
        number += 1
    return base / f"{name}-{number}"


def open_run(path: Path) -> RunFolder:
    """Return a run that is there. Raises DataError for a folder that holds none, ConfigError for none at all."""
    if not path.is_dir():
        raise ConfigError("There is no such run.", where=str(path), fix="give a folder made by maskwright train")
    run = RunFolder(path)
    if run.state() is State.NEW:
        raise DataError("This folder holds no run.", where=str(path), fix="give a folder made by maskwright train")
    return run


def same_training(run: RunFolder, recipe: Recipe, record: dict[str, Any]) -> None:
    """Raise ConfigError unless the run there has the same recipe, data and options."""
    before = run.read_recipe()
    if before != recipe:
        changed = ", ".join(_differences(before.model_dump(mode="json"), recipe.model_dump(mode="json")))
        raise ConfigError(
            f"The run there has another recipe: {changed}.",
            where=str(run.path),
            fix="give another folder (-o RUN), or the recipe it was begun with",
        )
    started = run.start_record()
    for key, words in (("fingerprint", "pictures or masks"), ("minutes", "--minutes"), ("device", "--device")):
        if started.get(key) != record.get(key):
            raise ConfigError(
                f"The run there was begun with other {words}.",
                where=str(run.path),
                fix="give another folder (-o RUN)",
            )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a run. Raises DataError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot be read: {error}", where=str(path), fix="start anew in another folder") from error
    if not isinstance(content, dict):
        raise DataError("Holds no JSON object.", where=str(path), fix="start anew in another folder")
    return content


def _differences(before: dict[str, Any], after: dict[str, Any], prefix: str = "") -> list[str]:
    changed = []
    for key in before:
        one, other = before[key], after.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            changed += _differences(one, other, f"{prefix}{key}.")
        elif one != other:
            changed.append(f"{prefix}{key} is {one!r} there and {other!r} here")
    return changed
