"""Scores of a run's model file on pictures it has not seen, and everything a reader wants beside them."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from maskwright.data.dataset import Dataset
from maskwright.evaluation.score import PictureScore, score_pictures
from maskwright.evaluation.summary import Evaluation, majority_classes, summarise
from maskwright.files import write_json
from maskwright.progress import Progress, Step
from maskwright.report.card import write_card
from maskwright.report.facts import Example, PlanLine, ReportFacts
from maskwright.report.html import write_report
from maskwright.report.sheet import write_sheet
from maskwright.runs.fitting import Indices
from maskwright.runs.folder import RunFolder, read_json
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Predictor

EXAMPLES = 6  # pictures on the sheet: worst, middle, best


def score_part(dataset: Dataset, indices: Indices, predictor: Predictor, progress: Progress) -> list[PictureScore]:
    """Score a model file on some pictures, each on its mask's own grid."""
    threshold = predictor.description.threshold
    return score_pictures(dataset, indices, predictor.probabilities, threshold=threshold, progress=progress)


def majority_of(dataset: Dataset, indices: Indices) -> tuple[int, ...]:
    """Return the class (overlapping: classes) of most pixels in some pictures' masks: the trivial answer's source."""
    names = dataset.classes.names
    total, pixels = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    for index in indices:
        mask = dataset.read_mask(int(index))
        planes = [mask == k for k in range(len(names))] if mask.ndim == 2 else [m == 1 for m in np.moveaxis(mask, 2, 0)]
        total += np.array([int(plane.sum()) for plane in planes])
        pixels += int((mask != 255).sum()) if mask.ndim == 2 else (mask != 255).sum(axis=(0, 1))
    return majority_classes(total, pixels, dataset.classes)


def summarise_part(
    dataset: Dataset, scores: Sequence[PictureScore], predictors: Sequence[Predictor], majority: tuple[int, ...] | None,
    notes: Sequence[str] = (),
) -> Evaluation:  # fmt: skip
    """Summarise scores made by one model file, or by the files of several folds."""
    first = predictors[0]
    cuts = tuple(p.description.threshold for p in predictors if p.description.threshold is not None)
    return summarise(
        scores,
        dataset.classes,
        groups=len({one.group for one in scores if one.group}) not in (0, len(scores)),
        runtime=first.runtime,
        precision=first.precision,
        threshold=None if not cuts else cuts[0] if len(set(cuts)) == 1 else cuts,
        majority=majority,
        notes=notes,
    )


def write_results(
    run: RunFolder, dataset: Dataset, evaluation: Evaluation, predictor_of: Mapping[str, Predictor], *, part: str,
    description: ModelDescription, parts: Mapping[str, int], seconds: float, progress: Progress,
) -> None:  # fmt: skip
    """Write evaluation.json, sheet.png, report.html and MODEL_CARD.md.

    predictor_of: picture id -> the model that had not seen it.
    """
    write_json(run.evaluation, {**evaluation.to_json(), "part": part})
    examples = _examples(dataset, evaluation, predictor_of)
    progress(Step("report", 1, 2))
    rows = [
        (f"{e.name}  Dice {e.score:.3f}" if e.score is not None else e.name, e.image, e.truth, e.prediction)
        for e in examples
    ]
    write_sheet(run.path / "sheet.png", rows, dataset.classes)
    facts = _facts(run, dataset, evaluation, part, description, parts, seconds)
    write_report(run.path / "report.html", facts, examples=examples, classes=dataset.classes)
    write_card(run.path / "MODEL_CARD.md", facts)
    progress(Step("report", 2, 2))


def scores_in_short(evaluation: Evaluation, part: str) -> dict[str, Any]:
    """Return what of the scores goes into the model file."""
    document = evaluation.to_json()
    return {
        "part": part,
        "images": evaluation.images,
        "per_image": document["per_image"],
        "mean_over": evaluation.mean_over,
    }


def _examples(dataset: Dataset, evaluation: Evaluation, predictor_of: Mapping[str, Predictor]) -> list[Example]:
    ranked = evaluation.ranked("dice")
    number = {dataset[i].id: i for i in range(len(dataset))}
    middle = len(ranked) // 2
    chosen = [("worst", at) for at in ranked[:2]] + [("median", at) for at in ranked[middle : middle + 2]]
    chosen += [("best", at) for at in ranked[-2:]]
    examples, seen = [], set()
    for label, at in chosen[:EXAMPLES]:
        row = evaluation.pictures[at]
        if row.id in seen:
            continue
        seen.add(row.id)
        index = number[row.id]
        image = dataset.read_image(index)
        prediction = predictor_of[row.id].predict(image).mask
        examples.append(Example(label, row.id, row.scores["dice"], image, dataset.read_mask(index), prediction))
    return examples


def _facts(
    run: RunFolder, dataset: Dataset, evaluation: Evaluation, part: str, description: ModelDescription,
    parts: Mapping[str, int], seconds: float,
) -> ReportFacts:  # fmt: skip
    source = run if run.plan.exists() else run.fold(1)
    plan = read_json(source.plan)
    history = [
        {k: v for k, v in e.items() if k in ("epoch", "loss", "score", "learning_rate")}
        for e in source.events.of_kind("epoch")
    ]
    for line in history:
        line["epoch"] = int(line["epoch"]) + 1
        if line.get("score") is not None:
            line["dice (validation)"] = line.pop("score")
    optional = {
        name: read_json(source.path / name)
        for name in ("threshold.json", "parity.json")
        if (source.path / name).exists()
    }
    return ReportFacts(
        name=run.path.resolve().name,
        evaluation=evaluation.to_json(),
        made=time.strftime("%Y-%m-%d %H:%M"),
        part=part,
        data={
            "folder": dataset.root.name, "pictures": len(dataset), "classes": list(dataset.classes.names),
            "grouping": dataset.grouping, "fingerprint": description.fingerprint[:16],
        },
        network={
            "network": description.network, "encoder": description.encoder, "weights": description.weights or "none",
            "sees": f"{description.size[0]}x{description.size[1]}, {description.mode}",
            "bytes": run.model.stat().st_size if run.model.exists() else 0,
        },
        training={"seconds": round(seconds, 1), **description.trained},
        parts=parts,
        history=history,
        threshold=optional.get("threshold.json"),
        parity=[optional["parity.json"]] if "parity.json" in optional else [],
        plan=[PlanLine(key, _shown(plan.get(key)), reason) for key, reason in plan.get("reasons", {}).items()],
        versions={name: version(name) for name in ("maskwright", "torch", "onnxruntime", "numpy", "pillow")}
        | {"python": platform.python_version()},
        licences={f"weights {description.weights}": description.licence} if description.licence else {},
        next=[f"maskwright predict {run.path} PICTURES -o masks"],
    )  # fmt: skip


def _shown(value: Any) -> str:
    return "x".join(str(v) for v in value) if isinstance(value, list) else "" if value is None else str(value)


def with_scores(description: ModelDescription, evaluation: Evaluation, part: str) -> ModelDescription:
    """Return the description with its scores filled in."""
    return replace(description, scores=scores_in_short(evaluation, part))
