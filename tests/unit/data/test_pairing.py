from pathlib import Path

import pytest

from maskwright.data.pairing import pair
from maskwright.data.roles import assign_roles
from maskwright.errors import DataError


def found(paths, **stated):
    return pair(assign_roles(sorted(paths), Path("data"), **stated), "data")


def pairs(paths, **stated):
    return dict(found(paths, **stated).rows)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/a1.jpg", "masks/a1.png"),
        ("images/A1.JPG", "Masks/a1.PNG"),
        ("image/1.png", "label/1.png"),
        ("images/ISIC_0000000.jpg", "masks/ISIC_0000000_segmentation.png"),
        ("images/001_image.png", "annotations/001_annotation.png"),
        ("train/cafe_01.jpg", "train_masks/cafe_01_mask.gif"),
        ("tiff_img/Stone Garden_39_31.tif", "mask/Stone_Garden_39_31.png"),
        ("images/img7.png", "masks/mask007.png"),
        ("JPEGImages/2007_000032.jpg", "SegmentationClass/2007_000032.png"),
        ("DUTS-TR-Image/n01_1.jpg", "DUTS-TR-Mask/n01_1.png"),
        ("leftImg8bit/train/ulm/ulm_000_019_leftImg8bit.png", "gtFine/train/ulm/ulm_000_019_gtFine_labelIds.png"),
        ("photo_1.jpg", "photo_1_mask.png"),
        ("x/1.tif", "y/1.tif"),
        ("1.jpg", "masks/1.png"),
        ("1/image.png", "1/mask.png"),
        ("data/raw/Train_images/s1.tif", "data/raw/Train_masks/s1.tif"),
        ("images/train/1.jpg", "annotations/training/1.png"),
        ("scene1.jpg", "scene1.png"),
        ("Bild ä.jpg", "Bild ä_mask.png"),
    ],
)
def test_common_ways_of_naming_are_paired(image, mask):
    second = [image.replace("1", "2").replace("0000000", "0000002").replace("7", "8").replace("ä", "ö")]
    second += [mask.replace("1", "2").replace("0000000", "0000002").replace("7", "8").replace("ä", "ö")]
    if second == [image, mask]:
        second = []

    assert pairs([image, mask, *second])[image] == (mask,)


def test_a_suffix_that_no_list_of_words_knows_is_found_because_all_masks_share_it():
    paths = [f"images/scan_{i}_t1.png" for i in range(5)] + [f"labels/scan_{i}_core.png" for i in range(5)]

    assert pairs(paths)["images/scan_3_t1.png"] == ("labels/scan_3_core.png",)


def test_masks_beside_pictures_with_an_unknown_ending_are_told_apart():
    paths = [f"{i}{ending}.png" for i in range(6) for ending in ("", "_lesion")]

    assert pairs(paths) == {f"{i}.png": (f"{i}_lesion.png",) for i in range(6)}


def test_nested_folders_pair_within_their_own_folder():
    paths = [f"{part}/{kind}/1.png" for part in ("train", "test") for kind in ("images", "masks")]

    assert pairs(paths) == {"train/images/1.png": ("train/masks/1.png",), "test/images/1.png": ("test/masks/1.png",)}


def test_folders_may_follow_different_rules():
    paths = ["train/images/a1.jpg", "train/masks/a1.png", "train/images/a2.jpg", "train/masks/a2.png",
             "test/images/b1_rgb.jpg", "test/masks/b1_core.png"]  # fmt: skip

    assert len(pairs(paths)) == 3


def test_numbers_are_whole_words():
    paths = ["images/1.png", "images/11.png", "images/111.png", "masks/1_mask.png", "masks/11_mask.png"]

    assert pairs(paths) == {"images/1.png": ("masks/1_mask.png",), "images/11.png": ("masks/11_mask.png",)}


def test_what_has_no_partner_is_left_over():
    result = found(["images/a.png", "images/b.png", "masks/b.png", "masks/c.png"])

    assert result.loose_images == ("images/a.png",)
    assert result.loose_masks == ("masks/c.png",)


def test_one_folder_a_picture_with_one_file_an_object():
    paths = [f"{i}/images/{i}.png" for i in "abc"] + [f"{i}/masks/{i}{k}9f.png" for i in "abc" for k in range(3)]

    result = found(paths)

    assert result.layout == "objects"
    assert dict(result.rows)["b/images/b.png"] == ("b/masks/b09f.png", "b/masks/b19f.png", "b/masks/b29f.png")


def test_numbered_masks_beside_the_picture_are_objects():
    paths = ["x (1).png", "x (1)_mask.png", "x (1)_mask_1.png", "x (2).png", "x (2)_mask.png"]

    result = found(paths)

    assert result.layout == "objects"
    assert dict(result.rows)["x (1).png"] == ("x (1)_mask.png", "x (1)_mask_1.png")


def test_one_folder_a_class():
    paths = [f"images/{i}.jpg" for i in range(4)] + [f"masks/{c}/{i}.png" for i in range(4) for c in ("road", "car")]

    result = found(paths)

    assert (result.layout, result.class_names) == ("per-class", ("car", "road"))
    assert result.rows[0] == ("images/0.jpg", ("masks/car/0.png", "masks/road/0.png"))
    assert result.labels[0] == (0, 1)


def test_one_ending_a_class():
    paths = [f"images/I_{i}.jpg" for i in range(4)]
    paths += [f"masks/I_{i}_attribute_{c}.png" for i in range(4) for c in ("globules", "streaks")]

    result = found(paths)

    assert (result.layout, result.class_names) == ("per-class", ("globules", "streaks"))


def test_a_picture_may_lack_the_mask_of_a_class():
    paths = ["images/0.jpg", "images/1.jpg", "masks/car/0.png", "masks/road/0.png", "masks/road/1.png"]

    result = found(paths)

    assert result.labels == ((0, 1), (1,))


def test_two_mask_folders_are_an_error_that_names_both():
    paths = [f"images/{i}_image.png" for i in range(3)]
    paths += [f"{folder}/{i}_{word}.png" for i in range(3) for folder, word in
              (("annotations", "annotation"), ("masks", "mask"))]  # fmt: skip

    with pytest.raises(DataError, match="Several folders hold masks for the same pictures: annotations and masks") as e:
        found(paths)

    assert "--masks annotations" in e.value.fix
    assert len(pairs(paths, masks="annotations")) == 3
    assert len(pairs(paths, masks="masks")) == 3


def test_two_annotators_are_no_two_classes():
    paths = ["images/0.jpg", "masks/annotator1/0.png", "masks/annotator2/0.png"]

    with pytest.raises(DataError, match="masks/annotator1 and masks/annotator2"):
        found(paths)


def test_two_picture_folders_are_an_error_that_names_both():
    paths = ["images/1.jpg", "photos/1.jpg", "masks/1.png"]

    with pytest.raises(DataError, match="images and photos"):
        found(paths)

    assert pairs(paths, images="photos") == {"photos/1.jpg": ("masks/1.png",)}


def test_two_pictures_of_one_name_are_an_error_that_names_both():
    with pytest.raises(DataError, match=r"masks/1.png fits images/1.jpg, images/1.png"):
        found(["images/1.jpg", "images/1.png", "masks/1.png"])


def test_two_masks_of_one_name_are_an_error_that_names_both():
    with pytest.raises(DataError, match=r"images/1.jpg fits masks/1.gif, masks/1.png"):
        found(["images/1.jpg", "masks/1.gif", "masks/1.png"])


def test_label_ids_are_taken_before_their_colours():
    paths = [f"images/a_{i}.png" for i in range(3)]
    paths += [f"labels/a_{i}_{kind}.png" for i in range(3) for kind in ("color", "labelIds", "instanceIds")]

    result = found(paths)

    assert dict(result.rows)["images/a_1.png"] == ("labels/a_1_labelIds.png",)
    assert len(result.passed_over) == 6
    assert result.loose_masks == ()


def test_two_ways_of_showing_a_mask_are_an_error_unless_a_pattern_is_stated():
    paths = [f"images/a_{i}.png" for i in range(3)]
    paths += [f"labels/a_{i}_{kind}.png" for i in range(3) for kind in ("color", "ids")]

    with pytest.raises(DataError, match="several masks"):
        found(paths)

    assert pairs(paths, masks="*_ids.png")["images/a_1.png"] == ("labels/a_1_ids.png",)


def test_names_that_do_not_fit_are_an_error_that_shows_three_of_each_and_what_would_pair():
    paths = [f"images/dog{i}.jpg" for i in range(5)] + [f"masks/scan{i + 7}.png" for i in range(4)]

    with pytest.raises(DataError, match="No mask belongs to any picture") as e:
        found(paths)

    assert "dog0.jpg, dog1.jpg, dog2.jpg" in e.value.what
    assert "scan7.png, scan8.png, scan9.png" in e.value.what or "scan10.png, scan7.png" in e.value.what
    assert "dog0_mask.png" in e.value.fix


def test_nothing_is_paired_by_order():
    with pytest.raises(DataError):
        found(["images/a.png", "images/b.png", "masks/c.png", "masks/d.png"])


def test_a_stated_folder_that_holds_nothing_is_an_error_that_lists_the_folders():
    with pytest.raises(DataError, match="'masks' holds no pictures: annotation") as e:
        found(["images/1.jpg", "annotations/1.png"], masks="annotation")

    assert "annotations" in e.value.fix


def test_a_stated_folder_is_found_deeper_too():
    paths = [f"{part}/{kind}/1.png" for part in ("train", "test") for kind in ("images", "masks", "masks_old")]

    assert len(pairs(paths, masks="masks")) == 2


def test_a_million_names_are_paired_in_linear_time():
    paths = [f"images/{i}.jpg" for i in range(20_000)] + [f"masks/{i}_mask.png" for i in range(20_000)]

    assert len(pairs(paths)) == 20_000


def test_a_class_that_comes_alone_in_its_pictures_is_known_by_its_folder():
    paths = ["images/0.jpg", "images/1.jpg", "images/2.jpg", "masks/car/0.png", "masks/road/0.png", "masks/sky/2.png"]

    assert found(paths).class_names == ("car", "road", "sky")


def test_a_copy_of_a_mask_is_no_second_object():
    result = found([f"{kind}/{i}.png" for i in range(5) for kind in ("images", "masks")] + ["masks/3 - Copy.png"])

    assert (result.layout, result.passed_over) == ("single", ("masks/3 - Copy.png",))


def test_a_training_mask_that_is_left_over_does_not_go_to_a_test_picture_of_the_same_number():
    paths = [f"train/{kind}/{i}.png" for i in range(4) for kind in ("images", "masks")]
    paths += ["train/masks/7.png", "test/images/7.png", "test/images/8.png"]

    result = found(paths)

    assert len(result.rows) == 4
    assert result.loose_masks == ("train/masks/7.png",)


def test_the_folder_of_masks_may_lie_in_the_folder_of_pictures():
    paths = ["a.png", "b.png", "masks/a.png", "masks/b.png"]

    assert pairs(paths, images=".", masks="masks") == {"a.png": ("masks/a.png",), "b.png": ("masks/b.png",)}
    deeper = [f"photos/{path}" for path in paths]
    assert len(pairs(deeper, images="photos", masks="photos/masks")) == 2
    assert len(pairs(["in/a.png", "a.png", "in/b.png", "b.png"], images="in", masks=".")) == 2


def test_a_folder_whose_name_looks_like_a_pattern_is_taken_as_it_is():
    paths = ["images/a.png", "masks [final]/a.png"]

    assert pairs(paths, masks="masks [final]") == {"images/a.png": ("masks [final]/a.png",)}
