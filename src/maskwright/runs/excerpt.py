"""What of a training does not depend on its network, tried on a few of the pictures: packing, reading, scoring.

Pictures may differ much in size, so the few are spread over the sizes, and what they take is brought to the mean size.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.data.dataset import Dataset
from maskwright.data.pack import Pack, PackSettings, build_pack
from maskwright.data.threads import spread
from maskwright.errors import DataError
from maskwright.evaluation.classical import LEARN_FROM
from maskwright.evaluation.looking import Tally, look_at
from maskwright.evaluation.meters import Meter
from maskwright.evaluation.score import score_pictures
from maskwright.evaluation.temperature import TemperatureFit
from maskwright.evaluation.threshold import ThresholdFit
from maskwright.images.formats import read_info
from maskwright.images.sizes import scaled_decoding_size
from maskwright.planning.plan import View
from maskwright.runs.measuring import AtHand, Measures, meters_for
from maskwright.runs.opinions import Hearing
from maskwright.runs.scoring import MAJORITY_SAMPLE, majority_of
from maskwright.runs.work import Indices, Work

LISTED = 200  # pictures whose size is looked up
PACKED, SCORED = 8, 4  # pictures


@dataclass(frozen=True)
class Sizes:
    """Pixels of some pictures, by row: of the picture alone, and of its mask."""

    pictures: dict[int, int]
    masks: dict[int, int]

    @property
    def mean(self) -> float:
        """Pixels of a picture, on average."""
        return sum(self.pictures.values()) / len(self.pictures)

    def by_size(self) -> list[int]:
        """Return the rows, the one with the fewest pixels first."""
        return sorted(self.pictures, key=lambda row: (self._both(row), row))

    def share(self, rows: Sequence[int]) -> float:
        """Return how many of these pictures an average one is worth, in pixels of pictures and masks."""
        mean = sum(map(self._both, self.pictures)) / len(self.pictures)
        return mean / sum(map(self._both, rows))

    def _both(self, row: int) -> int:
        return self.pictures[row] + self.masks[row]


@dataclass(frozen=True)
class Excerpt:
    """A small pack, and seconds of what is done with pixels.

    pack_seconds, measure_seconds, choose_seconds: of a picture of mean size. learn_seconds: once. sizes: of pictures.
    """

    pack: Pack
    pack_seconds: float
    measure_seconds: float
    learn_seconds: float
    choose_seconds: float
    sizes: Sizes


def make_excerpt(work: Work, view: View, rows: Indices, folder: Path) -> Excerpt:
    """Pack a few of the pictures at `rows` into a scratch folder, and score some of them without a network."""
    sizes = sizes_of(work.dataset, spread([int(row) for row in rows], LISTED))
    chosen = spread(sizes.by_size(), PACKED)
    settings = PackSettings(
        size=view.size if view.mode == "whole" else None, scale=view.scale, bands=work.dataset.bands
    )
    seconds, pack = _packing(work.dataset, chosen, settings, sizes, folder)
    measure, learn, choose = _measuring(work, view, chosen, sizes, len(rows))
    return Excerpt(pack, seconds, measure, learn, choose, sizes)


def sizes_of(dataset: Dataset, rows: Sequence[int]) -> Sizes:
    """Look up how large pictures and masks are, in the files' headers; a file without one has no pixels here."""
    found = {row: dataset[row] for row in rows}
    pictures = {row: _pixels(sample.image) for row, sample in found.items()}
    masks = {row: sum(map(_pixels, sample.masks[:1])) for row, sample in found.items()}
    if not any(pictures.values()):
        return Sizes(dict.fromkeys(rows, 1), dict.fromkeys(rows, 0))
    return Sizes(pictures, masks)


def _pixels(path: Path) -> int:
    try:
        info = read_info(path)
    except DataError:  # who reads the picture will say so
        return 0
    return info.height * info.width


def _packing(
    dataset: Dataset, rows: Sequence[int], settings: PackSettings, sizes: Sizes, folder: Path
) -> tuple[float, Pack]:
    """Return the seconds of packing a picture, and a pack of `rows`. What a pack takes to begin does not count."""

    def pack(some: Sequence[int]) -> Pack:
        return build_pack(dataset, some, settings, folder=folder)

    if len(rows) == 1:
        seconds, packed = timed(lambda: pack(rows))
        return seconds * sizes.share(rows), packed
    with tempfile.TemporaryDirectory(dir=folder) as other:  # what is loaded on first use is loaded now
        build_pack(dataset, rows[:1], settings, folder=Path(other))
    begin, _ = timed(lambda: pack(rows[:1]))
    seconds, packed = timed(lambda: pack(rows))
    return max(seconds - begin, seconds / len(rows)) * sizes.share(rows[1:]), packed


def _measuring(work: Work, view: View, rows: Sequence[int], sizes: Sizes, number: int) -> tuple[float, float, float]:
    """Return the seconds of reading and scoring a picture, of learning once before, and of choosing by a picture.

    number: how many pictures there are to learn from.
    """
    dataset, classes = work.dataset, work.dataset.classes
    outputs = max(1, classes.num_outputs)
    at_least = scaled_decoding_size(view.size) if view.mode == "whole" else None

    def read(index: int) -> NDArray[Any]:
        return dataset.read_image(index, at_least=at_least)

    def guess(image: NDArray[Any]) -> NDArray[np.float32]:
        height, width = view.size if view.mode == "whole" else image.shape[:2]
        return np.tile(np.linspace(0, 1 / outputs, width, dtype=np.float32), (outputs, height, 1))

    def learn(some: Sequence[int]) -> tuple[Meter, ...]:
        measures = Measures().with_recipe(work.recipe.evaluation)
        return meters_for(dataset, measures, AtHand(np.array(some, np.int64), read_image=read))

    def score(some: Sequence[int], meters: tuple[Meter, ...]) -> None:
        listen = Hearing(dataset).hear if work.trainings > 1 else None
        score_pictures(dataset, some, guess, threshold=0.5, meters=meters, read_image=read, listen=listen)

    def choose(some: Sequence[int]) -> None:
        tallies: list[Tally] = [TemperatureFit(classes)]
        if classes.binary or not classes.exclusive:
            tallies.append(ThresholdFit(classes, work.recipe.evaluation.choose_by))
        look_at(dataset, some, guess, tallies, stage="calibrate", read_image=read)

    score(rows[:1], learn(rows[:1]))  # what is loaded on first use is loaded now
    choose(rows[:1])
    some = spread(rows, SCORED)
    share = sizes.share(some)
    learning, meters = timed(lambda: learn(some))
    common, _ = timed(lambda: majority_of(dataset, np.array(some, np.int64)))
    scoring, _ = timed(lambda: score(some, meters))
    choosing, _ = timed(lambda: choose(some))
    learnt = learning * min(LEARN_FROM, number) + common * min(MAJORITY_SAMPLE, number)
    return scoring * share, learnt * share, choosing * share


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a piece of work takes, and its result."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result
