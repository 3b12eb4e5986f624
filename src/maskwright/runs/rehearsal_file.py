"""The end of a training in miniature: a model file of the network as it is, written, opened and compared with it.

The file lies in a scratch folder and goes with it. Torch and ONNX are imported inside functions.
"""

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from maskwright.planning.plan import View
from maskwright.runs.excerpt import Sizes, timed
from maskwright.runs.opening import picture_reader
from maskwright.runs.work import Work
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Predictor, load_model

if TYPE_CHECKING:
    from torch import nn

    from maskwright.models.build import NetworkFacts

LARGEST = 1 << 24  # pixels of a picture that is looked at; of larger ones a part
SLOW = 1.0  # seconds: what takes longer is not done a second time


@dataclass(frozen=True)
class FileCosts:
    """What a model file costs, in seconds.

    export: tracing, writing and opening it. prove: a picture of mean size, read at its own size and shown to network
    and file. predict: a picture by the file, as it is scored.
    """

    export: float
    prove: float
    predict: float


def rehearse_file(
    work: Work, network: "nn.Module", facts: "NetworkFacts", view: View, value_range: float, sizes: Sizes
) -> FileCosts:
    """Make a model file of a network and show it a usual and the largest picture. Raises ExportError, DataError."""
    from maskwright.export.reference import build_reference

    description = _describe(work, facts, view, value_range)
    with tempfile.TemporaryDirectory() as scratch:
        export, predictor = timed(lambda: _export(network, description, Path(scratch) / "rehearsal.onnx"))
        reference = build_reference(network, description)

        def prove(row: int) -> tuple[int, float]:
            reading, image = timed(lambda: work.dataset.read_image(row))
            part = _part(image)
            whole = image.size / part.size
            seconds = timed(lambda: reference(part))[0] + timed(lambda: predictor.predict(part))[0]
            return image.shape[0] * image.shape[1], reading + seconds * whole

        rows = sizes.by_size()
        usual, largest = rows[len(rows) // 2], rows[-1]
        proved = at_mean_size([_second(prove, usual), _second(prove, largest)], sizes.mean)
        return FileCosts(export, proved, _predicting(work, predictor, usual, sizes))


def _second(prove: Callable[[int], tuple[int, float]], row: int) -> tuple[int, float]:
    """Return what a second time takes: the first makes what is made once, and takes memory that is kept."""
    first = prove(row)
    return first if first[1] > SLOW else prove(row)


def at_mean_size(timed_pictures: list[tuple[int, float]], mean: float) -> float:
    """Return the seconds of a picture of `mean` pixels, by (pixels, seconds) of a usual and the largest one.

    >>> at_mean_size([(100, 1.0), (300, 2.0)], 200), at_mean_size([(100, 1.0), (100, 2.0)], 100)
    (1.5, 1.5)
    """
    (pixels, seconds), (most, longest) = timed_pictures
    if most <= 1.5 * pixels:
        return (seconds + longest) / 2
    slope = max(0.0, (longest - seconds) / (most - pixels))
    return max(seconds / 2, seconds + slope * (mean - pixels))


def _export(network: "nn.Module", description: ModelDescription, path: Path) -> Predictor:
    from maskwright.export.graph import trace_for, write_model

    write_model(trace_for(network, description), description, path)
    return load_model(path)


def _predicting(work: Work, predictor: Predictor, row: int, sizes: Sizes) -> float:
    """Return the seconds of predicting a picture as it is scored, without reading it."""
    image = picture_reader(work.dataset, predictor)(row)
    part = image if predictor.description.mode == "whole" else _part(image)
    first, _ = timed(lambda: predictor.native_probabilities(part))
    again = first if first > SLOW else timed(lambda: predictor.native_probabilities(part))[0]
    if predictor.description.mode == "whole":
        return again
    return float(again * sizes.mean / (part.shape[0] * part.shape[1]))


def _part(image: NDArray[Any]) -> NDArray[Any]:
    """Return as much of a picture's middle as is looked at, in its own proportions."""
    height, width = image.shape[:2]
    if height * width <= LARGEST:
        return image
    scale = math.sqrt(LARGEST / (height * width))
    high, wide = max(1, int(height * scale)), max(1, int(width * scale))
    top, left = (height - high) // 2, (width - wide) // 2
    return image[top : top + high, left : left + wide]


def _describe(work: Work, facts: "NetworkFacts", view: View, value_range: float) -> ModelDescription:
    dataset = work.dataset
    cut = dataset.classes.binary or not dataset.classes.exclusive
    return ModelDescription(
        classes=dataset.classes, mode=view.mode, size=view.size, overlap=view.overlap,  # type: ignore[arg-type]
        scale=view.scale, bands=dataset.bands, dtype=dataset.dtype, value_range=value_range,  # type: ignore[arg-type]
        mean=facts.mean, std=facts.std, threshold=0.5 if cut else None, network=facts.name, encoder=facts.encoder,
        weights=facts.weights, licence=facts.licence, padding=facts.padding,
    )  # fmt: skip
