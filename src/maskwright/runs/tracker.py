"""A tracker as one thing: a run in it that is begun, told numbers, and ended; through Accelerate, whichever it is.

Knows no diary and no thread; whatever a tracker raises passes through.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

PROJECT = "maskwright"

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Page:
    """What one run in a tracker is about. folder: of the run or fold. root: of the run. name: as shown."""

    folder: Path
    root: Path
    name: str

    @property
    def is_fold(self) -> bool:
        """Whether it is one fold of a run."""
        return self.folder != self.root


class Tracker:
    """A run in a tracker that Accelerate knows and we know nothing else of: numbers go in, it cannot be gone on with.

    again: what becomes of an epoch that was trained again. "replace": it and what follows it are taken back;
    "change": numbers that have changed are sent again; "keep": the first stay.
    alone: one run at a time in this process. stays: everything stays on this computer, in or beside the run's folder.
    """

    again: ClassVar[Literal["replace", "change", "keep"]] = "change"
    alone: ClassVar[bool] = True
    continues: ClassVar[bool] = False
    fix: ClassVar[str] = "see how this tracker is set up, or leave --track out"

    def __init__(self, name: str, page: Page) -> None:
        self.name, self.page = name, page
        self.copy: Any = None

    @property
    def stays(self) -> bool:
        """Whether nothing leaves this computer."""
        return False

    @property
    def where(self) -> str:
        """Where the run's numbers can be looked at, for people."""
        return self.name

    @property
    def store(self) -> str:
        """What tells this place from others of the same tracker: a run's id counts only there."""
        return ""

    @classmethod
    def prepare(cls) -> None:
        """Raise ConfigError where it is known at once that no run can begin."""

    def begin(self, known: str, sent: int) -> str:
        """Begin the run, or go on with the one of id `known` that has `sent` epochs; return its id."""
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        kind = LOGGER_TYPE_TO_CLASS[self.name]
        place = (str(self.page.folder / self.name),) if kind.requires_logging_directory else ()
        self.copy = kind(PROJECT, *place)
        self.copy.start()
        return ""

    def describe(self, values: Mapping[str, Any]) -> None:
        """Store what determines the run."""
        self.copy.store_init_configuration(dict(values))

    def log(self, numbers: Numbers, step: int, time: float) -> None:
        """Store numbers at a step (from 1); time: seconds since 1970."""
        self.copy.log(dict(numbers), step=step)

    def rewind(self, step: int) -> None:
        """Take back this step and what follows it; only where `again` is "replace"."""
        raise NotImplementedError

    def show(self, picture: Path, step: int) -> None:
        """Show a picture, where the tracker can."""

    def keep(self, files: Sequence[Path]) -> None:
        """Keep copies of files, where the tracker can; afterwards the files themselves are gone."""

    def end(self, *, well: bool) -> None:
        """End the run; well: everything was done, else it will be gone on with, or has failed."""
        self.copy.finish()


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return {"a.b.0.c": value}: trackers store names, numbers, truths and texts; a list of these becomes a text.

    >>> flatten({"model": {"size": [192, 256], "name": "unet"}, "phases": [{"epochs": 3}]})
    {'model.size': '192, 256', 'model.name': 'unet', 'phases.0.epochs': 3}
    """
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{safe(str(key))}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            flat |= flatten({str(at): item for at, item in enumerate(value)}, f"{name}.")
        else:
            flat[name] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return flat


def safe(name: str) -> str:
    """Return a name that every tracker takes: of letters, digits, and a few signs.

    >>> safe("lichen/moss (old)")
    'lichen_moss _old_'
    """
    return re.sub(r"[^\w .-]", "_", name, flags=re.ASCII) or "_"
