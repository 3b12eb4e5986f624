from collections import Counter

import pytest

from maskwright.data.groups import guess_groups, make_groups
from maskwright.errors import ConfigError, DataError


def guess(names):
    images = [f"images/{name}.png" for name in names]
    return guess_groups(images, list(names))


def state(stated, images=("a/p1_1.png", "a/p1_2.png", "b/p2_1.png"), columns=None):
    ids = [image.rpartition("/")[2][:-4] for image in images]
    return make_groups(images, ids, stated, columns or {}, "data").groups


def test_views_of_a_thing_are_grouped_by_the_first_part_of_the_name():
    grouping = guess([f"car{i}_{view:02}" for i in range(12) for view in range(1, 5)])

    assert grouping.guessed
    assert set(Counter(grouping.groups).values()) == {4}
    assert grouping.how == "by the first part of the name: 12 groups of 4 (guessed)"


def test_the_coarsest_grouping_that_counts_is_taken():
    grouping = guess([f"patient{i}_{day}_{k}" for i in range(10) for day in (1, 2) for k in range(3)])

    assert len(set(grouping.groups)) == 10


def test_a_shared_word_before_the_patient_does_not_hide_it():
    grouping = guess([f"scan_{i:02}_{k * 7}" for i in range(11) for k in range(3)])

    assert len(set(grouping.groups)) == 11


def test_fewer_than_ten_groups_do_not_count_and_are_suggested():
    grouping = guess([f"v{i}x_{k}" for i in range(5) for k in range(20)])

    assert not grouping.guessed
    assert len(set(grouping.groups)) == 100
    assert "names suggest 5 groups" in grouping.advice
    assert "only 5" in grouping.advice


def test_a_group_above_a_fifth_of_the_pictures_does_not_count():
    names = [f"car{i}_{k}" for i in range(10) for k in range(2)] + [f"big_{k}" for k in range(10)]

    grouping = guess(names)

    assert not grouping.guessed
    assert "one holds more than a fifth" in grouping.advice


@pytest.mark.parametrize("form", ["{:04}", "ISIC_{:07}", "img{}", "i{}"])
def test_running_numbers_are_no_groups(form):
    grouping = guess([form.format(i) for i in range(60)])

    assert len(set(grouping.groups)) == 60
    assert grouping.advice == ""


def test_breeds_are_no_groups():
    grouping = guess([f"{breed}_{i}" for breed in ("Abyssinian", "american_bulldog") for i in range(100)])

    assert len(set(grouping.groups)) == 200


def test_left_and_right_belong_together():
    grouping = guess([f"Image_{i:02}{side}" for i in range(14) for side in "LR"])

    assert len(set(grouping.groups)) == 14


def test_folders_below_the_pictures_folder_are_groups():
    images = [f"images/patient{i}/{k}.png" for i in range(12) for k in range(5)]

    grouping = guess_groups(images, [str(i) for i in range(len(images))])

    assert grouping.how == "by folder: 12 groups of 5 (guessed)"


def test_folders_of_parts_are_no_groups():
    images = [f"{part}/images/{k}.png" for part in ("train", "test") for k in range(30)]

    assert not guess_groups(images, [str(i) for i in range(len(images))]).guessed


def test_touching_tiles_of_one_orthophoto_stay_together():
    places = [(10 * i, 10 * i + k) for i in range(12) for k in range(3)]

    grouping = guess([f"Ortho_2021_{row}_{column}" for row, column in places])

    assert grouping.guessed
    assert set(Counter(grouping.groups).values()) == {3}
    assert "tiles of 1 large picture" in grouping.how


def test_a_full_grid_of_tiles_is_grouped_by_rows_and_the_doubt_is_said():
    grouping = guess([f"ortho_{row}_{column}" for row in range(12) for column in range(12)])

    assert len(set(grouping.groups)) == 12
    assert "touch each other" in grouping.advice


def test_stated_groupings():
    assert state("name") == ("p1_1", "p1_2", "p2_1")
    assert state("none") == ("p1_1", "p1_2", "p2_1")
    assert state("folder") == ("a", "a", "b")
    assert state(r"^(p\d)") == ("p1", "p1", "p2")
    assert state("car", columns={"car": ("x", "x", "y")}) == ("x", "x", "y")


def test_names_that_a_pattern_does_not_fit_stand_alone():
    images = ("p1_1.png", "p1_2.png", "other.png")

    grouping = make_groups(images, ("p1_1", "p1_2", "other"), r"^(p\d)", {}, "data")

    assert grouping.groups == ("p1", "p1", "other")
    assert "1 names do not fit" in grouping.how


def test_a_pattern_that_fits_no_name_is_an_error():
    with pytest.raises(DataError, match="fits no picture's name"):
        state("^(car.*)_")


def test_a_broken_pattern_is_an_error():
    with pytest.raises(ConfigError, match="no valid regular expression"):
        state("(p")


def test_many_tiles_are_grouped_in_linear_time():
    assert guess([f"tile_{row}_{column}" for row in range(150) for column in range(0, 300, 2)]).groups
