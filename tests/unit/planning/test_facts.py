"""Widths of classes are measured on the part of a mask that shows them: nothing else decides them."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter

from maskwright.images.classes import Classes
from maskwright.planning.facts import thickness, thickness_between, thinnest


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


@pytest.mark.parametrize("seed", range(8))
def test_a_width_lies_between_its_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=(90, 120)), 1 + seed)
    mask = np.digitize(smooth, np.quantile(smooth, (0.5, 0.9))).astype(np.uint8)
    classes = Classes(("background", "blob", "spot"))
    widths, between = thickness(mask, classes), thickness_between(mask, classes)
    assert list(between) == list(widths)
    assert all(between[name][0] <= width <= between[name][1] for name, width in widths.items())


@pytest.mark.parametrize("seed", range(40))
def test_the_thinnest_class_by_bounds_is_that_of_all_exact_widths(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks = [
        {name: float(rng.integers(1, 9 * (at + 1))) for at, name in enumerate("abc") if rng.random() < 0.7}
        for _ in range(int(rng.integers(0, 30)))
    ]
    between = [{name: (width * rng.uniform(0.7, 1), width * rng.uniform(1, 1.4)) for name, width in one.items()}
               for one in masks]  # fmt: skip
    assert thinnest(between, lambda asked: [masks[at][name] for at, name in asked]) == _thinnest_of_all(masks)


def _thinnest_of_all(masks: list[dict[str, float]]) -> tuple[str, float]:
    names = sorted({name for one in masks for name in one})
    typical = {name: float(np.quantile([one[name] for one in masks if name in one], 0.2)) for name in names}
    name = min(typical, key=lambda key: typical[key], default="")
    return name, max(1.0, typical[name]) if name else 1e9


def test_few_widths_are_taken_exactly() -> None:
    widths = [float(width) for width in range(10, 60)]
    asked: list[tuple[int, str]] = []

    def exact(some: Sequence[tuple[int, str]]) -> list[float]:
        asked.extend(some)
        return [widths[at] for at, _ in some]

    between = [{"thin": (width, width * 1.4), "wide": (width * 3, width * 5)} for width in widths]
    assert thinnest(between, exact) == ("thin", pytest.approx(np.quantile(widths, 0.2)))
    assert {name for _, name in asked} == {"thin"}
    assert 2 <= len(asked) < 20
