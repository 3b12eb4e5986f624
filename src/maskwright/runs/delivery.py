"""From a trained network to its model file: temperature and threshold settled, the export, the proof."""

import os
from typing import TYPE_CHECKING, Any

import maskwright
from maskwright.files import write_json
from maskwright.progress import Step
from maskwright.runs.fitting import Fitted, Indices, Work
from maskwright.runs.folder import RunFolder
from maskwright.runs.settling import Trial, settle
from maskwright.runtime.description import ModelDescription

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
    temperature: float | None = None,
    threshold: float | None = None,
) -> ModelDescription:
    """Write run/model.onnx, parity.json, calibration.json and threshold.json; return what the file says of itself.

    choose_on: pictures on which temperature and threshold are chosen; with fewer than MIN_VALIDATION they are 1 and
    0.5. compare_on: pictures on which file and network are compared. temperature, threshold: settled elsewhere.
    Raises ExportError where the file does not equal the network.
    """
    from maskwright.export.graph import trace_for, write_model

    description, candidate = describe_model(work, fitted), run.checkpoint / "candidate.onnx"
    trial = Trial(work, trace_for(fitted.network, description), candidate, choose_on)
    work.progress(Step("export"))
    settled = settle(trial, description, temperature=temperature, threshold=threshold)
    description = settled.description
    work.progress(Step("export", 0, 2))
    write_model(trial.core, description, candidate)
    work.progress(Step("export", 1, 2))
    report = _check_parity(work, fitted, description, candidate, compare_on)
    write_json(run.path / "parity.json", {"schema_version": 1, **report.to_json()})
    write_json(run.path / "calibration.json", {"schema_version": 1, **settled.calibration})
    if settled.threshold is not None:
        write_json(run.path / "threshold.json", {"schema_version": 1, **settled.threshold})
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


def _check_parity(
    work: Work, fitted: Fitted, description: ModelDescription, path: Any, compare_on: Indices
) -> "ParityReport":
    from maskwright.export.parity import check_parity, require_parity

    pictures = ((work.dataset[int(i)].id, work.dataset.read_image(int(i))) for i in compare_on[:PARITY_PICTURES])
    report = check_parity(fitted.network, description, path, pictures, runtime="onnxruntime")
    require_parity(report)
    return report
