import pytest

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support.picture_folders import make_set


def parts(folder, **stated):
    return {s.id: s.part for s in read_dataset(folder, DataOptions(**stated))}


def write(folder, **lists):
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in lists.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


def test_lists_of_names_give_the_parts(tmp_path):
    make_set(tmp_path)
    write(tmp_path, train=["p0", "p1"], val=["p2"], test=["p3"])

    assert parts(tmp_path) == {"p0": "train", "p1": "train", "p2": "val", "p3": "test"}


@pytest.mark.parametrize(
    "line", ["{}", "{}.jpg", "images/{}.jpg", "./images/{}.jpg", "{} 1 1 1", "images/{}.jpg masks/{}.png"]
)
def test_lines_may_be_names_files_or_paths_with_more_behind(tmp_path, line):
    make_set(tmp_path)
    write(tmp_path, train_list=[line.format(f"p{i}", f"p{i}") for i in range(3)], test_ids=[line.format("p3", "p3")])

    assert parts(tmp_path)["p3"] == "test"


def test_names_may_hold_spaces(tmp_path):
    make_set(tmp_path, names="stone {}")
    write(tmp_path, train=["stone 0", "stone 1", "stone 2"], test=["stone 3"])

    assert parts(tmp_path)["stone 3"] == "test"


def test_a_joint_list_is_train_where_nothing_says_which_is_which(tmp_path):
    make_set(tmp_path)
    write(tmp_path / "annotations", trainval=["p0", "p1"], test=["p2"])

    assert parts(tmp_path) == {"p0": "train", "p1": "train", "p2": "test", "p3": ""}


def test_a_joint_list_fills_in_what_the_others_lack(tmp_path):
    make_set(tmp_path)
    write(tmp_path, trainval=["p0", "p1", "p2"], train=["p0", "p1"], test=["p3"])

    assert parts(tmp_path)["p2"] == "val"


def test_lists_for_segmentation_go_before_others(tmp_path):
    make_set(tmp_path)
    write(tmp_path / "ImageSets" / "Main", train=["p0"], test=["p1", "p2", "p3"])
    write(tmp_path / "ImageSets" / "Segmentation", train=["p0", "p1", "p2"], test=["p3"])

    assert parts(tmp_path)["p1"] == "train"


def test_a_picture_in_two_lists_is_an_error_that_names_both(tmp_path):
    make_set(tmp_path)
    write(tmp_path, train=["p0", "p1", "p2"], test=["p2", "p3"])

    with pytest.raises(DataError, match="1 picture is in two lists, train.txt and test.txt: p2"):
        parts(tmp_path)

    assert set(parts(tmp_path, split="hash").values()) == {""}


def test_lists_of_other_things_are_no_parts(tmp_path):
    make_set(tmp_path)
    write(tmp_path, train=["a", "b"], test=["c"], notes=["p0"])

    assert set(parts(tmp_path).values()) == {""}


def test_folders_give_the_parts(tmp_path):
    for part in ("train", "valid", "test"):
        make_set(tmp_path / part, 2)

    assert list(parts(tmp_path).values()) == ["test", "test", "train", "train", "val", "val"]


def test_a_single_part_is_no_split(tmp_path):
    make_set(tmp_path, image="train/{}.jpg", mask="train_masks/{}.png")

    assert set(parts(tmp_path).values()) == {""}


@pytest.mark.parametrize(("split", "what"), [("lists", "No lists of names"), ("folders", "The folders name no parts")])
def test_stated_parts_that_are_not_there_are_an_error(tmp_path, split, what):
    make_set(tmp_path)

    with pytest.raises(DataError, match=what):
        parts(tmp_path, split=split)


def test_a_folder_of_test_pictures_beside_the_others_is_kept_away(tmp_path):
    make_set(tmp_path)
    make_set(tmp_path / "test", 2, names="t{}")

    assert sorted(parts(tmp_path).values()) == ["test", "test", "train", "train", "train", "train"]
    assert any("train is what no other part names" in note for note in read_dataset(tmp_path).notes)


def test_a_lone_list_of_test_pictures_makes_the_others_train(tmp_path):
    make_set(tmp_path, 6)
    write(tmp_path, test=["p5"])

    assert list(parts(tmp_path).values()) == ["train"] * 5 + ["test"]


@pytest.mark.parametrize(
    ("lists", "why"),
    [
        ({"train": ["p0"], "test": ["p1"]}, "name fewer than half of the pictures"),
        ({"train": ["p0", "p1", "p2"]}, "name no second part"),
        ({"test": ["a", "b"]}, "name no picture of this data"),
        ({"test": ["a", "b", "p1"]}, "name mostly other pictures"),
    ],
)
def test_lists_that_are_not_used_are_mentioned(tmp_path, lists, why):
    make_set(tmp_path, 6)
    write(tmp_path, **lists)

    dataset = read_dataset(tmp_path)

    assert set(dataset.columns.parts) == {""}
    assert any(note.startswith("lists not used: ") and note.endswith(why) for note in dataset.notes)
