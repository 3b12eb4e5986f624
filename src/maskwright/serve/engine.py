"""Many callers, one model: pictures that come together go through the network together, and no more are taken than fit.

A few threads decode, resize and cut; whichever of them finds the network free takes along all pictures that wait for
it. One picture's failure is its caller's alone. Knows nothing of HTTP.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition, Lock, Semaphore
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.images.formats import open_picture
from maskwright.images.opening import DEFAULT_MAX_PIXELS, Encoded
from maskwright.images.resize import resize_window
from maskwright.runtime.cores import available_cores
from maskwright.runtime.predictor import Predictor
from maskwright.runtime.whole import network_input

Floats = NDArray[np.float32]
T = TypeVar("T")

MOST_TOGETHER = 8  # pictures in a batch: more gain nothing and let the first one wait
_ROWS = 256  # of probabilities that are enlarged at a time
_REMEMBERED = 50  # pictures whose seconds tell how fast the engine is


class Busy(Exception):
    """No more is taken at present. seconds: after which it is worth trying again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"busy for about {seconds:.1f} s")
        self.seconds = seconds


class Late(Exception):
    """A picture waited for longer than is allowed, and was not begun."""


class Stopping(Exception):
    """The engine takes nothing any more."""


@dataclass(frozen=True)
class Answer:
    """What a model says of a picture. size: the picture's (height, width).

    probabilities: (K, h, w) as the network gives them.
    """

    picture: Encoded
    size: tuple[int, int]
    probabilities: Floats

    def in_rows(self) -> Iterator[tuple[slice, Floats]]:
        """Yield (rows, probabilities (K, rows, W)) at the picture's size, a few rows at a time."""
        height, width = self.size
        small = (self.probabilities.shape[1], self.probabilities.shape[2])
        for top in range(0, height, _ROWS):
            rows = slice(top, min(top + _ROWS, height))
            part = resize_window(self.probabilities, (0, 0), small, self.size, rows, slice(0, width))
            yield rows, np.clip(part, 0, 1)


@dataclass
class _Waiting:
    pixels: Floats
    answer: "Future[Floats]" = field(default_factory=Future)


class _Network:
    """The network of one model: called by one thread at a time, with all that wait for it."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._waiting: deque[_Waiting] = deque()
        self._free = Lock()
        self.batches: list[int] = [0] * (MOST_TOGETHER + 1)  # how often so many went together

    def __call__(self, pixels: Floats) -> Floats:
        """Return (K, h, w) for (1, C, h, w); several threads may call at once."""
        mine = _Waiting(pixels)
        self._waiting.append(mine)
        while not mine.answer.done():
            with self._free:
                if not mine.answer.done():
                    self._answer_all()
        return mine.answer.result()

    def _answer_all(self) -> None:
        """Answer those that wait longest. What goes wrong is told to all of them: the network looked at them as one."""
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
        self.batches[len(group)] += 1
        try:
            answers = self._predictor.look(np.concatenate([one.pixels for one in group]))
            for one, probabilities in zip(group, answers, strict=True):
                one.answer.set_result(probabilities)
        finally:
            error = sys.exception()
            for one in group:
                if error is not None and not one.answer.done():
                    one.answer.set_exception(error)  # to each caller, whatever it is; this one raises it too


class Engine:
    """Answers pictures by models that are open.

    predictors: by name. capacity: pictures that may be under way or wait at a time, beyond which callers are sent away.
    threads: pictures that are worked on at a time, most of which wait for the network: as many as there are cores are
    decoded or written. pixels: of a picture, beyond which it is refused.
    """

    def __init__(
        self, predictors: dict[str, Predictor], *, capacity: int, threads: int, pixels: int = DEFAULT_MAX_PIXELS
    ) -> None:
        self.predictors = predictors
        self.capacity, self._threads, self._pixels = capacity, threads, pixels
        self.networks = {name: _Network(one) for name, one in predictors.items() if one.description.mode == "whole"}
        self._computing = Semaphore(available_cores())  # what is decoded or written may be large
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="serve")
        self._changed = Condition()
        self._taken = 0
        self._stopping = False
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def taken(self) -> int:
        """How many pictures are under way or wait."""
        return self._taken

    @property
    def stopping(self) -> bool:
        """Whether nothing more is taken."""
        return self._stopping

    def submit(self, name: str, picture: Encoded, then: Callable[[Answer], T], *, within: float) -> "Future[T]":
        """Take a picture for the model of that name.

        then: what is made of the answer, in the thread that has it. within: seconds in which it must have been begun.
        The future gives what `then` does, or raises DataError for a picture that cannot be read, and Late. Raises Busy
        where no more fit, and Stopping.
        """
        with self._changed:
            if self._stopping:
                raise Stopping
            if self._taken >= self.capacity:
                raise Busy(self._wait())
            self._taken += 1
        latest = time.monotonic() + within
        future: Future[T] = self._pool.submit(self._work, name, picture, then, latest)
        future.add_done_callback(self._release)
        return future

    def stop(self, within: float | None = None) -> None:
        """Take nothing more, and return when all that was taken is answered, or after so many seconds."""
        with self._changed:
            self._stopping = True
            done = self._changed.wait_for(lambda: self._taken == 0, within)
        self._pool.shutdown(wait=done, cancel_futures=True)

    def _release(self, _: "Future[Any]") -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()

    def _wait(self) -> float:
        """Return the seconds after which about half of what is taken is answered."""
        each = float(np.mean(self._seconds)) if self._seconds else 1.0
        return max(1.0, 0.5 * self._taken * each / self._threads)

    def _work(self, name: str, picture: Encoded, then: Callable[[Answer], T], latest: float) -> T:
        begun = time.monotonic()
        answer = self._answer(name, picture, latest)
        with self._computing:
            result = then(answer)
        self._seconds.append(time.monotonic() - begun)
        return result

    def _answer(self, name: str, picture: Encoded, latest: float) -> Answer:
        predictor = self.predictors[name]
        if not self._computing.acquire(timeout=max(0.0, latest - time.monotonic())):
            raise Late
        try:
            if time.monotonic() > latest:
                raise Late
            check_size(picture, self._pixels)
            image, size = predictor.read(picture)
            if name not in self.networks:
                return Answer(picture, size, predictor.probabilities(image))
            pixels = network_input(image, predictor.description)
        finally:
            self._computing.release()
        del image
        return Answer(picture, size, self.networks[name](pixels))


def check_size(picture: Encoded, most: int) -> None:
    """Raise DataError for a picture of more pixels."""
    with open_picture(picture) as opened:
        pixels = opened.info.height * opened.info.width
    if pixels > most:
        raise DataError(
            f"The picture has {pixels:,} pixels; this service takes up to {most:,}.", where=picture.name,
            fix="send a smaller picture",
        )  # fmt: skip
