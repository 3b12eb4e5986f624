"""Reading the next pictures while the current one is scored: a few threads, a bounded number ahead.

Knows nothing of what is read. An error of one item comes out at its place in the order.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    read: Callable[[Item], Result], items: Iterable[Item], *, threads: int = 2, ahead: int = 3
) -> Iterator[Result]:
    """Yield `read(item)` for each item in order, with at most `ahead` results waiting.

    Pillow and numpy let go of the interpreter while they work, so threads are enough.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(read, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
