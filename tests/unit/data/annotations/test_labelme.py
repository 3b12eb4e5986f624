import base64
import io

import numpy as np
import pytest
from PIL import Image

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support.outlines import SIZE, drawing, pictures, write_json, write_text

BOX = [[2.0, 1.0], [7.0, 1.0], [7.0, 5.0], [2.0, 5.0]]


def shape(label, points, kind="polygon", **more):
    return {"label": label, "points": points, "group_id": None, "description": "", "shape_type": kind, "flags": {},
            "mask": None, **more}  # fmt: skip


def annotate(folder, image, *shapes, size=SIZE, **more):
    """One LabelMe file beside its picture, as version 5.5 writes it."""
    return write_json(
        folder / f"{image.rpartition('.')[0]}.json",
        {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": image, "imageData": None,
         "imageHeight": size[0], "imageWidth": size[1], **more},
    )  # fmt: skip


def test_polygons_beside_their_picture_become_its_mask(tmp_path):
    pictures(tmp_path, "a.jpg", "b.jpg")
    annotate(tmp_path, "a.jpg", shape("dog", BOX), shape("cat", [[0, 0], [2, 0], [2, 1], [0, 1]]))
    annotate(tmp_path, "b.jpg")
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "cat", "dog")
    assert np.array_equal(dataset.read_mask(0), drawing(
        "11..........", "..22222.....", "..22222.....", "..22222.....", "..22222.....", "............",
        "............", "............"))  # fmt: skip
    assert not dataset.read_mask(1).any()
    assert dataset.notes[0] == "annotations: LabelMe, a.json, b.json: 2 pictures, 2 classes, 2 outlines"


def test_a_picture_without_a_file_is_unlabelled_and_not_empty(tmp_path):
    pictures(tmp_path, "a.jpg", "b.jpg")
    annotate(tmp_path, "a.jpg", shape("dog", BOX))
    dataset = read_dataset(tmp_path)
    assert dataset.columns.images == ("a.jpg",) and dataset.leftovers.images == ("b.jpg",)


def test_rectangles_and_circles_are_areas(tmp_path):
    pictures(tmp_path, "a.jpg")
    annotate(tmp_path, "a.jpg", shape("box", [[7, 3], [2, 1]], "rectangle"),
             shape("disc", [[9.5, 5.5], [9.5, 7.5]], "circle"))  # fmt: skip
    assert np.array_equal(read_dataset(tmp_path).read_mask(0), drawing(
        "............", "..11111.....", "..11111.....", ".........2..", "........222.", ".......22222",
        "........222.", ".........2.."))  # fmt: skip


def test_lines_and_points_cover_nothing_and_are_counted(tmp_path):
    pictures(tmp_path, "a.jpg")
    two = [[1, 1], [3, 3]]
    annotate(tmp_path, "a.jpg", shape("dog", BOX), shape("dog", [[1, 1]], "point"), shape("dog", two, "line"),
             shape("dog", two, "points"), shape("dog", [*two, [9, 3]], "linestrip"))  # fmt: skip
    dataset = read_dataset(tmp_path)
    assert dataset.read_mask(0).sum() == 20
    assert "left out: lines and points, which cover no area (4)" in dataset.notes


def test_a_mask_shape_is_placed_by_its_first_point(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(drawing("1.1", "111") * 255).convert("1").save(stream, "PNG")
    pictures(tmp_path, "a.jpg")
    content = base64.b64encode(stream.getvalue()).decode()
    annotate(tmp_path, "a.jpg", shape("dog", [[4.0, 2.0], [6.0, 3.0]], "mask", mask=content))
    mask = read_dataset(tmp_path).read_mask(0)
    assert np.array_equal(mask[2:4, 4:7], drawing("1.1", "111")) and mask.sum() == 5


def test_parts_of_one_group_become_one_area(tmp_path):
    pictures(tmp_path, "a.jpg")
    annotate(
        tmp_path, "a.jpg", shape("dog", BOX, group_id=1), shape("dog", [[8, 1], [9, 1], [9, 2], [8, 2]], group_id=1)
    )
    assert read_dataset(tmp_path).read_mask(0).sum() == 21


def test_labelmes_own_names_are_background_and_ignored(tmp_path):
    pictures(tmp_path, "a.jpg")
    annotate(tmp_path, "a.jpg", shape("dog", BOX), shape("_background_", [[3, 2], [5, 2], [5, 4], [3, 4]]),
             shape("__ignore__", [[8, 0], [9, 0], [9, 1], [8, 1]]))  # fmt: skip
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "dog") and dataset.classes.ignored
    mask = dataset.read_mask(0)
    assert mask[2, 3] == 0 and mask[1, 2] == 1 and mask[0, 8] == 255 and (mask == 1).sum() == 16


def test_labels_txt_orders_the_classes(tmp_path):
    pictures(tmp_path, "a.jpg")
    annotate(tmp_path, "a.jpg", shape("cat", BOX))
    write_text(tmp_path / "labels.txt", "__ignore__", "_background_", "zebra", "cat", "ant")
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "zebra", "cat", "ant") and dataset.read_mask(0).max() == 2


@pytest.mark.parametrize("path", ["..\\images\\a.jpg", "../images/a.jpg", "C:\\Users\\me\\a.jpg", "a.jpg", None])
def test_the_picture_is_found_though_the_files_lie_elsewhere(tmp_path, path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    annotate(tmp_path / "labels", "a.jpg", shape("dog", BOX), imagePath=path)
    assert read_dataset(tmp_path).columns.images == ("images/a.jpg",)


def test_the_embedded_picture_is_not_needed_and_not_read(tmp_path):
    pictures(tmp_path, "a.jpg")
    annotate(tmp_path, "a.jpg", shape("dog", BOX), imageData="/9j/" + "A" * 2000)
    assert read_dataset(tmp_path).read_mask(0).sum() == 20


def test_a_folder_without_the_pictures_says_that_they_are_embedded(tmp_path):
    annotate(tmp_path, "a.jpg", shape("dog", BOX), imageData="/9j/" + "A" * 2000)
    with pytest.raises(DataError, match="a.json holds its picture inside") as error:
        read_dataset(tmp_path)
    assert "labelme_export_json" in error.value.fix


def test_other_json_files_between_them_are_passed_over(tmp_path):
    names = [f"{i:02}.jpg" for i in range(30)]
    pictures(tmp_path, *names)
    for name in names:
        annotate(tmp_path, name, shape("dog", BOX))
    write_json(tmp_path / "05b.json", {"something": "else"})
    assert len(read_dataset(tmp_path)) == 30


def test_a_type_that_nobody_knows_is_an_error(tmp_path):
    pictures(tmp_path, "a.jpg")
    annotate(tmp_path, "a.jpg", shape("dog", BOX, "spline"))
    with pytest.raises(DataError, match="'spline'") as error:
        read_dataset(tmp_path)
    assert "a.json" in error.value.where


def test_a_broken_file_among_many_is_named(tmp_path):
    names = [f"{i:02}.jpg" for i in range(40)]
    pictures(tmp_path, *names)
    for name in names:
        annotate(tmp_path, name, shape("dog", BOX))
    (tmp_path / "13.json").write_text('{"version": "5.5.0", "shapes": [')
    with pytest.raises(DataError, match="no valid JSON") as error:
        read_dataset(tmp_path)
    assert "13.json, line 1" in error.value.where


def test_classes_may_overlap(tmp_path):
    pictures(tmp_path, "a.jpg")
    annotate(tmp_path, "a.jpg", shape("leaf", BOX), shape("spot", [[3, 2], [5, 2], [5, 4], [3, 4]]),
             shape("ignore", [[6, 4], [9, 4], [9, 5], [6, 5]]))  # fmt: skip
    dataset = read_dataset(tmp_path, DataOptions(encoding="per-class"))
    mask = dataset.read_mask(0)
    assert dataset.classes.names == ("leaf", "spot")
    assert (mask[2, 3] == 1).all() and (mask[4, 7] == 255).all() and mask[4, 6].tolist() == [1, 0]
