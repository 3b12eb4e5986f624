"""Which files count: all of a format, however many lie there, and none that is broken in silence."""

import pytest

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support.outlines import SIZE, pictures, write_json, write_text
from support.picture_folders import make_set

BOX = [2.0, 1.0, 7.0, 1.0, 7.0, 5.0, 2.0, 5.0]
MANY = 27  # more than are looked at


def instances(name):
    return {
        "images": [{"id": 1, "file_name": name, "height": SIZE[0], "width": SIZE[1]}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [BOX], "iscrowd": 0}],
        "categories": [{"id": 1, "name": "dog"}],
    }  # fmt: skip


def export(number, name):
    value = {"points": [[10, 10], [60, 10], [60, 60], [10, 60]], "polygonlabels": ["dog"]}
    region = {"original_width": SIZE[1], "original_height": SIZE[0], "type": "polygonlabels", "value": value}
    return [{"id": number, "data": {"image": name}, "annotations": [{"result": [region]}]}]


def cvat(path, name):
    write_text(path, "<annotations><version>1.1</version>",
               f'<image id="0" name="{name}" width="{SIZE[1]}" height="{SIZE[0]}">',
               '<box label="dog" xtl="1" ytl="1" xbr="4" ybr="3" z_order="0"></box></image></annotations>')  # fmt: skip


def many(folder):
    """Pictures, and the number and name of each."""
    names = [f"{i:02}.jpg" for i in range(MANY)]
    pictures(folder / "images", *names)
    return list(enumerate(names))


def test_all_of_many_files_of_cvat_are_read(tmp_path):
    for i, name in many(tmp_path):
        cvat(tmp_path / "xml" / f"{i:02}.xml", name)
    assert len(read_dataset(tmp_path)) == MANY


@pytest.mark.parametrize("content", [lambda i, name: instances(name), export], ids=["coco", "label-studio"])
def test_all_of_many_json_files_are_read(tmp_path, content):
    for i, name in many(tmp_path):
        write_json(tmp_path / "json" / f"{i:02}.json", content(i, name))
    assert len(read_dataset(tmp_path)) == MANY


def test_other_json_among_many_files_of_coco_is_passed_over(tmp_path):
    for i, name in many(tmp_path):
        write_json(tmp_path / f"{i:02}.json", instances(name))
        write_json(tmp_path / f"{i:02}-log.json", {"loss": 1.0})
    assert len(read_dataset(tmp_path)) == MANY


@pytest.mark.parametrize("broken", ["instances_val.json", "val/_annotations.coco.json"])
def test_a_broken_file_beside_a_good_one_is_an_error_that_names_it(tmp_path, broken):
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    write_json(tmp_path / "instances_train.json", instances("a.jpg"))
    write_text(tmp_path / broken, '{"images": [')
    with pytest.raises(DataError, match="no valid JSON") as error:
        read_dataset(tmp_path)
    assert broken in error.value.where and "--annotations instances_train.json" in error.value.fix
    assert len(read_dataset(tmp_path, DataOptions(annotations="instances_train.json"))) == 1


def test_a_broken_file_among_many_is_named_though_it_is_none_of_those_looked_at_first(tmp_path):
    for i, name in many(tmp_path):
        write_json(tmp_path / f"{i:02}.json", instances(name))
    write_text(tmp_path / "01.json", "[{")
    with pytest.raises(DataError, match="no valid JSON") as error:
        read_dataset(tmp_path)
    assert "01.json" in error.value.where


def test_a_broken_file_beside_annotations_that_are_not_used_is_no_hindrance(tmp_path):
    make_set(tmp_path, 3)
    write_json(tmp_path / "instances.json", instances("p0.jpg"))
    write_text(tmp_path / "broken.json", "[{")
    assert any("annotations not used: COCO" in note for note in read_dataset(tmp_path).notes)


def test_broken_json_is_no_hindrance_to_annotations_in_xml(tmp_path):
    pictures(tmp_path, "a.jpg")
    cvat(tmp_path / "a.xml", "a.jpg")
    write_text(tmp_path / "log.json", '{"loss": 1}', '{"loss": 2}')
    assert len(read_dataset(tmp_path)) == 1
