"""Opening a run's model file with the runtime that was asked for, and showing it pictures as training did."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.images.sizes import scaled_decoding_size
from maskwright.runtime.predictor import Predictor, load_model

ReadImage = Callable[[int], NDArray[Any]]


def open_model(path: str | Path, runtime: str | None = None, precision: str | None = None) -> Predictor:
    """Open a model file or a run's. runtime: default onnxruntime; precision: default fp32. Raises as `load_model`."""
    return load_model(path, runtime=runtime or "onnxruntime", precision=precision or "fp32")


def picture_reader(dataset: Dataset, predictor: Predictor) -> ReadImage:
    """Return what reads picture i for a model, as its pack and `predict` read it: large JPEGs at reduced scale.

    Pictures of another number of bands than the model's are converted where that is possible (grey and RGB).
    """
    description = predictor.description
    if dataset.bands != description.bands or dataset.dtype != description.dtype:
        return lambda index: predictor.read(dataset[index].image)[0]
    at_least = scaled_decoding_size(description.size) if description.mode == "whole" else None
    return lambda index: dataset.read_image(index, at_least=at_least)


def look_again(
    dataset: Dataset, predictor: Predictor, row: int
) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return picture, truth and predicted mask of a row, to show them."""
    image = picture_reader(dataset, predictor)(row)
    return image, dataset.read_mask(row), predictor.predict(image).mask
