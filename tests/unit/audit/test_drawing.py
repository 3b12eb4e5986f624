"""Counts of a mask's values and objects are those of a slow count."""

import numpy as np
import pytest

from maskwright.audit.components import count_objects
from maskwright.audit.drawing import look_at_drawing
from maskwright.images.classes import Classes

BINARY = Classes(("background", "object"))


@pytest.mark.parametrize("contiguous", [True, False])
def test_the_most_frequent_values_are_counted(contiguous: bool) -> None:
    wide = np.random.default_rng(0).choice([0, 7, 128, 255], p=[0.5, 0.1, 0.1, 0.3], size=(40, 120)).astype(np.uint8)
    raw = np.ascontiguousarray(wide[:, :60]) if contiguous else wide[:, ::2]
    drawing = look_at_drawing(None, (raw > 100).astype(np.uint8), raw, BINARY)
    assert drawing is not None
    assert drawing.values == {value: int((raw == value).sum()) for value in (0, 7, 128, 255)}


def test_one_object_and_several_are_measured_alike() -> None:
    one, two = np.zeros((30, 30), np.uint8), np.zeros((30, 30), np.uint8)
    one[3:9, 4:11] = 1
    two[3:9, 4:11] = two[20:22, 20:25] = 1
    alone, both = count_objects(one, BINARY)[1], count_objects(two, BINARY)[1]
    assert (alone.count, alone.smallest) == (1, 42)
    assert (both.count, both.smallest) == (2, 10)
    assert set(alone.sizes) < set(both.sizes)
