"""Showing pictures to a model once, for as many listeners as want to hear of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.evaluation.grid import probabilities_on_grid
from maskwright.evaluation.score import Listen, Predict, ReadImage, load_pictures
from maskwright.progress import Progress, Step, ignore

if TYPE_CHECKING:
    from maskwright.data.dataset import Dataset


def look_at(
    dataset: "Dataset",
    indices: Sequence[int] | NDArray[np.integer[Any]],
    predict: Predict,
    listeners: Sequence[Listen],
    *,
    stage: str,
    read_image: ReadImage | None = None,
    progress: Progress = ignore,
) -> None:
    """Tell each listener of each picture, with its probabilities (K, h, w) on the truth's grid; one picture at a time.

    predict, read_image: as in `score_pictures`. stage: what progress calls it.
    """
    for done, loaded in enumerate(load_pictures(dataset, indices, read_image), start=1):
        size = (int(loaded.truth.shape[0]), int(loaded.truth.shape[1]))
        probabilities = probabilities_on_grid(predict(loaded.image), size, dataset.classes)
        for listen in listeners:
            listen(loaded, probabilities)
        progress(Step(stage, done, len(indices)))
