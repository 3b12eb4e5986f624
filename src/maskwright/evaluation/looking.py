"""Showing pictures to a model once, for as many tallies as want to hear of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from maskwright.data.threads import in_threads
from maskwright.evaluation.grid import probabilities_on_grid
from maskwright.evaluation.score import LoadedPicture, Predict, ReadImage, load_picture
from maskwright.progress import Progress, Step, ignore

if TYPE_CHECKING:
    from maskwright.data.dataset import Dataset


class Tally(Protocol):
    """Adds up what pictures and their probabilities amount to."""

    def measure(self, loaded: LoadedPicture, probabilities: NDArray[np.float32]) -> Any:
        """Return what is to be kept of a picture, (K, h, w) on its truth's grid. Changes nothing: for any thread."""
        ...

    def add(self, measured: Any) -> None:
        """Keep what `measure` returned. Called in the pictures' order."""
        ...


def look_at(
    dataset: "Dataset",
    indices: Sequence[int] | NDArray[np.integer[Any]],
    predict: Predict,
    tallies: Sequence[Tally],
    *,
    stage: str,
    read_image: ReadImage | None = None,
    callers: int = 2,
    progress: Progress = ignore,
) -> None:
    """Tell each tally of each picture, with its probabilities on the truth's grid.

    predict, read_image: as in `score_pictures`. stage: what progress calls it. callers: threads that ask `predict`
    at a time, each holding a picture and its probabilities.
    """
    read = read_image or dataset.read_image

    def look(index: int) -> list[Any]:
        loaded = load_picture(dataset, index, read)
        size = (int(loaded.truth.shape[0]), int(loaded.truth.shape[1]))
        probabilities = probabilities_on_grid(predict(loaded.image), size, dataset.classes)
        return [tally.measure(loaded, probabilities) for tally in tallies]

    looked = in_threads(look, [int(index) for index in indices], workers=callers)
    for done, measured in enumerate(looked, start=1):
        for tally, one in zip(tallies, measured, strict=True):
            tally.add(one)
        progress(Step(stage, done, len(indices)))
