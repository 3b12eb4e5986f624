"""`export`: what else can be made of a run's model file, each with what it changes, measured on real pictures.

A way to export is one function in WAYS. Nothing that fails its gate is written, unless it is asked for by force.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.splits import read_split
from maskwright.errors import ConfigError, need
from maskwright.files import write_json
from maskwright.progress import Progress, Step, ignore
from maskwright.runs.fitting import Indices
from maskwright.runs.folder import RunFolder, open_run
from maskwright.runs.opening import INT8_MODEL, picture_reader
from maskwright.runs.own_data import own_data
from maskwright.runtime.predictor import Predictor, describe, load_model

if TYPE_CHECKING:
    from maskwright.export.gate import ParityReport

COMPARED = 64  # pictures, spread evenly over the validation part
CALIBRATED_ON = 60  # pictures, spread evenly over the training part


@dataclass(frozen=True)
class Exported:
    """What was made. reports: one for each runtime it was compared in. part: of the data that it was compared on."""

    to: str
    path: Path
    bytes_before: int
    bytes_after: int
    reports: tuple["ParityReport", ...]
    part: str
    forced: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "to": self.to, "path": str(self.path), "bytes_before": self.bytes_before, "bytes_after": self.bytes_after,
            "part": self.part, "forced": self.forced, "reports": [report.to_json() for report in self.reports],
        }  # fmt: skip


@dataclass(frozen=True)
class _Task:
    """A run that is exported, and its own pictures by part."""

    run: RunFolder
    dataset: Dataset
    train: Indices
    judge: Indices
    part: str
    force: bool
    progress: Progress

    def compare(self, exact: Predictor, reduced: Predictor) -> "ParityReport":
        """Let both look at the pictures that are there to judge."""
        from maskwright.export.reduced import check_reduced

        read = picture_reader(self.dataset, exact)
        pictures = ((self.dataset[int(i)].id, read(int(i)), self.dataset.read_mask(int(i))) for i in self.judge)
        return check_reduced(exact, reduced, pictures, total=len(self.judge), progress=self.progress)

    def passed(self, report: "ParityReport") -> bool:
        """Tell whether the gate is kept. Raises ExportError where it is not and nothing was forced."""
        from maskwright.export.reduced import require_reduced

        if not self.force:
            require_reduced(report)
        return report.passed


def export_run(run: str | Path, to: str, *, force: bool = False, progress: Progress = ignore) -> Exported:
    """Make something else of a run's model file, compared with it on up to 64 of the run's validation pictures.

    to: 'int8': RUN/model-int8.onnx, whose network is quantised on training pictures. 'bf16': no file: whether OpenVINO
    may run the network in bf16 is noted in RUN/model.onnx, where `predict` looks it up.
    force: write also what changes the masks more than the gate allows (Dice by 0.002, 0.5 % of the pixels).

    Raises ExportError where the gate is not kept, ConfigError for an unknown `to`, DataError where the run has no model
    file or its pictures are gone, MissingDependency.
    """
    if to not in WAYS:
        raise ConfigError(f"There is no export to '{to}'.", fix=f"choose one of: {', '.join(WAYS)}")
    need("onnx", extra="train", purpose="`export`")
    folder = open_run(Path(run))
    describe(folder.path)
    dataset = own_data(folder)
    train, judge, part = _parts(folder, dataset)
    return WAYS[to](
        _Task(folder, dataset, _spread(train, CALIBRATED_ON), _spread(judge, COMPARED), part, force, progress)
    )


def _int8(task: _Task) -> Exported:
    """Quantise, compare in each runtime that is installed, and only then give the file its name."""
    from maskwright.export.quantise import quantise

    source, target = task.run.model, task.run.path / INT8_MODEL
    candidate = task.run.checkpoint / "candidate-int8.onnx"
    exact = load_model(source)
    task.progress(Step("quantise", 0, 1))
    quantise(source, candidate, _pictures(task, exact))
    task.progress(Step("quantise", 1, 1))
    try:
        reports = tuple(task.compare(exact, load_model(candidate, runtime=runtime)) for runtime in _runtimes())
        passed = all([task.passed(report) for report in reports])
        _note(candidate, reports)
        candidate.replace(target)
    finally:
        candidate.unlink(missing_ok=True)
    return _exported("int8", task, target, reports, forced=not passed)


def _bf16(task: _Task) -> Exported:
    """Compare, and note the result in the model file, also where the gate is not kept."""
    from maskwright.export.reduced import require_reduced

    if task.force:
        raise ConfigError("'bf16' cannot be forced.", fix="maskwright predict --precision bf16 runs it all the same")
    exact = load_model(task.run.model)
    if exact.description.precision != "fp32":
        raise ConfigError("Only an fp32 file runs in bf16.", where=str(task.run.model), fix="train or export it anew")
    report = task.compare(exact, load_model(task.run.model, runtime="openvino", precision="bf16"))
    _note(task.run.model, (report,))
    require_reduced(report)
    return _exported("bf16", task, task.run.model, (report,), forced=False)


WAYS: dict[str, Callable[[_Task], Exported]] = {"int8": _int8, "bf16": _bf16}


def _exported(to: str, task: _Task, path: Path, reports: tuple["ParityReport", ...], *, forced: bool) -> Exported:
    before, after = task.run.model.stat().st_size, path.stat().st_size
    exported = Exported(to, path, before, after, reports, task.part, forced)
    write_json(task.run.path / f"export-{to}.json", {"schema_version": 1, **exported.to_json()})
    return exported


def _note(path: Path, reports: tuple["ParityReport", ...]) -> None:
    """Write into a model file what was measured of it."""
    from maskwright.export.describing import update_description

    description = describe(path)
    measured = {f"{report.runtime} {report.precision}": report.to_json() for report in reports}
    update_description(path, replace(description, reduced={**description.reduced, **measured}))


def _parts(folder: RunFolder, dataset: Dataset) -> tuple[Indices, Indices, str]:
    """Return the pictures to calibrate on, those to judge by, and which part these are.

    Where no validation part was kept away (a run of folds), they are all pictures: what is judged is one file against
    another, so that the model has seen them matters little.
    """
    every = np.arange(len(dataset))
    if folder.start_record().get("folds"):
        return every, every, "all"
    split = read_split(folder.split, dataset)
    judge = split.indices("val")
    return split.indices("train"), (judge if len(judge) else every), ("val" if len(judge) else "all")


def _runtimes() -> tuple[str, ...]:
    return ("onnxruntime", "openvino") if find_spec("openvino") else ("onnxruntime",)


def _pictures(task: _Task, predictor: Predictor) -> Iterator[NDArray[Any]]:
    read = picture_reader(task.dataset, predictor)
    return (read(int(i)) for i in task.train)


def _spread(indices: Indices, most: int) -> Indices:
    """Return up to `most` of the indices, evenly spread."""
    places = np.unique(np.linspace(0, len(indices) - 1, min(len(indices), most)).round().astype(int))
    chosen: Indices = indices[places]
    return chosen
