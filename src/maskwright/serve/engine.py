"""Many callers, one model: pictures that come together go through the network together, and no more are taken than fit.

A few threads decode, resize and cut; whichever of them finds the network free takes along all pictures that wait for
it. One picture's failure is its caller's alone. Knows nothing of HTTP.
"""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition, Lock, Semaphore
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import MaskwrightError
from maskwright.images.modes import Pixels
from maskwright.images.opening import Encoded
from maskwright.images.resize import resize_float
from maskwright.runtime.cores import available_cores
from maskwright.runtime.predictor import Predictor
from maskwright.runtime.whole import network_input

Floats = NDArray[np.float32]
T = TypeVar("T")

MOST_TOGETHER = 8  # pictures in a batch: more gain nothing and let the first one wait
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
    """What a model says of a picture. image: as decoded, (h, w, bands), which for a large JPEG is less than `size`.

    size: the picture's (height, width). probabilities: (K, h', w') as the network gives them.
    """

    image: Pixels
    size: tuple[int, int]
    probabilities: Floats

    def at_size(self) -> Floats:
        """Return the probabilities (K, H, W) at the picture's size."""
        return np.clip(resize_float(self.probabilities, self.size), 0, 1)


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
        except MaskwrightError as error:
            for one in group:
                one.answer.set_exception(error)
        finally:
            for one in group:
                one.answer.cancel()  # no one waits for ever, whatever happened


class Engine:
    """Answers pictures by models that are open.

    predictors: by name. capacity: pictures that may be under way or wait at a time, beyond which callers are sent away.
    threads: pictures that are worked on at a time.
    """

    def __init__(self, predictors: dict[str, Predictor], *, capacity: int, threads: int) -> None:
        self.predictors = predictors
        self.capacity, self._threads = capacity, threads
        self.networks = {name: _Network(one) for name, one in predictors.items() if one.description.mode == "whole"}
        self._decoding = Semaphore(available_cores())  # what is decoded may be large
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

    def stop(self) -> None:
        """Take nothing more, and return when all that was taken is answered."""
        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: self._taken == 0)
        self._pool.shutdown()

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
        if begun > latest:
            raise Late
        result = then(self._answer(name, picture))
        self._seconds.append(time.monotonic() - begun)
        return result

    def _answer(self, name: str, picture: Encoded) -> Answer:
        predictor = self.predictors[name]
        with self._decoding:
            image, size = predictor.read(picture)
            if name in self.networks:
                pixels = network_input(image, predictor.description)
        if name in self.networks:
            return Answer(image, size, self.networks[name](pixels))
        return Answer(image, size, predictor.probabilities(image))
