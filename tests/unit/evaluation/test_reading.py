import threading
import time

import pytest

from maskwright.evaluation.reading import read_ahead


def test_results_come_in_order():
    def slow_at_first(item):
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(read_ahead(slow_at_first, range(20))) == [n * n for n in range(20)]


def test_never_more_than_a_few_are_read_ahead():
    read, taken = [], 0
    for _ in read_ahead(lambda item: read.append(item), range(50), ahead=3):
        taken += 1
        time.sleep(0.001)
        assert len(read) <= taken + 3


def test_an_error_comes_out_at_its_place_and_ends_the_reading():
    def read(item):
        if item == 3:
            raise ValueError("the third is broken")
        return item

    results = read_ahead(read, range(1000))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="third"):
        next(results)
    assert not any(thread.name.startswith("read-ahead") for thread in threading.enumerate())


def test_stopping_early_leaves_no_thread():
    results = read_ahead(lambda item: item, range(1000))
    next(results)
    results.close()
    assert not any(thread.name.startswith("read-ahead") for thread in threading.enumerate())


def test_nothing_to_read_yields_nothing():
    assert list(read_ahead(lambda item: item, [])) == []
