"""What the report and the model card are told. Plain values, put together by whoever ran the training.

Every text may come from a file of unknown origin; it is escaped where it is shown, never here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray


class PlanLine(NamedTuple):
    """One choice of the plan: what was set, to what, and why."""

    setting: str
    value: str
    reason: str


@dataclass(frozen=True)
class ReportFacts:
    """Everything `write_report` and `write_card` show. Only `name` and `evaluation` are needed.

    name: the run's. task: one sentence on what the model is for. made: when, as it is to be shown.
    evaluation: `Evaluation.to_json()`; its "pictures" may be any sequence.
    part: which pictures it was taken on ("test", "all folds, each held out once").
    times_read: how often the held-out part was scored in all, where that is counted.
    data, network, training: label -> value, shown line by line in the order given. A sequence is shown with commas.
        data: "folder", "pictures", "classes", "grouping", "split", "fingerprint", ...
        network: "network", "encoder", "weights", "sees", "parameters", "file", "bytes", ...
        training: "epochs", "seconds", "device", "precision", "batch", ...
    parts: pictures in each part, {"train": 600, "validation": 75, "test": 75}.
    history: one mapping an epoch, with "epoch" and numbers. Names with "loss" in them are drawn together, names with
        "dice" or "iou" together, and names with "rate"; others are not drawn.
    phases: (first epoch, name) of each phase. best_epoch: the one whose weights were kept, or None.
    threshold: `ThresholdChoice.to_json()`, or None when no cut was chosen.
    calibration: calibration.json of the run: the temperature, and the validation part before and with it.
    parity: one mapping a runtime, from `ParityReport.to_json()`; shown line by line.
    plan: the choices with their reasons. findings: `Finding`s as JSON values. versions: package -> version.
    licences: what -> licence ("ImageNet weights of mobilenetv2_100" -> "Apache-2.0").
    limits: sentences on where the model should not be trusted. next: commands to type next.
    """

    name: str
    evaluation: Mapping[str, Any]
    task: str = ""
    made: str = ""
    part: str = "test"
    times_read: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)
    history: Sequence[Mapping[str, float]] = ()
    phases: Sequence[tuple[float, str]] = ()
    best_epoch: float | None = None
    threshold: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    parity: Sequence[Mapping[str, Any]] = ()
    plan: Sequence[PlanLine] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    limits: Sequence[str] = ()
    next: Sequence[str] = ()


class Example(NamedTuple):
    """A picture for the report's gallery.

    label: "worst", "median" or "best". score: its Dice, or None. image: (H, W, C) uint8 or uint16, or None.
    truth, prediction: masks of any size; they are stretched to the picture, or stand alone where there is none.
    """

    label: str
    name: str
    score: float | None
    image: NDArray[Any] | None
    truth: NDArray[Any]
    prediction: NDArray[Any]
