"""The proof that a model file equals the trained network: both look at real pictures, the differences are counted.

Measured from the file's bytes on, in one runtime and precision; pictures stream through, one at a time.
"""

from collections.abc import Iterable, Sized
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from maskwright.errors import DataError, ExportError
from maskwright.export.gate import MAX_DIFFERENCE, UNSTEADY, apart, counted, dice_of, limits
from maskwright.export.gate import ParityReport as ParityReport
from maskwright.export.reference import build_reference
from maskwright.progress import Progress, Step, ignore
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import load_model

Picture = tuple[str, NDArray[Any]] | tuple[str, NDArray[Any], NDArray[Any]]  # name, (H, W, C)[, true mask on its grid]


def check_parity(
    network: nn.Module,
    description: ModelDescription,
    model_path: Path,
    pictures: Iterable[Picture],
    *,
    runtime: str = "onnxruntime",
    precision: str = "fp32",
    progress: Progress = ignore,
) -> ParityReport:
    """Let the trained network (by torch alone) and the model file look at the same pictures.

    pictures: (name, image (H, W, C)), and for reduced precision a third item, the true mask on its own grid.
    Raises DataError for no pictures at all, for a missing truth where Dice is judged, and for a file that cannot run.
    """
    reference, exact = build_reference(network, description), None
    predictor = load_model(model_path, runtime=runtime, precision=precision)
    report = ParityReport(runtime, precision, unsteady=description.network in UNSTEADY)
    scores: list[tuple[float, float]] = []
    total = len(pictures) if isinstance(pictures, Sized) else 0
    for name, image, *truth in pictures:
        expected = reference(image)
        found = predictor.predict(image)
        report = counted(report, name, expected, found, description)
        if precision == "fp32" and not report.unsteady and apart(expected, found.probabilities) > MAX_DIFFERENCE:
            exact = exact or build_reference(network, description, exact=True)
            report = _against_exact(report, exact(image), expected, found.probabilities)
        scores += [_dice_of_both(expected, found.probabilities, mask, description) for mask in truth]
        if precision != "fp32" and not truth:
            raise DataError(
                f"Comparing in {precision} needs the true mask of each picture.",
                where=name,
                fix="hand over (name, image, mask)",
            )
        progress(Step("parity", report.pictures, total))
    if report.pictures == 0:
        raise DataError(
            "Comparing a model file with its network needs at least one picture.",
            where=str(model_path),
            fix="hand over pictures of the kind it was trained on",
        )
    if scores and not np.isnan(scores).all():
        by_network, by_file = np.nanmean(np.array(scores), axis=0)
        report = replace(report, dice_network=float(by_network), dice_file=float(by_file))
    return report


def require_parity(report: ParityReport) -> None:
    """Raise ExportError with the figures where the gate is not kept."""
    if report.passed:
        return
    figures = (
        f"{report.differing_pixels:,} of {report.pixels:,} mask pixels differ, "
        f"a probability by up to {report.max_difference:.2g}"
    )
    if report.dice_network is not None and report.dice_file is not None:
        figures += f", Dice {report.dice_network:.5f} -> {report.dice_file:.5f}"
    worst = f"; worst picture: {report.worst} ({report.worst_share:.3%} of its pixels)" if report.worst else ""
    raise ExportError(
        f"The model file does not equal the trained network in {report.runtime} {report.precision}: {figures}{worst}.",
        where=f"{report.pictures} pictures compared; allowed: {limits(report)}",
        fix="this is a fault of maskwright or of the runtime, not of your data: please report it with these figures",
    )


def _against_exact(
    report: ParityReport, exact: NDArray[np.float32], expected: NDArray[np.float32], found: NDArray[np.float32]
) -> ParityReport:
    """Add how far both are from the exact answer."""
    return replace(
        report,
        network_error=max(report.network_error or 0.0, apart(exact, expected)),
        file_error=max(report.file_error or 0.0, apart(exact, found)),
    )


def _dice_of_both(
    expected: NDArray[np.float32], found: NDArray[np.float32], truth: NDArray[Any], description: ModelDescription
) -> tuple[float, float]:
    first, second = (dice_of(values, truth, description.classes, description.threshold) for values in (expected, found))
    return first, second
