"""Objects put together from runs are those that labelling pixel by pixel finds."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from maskwright.audit.components import count_objects, object_areas
from maskwright.images.classes import Classes


def _labelled(shown: NDArray[np.bool_]) -> list[int]:
    return sorted(np.bincount(ndimage.label(shown, structure=np.ones((3, 3)))[0].ravel())[1:].tolist())


@pytest.mark.parametrize("sigma", [0.0, 0.8, 2.0, 5.0])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("shape", [(60, 90), (1, 40), (40, 1)])
def test_areas_are_those_of_labelled_pixels(sigma: float, share: float, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(7).random(shape)
    smooth = ndimage.gaussian_filter(noise, sigma) if sigma else noise
    shown = smooth > np.quantile(smooth, 1 - share)
    assert sorted(object_areas(shown).tolist()) == _labelled(shown)


def _drawn(*rows: str) -> NDArray[np.bool_]:
    return np.kron(np.array([[pixel == "#" for pixel in row] for row in rows]), np.ones((1, 20), bool))


@pytest.mark.parametrize(
    ("shown", "areas"),
    [
        (_drawn("#.", ".#"), [40]),  # they touch at a corner
        (_drawn("##", "..", "##"), [40, 40]),
        (_drawn(".#", "#."), [40]),
        (_drawn("..#", "#..", "..#"), [20, 20, 20]),  # the end of a row does not touch the beginning of the next
        (_drawn("###", "#.#", "###"), [160]),  # a ring
        (_drawn("#.#", "#.#", "###"), [140]),  # two that are joined later
        (_drawn("#"), [20]),
    ],
)
def test_what_touches_is_one_object(shown: NDArray[np.bool_], areas: list[int]) -> None:
    assert sorted(object_areas(shown).tolist()) == areas == _labelled(shown)


def test_objects_are_counted_class_by_class() -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[5:15, 5:25], mask[30:34, 40:44], mask[50:, 70:] = 1, 1, 2
    found = count_objects(mask, Classes(("background", "cell", "dirt")))
    assert {label: (sizes.count, sizes.smallest) for label, sizes in found.items()} == {1: (2, 16), 2: (1, 100)}
    assert count_objects(np.zeros((9, 9), np.uint8), Classes(("background", "cell"))) == {}
