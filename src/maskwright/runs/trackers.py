"""TensorBoard, Weights & Biases and MLflow, and finding any tracker that Accelerate knows.

What differs between them stands here: where a run's files go, how a run is gone on with, what becomes of an epoch that
was trained again, who may see pictures. Everything is sent through Accelerate's own trackers.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from shutil import copy2
from typing import Any
from urllib.parse import urlsplit

from maskwright.errors import ConfigError, MissingDependency, need
from maskwright.runs.tracker import PROJECT, Numbers, Page, Tracker

_IN_EXTRA = ("tensorboard", "wandb", "mlflow")
_ALSO = {"tb": "tensorboard", "w&b": "wandb", "weights-and-biases": "wandb", "comet": "comet_ml"}
# Said before these packages are imported, unless the user has said otherwise: nothing goes anywhere unasked.
_DISCREET = {
    "wandb": {"WANDB_ERROR_REPORTING": "false"},
    "mlflow": {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "WARNING"},
}


class TensorBoard(Tracker):
    """Event files in RUN/tensorboard; an epoch that is trained again purges what TensorBoard had read of it."""

    again = "replace"
    alone = False
    continues = True
    fix = "check that the run's folder can be written"

    @property
    def stays(self) -> bool:
        """Whether nothing leaves this computer."""
        return True

    @property
    def where(self) -> str:
        """How to look at the numbers."""
        return f"tensorboard --logdir {quote(str(self.page.root))}"

    def begin(self, known: str, sent: int) -> str:
        """Begin the run, or go on with the one that is known."""
        self._open(purge_step=sent + 1 if known else None)
        return self.name

    def _open(self, purge_step: int | None) -> None:
        from accelerate.tracking import TensorBoardTracker

        self.copy = TensorBoardTracker(self.name, self.page.folder, purge_step=purge_step)
        self.copy.start()

    def describe(self, values: Mapping[str, Any]) -> None:
        """Store what determines the run."""
        self.copy.store_init_configuration({key: "null" if value is None else value for key, value in values.items()})

    def log(self, numbers: Numbers, step: int, time: float) -> None:
        """Store numbers at a step."""
        self.copy.log(dict(numbers), step=step, walltime=time)

    def rewind(self, step: int) -> None:
        """Take back this step and what follows it."""
        self.copy.finish()
        self._open(purge_step=step)

    def show(self, picture: Path, step: int) -> None:
        """Show a picture."""
        import numpy as np
        from PIL import Image

        with Image.open(picture) as image:
            pixels = np.asarray(image.convert("RGB"))
        self.copy.log_images({picture.stem: pixels[None]}, step=step, dataformats="NHWC")


class Wandb(Tracker):
    """Weights & Biases: online, or offline in RUN/wandb, as WANDB_MODE or `wandb offline` say."""

    again = "keep"
    continues = True
    fix = "`wandb login`; or set WANDB_MODE=offline, and `wandb sync` the run when you like"

    @property
    def where(self) -> str:
        """How to look at the numbers."""
        if self.copy is None or self._offline:
            folder = os.environ.get("WANDB_DIR", str(self.page.root))
            return f"wandb sync {quote(str(Path(folder) / 'wandb'))}/offline-run-*"
        return str(self.copy.run.url)

    @property
    def store(self) -> str:
        """What a run's id belongs to."""
        return os.environ.get("WANDB_PROJECT", PROJECT)

    @property
    def _offline(self) -> bool:
        return bool(self.copy.run.settings.mode != "online")

    @classmethod
    def prepare(cls) -> None:
        """Raise ConfigError unless wandb is logged in, or offline."""
        import wandb

        if wandb.setup().settings.mode == "online" and not wandb.login(prompt=False, verify=False):
            raise ConfigError("wandb is not logged in.", where="--track wandb", fix=cls.fix)

    def begin(self, known: str, sent: int) -> str:
        """Begin the run, or go on with the one that is known."""
        import wandb
        from accelerate.tracking import WandBTracker

        online = wandb.setup().settings.mode == "online"
        stated = None if self.page.is_fold else os.environ.get("WANDB_RUN_ID")
        run_id = known or stated or secrets.token_hex(4)
        options: dict[str, Any] = {"id": run_id, "settings": self._settings()}
        if online:
            options["resume"] = "allow"  # offline it is ignored: `wandb sync` puts the parts together by their id
        if "WANDB_DIR" not in os.environ:
            options["dir"] = str(self.page.root)
        if "WANDB_NAME" not in os.environ or self.page.is_fold:
            options["name"] = self.page.name
        if "WANDB_RUN_GROUP" not in os.environ:
            options["group"] = self.page.root.name
        self.copy = WandBTracker(self.store, **options)
        self.copy.start()
        return run_id

    def _settings(self) -> Any:
        """Leave the console to us: what wandb would print and record is ours, and may name pictures."""
        import wandb

        stated = {"silent": ("WANDB_SILENT", True), "console": ("WANDB_CONSOLE", "off")}
        return wandb.Settings(**{key: value for key, (name, value) in stated.items() if name not in os.environ})

    def show(self, picture: Path, step: int) -> None:
        """Show a picture."""
        from PIL import Image

        with Image.open(picture) as image:
            self.copy.log_images({picture.stem: [image]}, step=step)

    def keep(self, files: Sequence[Path]) -> None:
        """Keep copies of files, in the run's own folder: wandb would link to them, and say so."""
        place = Path(self.copy.run.dir)
        for file in files:
            copy2(file, place / file.name)
            self.copy.run.save(str(place / file.name), base_path=str(place), policy="now", glob=False)

    def end(self, *, well: bool) -> None:
        """End the run."""
        self.copy.run.finish(exit_code=0 if well else 1)


class Mlflow(Tracker):
    """MLflow: the server or store of MLFLOW_TRACKING_URI, else mlflow.db beside the runs, so that they can be compared.

    Folds are runs nested in their run.
    """

    alone = False
    continues = True
    fix = "is the server of MLFLOW_TRACKING_URI up? Without that variable, the numbers go to a file beside the runs"

    def __init__(self, name: str, page: Page) -> None:
        super().__init__(name, page)
        import mlflow

        local = f"sqlite:///{(page.root.parent / 'mlflow.db').resolve().as_posix()}"
        stated = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else local  # type: ignore[no-untyped-call]
        self._uri, self._stated = stated, stated != local
        if not self._stated and "?" in local:  # where an address ends
            raise ConfigError(
                "MLflow cannot keep its store in a folder with a question mark in its name.",
                where=str(page.root.parent),
                fix="set MLFLOW_TRACKING_URI, or write the run somewhere else (-o RUN)",
            )

    @property
    def stays(self) -> bool:
        """Whether nothing leaves this computer."""
        return urlsplit(self._uri).scheme in ("", "file", "sqlite")

    @property
    def where(self) -> str:
        """How to look at the numbers."""
        return f"mlflow ui --backend-store-uri {quote(self._uri)}" if self.stays else self._uri

    @property
    def store(self) -> str:
        """What a run's id belongs to; the store beside the runs may move with them."""
        return self._uri if self._stated else ""

    def begin(self, known: str, sent: int) -> str:
        """Begin the run, or go on with the one that is known."""
        from accelerate.tracking import MLflowTracker

        place = None if self._stated else (self.page.root.parent / "mlartifacts").resolve().as_uri()
        self.copy = MLflowTracker(PROJECT, logging_dir=place, run_name=self.page.name)
        self.copy.nested_run = self.page.is_fold
        if known:
            self.copy.run_id = known
        elif self.page.is_fold:
            self.copy.run_id = None  # MLFLOW_RUN_ID is of the run, not of each fold
        with ExitStack() as undo:
            undo.callback(self._use, local=False)
            self._use(local=True)
            self.copy.start()
            undo.pop_all()
        return str(self.copy.tracker.info.run_id)

    def _use(self, *, local: bool) -> None:
        """Let MLflow use the store beside the runs, or forget it; what is stated is its own affair."""
        import mlflow

        if not self._stated and (local or not self.page.is_fold):
            mlflow.set_tracking_uri(self._uri if local else None)  # type: ignore[arg-type]  # None unsets it

    def log(self, numbers: Numbers, step: int, time: float) -> None:
        """Store numbers at a step."""
        self.copy.log(dict(numbers), step=step, timestamp=int(time * 1000))

    def keep(self, files: Sequence[Path]) -> None:
        """Keep copies of files."""
        for file in files:
            self.copy.log_artifact(str(file))

    def show(self, picture: Path, step: int) -> None:
        """Show a picture."""
        self.copy.log_artifact(str(picture))

    def end(self, *, well: bool) -> None:
        """End the run."""
        import mlflow

        try:
            mlflow.end_run("FINISHED" if well else "FAILED")
        finally:
            self._use(local=False)  # the next training may lie elsewhere


_KNOWN: dict[str, type[Tracker]] = {"tensorboard": TensorBoard, "wandb": Wandb, "mlflow": Mlflow}


def kind_of(name: str) -> type[Tracker]:
    """Return how a tracker is spoken to."""
    return _KNOWN.get(name, Tracker)


def find_trackers(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return the trackers' names, each once, their packages imported. names: may hold several, with commas.

    Raises ConfigError for an unknown name or a missing login, MissingDependency for a missing package.
    """
    listed = (names if isinstance(names, str) else ",".join(names)).split(",")
    found = dict.fromkeys(name.strip().lower() for name in listed if name.strip())
    if not found:
        return ()
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    for name in found:
        if name not in LOGGER_TYPE_TO_CLASS:
            raise _unknown(name, sorted(LOGGER_TYPE_TO_CLASS))
        for variable, value in _DISCREET.get(name, {}).items():
            os.environ.setdefault(variable, value)
        if name in _IN_EXTRA:
            need(name, extra="track", purpose=f"--track {name}")
        elif LOGGER_TYPE_TO_CLASS[name].__module__.startswith("accelerate.") and find_spec(name) is None:
            raise MissingDependency(
                f"--track {name} needs {name}, which is not installed.", fix=f"pip install {name.replace('_', '-')}"
            )
        kind_of(name).prepare()
    return tuple(found)


def _unknown(name: str, known: Sequence[str]) -> ConfigError:
    near = [_ALSO[name]] if name in _ALSO else get_close_matches(name, known, n=1)
    return ConfigError(
        f"There is no tracker '{name}'.",
        where="--track",
        fix=f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}",
    )
