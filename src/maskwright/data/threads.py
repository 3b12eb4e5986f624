"""Doing the same for many files, or for a few spread over many: in threads, in order, with bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int | None = None, waiting: int | None = None
) -> Iterator[Result]:
    """Yield `work(item)` for each item, in order.

    workers: default: as many as there are cores, at most 8. What `work` raises is raised here, in its turn.
    waiting: how many items, worked on or done, are held at any time at most; default: twice the threads.
    """
    count = workers or min(8, cores())
    most = waiting or 2 * count
    held: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(count)
    try:
        for item in items:
            held.append(pool.submit(work, item))
            if len(held) >= most:
                yield held.popleft().result()
        while held:
            yield held.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Return at most `count` items, evenly spread, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]
