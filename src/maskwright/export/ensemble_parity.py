"""The proof that a joined model file gives the mean of its models.

Every file runs by itself, from its bytes on, up to its logits; mean, activation and resizing are done in numpy; then
the joined file looks at the same picture. Shares nothing with the joining but the files.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper
from scipy.special import expit, softmax

from maskwright.errors import DataError, ExportError
from maskwright.export.core import LOGITS
from maskwright.export.ensemble import read_graph
from maskwright.export.gate import UNSTEADY, ParityReport
from maskwright.export.reference import Reference
from maskwright.images.resize import resize_float
from maskwright.runtime.cores import available_cores
from maskwright.runtime.metadata import read_description
from maskwright.runtime.predictor import Predictor, cut_probabilities, load_model
from maskwright.runtime.sessions import open_onnx
from maskwright.runtime.tiling import tiled_probabilities


def check_joined(paths: Sequence[Path], joined: Path, pictures: Iterable[tuple[str, NDArray[Any]]]) -> ParityReport:
    """Compare the joined file with the mean of the files' own logits on pictures (name, (H, W, C)), in ONNX Runtime.

    Raises DataError for no pictures at all, and for a file that cannot run.
    """
    predictor, expected_of = load_model(joined), build_mean(paths)
    report = ParityReport("onnxruntime", "fp32", unsteady=read_description(paths[0]).network in UNSTEADY)
    for name, image in pictures:
        report = _counted(report, name, expected_of(image), predictor, image)
    if report.pictures == 0:
        raise DataError("Comparing a joined file with its parts needs at least one picture.", where=str(joined))
    return report


def require_joined(report: ParityReport) -> None:
    """Raise ExportError with the figures where the joined file does not give the mean."""
    if not report.passed:
        raise ExportError(
            "The joined model file does not give the mean of its models: "
            f"{report.differing_pixels:,} of {report.pixels:,} mask pixels differ, a probability by up to "
            f"{report.max_difference:.2g}.",
            where=f"{report.pictures} pictures compared; worst: {report.worst}",
            fix="a fault of maskwright or of the runtime, not of your data: please report it with these figures",
        )


def build_mean(paths: Sequence[Path]) -> Reference:
    """Return what the models say together of a picture: each file runs by itself up to its logits, the rest is numpy.

    Shares nothing with `join_models` but the files: each one's own preprocessing, and the mean in float64.
    """
    described = [read_description(path) for path in paths]
    first, runs = described[0], [_logits_of(path) for path in paths]

    def look(images: NDArray[Any]) -> NDArray[np.float32]:
        """Return (N, K, H, W) for (N, H, W, C)."""
        each = [run(images) / one.temperature for run, one in zip(runs, described, strict=True)]
        logits = np.mean(each, axis=0, dtype=np.float64)
        values: NDArray[np.float32] = (expit(logits) if first.thresholded else softmax(logits, axis=1)).astype("f4")
        if first.mode == "whole":
            values = np.stack([resize_float(one, images.shape[1:3]) for one in values])
        return values.clip(0, 1)

    if first.mode == "tile":
        return lambda image: tiled_probabilities(image, first, look)
    return lambda image: look(image[None])[0]


def _logits_of(path: Path) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Open a model file with its inner tensor `logits` as an output."""
    model = read_graph(path)
    model.graph.output.append(helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, None))
    session = open_onnx(model.SerializeToString(), path, available_cores())

    def run(images: NDArray[Any]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run([LOGITS], {"image": np.ascontiguousarray(images)})[0]
        return logits

    return run


def _counted(
    report: ParityReport, name: str, expected: NDArray[np.float32], predictor: Predictor, image: NDArray[Any]
) -> ParityReport:
    """Add one picture to the figures."""
    found, description = predictor.predict(image), predictor.description
    apart = float(np.abs(expected - found.probabilities).max())
    mask = cut_probabilities(expected, description.classes, description.threshold)
    differing = int(np.count_nonzero(mask != found.mask))
    worse = (differing / mask.size, apart) > (report.worst_share, report.max_difference) or not report.worst
    return replace(
        report,
        pictures=report.pictures + 1,
        pixels=report.pixels + mask.size,
        differing_pixels=report.differing_pixels + differing,
        max_difference=max(report.max_difference, apart if np.isfinite(apart) else float("inf")),
        worst=name if worse else report.worst,
        worst_share=max(report.worst_share, differing / mask.size),
    )
