"""The official layout of each public set is read without any option, and what is known of it is said."""

import shutil
from collections import Counter

import numpy as np
import pytest

from maskwright.audit.check import check_dataset
from maskwright.data.options import write_options
from maskwright.data.read import read_dataset
from maskwright.data.splits import split_dataset
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE
from maskwright.recipe import DataOptions
from support import public_sets
from support.picture_folders import disc, photo, save


def parts(dataset):
    return dict(Counter(dataset.columns.parts))


def both_duts(root):
    public_sets.duts(root, "TR")
    return public_sets.duts(root, "TE")


LESION, CAR = ("background", "lesion"), ("background", "car")
ELEVEN = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
ALL = tuple(name for name in public_sets.CAMVID_NAMES if name != "Void")
SETS = {
    "duts": (both_duts, 12, {"train": 6, "test": 6}, "antialiased", ("background", "salient")),
    "duts-tr": (public_sets.duts, 6, {"": 6}, "antialiased", ("background", "salient")),
    "pets": (public_sets.pets, 24, {"train": 12, "test": 12}, "trimap", ("background", "pet")),
    "carvana": (public_sets.carvana, 12, {"": 12}, "binary", CAR),
    "isic-2016": (public_sets.isic2016, 12, {"train": 8, "test": 4}, "binary", LESION),
    "isic-2017": (public_sets.isic2017, 14, {"train": 8, "val": 2, "test": 4}, "binary", LESION),
    "isic-2018": (public_sets.isic2018, 14, {"train": 8, "val": 2, "test": 4}, "binary", LESION),
    "camvid-segnet": (public_sets.segnet_camvid, 11, {"train": 6, "val": 2, "test": 3}, "index", ELEVEN),
    "camvid": (public_sets.camvid, 6, {"": 6}, "colour", ALL),
    "camvid-fastai": (public_sets.fastai_camvid, 6, {"train": 4, "val": 2}, "index", ALL),
    "camvid-kaggle": (public_sets.kaggle_camvid, 11, {"train": 6, "val": 2, "test": 3}, "colour", ALL),
}
each_set = pytest.mark.parametrize(("make", "pairs", "official", "kind", "names"), SETS.values(), ids=SETS)


@each_set
def test_pairs_parts_encoding_and_names_need_no_option(tmp_path, make, pairs, official, kind, names):
    dataset = read_dataset(make(tmp_path))

    assert (len(dataset), parts(dataset)) == (pairs, official)
    assert (dataset.encoding.kind, dataset.classes.names) == (kind, names)
    assert any(note.startswith("this is ") for note in dataset.notes)
    for i in range(pairs):
        assert dataset.read_mask(i).max() in (*range(len(names)), IGNORE)


@each_set
def test_the_audit_finds_no_error_and_no_loose_file(tmp_path, make, pairs, official, kind, names):
    report = check_dataset(make(tmp_path))

    assert report.errors == ()
    assert {found.kind for found in report.findings} & {"image-without-mask", "mask-without-image"} == set()


@each_set
def test_what_was_found_out_can_be_written_down_and_reads_the_same(tmp_path, make, pairs, official, kind, names):
    first = read_dataset(make(tmp_path))
    write_options(first, tmp_path)

    again = read_dataset(tmp_path)
    assert (again.columns, again.classes, again.encoding) == (first.columns, first.classes, first.encoding)


@each_set
def test_every_set_can_be_split(tmp_path, make, pairs, official, kind, names):
    dataset = read_dataset(make(tmp_path))
    found = set(split_dataset(dataset).parts)
    assert {"train", "val"} <= found


# --- DUTS -----------------------------------------------------------------------------------------------------------


def test_duts_names_are_no_groups(tmp_path):
    dataset = read_dataset(both_duts(tmp_path))
    assert (len(set(dataset.columns.groups)), dataset.advice) == (12, "")


def test_a_soft_mask_that_no_sample_shows_is_cut_at_half(tmp_path):
    public_sets.duts(tmp_path, count=60)
    folder = tmp_path / "DUTS-TR" / "DUTS-TR-Mask"
    for path in folder.glob("*.png"):
        save(path, disc(1, public_sets.SIZE))
    save(sorted(folder.glob("*.png"))[1], public_sets.soft_disc(3))

    dataset = read_dataset(tmp_path)
    assert all(set(np.unique(dataset.read_mask(i))) == {0, 1} for i in range(60))


# --- Oxford-IIIT Pet ------------------------------------------------------------------------------------------------


def test_the_trimap_is_three_classes_when_that_is_stated(tmp_path):
    public_sets.pets(tmp_path)
    two, three = read_dataset(tmp_path), read_dataset(tmp_path, DataOptions(encoding="index"))

    assert (two.classes.ignored, three.classes.names) == ("border", ("background", "pet", "border"))
    np.testing.assert_array_equal(two.read_mask(0) == 1, three.read_mask(0) == 1)
    np.testing.assert_array_equal(two.read_mask(0) == IGNORE, three.read_mask(0) == 2)


def test_stated_names_are_given_by_name_not_by_order(tmp_path):
    names = ("pet", "background", "border")
    three = read_dataset(public_sets.pets(tmp_path), DataOptions(encoding="index", classes=names))
    plain = read_dataset(tmp_path, DataOptions(encoding="index"))

    assert three.classes.names == names
    np.testing.assert_array_equal(three.read_mask(3) == 0, plain.read_mask(3) == 1)


def test_other_names_are_given_in_the_order_of_the_values(tmp_path):
    options = DataOptions(encoding="index", classes=("animal", "rest", "edge"))
    three = read_dataset(public_sets.pets(tmp_path), options)
    assert [raw for raw, _ in three.encoding.table] == [1, 2, 3]


def test_breeds_are_no_groups(tmp_path):
    dataset = read_dataset(public_sets.pets(tmp_path))
    assert len(set(dataset.columns.groups)) == 24
    assert not any("groups by" in note for note in dataset.notes)


def test_a_stated_grouping_wins_over_what_is_known(tmp_path):
    dataset = read_dataset(public_sets.pets(tmp_path), DataOptions(group=r"^(.*)_\d+$"))
    assert len(set(dataset.columns.groups)) == 12


def test_trimaps_of_other_pictures_are_not_called_pets(tmp_path):
    for i in range(4):
        save(tmp_path / "images" / f"leaf_{i}.jpg", photo(i))
        save(tmp_path / "annotations" / "trimaps" / f"leaf_{i}.png", public_sets.trimap(i))

    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "foreground")
    assert not any(note.startswith("this is") for note in dataset.notes)


# --- Carvana --------------------------------------------------------------------------------------------------------


def test_carvana_is_grouped_by_car_however_few_there_are(tmp_path):
    dataset = read_dataset(public_sets.carvana(tmp_path))

    assert set(dataset.columns.groups) == set(public_sets.CARS)
    assert "groups by car (first part of the name)" in dataset.notes


def test_larger_copies_and_pictures_without_published_masks_are_left_aside(tmp_path):
    dataset = read_dataset(public_sets.carvana(tmp_path, hq=True, test=True))

    assert (len(dataset), {image.partition("/")[0] for image in dataset.columns.images}) == (12, {"train"})
    assert (len(dataset.leftovers.unused), dataset.leftovers.images) == (28, ())
    assert any("larger copies of the pictures in train_hq are left aside" in note for note in dataset.notes)
    assert any("16 test pictures of Carvana in test have no published masks" in note for note in dataset.notes)


def test_the_larger_copies_can_be_asked_for(tmp_path):
    public_sets.carvana(tmp_path, hq=True)
    dataset = read_dataset(tmp_path, DataOptions(images="train_hq"))

    assert {image.partition("/")[0] for image in dataset.columns.images} == {"train_hq"}
    assert dataset.read_image(0).shape[:2] == (48, 64)


def test_pictures_alone_are_all_read_where_no_masks_are_asked_for(tmp_path):
    public_sets.carvana(tmp_path, test=True)
    shutil.rmtree(tmp_path / "train_masks")
    assert len(read_dataset(tmp_path, require_masks=False)) == 28


# --- ISIC -----------------------------------------------------------------------------------------------------------


def test_superpixels_beside_the_pictures_are_neither_pictures_nor_masks(tmp_path):
    dataset = read_dataset(public_sets.isic2017(tmp_path))

    assert (len(dataset.leftovers.unused), dataset.leftovers.images, dataset.leftovers.masks) == (14, (), ())


def test_superpixels_are_read_if_there_is_nothing_else(tmp_path):
    public_sets.isic2017(tmp_path)
    for path in tmp_path.rglob("*.jpg"):
        path.unlink()
    with pytest.raises(DataError):
        read_dataset(tmp_path)


def test_lesions_win_over_attributes_and_the_note_says_how_to_read_those(tmp_path):
    public_sets.isic2018(tmp_path, attributes=True)
    dataset = read_dataset(tmp_path)
    attributes = read_dataset(tmp_path, DataOptions(masks="ISIC2018_Task2_Training_GroundTruth_v3"))

    assert dataset.classes.names == LESION
    assert any("--masks ISIC2018_Task2_Training_GroundTruth_v3 reads them" in note for note in dataset.notes)
    assert (attributes.classes.names, attributes.classes.exclusive) == (public_sets.ATTRIBUTES, False)
    assert "this is ISIC 2018" in attributes.notes


def test_one_part_of_isic_alone_is_known_too(tmp_path):
    public_sets.isic2016(tmp_path)
    for path in tmp_path.glob("*Test*"):
        shutil.rmtree(path)
    assert read_dataset(tmp_path).classes.names == LESION


# --- CamVid ---------------------------------------------------------------------------------------------------------


def test_void_counts_in_nothing_in_each_form(tmp_path):
    for name, make in (("a", public_sets.segnet_camvid), ("b", public_sets.camvid), ("c", public_sets.fastai_camvid)):
        dataset = read_dataset(make(tmp_path / name))
        void = [raw for raw, label in dataset.encoding.table if label == IGNORE]
        assert void == {"a": [11], "b": [(0, 0, 0)], "c": [30]}[name]


def test_segnets_void_is_ignored_where_it_lies(tmp_path):
    dataset = read_dataset(public_sets.segnet_camvid(tmp_path))
    assert (dataset.read_mask(0)[:, :3] == IGNORE).all()


def test_camvid_keeps_its_colours_and_has_its_names_without_the_legend(tmp_path):
    dataset = read_dataset(public_sets.camvid(tmp_path, legend=False))

    assert dataset.classes.names == ALL
    assert dataset.classes.colours[ALL.index("Road")] == (128, 64, 128)


def test_a_drive_is_no_group_since_the_official_parts_share_them(tmp_path):
    dataset = read_dataset(public_sets.segnet_camvid(tmp_path))
    assert len(set(dataset.columns.groups)) == 11
    assert "official parts share them" in dataset.grouping


def test_stated_values_win_over_what_is_known(tmp_path):
    values = {"road": 3, "rest": (0, 1, 2, 4, 5, 6, 7, 8, 9, 10), "ignore": 11}
    dataset = read_dataset(public_sets.segnet_camvid(tmp_path), DataOptions(values=values))
    assert dataset.classes.names == ("road", "rest")


def test_masks_with_other_values_than_camvids_are_not_called_camvid(tmp_path):
    public_sets.segnet_camvid(tmp_path)
    for path in (tmp_path / "trainannot").glob("*.png"):
        save(path, disc(1, public_sets.SIZE, value=60))

    dataset = read_dataset(tmp_path)
    assert not any(note.startswith("this is") for note in dataset.notes)


# --- names glued together -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pictures", "masks"), [("trainimages", "trainlabels"), ("train", "trainannot")])
def test_a_part_glued_to_a_role_is_understood(tmp_path, pictures, masks):
    for part, count in (("train", 4), ("test", 2)):
        for i in range(count):
            save(tmp_path / pictures.replace("train", part) / f"{part}{i}.png", photo(i))
            save(tmp_path / masks.replace("train", part) / f"{part}{i}.png", photo(i + 9))  # no look tells them apart

    with pytest.raises(DataError, match="too many"):  # the masks are found, and are no masks
        read_dataset(tmp_path)
