"""How much a model file's masks change in reduced precision: compared with the same file, or its source, in fp32.

That one is proven equal to the trained network, so no network is needed here, and no torch.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError, ExportError
from maskwright.export.gate import ParityReport, counted, dice_of, limits
from maskwright.progress import Progress, Step, ignore
from maskwright.runtime.predictor import Predictor

Judged = tuple[str, NDArray[Any], NDArray[Any]]  # name, (H, W, C), true mask on its own grid


def check_reduced(
    exact: Predictor, reduced: Predictor, pictures: Iterable[Judged], *, total: int = 0, progress: Progress = ignore
) -> ParityReport:
    """Let both look at the same pictures; `exact` takes the network's place in the report.

    Raises DataError where no picture is there, or no pixel of them counts.
    """
    description = exact.description
    report = ParityReport(reduced.runtime, reduced.precision)
    scores = []
    for name, image, truth in pictures:
        expected, found = exact.probabilities(image), reduced.predict(image)
        report = counted(report, name, expected, found, description)
        scores.append(
            [dice_of(p, truth, description.classes, description.threshold) for p in (expected, found.probabilities)]
        )
        progress(Step(f"compare {reduced.runtime}", report.pictures, total))
    if not scores or np.isnan(scores).all():
        raise DataError(
            "Comparing precisions needs pictures with true masks.", where=str(reduced.path),
            fix="give a run whose data is still there",
        )  # fmt: skip
    by_exact, by_reduced = np.nanmean(np.array(scores), axis=0)
    return replace(report, dice_network=float(by_exact), dice_file=float(by_reduced))


def require_reduced(report: ParityReport) -> None:
    """Raise ExportError with the figures where the gate is not kept."""
    if not report.passed:
        raise ExportError(
            f"{report.precision} changes the masks too much in {report.runtime}: {figures(report)}.",
            where=f"{report.pictures} pictures compared; allowed: {limits(report)}",
            fix="keep the fp32 file, or write this one all the same with --force",
        )


def figures(report: ParityReport) -> str:
    """Say what changed, in words."""
    share = report.differing_pixels / max(1, report.pixels)
    return (
        f"Dice {report.dice_network:.4f} -> {report.dice_file:.4f}, {share:.2%} of the mask pixels differ, "
        f"{report.worst_share:.1%} in the worst picture ({report.worst})"
    )
