"""Where a model and a mask contradict each other."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from maskwright.audit.disagreement import Disagreement, disagreement
from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE, Classes

Mask = NDArray[np.uint8]
BINARY = Classes(("background", "pebble"))
THREE = Classes(("background", "cat", "dog"))
OVERLAPPING = Classes(("cat", "dog"), exclusive=False)
LEFT, RIGHT = (64, 60, 25), (64, 170, 25)  # row, column, radius


def discs(*places: tuple[int, int, int], size: tuple[int, int] = (128, 256)) -> Mask:
    rows, columns = np.indices(size)
    found = [(rows - row) ** 2 + (columns - column) ** 2 <= radius**2 for row, column, radius in places]
    return np.any(found, axis=0).astype(np.uint8) if found else np.zeros(size, np.uint8)


def seen(mask: Mask) -> NDArray[np.float32]:
    """Return what a good model says where this is the truth: sure inside, unsure along the border."""
    soft = ndimage.gaussian_filter((mask > 0).astype(np.float32), 1.5)
    return (0.02 + 0.96 * soft)[None].astype(np.float32)


def kinds(found: Disagreement) -> list[str]:
    return [one.kind for one in found.disputes]


def test_a_mask_that_the_model_agrees_with_is_in_no_dispute() -> None:
    found = disagreement(seen(discs(LEFT, RIGHT)), discs(LEFT, RIGHT), BINARY)
    assert found.disputes == () and found.overlap > 0.9


def test_a_ring_along_the_border_is_no_dispute() -> None:
    assert disagreement(seen(discs(LEFT)), discs((64, 60, 27)), BINARY).disputes == ()


def test_an_object_that_the_mask_lacks_is_missing() -> None:
    (found,) = disagreement(seen(discs(LEFT, RIGHT)), discs(LEFT), BINARY).disputes
    assert (found.kind, found.labelled, found.seen) == ("missing", 0, 1)
    assert found.confidence > 0.9 and found.part > 0.85
    assert found.box == pytest.approx((39, 145, 90, 196), abs=2)
    assert found.radius == pytest.approx(25 / np.sqrt(128 * 256), rel=0.1)


def test_an_object_that_only_the_mask_has_is_extra() -> None:
    (found,) = disagreement(seen(discs(LEFT)), discs(LEFT, RIGHT), BINARY).disputes
    assert (found.kind, found.labelled, found.seen) == ("extra", 1, 0)
    assert found.box == pytest.approx((39, 145, 90, 196), abs=2)


def test_an_object_that_goes_on_beyond_its_mask_is_cut_off() -> None:
    half = discs(LEFT)
    half[:64] = 0
    found = disagreement(seen(discs(LEFT)), half, BINARY)
    assert kinds(found) == ["cut-off"]
    assert found.disputes[0].part == pytest.approx(0.5, abs=0.1)


def test_two_objects_that_the_mask_joins_are_merged() -> None:
    joined = discs((64, 90, 25), (64, 165, 25))
    joined[50:78, 90:165] = 1
    assert kinds(disagreement(seen(discs((64, 90, 25), (64, 165, 25))), joined, BINARY)) == ["merged"]


def test_a_mask_that_would_fit_elsewhere_is_shifted() -> None:
    found = disagreement(seen(discs(LEFT, RIGHT)), np.roll(discs(LEFT, RIGHT), 14, axis=1), BINARY)
    assert kinds(found) == ["shifted"]


def test_an_object_of_another_class_is_of_the_wrong_class() -> None:
    mask = discs(LEFT) + 2 * discs(RIGHT)
    cat, dog = seen(discs(LEFT, RIGHT)), seen(discs())
    found = disagreement(np.concatenate([1 - cat, cat * 0.98, dog]), mask, THREE)
    assert [(one.kind, one.labelled, one.seen) for one in found.disputes] == [("wrong-class", 2, 1)]


def test_overlapping_classes_are_looked_at_one_by_one() -> None:
    both = np.concatenate([seen(discs(LEFT)), seen(discs(LEFT, RIGHT))])
    mask = np.stack([discs(LEFT), discs(LEFT)], axis=2)
    found = disagreement(both, mask, OVERLAPPING)
    assert [(one.kind, one.labelled, one.seen) for one in found.disputes] == [("missing", -1, 1)]


def test_ignored_pixels_are_in_no_dispute() -> None:
    mask = discs(LEFT)
    mask[:, 130:] = IGNORE
    found = disagreement(seen(discs(LEFT, RIGHT)), mask, BINARY)
    assert found.disputes == () and found.overlap > 0.9


def test_boxes_are_in_pixels_of_the_mask_whatever_the_size_of_the_probabilities() -> None:
    large = discs((128, 120, 50), size=(256, 512))
    (found,) = disagreement(seen(discs(LEFT, RIGHT)), large, BINARY).disputes
    assert found.box == pytest.approx((78, 290, 180, 392), abs=4)


def test_an_empty_mask_of_a_picture_without_objects_is_agreed_on() -> None:
    assert disagreement(seen(discs()), discs(), BINARY) == Disagreement((), pytest.approx(1, abs=0.2))


def test_probabilities_of_another_number_of_classes_are_an_error() -> None:
    with pytest.raises(ShapeError, match=r"Probabilities \(3, h, w\) are wanted"):
        disagreement(seen(discs(LEFT)), discs(LEFT), THREE)
