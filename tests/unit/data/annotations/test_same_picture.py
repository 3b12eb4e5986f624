"""Several names, or several files, for one picture: never painted over each other in silence."""

import numpy as np
import pytest

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support.outlines import SIZE, pictures, write_json, write_text

BOX = [2.0, 1.0, 7.0, 1.0, 7.0, 5.0, 2.0, 5.0]
SMALL = [3.0, 2.0, 5.0, 2.0, 5.0, 4.0, 3.0, 4.0]


def coco(path, *named):
    """An instances file of (name, outline)."""
    return write_json(path, {
        "images": [{"id": i, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
                   for i, (name, _) in enumerate(named)],
        "annotations": [{"id": i, "image_id": i, "category_id": 1, "segmentation": [outline], "iscrowd": 0}
                        for i, (_, outline) in enumerate(named)],
        "categories": [{"id": 1, "name": "dog"}]})  # fmt: skip


def labelme(path, image, points=BOX, size=SIZE):
    shape = {"label": "dog", "points": np.reshape(points, (-1, 2)).tolist(), "shape_type": "polygon"}
    return write_json(path, {"version": "5", "shapes": [shape], "imagePath": image, "imageData": None,
                             "imageHeight": size[0], "imageWidth": size[1]})  # fmt: skip


def cvat(path, *images):
    """A file of (name, size)."""
    shape = '<box label="dog" xtl="1" ytl="1" xbr="4" ybr="3" z_order="0"></box>'
    write_text(path, "<annotations><version>1.1</version>", *(
        f'<image id="{i}" name="{name}" width="{size[1]}" height="{size[0]}">{shape}</image>'
        for i, (name, size) in enumerate(images)), "</annotations>")  # fmt: skip


def export(path, *named):
    """A Label Studio export of (name, points in hundredths)."""

    def task(number, name, points):
        value = {"points": np.reshape(points, (-1, 2)).tolist(), "polygonlabels": ["dog"]}
        region = {"original_width": SIZE[1], "original_height": SIZE[0], "type": "polygonlabels", "value": value}
        return {"id": number, "data": {"image": f"/data/upload/1/{name}"}, "annotations": [{"result": [region]}]}

    return write_json(path, [task(i, *one) for i, one in enumerate(named)])


@pytest.mark.parametrize(("folder", "missing"), [("b", "a/1.png"), ("images/b", "a/1.png")])
def test_the_outlines_of_a_picture_that_is_not_there_are_not_painted_onto_its_namesake(tmp_path, folder, missing):
    pictures(tmp_path / folder, "1.png")
    coco(tmp_path / "instances.json", ("a/1.png", BOX), ("b/1.png", SMALL))
    dataset = read_dataset(tmp_path)
    assert dataset.read_mask(0).sum() == 4
    assert f"named by the annotations and not in the folder: 1 picture, {missing}" in dataset.notes


def test_a_name_with_its_suffix_wins_over_one_with_another(tmp_path):
    pictures(tmp_path / "images", "a.png")
    coco(tmp_path / "instances.json", ("a.jpg", BOX), ("a.png", SMALL))
    dataset = read_dataset(tmp_path)
    assert dataset.read_mask(0).sum() == 4
    assert "named by the annotations and not in the folder: 1 picture, a.jpg" in dataset.notes


def test_a_file_of_a_part_whose_picture_is_not_there_takes_none_of_another_part(tmp_path):
    pictures(tmp_path / "train", "1.png")
    coco(tmp_path / "train" / "_annotations.coco.json", ("1.png", SMALL))
    coco(tmp_path / "valid" / "_annotations.coco.json", ("1.png", BOX))
    assert read_dataset(tmp_path).read_mask(0).sum() == 4


def test_names_that_fit_one_picture_equally_well_are_an_error_that_names_both(tmp_path):
    pictures(tmp_path / "images", "1.png")
    coco(tmp_path / "instances.json", ("a/1.png", BOX), ("b/1.png", SMALL))
    with pytest.raises(DataError, match="The names a/1.png and b/1.png both lead to the picture images/1.png") as error:
        read_dataset(tmp_path)
    assert "take one name out" in error.value.fix


def test_two_uploads_of_one_name_are_two_pictures_and_not_one(tmp_path):
    pictures(tmp_path, "a.png")
    export(tmp_path / "project.json", ("0a1b2c3d-a.png", BOX), ("e97d4735-a.png", SMALL))
    with pytest.raises(DataError, match="The names .*0a1b2c3d-a.png and .*e97d4735-a.png both lead to"):
        read_dataset(tmp_path)


def test_a_saved_copy_beside_a_file_of_labelme_is_an_error_that_names_both(tmp_path):
    pictures(tmp_path, "1.png")
    labelme(tmp_path / "1.json", "1.png", SMALL)
    labelme(tmp_path / "1_old.json", "1.png", BOX)
    with pytest.raises(DataError, match=r"Two files annotate the same pictures, such as 1.png: 1.json and 1_old.json"):
        read_dataset(tmp_path)


def test_two_files_of_cvat_for_one_picture_are_an_error(tmp_path):
    pictures(tmp_path, "1.png")
    cvat(tmp_path / "a.xml", ("1.png", (16, 16)))
    cvat(tmp_path / "b.xml", ("1.png", (32, 32)))
    with pytest.raises(DataError, match="Two files annotate the same pictures") as error:
        read_dataset(tmp_path)
    assert "--annotations b.xml" in error.value.fix


def test_two_exports_of_one_project_are_an_error(tmp_path):
    pictures(tmp_path, "a.png")
    for name in ("old.json", "new.json"):
        export(tmp_path / name, ("a.png", BOX))
    with pytest.raises(DataError, match="Two files annotate the same pictures"):
        read_dataset(tmp_path)


def test_one_file_that_states_two_sizes_of_a_picture_is_an_error(tmp_path):
    pictures(tmp_path, "1.png")
    cvat(tmp_path / "a.xml", ("1.png", (8, 12)), ("1.png", (16, 24)))
    with pytest.raises(DataError, match=r"1.png is stated to be \(8, 12\) and \(16, 24\)"):
        read_dataset(tmp_path)


def test_a_picture_that_one_file_lists_twice_has_the_outlines_of_both(tmp_path):
    pictures(tmp_path, "1.png")
    coco(tmp_path / "instances.json", ("1.png", SMALL), ("1.png", [8, 0, 10, 0, 10, 2, 8, 2]))
    assert read_dataset(tmp_path).read_mask(0).sum() == 8
