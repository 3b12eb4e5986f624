"""What a run leaves for its readers: evaluation.json, curves.svg, sheet.png, report.html, MODEL_CARD.md."""

import platform
import shlex
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from maskwright.data.dataset import Dataset
from maskwright.evaluation.result import Evaluation
from maskwright.files import write_json_rows
from maskwright.progress import Progress, Step
from maskwright.recipe import Phase, Recipe
from maskwright.report.card import write_card
from maskwright.report.curves import write_curves
from maskwright.report.facts import Example, PlanLine, ReportFacts
from maskwright.report.html import write_report
from maskwright.report.sheet import SheetRow, write_sheet
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.gate import count_levels
from maskwright.runs.opening import look_again
from maskwright.runs.timekeeping import forecast_line
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Predictor

EXAMPLES = 2  # worst, as many in the middle, and best
ALL = 24  # pictures: so many or fewer are all shown in the sheet
PACKAGES = ("maskwright", "torch", "timm", "segmentation-models-pytorch", "onnxruntime", "numpy", "pillow")


@dataclass(frozen=True)
class Outcome:
    """A training's end.

    predictor_of: picture id -> the model file that had not seen it. parts: pictures in each. pictures: whether the
    report may show any. elapsed: seconds since the command began.
    """

    dataset: Dataset
    evaluation: Evaluation
    predictor_of: Mapping[str, Predictor]
    part: str
    description: ModelDescription
    parts: Mapping[str, int]
    seconds: float
    pictures: bool = True
    elapsed: float = 0.0


def write_results(run: RunFolder, outcome: Outcome, progress: Progress) -> ModelDescription:
    """Write scores, sheet, report and card, and put the scores into the model file; return its new description."""
    from maskwright.export.graph import update_description

    progress(Step("score"))  # summing up, until now
    evaluation = replace(outcome.evaluation, part=outcome.part)
    document = evaluation.head()
    write_json_rows(run.evaluation, document, "pictures", evaluation.lines())
    short = {key: document[key] for key in ("part", "images", "per_image", "mean_over")}
    description = replace(outcome.description, scores=short)
    update_description(run.model, description)
    write_run_curves(run)
    examples = _examples(outcome) if outcome.pictures else []
    progress(Step("report", 1, 2))
    if examples:
        shown = ((e, e.image) for e in _for_sheet(outcome, examples))
        rows = (SheetRow(e.name, image, e.truth, e.prediction, e.score) for e, image in shown if image is not None)
        write_sheet(run.path / "sheet.png", rows, outcome.dataset.classes, title=_sheet_title(outcome))
    facts = _facts(run, outcome)
    write_report(run.path / "report.html", facts, outcome.dataset.classes, examples=examples, pictures=outcome.pictures)
    write_card(run.path / "MODEL_CARD.md", facts)
    progress(Step("report", 2, 2))
    return description


def write_run_curves(run: RunFolder) -> None:
    """Write curves.svg of a run or fold from its diary. Raises OutputError."""
    name = run.path.resolve().name
    title = f"{run.path.resolve().parent.name}, {name}" if name.startswith("fold-") else name
    write_curves(run.path / "curves.svg", title, _history(run), _phases(run), _best_epoch(run))


def _examples(outcome: Outcome) -> list[Example]:
    """Predict the worst, middle and best pictures again, to show them."""
    number = {sample.id: i for i, sample in enumerate(outcome.dataset)}
    return [_example(outcome, label, at, number) for label, at in outcome.evaluation.examples(EXAMPLES)]


def _for_sheet(outcome: Outcome, examples: Sequence[Example]) -> Iterator[Example]:
    """Yield all pictures where they are few, worst first; else the examples."""
    pictures = outcome.evaluation.pictures
    if len(pictures) > ALL:
        yield from examples
        return
    number = {sample.id: i for i, sample in enumerate(outcome.dataset)}
    dice = [row.scores["dice"] for row in pictures]
    order = sorted(range(len(pictures)), key=lambda at: 2.0 if (value := dice[at]) is None else value)
    for at in order:
        yield _example(outcome, "all", at, number)


def _sheet_title(outcome: Outcome) -> str:
    pictures = len(outcome.evaluation.pictures)
    which = "all, worst first" if pictures <= ALL else "the worst, some from the middle, the best"
    return f"{pictures} pictures that the model had not seen: {which}"


def _example(outcome: Outcome, label: str, at: int, number: Mapping[str, int]) -> Example:
    """Predict one of the scored pictures again."""
    row = outcome.evaluation.pictures[at]
    shown = look_again(outcome.dataset, outcome.predictor_of[row.id], number[row.id])
    return Example(label, row.id, row.scores["dice"], *shown)


def _facts(run: RunFolder, outcome: Outcome) -> ReportFacts:
    """Collect what report and card say; with folds, plan and curves are those of the training on all pictures."""
    plan, description, dataset = read_json(run.plan), outcome.description, outcome.dataset
    recipe = run.read_recipe()
    return ReportFacts(
        name=run.path.resolve().name,
        task=recipe.task if recipe.name != "default" else "",
        evaluation={**outcome.evaluation.head(), "pictures": outcome.evaluation.lines()},
        made=time.strftime("%Y-%m-%d %H:%M"),
        part=outcome.part,
        times_read=run.times_read(),
        data={
            "folder": dataset.root.name,
            "pictures": len(dataset),
            "classes": list(dataset.classes.names),
            "grouping": dataset.grouping,
            "fingerprint": description.fingerprint[:16],
            **_audit(run),
        },
        network={
            "network": description.network,
            "encoder": description.encoder,
            "weights": description.weights,
            "sees": f"{description.size[0]}x{description.size[1]}, {description.mode}",
            "bytes": run.model.stat().st_size,
        },
        training={"seconds": round(outcome.seconds, 1), **description.trained},
        parts=outcome.parts,
        history=_history(run),
        phases=_phases(run),
        best_epoch=_best_epoch(run),
        threshold=_optional(run, "threshold.json"),
        calibration=_optional(run, "calibration.json"),
        parity=[one for one in [_optional(run, "parity.json")] if one is not None],
        plan=[
            *(PlanLine(key, _shown(plan.get(key)), reason) for key, reason in plan["reasons"].items()),
            *(PlanLine("forecast", *line) for line in [forecast_line(run, outcome.elapsed)] if line is not None),
        ],
        findings=_findings(run),
        versions={name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
        licences={f"weights {description.weights}": description.licence} if description.licence else {},
        next=[f"maskwright predict {run.path} PICTURES -o masks", *_suspects_next(run)],
    )


def _history(run: RunFolder) -> list[dict[str, float]]:
    """Return the curves' points, epochs counted from 1."""
    measure = _recipe(run).evaluation.choose_by
    lines = []
    for event in run.events.of_kind("epoch"):
        line = {"epoch": float(event["epoch"]) + 1, "loss": float(event["loss"])}
        if event.get("score") is not None:
            line[f"{measure} (validation)"] = float(event["score"])
        if event.get("learning_rate") is not None:
            line["rate at the epoch's end"] = float(event["learning_rate"])
        lines.append(line)
    return lines


def _recipe(run: RunFolder) -> Recipe:
    """Return the recipe of a run; a fold has that of its run."""
    return run.read_recipe() if run.recipe.exists() else RunFolder(run.path.parent).read_recipe()


def _phases(run: RunFolder) -> list[tuple[float, str]]:
    """Return the first epoch, from 1, and a name of each phase that was trained."""
    first: dict[int, float] = {}
    for event in run.events.of_kind("epoch"):
        first.setdefault(int(event.get("phase", 0)), float(event["epoch"]) + 1)
    phases = _recipe(run).training.phases
    return [(epoch, _phase_name(number, phases)) for number, epoch in sorted(first.items())]


def _phase_name(number: int, phases: Sequence[Phase]) -> str:
    if number < len(phases) and any(phase.encoder == "frozen" for phase in phases):
        return f"encoder {phases[number].encoder}"
    return f"phase {number + 1}"


def _best_epoch(run: RunFolder) -> float | None:
    """Return the epoch, from 1, whose weights were kept; None where it is simply the last."""
    scored = [event for event in run.events.of_kind("epoch") if event.get("score") is not None]
    if not scored or not _recipe(run).training.restore_best:
        return None
    return float(max(scored, key=lambda event: float(event["score"]))["epoch"]) + 1  # the first of equal ones


def _findings(run: RunFolder) -> Sequence[Mapping[str, Any]]:
    records = run.events.of_kind("checked")
    return records[-1]["findings"] if records else ()


def _audit(run: RunFolder) -> dict[str, Any]:
    """Return how many findings the check had before the training, and which errors were accepted."""
    findings, started = _findings(run), run.events.of_kind("started")
    levels = Counter(str(one["level"]) for one in findings)
    accepted = {one["kind"] for one in findings if one["level"] == "error"}
    accepted &= set(started[-1].get("accepted", ()) if started else ())
    told: dict[str, Any] = {"findings": count_levels(levels) or "none"}
    return told | ({"errors accepted": sorted(accepted)} if accepted else {})


def _suspects_next(run: RunFolder) -> list[str]:
    """Return the command that lets the run's models judge the masks that they had not seen."""
    started = run.events.of_kind("started")
    return [shlex.join(["maskwright", "check", str(started[-1]["data"]), "--with", str(run.path)])] if started else []


def _optional(run: RunFolder, name: str) -> dict[str, Any] | None:
    path = run.path / name
    if not path.exists():
        return None
    return {key: value for key, value in read_json(path).items() if key != "schema_version"}


def _shown(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
