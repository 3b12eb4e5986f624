"""From a trained network to its model file: the threshold chosen on validation pictures, the export, the proof."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import maskwright
from maskwright.evaluation.threshold import choose_threshold
from maskwright.files import write_json
from maskwright.progress import Step
from maskwright.runs.fitting import MIN_VALIDATION, Fitted, Indices, Work
from maskwright.runs.folder import RunFolder
from maskwright.runs.opening import picture_reader
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import load_model

if TYPE_CHECKING:
    from maskwright.export.parity import ParityReport

PARITY_PICTURES = 16


def deliver(
    work: Work,
    run: RunFolder,
    fitted: Fitted,
    *,
    choose_on: Indices,
    compare_on: Indices,
    threshold: float | None = None,
) -> ModelDescription:
    """Write run/model.onnx and parity.json; return what the file says of itself.

    choose_on: pictures on which the threshold is chosen; with fewer than MIN_VALIDATION it is 0.5.
    compare_on: pictures on which file and network are compared. threshold: one settled elsewhere.
    Raises ExportError where the file does not equal the network.
    """
    from maskwright.export.graph import export_model

    description, choice = describe_model(work, fitted), None
    if description.thresholded:
        if threshold is None:
            threshold, choice = _choose_threshold(work, run, fitted, description, choose_on)
        description = replace(description, threshold=threshold)
    work.progress(Step("export", 0, 2))
    candidate = run.checkpoint / "candidate.onnx"
    export_model(fitted.network, description, candidate)
    work.progress(Step("export", 1, 2))
    report = _check_parity(work, fitted, description, candidate, compare_on)
    write_json(run.path / "parity.json", {"schema_version": 1, **report.to_json()})
    if choice is not None:
        write_json(run.path / "threshold.json", {"schema_version": 1, **choice})
    os.replace(candidate, run.model)  # the very file that was compared
    work.progress(Step("export", 2, 2))
    return description


def describe_model(work: Work, fitted: Fitted) -> ModelDescription:
    """Say of a trained network what a model file must say; the threshold is 0.5 until one is chosen."""
    plan, facts, dataset = fitted.plan, fitted.facts, work.dataset
    cut = dataset.classes.binary or not dataset.classes.exclusive
    return ModelDescription(
        classes=dataset.classes,
        mode=plan.mode,  # type: ignore[arg-type]
        size=plan.size,
        overlap=plan.overlap,
        scale=plan.scale,
        bands=dataset.bands,
        dtype=dataset.dtype,  # type: ignore[arg-type]
        value_range=plan.value_range,
        mean=facts.mean,
        std=facts.std,
        threshold=0.5 if cut else None,
        network=facts.name,
        encoder=facts.encoder,
        weights=facts.weights,
        licence=facts.licence,
        padding=facts.padding,
        fingerprint=dataset.fingerprint(),
        trained=_trained(work, fitted),
        maskwright=maskwright.__version__,
    )


def _trained(work: Work, fitted: Fitted) -> dict[str, Any]:
    best = fitted.validated and work.recipe.training.restore_best
    return {
        "recipe": work.recipe.name,
        "seed": work.recipe.training.seed,
        "epochs": fitted.result.epochs,
        "kept_epoch": fitted.result.best_epoch + 1 if best else fitted.result.epochs,
        "seconds": round(fitted.result.seconds, 1),
        "precision": fitted.plan.precision,
    }


def _choose_threshold(
    work: Work, run: RunFolder, fitted: Fitted, description: ModelDescription, choose_on: Indices
) -> tuple[float, dict[str, Any] | None]:
    """Return the threshold, and how it was chosen where it was."""
    from maskwright.export.graph import export_model

    stated = work.recipe.evaluation.threshold
    if stated != "auto":
        return stated, None
    if len(choose_on) < MIN_VALIDATION:
        return 0.5, None
    path = run.checkpoint / "candidate.onnx"
    export_model(fitted.network, description, path)
    predictor = load_model(path)
    choice = choose_threshold(
        work.dataset,
        choose_on,
        predictor.probabilities,
        measure=work.recipe.evaluation.choose_by,
        read_image=picture_reader(work.dataset, predictor),
        progress=work.progress,
    )
    return choice.threshold, choice.to_json()


def _check_parity(
    work: Work, fitted: Fitted, description: ModelDescription, path: Any, compare_on: Indices
) -> "ParityReport":
    from maskwright.export.parity import check_parity, require_parity

    pictures = ((work.dataset[int(i)].id, work.dataset.read_image(int(i))) for i in compare_on[:PARITY_PICTURES])
    report = check_parity(fitted.network, description, path, pictures, runtime="onnxruntime")
    require_parity(report)
    return report
