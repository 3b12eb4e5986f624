"""Scoring pictures one at a time: read, predict, bring to the mask's grid, cut, count.

The model is a function handed in. What the counts of all pictures amount to is `summary.py`'s affair.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.threads import in_threads
from maskwright.errors import MaskwrightError
from maskwright.evaluation.grid import cut, probabilities_on_grid
from maskwright.metrics.counts import Counts, count
from maskwright.progress import Progress, Step, ignore

if TYPE_CHECKING:
    from maskwright.data.dataset import Dataset

Predict = Callable[[NDArray[Any]], NDArray[Any]]
ReadImage = Callable[[int], NDArray[Any]]
_READERS = 2  # threads; at most twice as many pictures wait: they may be large


@dataclass(frozen=True)
class PictureScore:
    """The counts of one picture.

    id, group: the picture's, as in the dataset. counts: (K,) pixels on the truth's grid.
    size_truth: (height, width) of the truth mask, on whose grid was counted.
    size_prediction: (height, width) of what the model returned, before it was brought to that grid.
    """

    id: str
    group: str
    counts: Counts
    size_truth: tuple[int, int]
    size_prediction: tuple[int, int]


@dataclass(frozen=True)
class LoadedPicture:
    """A picture as read (H, W, C), with its truth on its own grid."""

    id: str
    group: str
    image: NDArray[Any]
    truth: NDArray[Any]


Listen = Callable[[LoadedPicture, NDArray[np.float32]], None]


def score_pictures(
    dataset: "Dataset",
    indices: Sequence[int] | NDArray[np.integer[Any]],
    predict: Predict,
    *,
    threshold: float | None,
    read_image: ReadImage | None = None,
    listen: Listen | None = None,
    progress: Progress = ignore,
) -> list[PictureScore]:
    """Score a model on pictures of a dataset, each at its mask's own resolution.

    predict: image (H, W, C) as read -> probabilities (K, H, W) float; K is 1 for two exclusive classes.
    threshold: the cut for two exclusive or for overlapping classes; None is 0.5.
    read_image: number of the picture -> image, where it is to be read otherwise than by `dataset.read_image`.
    listen: is told of each picture with its probabilities on the mask's grid, so that nobody predicts it twice.

    Memory holds a few pictures, however many are scored. Errors of reading name the picture's file; an error of
    counting names the picture.
    """
    classes = dataset.classes
    scores: list[PictureScore] = []
    for loaded in load_pictures(dataset, indices, read_image):
        probabilities = predict(loaded.image)
        try:
            on_grid = probabilities_on_grid(probabilities, _size(loaded.truth), classes)
            counts = count(loaded.truth, cut(on_grid, classes, threshold), len(classes.names))
        except MaskwrightError as error:
            where = ", ".join(part for part in (loaded.id, error.where) if part)
            raise type(error)(error.what, where=where, fix=error.fix) from error
        size_prediction = (int(probabilities.shape[1]), int(probabilities.shape[2]))
        scores.append(PictureScore(loaded.id, loaded.group, counts, _size(loaded.truth), size_prediction))
        if listen is not None:
            listen(loaded, on_grid)
        progress(Step("score", len(scores), len(indices)))
    return scores


def load_pictures(
    dataset: "Dataset", indices: Sequence[int] | NDArray[np.integer[Any]], read_image: ReadImage | None = None
) -> Iterator[LoadedPicture]:
    """Yield each picture with its truth, the next ones being read meanwhile."""
    read = read_image or dataset.read_image

    def load(index: int) -> LoadedPicture:
        sample = dataset[index]
        return LoadedPicture(sample.id, sample.group, read(index), dataset.read_mask(index))

    return in_threads(load, [int(index) for index in indices], workers=_READERS)


def _size(mask: NDArray[Any]) -> tuple[int, int]:
    return int(mask.shape[0]), int(mask.shape[1])
