import numpy as np
import pytest
from skimage.measure import label, regionprops

from maskwright.evaluation.facts import FACTS, FactsMeter, foreground, object_areas
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE
from support.pictures_in_memory import CROPS, LESION, OVERLAPPING


def facts(truth, image=None, classes=LESION):
    meter = FactsMeter(classes)
    truth = np.asarray(truth, np.uint8)
    meter.add(meter.measure(Seen("", "", image, truth, np.zeros_like(truth), None)))
    return {name: column[0] for name, column in meter.columns().items()}


def squares(*sides, size=100):
    """A mask with squares in a row along its diagonal."""
    truth = np.zeros((size, size), np.uint8)
    at = 1
    for side in sides:
        truth[at : at + side, at : at + side] = 1
        at += side + 2
    return truth


def test_the_side_of_an_object_is_that_of_the_median_one():
    found = facts(squares(4, 9, 30))
    assert (found["objects"], found["object_side"], found["object_share"]) == (3, 9, 0.09)
    assert found["foreground"] == (16 + 81 + 900) / 10_000


def test_specks_are_no_objects():
    assert facts(squares(50, 1, 1))["objects"] == 1
    assert facts(squares(50, 1, 1))["object_side"] == 50
    assert facts(squares(3, 1, 1))["objects"] == 3  # where all is small, small is no dirt


def test_an_empty_truth_has_no_object_and_no_size():
    found = facts(np.zeros((5, 5)), np.full((5, 5, 3), 51, np.uint8))
    assert (found["objects"], found["foreground"]) == (0, 0)
    assert found["brightness"] == pytest.approx(0.2)
    assert np.isnan([found["object_side"], found["object_share"], found["contrast"]]).all()


def test_ignored_pixels_are_no_foreground_and_no_part_of_the_whole():
    found = facts([[1, IGNORE, 0, 0]])
    assert found["foreground"] == 1 / 3
    assert np.isnan(facts([[IGNORE, IGNORE]])["foreground"])


def test_several_classes_count_together_as_foreground():
    assert facts([[0, 1, 2, 2, 0, 1]], classes=CROPS)["objects"] == 2
    overlapping = np.array([[[1, 0], [1, 1], [0, 0], [0, 1], [IGNORE, 0]]])
    found = facts(overlapping, classes=OVERLAPPING)
    assert (found["objects"], found["foreground"]) == (2, 3 / 5)


def test_areas_are_those_of_scikit_image():
    rng = np.random.default_rng(0)
    for density in (0.01, 0.2, 0.5):
        area = rng.random((60, 80)) < density
        ours = sorted(object_areas(area).tolist())
        assert ours == sorted(int(region.area) for region in regionprops(label(area, connectivity=2)))


def test_contrast_is_the_difference_of_greys_whatever_the_sizes():
    truth = np.zeros((40, 40), np.uint8)
    truth[:, 20:] = 1
    image = np.full((10, 10, 1), 51, np.uint8)
    image[:, 5:] = 204
    found = facts(truth, image)
    assert found["brightness"] == pytest.approx(0.5)
    assert found["contrast"] == pytest.approx(0.6)


def test_sixteen_bits_and_many_bands_have_a_brightness_too():
    truth = squares(30)
    for image in (np.full((100, 100, 1), 65535, np.uint16), np.full((700, 900, 5), 255, np.uint8)):
        assert facts(truth, image)["brightness"] == pytest.approx(1)


def test_grey_of_colours_is_their_luma():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    assert facts(squares(2, size=4), red)["brightness"] == pytest.approx(0.299)


def test_without_a_picture_there_is_no_brightness():
    found = facts(squares(5))
    assert np.isnan([found["brightness"], found["contrast"]]).all() and found["objects"] == 1


def test_brightness_hardly_depends_on_how_large_a_picture_is_stored():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)
    large = np.repeat(np.repeat(small, 20, axis=0), 20, axis=1)
    truth = squares(30)
    assert facts(truth, large)["brightness"] == pytest.approx(facts(truth, small)["brightness"], abs=0.01)


def test_columns_are_named_as_they_are_explained_and_empty_without_pictures():
    assert list(facts(squares(3))) == list(FACTS)
    assert all(column.shape == (0,) for column in FactsMeter(LESION).columns().values())
    assert FactsMeter(LESION).to_json(None) == {}
    assert foreground(np.array([[0, 1, 255]], np.uint8), LESION).tolist() == [[False, True, False]]
