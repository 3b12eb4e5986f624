import pytest

from maskwright.audit.check import check_dataset
from support.picture_folders import disc, make_set, save

SIZE = (48, 64)


@pytest.fixture
def clean(tmp_path):
    """Twelve pictures with masks, nothing wrong with any."""
    return make_set(tmp_path, 12, size=SIZE, image="images/{}.png", names="s{}")


def found(folder):
    return [(f.level, f.kind, f.sample) for f in check_dataset(folder).findings]


@pytest.mark.parametrize("size", [(48, 63), (47, 64), (49, 65)])
def test_a_mask_that_rounding_made_a_pixel_larger_or_smaller_is_a_note(clean, size):
    save(clean / "masks" / "s4.png", disc(4, size))

    assert found(clean) == [("note", "size-mismatch", "s4")]


def test_masks_that_are_all_a_pixel_smaller_are_one_note(clean):
    for i in range(12):
        save(clean / "masks" / f"s{i}.png", disc(i, (47, 63)))

    assert found(clean) == [("note", "size-mismatch", None)]


def test_three_of_twelve_masks_of_another_size_are_errors_of_those_pairs(clean):
    for i in (1, 5, 9):
        save(clean / "masks" / f"s{i}.png", disc(i, (24, 32)))

    assert found(clean) == [("error", "size-mismatch", f"s{i}") for i in (1, 5, 9)]
