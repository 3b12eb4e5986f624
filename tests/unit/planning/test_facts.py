"""Widths of classes are measured on the part of a mask that shows them: nothing else decides them."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter

from maskwright.images.classes import Classes
from maskwright.planning.facts import thickness


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("corner", [0, 20])
def test_a_class_is_as_wide_as_distances_over_the_whole_mask_say(seed: int, corner: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((90, 120), np.uint8)
    blob = gaussian_filter(rng.standard_normal((50, 70)), 4) > 0.02  # corner 0: it is cut off by the picture's border
    mask[corner : corner + 50, corner : corner + 70] = blob
    distance = distance_transform_edt(mask == 1)
    expected = 4 * float(distance[mask == 1].mean()) - 2
    assert thickness(mask, Classes(("background", "blob")))["blob"] == pytest.approx(expected, abs=1e-9)
