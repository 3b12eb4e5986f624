"""How long a training's command takes, from reading the folder to its report: measured pieces times how often.

Seconds of the pieces are measured elsewhere, on a few of the pictures, and handed in. Never imports torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

EXPORT_SECONDS = 2.0  # tracing, writing, a session of ONNX Runtime; where that was not measured
# What does not depend on pictures or network, as trainings on two cores took it (benchmarks/training/forecast.py).
REPORT_SECONDS = 1.5  # charts, page, card, and the end of the process
PARITY_PICTURES = 16  # through network and file each
SHOWN, ALL_SHOWN = 6, 24  # examples in a report; and so many pictures or fewer are all shown once more
CHOOSING_PASSES = 1.3  # over the validation pictures: a second one where a temperature helps
MARGIN = 0.03  # of the time that is left: kept back, since a training ends at a whole epoch


@dataclass(frozen=True)
class Counts:
    """How often each piece comes.

    train, val, test: pictures of one training. steps: of the optimizer in an epoch. folds: 0, or how many trainings
    there are besides the one on all pictures.
    """

    train: int
    val: int
    test: int
    steps: int
    folds: int = 0

    @property
    def scored(self) -> int:
        """Pictures that are scored in all."""
        return self.test * max(1, self.folds)


@dataclass(frozen=True)
class Costs:
    """Seconds of each piece on this machine.

    pack: a picture, read, resized and written. steps: one step of the optimizer with its batch, of each phase.
    validate: a picture, after an epoch. predict: a picture, by the model file. measure: a picture, read and scored on
    its mask's own grid. learn: what is learnt once for the answers that scores stand beside. choose: a picture, read
    and looked at for temperature and threshold. export: a model file, without its proof. prove: a picture at its own
    size, read, through the network and through the file.
    """

    pack: float
    steps: tuple[float, ...]
    validate: float
    predict: float
    measure: float
    learn: float = 0.0
    choose: float = 0.0
    export: float = EXPORT_SECONDS
    prove: float = 0.0

    def epochs(self, counts: Counts) -> tuple[float, ...]:
        """Return the seconds of an epoch of each phase, validation included."""
        return tuple(counts.steps * step + counts.val * self.validate for step in self.steps)

    def faster(self, ratio: float) -> "Costs":
        """Return the costs with other seconds in the network, as for another size of its input."""
        return replace(
            self, steps=tuple(step * ratio for step in self.steps), validate=self.validate * ratio,
            predict=self.predict * ratio,
        )  # fmt: skip


@dataclass(frozen=True)
class Forecast:
    """Seconds of a training's command by what they go into; begin: up to the plan, check and imports included."""

    begin: float
    pack: float
    fit: float
    choose: float
    export: float
    score: float
    report: float

    @property
    def seconds(self) -> float:
        """Of the whole command."""
        return sum(self.to_json().values())

    @property
    def after_fit(self) -> float:
        """Seconds that come after the last epoch."""
        return self.choose + self.export + self.score + self.report

    def to_json(self) -> dict[str, float]:
        """Return the terms by name."""
        return asdict(self)


def forecast(costs: Costs, counts: Counts, epochs: Sequence[int], *, begin: float) -> Forecast:
    """Return what a training of so many epochs in each phase takes. begin: seconds up to its plan.

    With folds: of all trainings together; what is scored is every picture once.
    """
    trainings = counts.folds + 1
    fit = sum(number * seconds for number, seconds in zip(epochs, costs.epochs(counts), strict=True))
    return Forecast(
        begin=begin,
        pack=(counts.train + counts.val + (counts.test if counts.folds else 0)) * costs.pack,
        fit=fit * trainings,
        choose=CHOOSING_PASSES * counts.val * (costs.predict + costs.choose) * max(1, counts.folds),
        export=_export(costs, counts),
        score=counts.scored * (costs.predict + costs.measure) + costs.learn,
        report=REPORT_SECONDS + (SHOWN + (counts.scored if counts.scored <= ALL_SHOWN else 0)) * costs.prove / 2,
    )


def _export(costs: Costs, counts: Counts) -> float:
    """Return the seconds of all model files; that of the folds together is compared with each of theirs."""
    compared = min(PARITY_PICTURES, counts.val or counts.train)
    single = (costs.export + compared * costs.prove) * (counts.folds + 1)
    if not counts.folds:
        return single
    return single + costs.export + min(PARITY_PICTURES, counts.scored) * (counts.folds + 1) * costs.prove / 2


def seconds_for_fit(minutes: float, ahead: Forecast) -> float:
    """Return what `minutes` leave for the epochs, all trainings together; may be negative."""
    left = minutes * 60 - (ahead.seconds - ahead.fit)
    return left * (1 - MARGIN)


def compare_terms(expected: Mapping[str, float], taken: Mapping[str, float]) -> dict[str, Any]:
    """Return what a forecast was worth: both in all, and the error in shares of what was taken."""
    before, after = sum(expected.values()), sum(taken.values())
    return {
        "expected": dict(expected), "taken": dict(taken), "expected_seconds": before, "taken_seconds": after,
        "error": before / after - 1 if after else 0.0,
    }  # fmt: skip
