"""The peak of memory is what was held at most since it was last forgotten."""

import sys

import numpy as np
import pytest

from maskwright.runs.memory import peak_bytes, reset_peak

MUCH = 200_000_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak can be forgotten on Linux only")
def test_a_peak_that_has_passed_still_counts_and_is_forgotten_when_asked() -> None:
    reset_peak()
    before = peak_bytes()
    np.ones(MUCH, np.uint8).sum()
    after = peak_bytes()
    assert before is not None and after is not None
    assert after - before > 0.8 * MUCH


def test_where_the_system_says_it_a_process_with_numpy_holds_tens_of_megabytes() -> None:
    held = peak_bytes()
    assert held is None or 1e7 < held < 1e12
