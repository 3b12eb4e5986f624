"""Scoring pictures one at a time: read, predict, bring to the mask's grid, cut, count, measure.

The model, or what reads masks made elsewhere, is a function handed in. What the counts of all pictures amount to is
`summary.py`'s affair.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.threads import in_threads
from maskwright.errors import MaskwrightError
from maskwright.evaluation.grid import cut, probabilities_on_grid
from maskwright.evaluation.meters import Meter, Seen
from maskwright.evaluation.picture_scores import PictureScore, ScoreTable
from maskwright.images.classes import Classes
from maskwright.images.sizes import resize_labels
from maskwright.metrics.counts import count
from maskwright.progress import Progress, Step, ignore

if TYPE_CHECKING:
    from maskwright.data.dataset import Dataset

Predict = Callable[[NDArray[Any]], NDArray[Any]]
ReadImage = Callable[[int], NDArray[Any]]
ReadPrediction = Callable[[int], NDArray[Any]]
_READERS = _MEASURERS = 2  # threads of each; at most twice as many pictures are read ahead: they may be large
_MEASURED = 3  # pictures in the measurers' hands: each comes with its probabilities, which are larger still


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
    meters: Sequence[Meter] = (),
    read_image: ReadImage | None = None,
    listen: Listen | None = None,
    progress: Progress = ignore,
) -> ScoreTable:
    """Score a model on pictures of a dataset, each at its mask's own resolution.

    predict: image (H, W, C) as read -> probabilities (K, h, w) float of any size; K is 1 for two exclusive classes.
    threshold: the cut for two exclusive or for overlapping classes; None is 0.5.
    meters: measure each picture further, in threads while the next one is predicted.
    read_image: number of the picture -> image, where it is to be read otherwise than by `dataset.read_image`.
    listen: is told of each picture with its probabilities on the mask's grid, so that nobody predicts it twice.

    Memory holds a few pictures, however many are scored. Errors of reading name the picture's file; an error of
    counting names the picture.
    """
    classes = dataset.classes

    def answers() -> Iterator[_Answer]:
        for loaded in load_pictures(dataset, indices, read_image):
            probabilities = predict(loaded.image)
            with _naming(loaded.id):
                on_grid = probabilities_on_grid(probabilities, _size(loaded.truth), classes)
            if listen is not None:
                listen(loaded, on_grid)
            seen = Seen(loaded.id, loaded.group, loaded.image, loaded.truth, cut(on_grid, classes, threshold), on_grid)
            yield _Answer(seen, (int(probabilities.shape[1]), int(probabilities.shape[2])))

    measure = partial(_measure, classes=classes, meters=meters)
    measured = in_threads(measure, answers(), workers=_MEASURERS, waiting=_MEASURED)
    return _collect(measured, meters, len(indices), progress)


def score_predictions(
    dataset: "Dataset",
    indices: Sequence[int] | NDArray[np.integer[Any]],
    read_prediction: ReadPrediction,
    *,
    threshold: float | None = None,
    meters: Sequence[Meter] = (),
    read_image: ReadImage | None = None,
    progress: Progress = ignore,
) -> ScoreTable:
    """Score what was predicted elsewhere.

    read_prediction: number of the picture -> its predicted mask, (H, W) class indices or (H, W, K), of any size and
    resized to the truth's grid by nearest; or float32 probabilities (K, H, W), which are treated as a model's.
    read_image: None where there are no pictures.
    Everything of a picture happens in one thread; memory holds a few of them. Raises as `score_pictures`.
    """
    classes = dataset.classes

    def score(index: int) -> tuple[PictureScore, list[Any]]:
        sample = dataset[index]
        truth, prediction = dataset.read_mask(index), read_prediction(index)
        on_grid = None
        with _naming(sample.id):
            if prediction.dtype == np.float32:
                on_grid, size = probabilities_on_grid(prediction, _size(truth), classes), prediction.shape[1:]
                mask = cut(on_grid, classes, threshold)
            else:
                mask, size = resize_labels(prediction, _size(truth)), prediction.shape[:2]
        image = None if read_image is None else read_image(index)
        seen = Seen(sample.id, sample.group, image, truth, mask, on_grid)
        return _measure(_Answer(seen, (int(size[0]), int(size[1]))), classes=classes, meters=meters)

    return _collect(in_threads(score, [int(index) for index in indices]), meters, len(indices), progress)


@dataclass(frozen=True)
class _Answer:
    """What a model said of a picture. size: (height, width) of it before it was brought to the truth's grid."""

    seen: Seen
    size: tuple[int, int]


def _measure(answer: _Answer, *, classes: Classes, meters: Sequence[Meter]) -> tuple[PictureScore, list[Any]]:
    seen = answer.seen
    with _naming(seen.id):
        counts = count(seen.truth, seen.mask, len(classes.names))
        measured = [meter.measure(seen) for meter in meters]
    return PictureScore(seen.id, seen.group, counts, _size(seen.truth), answer.size), measured


def _collect(
    measured: Iterator[tuple[PictureScore, list[Any]]], meters: Sequence[Meter], total: int, progress: Progress
) -> ScoreTable:
    """Take in what was measured, in the pictures' order."""
    scores = ScoreTable()
    for score, values in measured:
        scores.add(score)
        for meter, value in zip(meters, values, strict=True):
            meter.add(value)
        progress(Step("score", len(scores), total))
    return scores


@contextmanager
def _naming(picture: str) -> Iterator[None]:
    """Name the picture in errors."""
    try:
        yield
    except MaskwrightError as error:
        where = ", ".join(part for part in (picture, error.where) if part)
        raise type(error)(error.what, where=where, fix=error.fix) from error


def load_pictures(
    dataset: "Dataset", indices: Sequence[int] | NDArray[np.integer[Any]], read_image: ReadImage | None = None
) -> Iterator[LoadedPicture]:
    """Yield each picture with its truth, the next ones being read meanwhile."""
    read = read_image or dataset.read_image
    load = partial(load_picture, dataset, read_image=read)
    return in_threads(load, [int(index) for index in indices], workers=_READERS)


def load_picture(dataset: "Dataset", index: int, read_image: ReadImage) -> LoadedPicture:
    """Read one picture with its truth."""
    sample = dataset[index]
    return LoadedPicture(sample.id, sample.group, read_image(index), dataset.read_mask(index))


def _size(mask: NDArray[Any]) -> tuple[int, int]:
    return int(mask.shape[0]), int(mask.shape[1])
