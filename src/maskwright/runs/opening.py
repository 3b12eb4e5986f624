"""Opening a run's model file with the runtime that was asked for, and showing it pictures as training did."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.images.sizes import scaled_decoding_size
from maskwright.runtime.choosing import MANY, choose
from maskwright.runtime.cores import available_cores
from maskwright.runtime.predictor import Predictor, describe, load_model

if TYPE_CHECKING:
    from maskwright.data.dataset import Dataset

MODEL, INT8_MODEL = "model.onnx", "model-int8.onnx"
MOST_WHOLE, MOST_TILED = 10, 2  # pictures under way: of those that are cut into tiles, all probabilities are in memory
WAITING = 2  # callers beyond the cores: while some wait for the disk to take their masks, the others compute

ReadImage = Callable[[int], NDArray[Any]]


@dataclass(frozen=True)
class Opened:
    """A model opened for masks.

    callers: how many threads may ask it at a time. why: the choice of runtime and precision, in words.
    others: further ways to run it that would have been as right: masks made so need not be made anew.
    """

    predictor: Predictor
    callers: int
    why: str
    others: tuple[tuple[str, str], ...] = ()

    @property
    def as_good(self) -> list[dict[str, str]]:
        """Return runtime and precision of each way whose masks are right."""
        ways = ((self.predictor.runtime, self.predictor.precision), *self.others)
        return [{"runtime": runtime, "precision": precision} for runtime, precision in ways]


def open_model(path: str | Path, runtime: str | None = None, precision: str | None = None) -> Predictor:
    """Open a model file or a run's. runtime: default onnxruntime; precision: default the file's own.

    precision 'int8' of a run is its model-int8.onnx. Raises as `load_model`.
    """
    return load_model(_file_for(Path(path), precision), runtime=runtime or "onnxruntime", precision=precision)


def open_for_masks(
    path: str | Path, pictures: int, runtime: str | None, precision: str | None, *, at_once: int | None = None
) -> Opened:
    """Open a model for the masks of so many pictures, with as many callers as pay, `at_once` at most.

    runtime: None or "auto": OpenVINO where it is installed and the pictures are many enough to make up for its slower
    start, else ONNX Runtime. precision: None or "auto": bf16 in OpenVINO where the file says that it keeps the gate of
    reduced precision, and the processor knows bf16; else the file's own. Raises as `load_model`.
    """
    file = _file_for(Path(path), precision)
    stated = (None if runtime == "auto" else runtime, None if precision == "auto" else precision)
    description = describe(file)
    choice = choose(description, pictures, *stated)
    cores = available_cores()
    most = MOST_WHOLE if description.mode == "whole" else MOST_TILED
    callers = max(1, min(cores + WAITING, pictures if at_once is None else at_once, most))
    predictor = load_model(
        file, runtime=choice.runtime, precision=choice.precision, threads=cores, masks_only=True, callers=callers
    )
    return Opened(predictor, callers, choice.why, choice.others)


def open_for_service(path: str | Path, runtime: str | None, precision: str | None) -> Opened:
    """Open a model for pictures that go through its network together, all cores at work on them.

    runtime, precision: as in `open_for_masks`, for many pictures. Raises as `load_model`.
    """
    file = _file_for(Path(path), precision)
    stated = (None if runtime == "auto" else runtime, None if precision == "auto" else precision)
    choice = choose(describe(file), MANY, *stated)
    predictor = load_model(file, runtime=choice.runtime, precision=choice.precision, masks_only=True)
    return Opened(predictor, 1, choice.why, choice.others)


def _file_for(path: Path, precision: str | None) -> Path:
    """Return the model file that is meant: a run has one of its own for int8. Raises DataError where it has none."""
    folder = path if path.is_dir() else path.parent
    if precision != "int8" or not (path.is_dir() or path.name == MODEL):
        return path
    if not (folder / INT8_MODEL).is_file():
        raise DataError(
            "The run has no int8 model file.", where=str(folder / INT8_MODEL),
            fix=f"make it first: maskwright export {folder} --to int8",
        )  # fmt: skip
    return folder / INT8_MODEL


def picture_reader(dataset: "Dataset", predictor: Predictor) -> ReadImage:
    """Return what reads picture i for a model, as its pack and `predict` read it: large JPEGs at reduced scale.

    Pictures of another number of bands than the model's are converted where that is possible (grey and RGB).
    """
    description = predictor.description
    if dataset.bands != description.bands or dataset.dtype != description.dtype:
        return lambda index: predictor.read(dataset[index].image)[0]
    at_least = scaled_decoding_size(description.size) if description.mode == "whole" else None
    return lambda index: dataset.read_image(index, at_least=at_least)


def look_again(
    dataset: "Dataset", predictor: Predictor, row: int
) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return picture, truth and predicted mask of a row, to show them."""
    image = picture_reader(dataset, predictor)(row)
    return image, dataset.read_mask(row), predictor.predict(image).mask
