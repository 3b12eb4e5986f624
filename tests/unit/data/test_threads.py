import threading

import pytest

from maskwright.data.threads import in_threads, spread


def drawn_before_each_result(number, **options):
    """How many items had been drawn when each result came."""
    drawn = 0

    def items():
        nonlocal drawn
        for item in range(number):
            drawn += 1
            yield item

    return [(result, drawn) for result in in_threads(lambda item: item, items(), **options)]


def test_results_come_in_the_order_of_the_items():
    first_may_end = threading.Event()

    def work(item):
        if item == 0:
            assert first_may_end.wait(10)
        else:
            first_may_end.set()
        return 10 * item

    assert list(in_threads(work, range(5), workers=2)) == [0, 10, 20, 30, 40]


def test_twice_as_many_items_as_threads_are_held_unless_fewer_are_asked_for():
    assert [drawn for _, drawn in drawn_before_each_result(8, workers=2)] == [4, 5, 6, 7, 8, 8, 8, 8]
    assert [drawn for _, drawn in drawn_before_each_result(8, workers=2, waiting=2)] == [2, 3, 4, 5, 6, 7, 8, 8]
    assert drawn_before_each_result(3, workers=2, waiting=1) == [(0, 1), (1, 2), (2, 3)]


def test_an_error_is_raised_in_its_turn_and_ends_it():
    results = in_threads(lambda item: 6 // (2 - item), range(9), workers=2, waiting=2)
    assert [next(results), next(results)] == [3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []


def test_what_is_spread_holds_both_ends():
    assert spread(range(101), 5) == [0, 25, 50, 75, 100]
    assert spread([1, 2], 5) == [1, 2]
