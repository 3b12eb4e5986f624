"""What a run leaves for its readers: evaluation.json, sheet.png, report.html, MODEL_CARD.md."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from maskwright.data.dataset import Dataset
from maskwright.evaluation.summary import Evaluation
from maskwright.files import write_json
from maskwright.progress import Progress, Step
from maskwright.report.card import write_card
from maskwright.report.facts import Example, PlanLine, ReportFacts
from maskwright.report.html import write_report
from maskwright.report.sheet import SheetRow, write_sheet
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runs.opening import picture_reader
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Predictor

EXAMPLES = 2  # worst, as many in the middle, and best
PACKAGES = ("maskwright", "torch", "timm", "segmentation-models-pytorch", "onnxruntime", "numpy", "pillow")


@dataclass(frozen=True)
class Outcome:
    """A training's end.

    predictor_of: picture id -> the model file that had not seen it. parts: pictures in each. pictures: whether the
    report may show any.
    """

    dataset: Dataset
    evaluation: Evaluation
    predictor_of: Mapping[str, Predictor]
    part: str
    description: ModelDescription
    parts: Mapping[str, int]
    seconds: float
    pictures: bool = True


def write_results(run: RunFolder, outcome: Outcome, progress: Progress) -> ModelDescription:
    """Write scores, sheet, report and card, and put the scores into the model file; return its new description."""
    from maskwright.export.graph import update_description

    document = {**outcome.evaluation.to_json(), "part": outcome.part}
    write_json(run.evaluation, document)
    short = {key: document[key] for key in ("part", "images", "per_image", "mean_over")}
    description = replace(outcome.description, scores=short)
    update_description(run.model, description)
    examples = _examples(outcome) if outcome.pictures else []
    progress(Step("report", 1, 2))
    if examples:
        rows = [SheetRow(e.name, e.image, e.truth, e.prediction, e.score) for e in examples]
        write_sheet(run.path / "sheet.png", rows, outcome.dataset.classes)
    facts = _facts(run, outcome)
    write_report(run.path / "report.html", facts, outcome.dataset.classes, examples=examples, pictures=outcome.pictures)
    write_card(run.path / "MODEL_CARD.md", facts)
    progress(Step("report", 2, 2))
    return description


def _examples(outcome: Outcome) -> list[Example]:
    """Predict the worst, middle and best pictures again, to show them."""
    dataset, number = outcome.dataset, {sample.id: i for i, sample in enumerate(outcome.dataset)}
    examples = []
    for label, at in outcome.evaluation.examples(EXAMPLES):
        row = outcome.evaluation.pictures[at]
        index, predictor = number[row.id], outcome.predictor_of[row.id]
        image = picture_reader(dataset, predictor)(index)
        prediction = predictor.predict(image).mask
        examples.append(Example(label, row.id, row.scores["dice"], image, dataset.read_mask(index), prediction))
    return examples


def _facts(run: RunFolder, outcome: Outcome) -> ReportFacts:
    """Collect what report and card say; with folds, plan and curves are those of the training on all pictures."""
    plan, description, dataset = read_json(run.plan), outcome.description, outcome.dataset
    recipe = run.read_recipe()
    return ReportFacts(
        name=run.path.resolve().name,
        task=recipe.task if recipe.name != "default" else "",
        evaluation=outcome.evaluation.to_json(),
        made=time.strftime("%Y-%m-%d %H:%M"),
        part=outcome.part,
        times_read=len(run.events.of_kind("scored")),
        data={
            "folder": dataset.root.name,
            "pictures": len(dataset),
            "classes": list(dataset.classes.names),
            "grouping": dataset.grouping,
            "fingerprint": description.fingerprint[:16],
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
        threshold=_optional(run, "threshold.json"),
        parity=[one for one in [_optional(run, "parity.json")] if one is not None],
        plan=[PlanLine(key, _shown(plan.get(key)), reason) for key, reason in plan["reasons"].items()],
        findings=_findings(run),
        versions={name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
        licences={f"weights {description.weights}": description.licence} if description.licence else {},
        next=[f"maskwright predict {run.path} PICTURES -o masks"],
    )


def _history(run: RunFolder) -> list[dict[str, float]]:
    """Return the curves' points, epochs counted from 1."""
    measure = run.read_recipe().evaluation.choose_by
    lines = []
    for event in run.events.of_kind("epoch"):
        line = {"epoch": float(event["epoch"]) + 1, "loss": float(event["loss"])}
        if event.get("score") is not None:
            line[f"{measure} (validation)"] = float(event["score"])
        lines.append(line)
    return lines


def _findings(run: RunFolder) -> Sequence[Mapping[str, Any]]:
    records = run.events.of_kind("checked")
    return records[-1]["findings"] if records else ()


def _optional(run: RunFolder, name: str) -> dict[str, Any] | None:
    path = run.path / name
    if not path.exists():
        return None
    return {key: value for key, value in read_json(path).items() if key != "schema_version"}


def _shown(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
