import numpy as np
import pytest
import yaml

from maskwright.data.options import write_options
from maskwright.data.read import read_dataset
from maskwright.errors import ConfigError, DataError
from maskwright.recipe import DataOptions
from support.outlines import SIZE, drawing, pictures, write_text
from support.picture_folders import make_set

BOX = [(2, 1), (7, 1), (7, 5), (2, 5)]
CORNER = [(0, 0), (3, 0), (3, 2), (0, 2)]


def line(label, points, size=SIZE):
    return " ".join([str(label), *(f"{x / size[1]:.6f} {y / size[0]:.6f}" for x, y in points)])


def describe(folder, names=("cat", "dog"), file="data.yaml", **more):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(yaml.safe_dump({"path": "../datasets/pets", "train": "images/train", "val": "images/val",
                                               "names": names, **more}))  # fmt: skip


def yolo(folder, **options):
    """The layout of Ultralytics' own sets."""
    pictures(folder / "images" / "train", "a.jpg", "b.jpg")
    pictures(folder / "images" / "val", "c.jpg")
    write_text(folder / "labels" / "train" / "a.txt", line(1, BOX), line(0, CORNER))
    write_text(folder / "labels" / "train" / "b.txt")
    write_text(folder / "labels" / "val" / "c.txt", line(0, BOX))
    describe(folder, **options)
    return folder


def test_normalised_outlines_become_masks(tmp_path):
    dataset = read_dataset(yolo(tmp_path))
    assert dataset.classes.names == ("background", "cat", "dog")
    assert np.array_equal(dataset.read_mask(0), drawing(
        "111.........", "1112222.....", "..22222.....", "..22222.....", "..22222.....", "............",
        "............", "............"))  # fmt: skip


def test_the_yaml_gives_the_parts(tmp_path):
    dataset = read_dataset(yolo(tmp_path))
    assert dataset.columns.parts == ("train", "train", "val")


def test_an_empty_text_is_an_empty_mask_and_a_missing_one_is_unlabelled(tmp_path):
    pictures(yolo(tmp_path) / "images" / "val", "d.jpg")
    dataset = read_dataset(tmp_path)
    assert not dataset.read_mask(1).any() and dataset.leftovers.images == ("images/val/d.jpg",)


@pytest.mark.parametrize("names", [["cat", "dog"], {0: "cat", 1: "dog"}, {1: "dog", 0: "cat", 7: "ant"}])
def test_names_may_be_a_list_or_a_table(tmp_path, names):
    assert read_dataset(yolo(tmp_path, names=names)).classes.names[:3] == ("background", "cat", "dog")


def test_roboflows_layout_with_paths_that_lead_astray(tmp_path):
    for part, name in (("train", "a"), ("valid", "b")):
        pictures(tmp_path / part / "images", f"{name}.jpg")
        write_text(tmp_path / part / "labels" / f"{name}.txt", line(0, BOX))
    (tmp_path / "data.yaml").write_text("train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['cat']\n")
    dataset = read_dataset(tmp_path)
    assert dataset.columns.parts == ("train", "val") and dataset.read_mask(1).sum() == 20


def test_lists_of_pictures_give_the_parts(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    for name in "ab":
        write_text(tmp_path / "labels" / f"{name}.txt", line(0, BOX))
    write_text(tmp_path / "train.txt", "./images/a.jpg")
    write_text(tmp_path / "val.txt", "./images/b.jpg")
    describe(tmp_path, path=".", train="train.txt", val="val.txt")
    assert read_dataset(tmp_path).columns.parts == ("train", "val")


def test_a_dataset_yaml_of_ultralytics_is_not_ours(tmp_path):
    yolo(tmp_path)
    (tmp_path / "data.yaml").rename(tmp_path / "dataset.yaml")
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "cat", "dog")
    with pytest.raises(ConfigError, match="describes a YOLO set") as error:
        write_options(dataset, tmp_path)
    assert "data.yaml" in error.value.fix


def test_texts_without_a_yaml_are_recognised_and_their_classes_numbered(tmp_path):
    yolo(tmp_path)
    (tmp_path / "data.yaml").unlink()
    dataset = read_dataset(tmp_path)
    assert dataset.classes.names == ("background", "class_0", "class_1")
    named = read_dataset(tmp_path, DataOptions(classes=("background", "cat", "dog")))
    assert named.classes.names == ("background", "cat", "dog") and np.array_equal(
        named.read_mask(0), dataset.read_mask(0)
    )


def test_a_list_of_classes_beside_the_texts_names_them(tmp_path):
    yolo(tmp_path)
    (tmp_path / "data.yaml").unlink()
    write_text(tmp_path / "labels" / "classes.txt", "cat", "dog")
    assert read_dataset(tmp_path).classes.names == ("background", "cat", "dog")


def test_labels_may_lie_beside_the_pictures(tmp_path):
    pictures(tmp_path, "a.jpg")
    write_text(tmp_path / "a.txt", line(0, BOX))
    assert read_dataset(tmp_path).read_mask(0).sum() == 20


def test_boxes_for_detection_are_refused_in_words(tmp_path):
    pictures(tmp_path / "images", "a.jpg")
    write_text(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.25 0.25", "1 0.1 0.1 0.2 0.2")
    describe(tmp_path)
    with pytest.raises(DataError, match="2 boxes and no outlines: they are for detection") as error:
        read_dataset(tmp_path)
    assert "segmentation" in error.value.fix


def test_boxes_are_no_hindrance_where_pictures_alone_will_do(tmp_path):
    pictures(tmp_path / "images", "a.jpg")
    write_text(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.25 0.25")
    assert read_dataset(tmp_path, require_masks=False).columns.masks == ((),)


def test_a_box_among_outlines_is_left_out_and_counted(tmp_path):
    yolo(tmp_path)
    write_text(tmp_path / "labels" / "val" / "c.txt", line(0, BOX), "0 0.5 0.5 0.25 0.25")
    dataset = read_dataset(tmp_path)
    assert "left out: objects with a box and no outline (1)" in dataset.notes and dataset.read_mask(2).sum() == 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 0.1 0.1 0.5 0.1 0.5", "holds 5 numbers after the class"),
        ("0 0.1 0.1 0.5", "holds 3 numbers after the class"),
        ("dog 0.1 0.1 0.5 0.1 0.5 0.5", "begins with dog"),
        ("0 0.1 0.1 0.5 x 0.5 0.5", "something that is no number"),
        ("0 10 10 50 10 50 50", "no shares of the picture's size"),
        ("9 0.1 0.1 0.5 0.1 0.5 0.5", "use class 9"),
    ],
)
def test_a_broken_line_is_an_error_that_names_it(tmp_path, text, said):
    yolo(tmp_path)
    write_text(tmp_path / "labels" / "val" / "c.txt", line(0, BOX), text)
    with pytest.raises(DataError, match=said) as error:
        read_dataset(tmp_path)
    assert "class 9" in said or "c.txt, line 2" in error.value.where


def test_texts_that_are_no_labels_change_nothing(tmp_path):
    make_set(tmp_path, 3)
    for i in range(3):
        write_text(tmp_path / "images" / f"p{i}.txt", "a caption of this picture")
    dataset = read_dataset(tmp_path)
    assert dataset.options.annotations is None and len(dataset) == 3
