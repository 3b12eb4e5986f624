import json

import numpy as np
import pytest
from pycocotools import mask as library

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support.outlines import SIZE, drawing, pictures, write_json

CATEGORIES = (
    {"supercategory": "animal", "id": 17, "name": "cat"},
    {"supercategory": "animal", "id": 18, "name": "dog"},
)
BOX = [2.0, 1.0, 7.0, 1.0, 7.0, 5.0, 2.0, 5.0]
SMALL = [3.0, 2.0, 5.0, 2.0, 5.0, 4.0, 3.0, 4.0]


def instances(names, things, categories=CATEGORIES, size=SIZE):
    """An instances file: (index of the picture, category, segmentation, iscrowd) of each thing."""
    images = [
        {"license": 4, "file_name": name, "coco_url": f"http://images.cocodataset.org/train2017/{name}",
         "height": size[0], "width": size[1], "date_captured": "2013-11-14 17:02:52", "id": 100 + i}
        for i, name in enumerate(names)
    ]  # fmt: skip
    annotations = [
        {"segmentation": shape, "area": 702.1, "iscrowd": crowd, "image_id": 100 + image, "bbox": [2, 1, 5, 4],
         "category_id": category, "id": 500 + i}
        for i, (image, category, shape, crowd) in enumerate(things)
    ]  # fmt: skip
    return {"info": {"year": 2017}, "licenses": [], "images": images, "annotations": annotations,
            "categories": list(categories)}  # fmt: skip


def coco(folder, *things, names=("a.jpg", "b.jpg"), **options):
    pictures(folder / "images", *names)
    write_json(folder / "instances.json", instances(names, things, **options))
    return folder


def error_of(folder, **options):
    with pytest.raises(DataError) as error:
        read_dataset(folder, DataOptions(**options))
    assert error.value.fix
    return error.value


def test_polygons_become_masks_pixel_by_pixel(tmp_path):
    dataset = read_dataset(
        coco(tmp_path, (0, 18, [BOX], 0), (1, 17, [[0, 0, 3, 0, 3, 2, 0, 2], [8, 6, 12, 6, 12, 8, 8, 8]], 0))
    )
    assert dataset.classes.names == ("background", "cat", "dog")
    assert np.array_equal(dataset.read_mask(0), drawing(
        "............", "..22222.....", "..22222.....", "..22222.....", "..22222.....", "............",
        "............", "............"))  # fmt: skip
    assert np.array_equal(dataset.read_mask(1), drawing(
        "111.........", "111.........", "............", "............", "............", "............",
        "........1111", "........1111"))  # fmt: skip


def test_the_note_says_what_was_read(tmp_path):
    notes = read_dataset(coco(tmp_path, (0, 18, [BOX], 0), (0, 17, [SMALL], 0))).notes
    assert notes[0] == "annotations: COCO, instances.json: 2 pictures, 2 classes, 2 outlines"
    assert "1 picture has no outline: its mask is empty" in notes


def test_the_classes_stand_in_the_files_order_behind_the_background(tmp_path):
    names = ("zebra", "ant", "moth")
    categories = [{"id": number, "name": name} for number, name in zip((90, 3, 41), names, strict=True)]
    dataset = read_dataset(coco(tmp_path, (0, 3, [BOX], 0), categories=categories))
    assert dataset.classes.names == ("background", *names)
    assert dataset.read_mask(0).max() == 2


def test_a_picture_without_any_outline_has_an_empty_mask(tmp_path):
    dataset = read_dataset(coco(tmp_path, (0, 18, [BOX], 0)))
    assert len(dataset) == 2 and not dataset.read_mask(1).any()


def test_run_lengths_plain_and_packed_become_the_same_mask(tmp_path):
    flat = drawing(*["...11......."] * 3, *["............"] * 5).T.ravel()
    counts = [24, 3, 5, 3, 61]
    assert sum(counts) == flat.size
    packed = library.frPyObjects({"size": list(SIZE), "counts": counts}, *SIZE)["counts"].decode()
    dataset = read_dataset(coco(tmp_path, (0, 17, {"size": list(SIZE), "counts": counts}, 0),
                                (1, 17, {"size": list(SIZE), "counts": packed}, 0)))  # fmt: skip
    expected = flat.reshape(SIZE[::-1]).T
    assert np.array_equal(dataset.read_mask(0), expected)
    assert np.array_equal(dataset.read_mask(1), expected)


def test_the_smaller_object_is_painted_over_the_larger_one_and_the_overlap_is_counted(tmp_path):
    for order in ((0, 17, [SMALL], 0), (0, 18, [BOX], 0)), ((0, 18, [BOX], 0), (0, 17, [SMALL], 0)):
        dataset = read_dataset(coco(tmp_path, *order))
        assert np.array_equal(dataset.read_mask(0)[1:5], drawing(
            "..22222.....", "..21122.....", "..21122.....", "..22222....."))  # fmt: skip
        assert any(note.startswith("4 pixels of 1 picture claimed by several classes") for note in dataset.notes)


def test_objects_of_one_class_become_one_area_and_claim_nothing_twice(tmp_path):
    dataset = read_dataset(coco(tmp_path, (0, 18, [BOX], 0), (0, 18, [SMALL], 0)))
    assert (dataset.read_mask(0) == 2).sum() == 20
    assert not any("claimed" in note for note in dataset.notes)


def test_classes_overlap_where_that_is_stated(tmp_path):
    coco(tmp_path, (0, 18, [BOX], 0), (0, 17, [SMALL], 0))
    dataset = read_dataset(tmp_path, DataOptions(encoding="per-class"))
    assert (dataset.classes.names, dataset.classes.exclusive) == (("cat", "dog"), False)
    mask = dataset.read_mask(0)
    assert mask.shape == (*SIZE, 2)
    assert (mask[..., 0].sum(), mask[..., 1].sum(), mask.all(axis=2).sum()) == (4, 20, 4)
    assert dataset.read_mask(1).shape == (*SIZE, 2) and not dataset.read_mask(1).any()


def test_crowds_are_ignored_where_no_object_covers_them(tmp_path):
    crowd = {"size": list(SIZE), "counts": [0, 48, 48]}
    dataset = read_dataset(coco(tmp_path, (0, 18, [SMALL], 0), (0, 17, crowd, 1)))
    assert np.array_equal(dataset.read_mask(0)[2], [255, 255, 255, 2, 2, 255, 0, 0, 0, 0, 0, 0])
    assert "crowds (iscrowd): 1; what no other object covers of them is ignored" in dataset.notes
    overlapping = read_dataset(tmp_path, DataOptions(encoding="per-class")).read_mask(0)
    assert np.array_equal(overlapping[2, :, 1], [255, 255, 255, 1, 1, 255, 0, 0, 0, 0, 0, 0])


def test_files_of_parts_give_the_parts(tmp_path):
    pictures(tmp_path / "train2017", "1.jpg", "2.jpg")
    pictures(tmp_path / "val2017", "3.jpg")
    write_json(
        tmp_path / "annotations" / "instances_train2017.json", instances(("1.jpg", "2.jpg"), [(0, 17, [BOX], 0)])
    )
    write_json(tmp_path / "annotations" / "instances_val2017.json", instances(("3.jpg",), [(0, 18, [BOX], 0)]))
    dataset = read_dataset(tmp_path)
    assert dict(zip(dataset.columns.ids, dataset.columns.parts, strict=True)) == {
        "train2017/1": "train", "train2017/2": "train", "val2017/3": "val"}  # fmt: skip
    assert "parts from the annotations" in dataset.notes


def test_the_same_name_in_two_parts_is_found_in_the_folder_of_its_part(tmp_path):
    for part in ("train", "valid"):  # as Roboflow exports
        pictures(tmp_path / part, "1.jpg")
        shape = [BOX] if part == "train" else [SMALL]
        write_json(tmp_path / part / "_annotations.coco.json", instances(("1.jpg",), [(0, 17, shape, 0)]))
    dataset = read_dataset(tmp_path)
    assert [int(dataset.read_mask(i).sum()) for i in range(2)] == [20, 4]
    assert dataset.columns.parts == ("train", "val")


def test_roboflows_category_of_all_categories_is_no_class(tmp_path):
    categories = [
        {"id": 0, "name": "animals", "supercategory": "none"},
        {"id": 1, "name": "cat", "supercategory": "animals"},
    ]
    dataset = read_dataset(coco(tmp_path, (0, 1, [BOX], 0), categories=categories))
    assert dataset.classes.names == ("background", "cat")


def test_keypoints_and_captions_beside_the_instances_are_left_out(tmp_path):
    coco(tmp_path, (0, 17, [BOX], 0))
    (tmp_path / "instances.json").rename(tmp_path / "instances_val2017.json")
    write_json(tmp_path / "person_keypoints_val2017.json", instances(("a.jpg", "b.jpg"), [(0, 17, [SMALL], 0)]))
    write_json(tmp_path / "captions_val2017.json", {"images": [], "annotations": [{"image_id": 1, "caption": "a cat"}]})
    dataset = read_dataset(tmp_path)
    assert dataset.read_mask(0).sum() == 20
    assert any("person_keypoints_val2017.json" in note and "left out" in note for note in dataset.notes)


def test_two_files_that_annotate_the_same_picture_are_an_error_that_names_both(tmp_path):
    (coco(tmp_path, (0, 17, [BOX], 0)) / "instances.json").rename(tmp_path / "first.json")
    write_json(tmp_path / "second.json", instances(("a.jpg",), [(0, 17, [SMALL], 0)]))
    error = error_of(tmp_path)
    assert "Two files annotate the same pictures, such as images/a.jpg" in error.what
    assert "--annotations second.json" in error.fix
    assert read_dataset(tmp_path, DataOptions(annotations="second.json")).read_mask(0).sum() == 4


def test_boxes_without_outlines_are_refused_in_words(tmp_path):
    error = error_of(coco(tmp_path, (0, 17, [], 0), (1, 17, [], 0)))
    assert "2 boxes and no outlines" in error.what


def test_what_encloses_nothing_is_left_out_and_counted(tmp_path):
    dataset = read_dataset(coco(
        tmp_path, (0, 17, [BOX], 0), (0, 18, [[1, 1, 2, 2]], 0), (0, 18, [[1, 1, 2, 2, 3, 3]], 0),
        (0, 18, [[1, 1, float("nan"), 2, 3, 9]], 0), (0, 18, [[1, 1, 5, 1, 5]], 0), (1, 18, [], 0)))  # fmt: skip
    assert dataset.read_mask(0).max() == 1
    assert "left out: outlines that enclose nothing (4)" in dataset.notes
    assert "left out: objects with a box and no outline (1)" in dataset.notes


def test_pictures_that_are_not_there_are_mentioned(tmp_path):
    coco(tmp_path, (0, 17, [BOX], 0), names=("a.jpg", "b.jpg"))
    (tmp_path / "images" / "b.jpg").unlink()
    dataset = read_dataset(tmp_path)
    assert len(dataset) == 1
    assert "named by the annotations and not in the folder: 1 picture, b.jpg" in dataset.notes


def test_pictures_that_no_file_names_are_left_over(tmp_path):
    pictures(coco(tmp_path, (0, 17, [BOX], 0)) / "images", "c.jpg")
    assert read_dataset(tmp_path).leftovers.images == ("images/c.jpg",)
    assert len(read_dataset(tmp_path, require_masks=False)) == 3


def test_none_of_the_pictures_there_is_an_error_that_says_which_are_missing(tmp_path):
    pictures(tmp_path, "z.jpg")
    write_json(tmp_path / "instances.json", instances(("a.jpg", "b.jpg"), [(0, 17, [BOX], 0)]))
    assert (
        "None of the 2 pictures that the annotations name is in the folder, such as a.jpg, b.jpg"
        in error_of(tmp_path).what
    )


def test_names_that_lead_out_of_the_folder_open_nothing_there(tmp_path):
    pictures(tmp_path, "secret.jpg")
    data = coco(tmp_path / "data", (0, 17, [BOX], 0), (1, 17, [SMALL], 0))
    for hostile in ("../secret.jpg", str(tmp_path / "secret.jpg"), "../../secret.jpg"):
        write_json(data / "instances.json", instances((hostile, "a.jpg"), [(0, 17, [BOX], 0), (1, 17, [SMALL], 0)]))
        dataset = read_dataset(data)
        assert dataset.columns.images == ("images/a.jpg",)


@pytest.mark.parametrize(
    "name", ["/data/photos/a.jpg", "C:\\photos\\a.jpg", "../images/a.jpg", "images/a.jpg", "./a.jpg"]
)
def test_names_from_another_computer_are_found_by_their_end(tmp_path, name):
    pictures(tmp_path / "images", "a.jpg")
    write_json(tmp_path / "instances.json", instances((name,), [(0, 17, [BOX], 0)]))
    assert read_dataset(tmp_path).columns.images == ("images/a.jpg",)


def test_a_name_that_fits_two_pictures_is_an_error(tmp_path):
    pictures(tmp_path / "one", "a.jpg")
    pictures(tmp_path / "two", "a.jpg")
    write_json(tmp_path / "instances.json", instances(("a.jpg",), [(0, 17, [BOX], 0)]))
    assert "fits several pictures: one/a.jpg, two/a.jpg" in error_of(tmp_path).what


def test_stated_classes_choose_and_order(tmp_path):
    coco(tmp_path, (0, 17, [SMALL], 0), (0, 18, [BOX], 0))
    only = read_dataset(tmp_path, DataOptions(classes=("background", "dog")))
    assert only.classes.names == ("background", "dog") and only.read_mask(0).sum() == 20
    assert "classes left out, as stated: cat" in only.notes
    turned = read_dataset(tmp_path, DataOptions(classes=("dog", "cat")))
    assert turned.classes.names == ("background", "dog", "cat") and turned.read_mask(0)[2, 3] == 2


def test_as_many_other_names_rename_the_classes(tmp_path):
    coco(tmp_path, (0, 17, [SMALL], 0))
    assert read_dataset(tmp_path, DataOptions(classes=("Katze", "Hund"))).classes.names == (
        "background",
        "Katze",
        "Hund",
    )


def test_a_misspelt_class_is_an_error_with_the_nearest_name(tmp_path):
    error = error_of(coco(tmp_path, (0, 17, [SMALL], 0)), classes=("background", "cat", "dogg"))
    assert "'classes' names dogg" in error.what and "did you mean dog?" in error.fix


@pytest.mark.parametrize(
    ("options", "said"),
    [({"values": {"background": 0, "cat": 1}}, "'values' is stated"), ({"ignore": 255}, "'ignore' is stated"),
     ({"encoding": "colour"}, "Encoding colour is stated")],
)  # fmt: skip
def test_what_speaks_of_mask_files_does_not_fit_outlines(tmp_path, options, said):
    assert said in error_of(coco(tmp_path, (0, 17, [SMALL], 0)), **options).what


def test_more_classes_than_a_mask_can_hold_ask_for_a_choice(tmp_path):
    categories = [{"id": i, "name": f"c{i}"} for i in range(400)]
    coco(tmp_path, (0, 399, [BOX], 0), categories=categories)
    assert "400 classes" in error_of(tmp_path).what
    assert read_dataset(tmp_path, DataOptions(classes=("c399",))).read_mask(0).max() == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["annotations"][0].update(category_id=99), "has the category 99, which is none"),
        (lambda c: c["annotations"][0].pop("image_id"), "has no image_id"),
        (lambda c: c["images"][0].pop("id"), "has no id"),
        (lambda c: c["images"][0].update(file_name=None), "file_name is no name"),
        (lambda c: c["images"][0].update(height=-5), "size is stated as -5 x 12"),
        (lambda c: c["images"][0].update(height=10**9, width=10**9), "1,000,000,000,000,000,000 pixels"),
        (lambda c: c["categories"].append({"id": 17, "name": "again"}), "Two categories have the id 17"),
        (lambda c: c["annotations"][0].update(segmentation={"size": [3, 3], "counts": [9]}), "A mask's size is [3, 3]"),
        (lambda c: c["annotations"][0].update(segmentation={"size": [8, 12], "counts": [2**62]}), "holds 4611686"),
        (lambda c: c["annotations"][0].update(segmentation="x"), "segmentation is no list"),
    ],
)
def test_broken_content_is_an_error_that_names_the_file(tmp_path, change, said):
    content = instances(("a.jpg", "b.jpg"), [(0, 17, [BOX], 0)])
    change(content)
    coco(tmp_path)
    write_json(tmp_path / "instances.json", content)
    error = error_of(tmp_path)
    assert said in error.what and "instances.json" in error.where


def test_broken_json_is_an_error_with_line_and_column(tmp_path):
    coco(tmp_path, (0, 17, [BOX], 0))
    (tmp_path / "instances.json").write_text('{"images": [\n  {"id": 1,}\n]}')
    error = error_of(tmp_path)
    assert error.what.startswith("This is no valid JSON") and "instances.json, line 2, column" in error.where


def test_deep_json_is_an_error_and_no_crash(tmp_path):
    coco(tmp_path)
    (tmp_path / "instances.json").write_text("[" * 200_000)
    assert "no JSON that can be read" in error_of(tmp_path).what


def test_a_few_hundred_bytes_more_of_json_do_not_change_what_is_read(tmp_path):
    """Keys in another order, and white space."""
    coco(tmp_path, (0, 17, [BOX], 0))
    before = read_dataset(tmp_path).fingerprint()
    content = json.loads((tmp_path / "instances.json").read_text())
    (tmp_path / "instances.json").write_text(json.dumps(dict(reversed(content.items())), indent=4))
    assert read_dataset(tmp_path).fingerprint() == before


@pytest.mark.parametrize("category", [None, "", 0.5, "dog"])
def test_a_category_that_is_none_is_not_taken_for_category_0(tmp_path, category):
    zero = ({"id": 0, "name": "cat"}, {"id": 1, "name": "dog"})
    error = error_of(coco(tmp_path, (0, 1, [SMALL], 0), (0, category, [BOX], 0), categories=zero))
    assert "An annotation has the category" in error.what and "which is none" in error.what
    assert "instances.json, image a.jpg" in error.where
