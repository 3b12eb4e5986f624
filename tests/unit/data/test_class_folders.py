import numpy as np
import pytest

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support.picture_folders import disc, photo, save


def sorted_set(folder, *, image="images/{name}.jpg", mask="masks/{kind}/{name}.png", kinds=("cat", "dog"), count=6):
    """Pictures that each show one kind of thing, whose masks are sorted by kind."""
    for i in range(count):
        kind = kinds[i % len(kinds)]
        save(folder / image.format(kind=kind, name=f"p{i}"), photo(i))
        save(folder / mask.format(kind=kind, name=f"p{i}"), disc(i))
    return folder


def test_a_folder_a_class_is_recognised_though_no_picture_shows_two(tmp_path):
    dataset = read_dataset(sorted_set(tmp_path))
    assert dataset.classes.names == ("background", "cat", "dog")
    assert [int(dataset.read_mask(i).max()) for i in range(3)] == [1, 2, 1]
    assert np.array_equal(dataset.read_mask(1) == 2, disc(1) > 0)


def test_a_folder_a_class_with_several_classes_a_picture(tmp_path):
    for i in range(4):
        save(tmp_path / "images" / f"{i}.jpg", photo(i))
        for shift, kind in enumerate(("leaf", "soil")):
            save(tmp_path / "masks" / kind / f"{i}.png", np.roll(disc(i, radius=3), 12 * shift, axis=1))
    dataset = read_dataset(tmp_path)
    assert (dataset.classes.names, dataset.classes.exclusive) == (("background", "leaf", "soil"), True)
    assert set(np.unique(dataset.read_mask(0))) == {0, 1, 2}


def test_masks_that_claim_the_same_pixels_are_overlapping_classes(tmp_path):
    for i in range(4):
        save(tmp_path / "images" / f"{i}.jpg", photo(i))
        for radius, kind in ((7, "lesion"), (4, "globules")):
            save(tmp_path / "masks" / kind / f"{i}.png", disc(i, radius=radius) if radius == 7 else inner(i))
    dataset = read_dataset(tmp_path)
    assert (dataset.classes.names, dataset.classes.exclusive) == (("globules", "lesion"), False)
    mask = dataset.read_mask(0)
    assert mask.shape == (24, 32, 2) and (mask[..., 0] <= mask[..., 1]).all() and mask[..., 0].any()


def inner(seed):
    """The middle of the disc of that seed."""
    rows, columns = np.nonzero(disc(seed))
    mask = np.zeros((24, 32), np.uint8)
    mask[int(rows.mean()) - 2 : int(rows.mean()) + 3, int(columns.mean()) - 2 : int(columns.mean()) + 3] = 255
    return mask


def test_pictures_in_the_same_folders_may_be_places_so_it_is_only_mentioned(tmp_path):
    dataset = read_dataset(sorted_set(tmp_path, image="images/{kind}/{name}.jpg"))
    assert dataset.classes.names == ("background", "foreground")
    assert "folders cat, dog are not taken for classes (encoding: per-class does)" in dataset.notes


@pytest.mark.parametrize(
    ("image", "mask"),
    [("images/{kind}/{name}.jpg", "masks/{kind}/{name}.png"), ("{kind}/{name}.jpg", "{kind}/{name}_mask.png"),
     ("{kind}/images/{name}.jpg", "{kind}/masks/{name}.png")],
)  # fmt: skip
def test_pictures_sorted_in_class_folders_get_their_class_where_it_is_stated(tmp_path, image, mask):
    dataset = read_dataset(sorted_set(tmp_path, image=image, mask=mask), DataOptions(encoding="per-class"))
    assert dataset.classes.names == ("background", "cat", "dog")
    kinds = ["cat" if "cat/" in path else "dog" for path in dataset.columns.images]
    assert [dataset.classes.names[int(dataset.read_mask(i).max())] for i in range(6)] == kinds


def test_class_folders_may_lie_in_parts(tmp_path):
    for part in ("train", "val"):
        sorted_set(tmp_path / part)
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "cat", "dog")
    assert sorted(set(dataset.columns.parts)) == ["train", "val"]


@pytest.mark.parametrize("kinds", [("part1", "part2"), ("2019", "2020"), ("train", "test"), ("a", "b")])
def test_folders_called_like_parts_or_numbers_are_no_classes(tmp_path, kinds):
    assert read_dataset(sorted_set(tmp_path, kinds=kinds)).classes.names == ("background", "foreground")


def test_masks_of_several_values_in_folders_are_no_single_classes(tmp_path):
    for i in range(6):
        save(tmp_path / "images" / f"{i}.jpg", photo(i))
        save(
            tmp_path / "masks" / ("north", "south")[i % 2] / f"{i}.png",
            disc(i, value=1) + disc(i + 9, value=2) // 2 * 2,
        )
    assert read_dataset(tmp_path).encoding.kind != "per-class"


def test_one_folder_of_one_class_is_named_where_it_is_stated(tmp_path):
    sorted_set(tmp_path, kinds=("leaf",))
    assert read_dataset(tmp_path, DataOptions(encoding="per-class")).classes.names == ("background", "leaf")


def test_folders_without_class_names_cannot_be_stated_as_classes(tmp_path):
    sorted_set(tmp_path, kinds=("1", "2"))
    with pytest.raises(DataError, match="Encoding per-class needs several files a picture"):
        read_dataset(tmp_path, DataOptions(encoding="per-class"))
