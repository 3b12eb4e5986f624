"""Copies of pictures: who is a copy of whom, and everything a person may do that must not let one leak."""

import csv
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from maskwright.data.copies import find_parents, only_originals, originals, parts_with_parents, with_copies
from maskwright.data.read import read_dataset
from maskwright.data.splits import fold_split, read_split, split_dataset, write_split
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support.picture_folders import disc, photo, save

PICTURES, COPIES = 60, 2


def parents(images, column=(), ids=None):
    return find_parents(images, ids or [image.rpartition("/")[2][:-4] for image in images], column, "data")


# --- who is a copy of whom ------------------------------------------------------------------------------------------


def test_without_a_column_and_without_such_names_there_are_no_copies():
    assert parents(["a.png", "b.png", "copy.png"]) == ()


@pytest.mark.parametrize("text", ["images/a.png", "images\\a.png", "./images/a.png", "a", "a.png"])
def test_a_parent_is_found_by_path_id_name_or_stem(text):
    assert parents(["images/a.png", "images/x.png"], ["", text]) == ("", "images/a.png")


def test_a_name_tells_a_copy_without_any_column():
    assert parents(["i/a.png", "i/a~copy1.jpg", "i/a~copy12.png"]) == ("", "i/a.png", "i/a.png")


def test_a_name_tells_a_copy_also_where_the_column_is_empty():
    assert parents(["a.png", "a~copy1.png"], ["", ""]) == ("", "a.png")


def test_a_copy_of_a_copy_is_a_copy_of_the_original():
    assert parents(["a.png", "b.png", "c.png"], ["", "a", "b"]) == ("", "a.png", "a.png")
    assert parents(["a.png", "a~copy1.png", "a~copy1~copy2.png"]) == ("", "a.png", "a.png")


def test_a_picture_that_names_itself_is_an_original():
    assert parents(["a.png", "b.png"], ["a.png", "a.png"]) == ("", "a.png")


def test_a_parent_that_is_not_here_stays_as_it_was_written():
    assert parents(["a.png", "b.png"], ["", "gone/z.png"]) == ("", "gone/z.png")


def test_a_circle_of_parents_is_an_error():
    with pytest.raises(DataError, match="copies of each other in a circle: a.png, b.png") as error:
        parents(["a.png", "b.png", "c.png"], ["b", "a", ""])
    assert "leave the column 'parent' of the original empty" in error.value.fix


def test_a_parent_that_could_be_several_pictures_is_an_error():
    with pytest.raises(DataError, match="not clear which picture is the parent called a"):
        parents(["x/a.png", "y/a.png", "b.png"], ["", "", "a"], ids=["x/a", "y/a", "b"])


def test_copies_alone_are_an_error_that_says_what_else_the_column_may_mean():
    with pytest.raises(DataError, match="Every picture is a copy of another one that is not here") as error:
        parents(["a.png", "b.png"], ["slide1", "slide1"])
    assert "rename them" in error.value.fix


def test_official_parts_of_copies_follow_their_originals():
    images, copies = ["a", "b", "c", "a1", "b1", "c1"], ["", "", "", "a", "b", "c"]

    parts = parts_with_parents(["train", "test", "train", "", "train", "val"], images, copies)

    assert parts == ("train", "test", "train", "train", "", "")


# --- a set with copies, and what may be done to it ------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty originals of thirty things, two copies of each, in no part; as `augment` writes a set."""
    tmp_path = tmp_path_factory.mktemp("made")
    rows = []
    for number in range(PICTURES):
        name = f"thing{number // 2:02}_{number % 2}"
        for copy in range(COPIES + 1):
            own = name if not copy else f"{name}~copy{copy}"
            save(tmp_path / f"set/images/{own}.png", photo(1000 * copy + number, (12, 16)))
            save(tmp_path / f"set/masks/{own}.png", disc(number, (12, 16), radius=3))
            rows.append([f"images/{own}.png", f"masks/{own}.png", f"images/{name}.png" if copy else ""])
    write_rows(tmp_path / "set", rows, ["image", "mask", "parent"])
    return tmp_path / "set"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A set of one's own to spoil; its pictures are links, which is quicker than copies."""
    shutil.copytree(made, tmp_path / "set", copy_function=os.link)
    return tmp_path / "set"


def write_rows(folder, rows, head):
    (folder / "pairs.csv").unlink(missing_ok=True)
    with open(folder / "pairs.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


def read_rows(folder):
    with open(folder / "pairs.csv", newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def thing(name):
    """The picture that a row shows, whatever copy it is."""
    return name.rpartition("/")[2].partition("~")[0].partition(".")[0]


def assert_tight(dataset, split, *, copies=True):
    """No picture of which anything trains is validated or tested on, and nobody is scored on a copy."""
    trains = {thing(dataset.columns.ids[row]) for row in split.indices("train")}
    for part in ("val", "test"):
        held_out = [dataset.columns.ids[row] for row in split.indices(part)]
        assert not {thing(name) for name in held_out} & trains
        assert not [name for name in held_out if "~copy" in name]
    if copies:
        assert any("~copy" in dataset.columns.ids[row] for row in split.indices("train"))


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("group", [None, "none", "name", "folder", r"^(thing\d)", r"(\d)$"])
def test_however_pictures_are_grouped_no_copy_leaks(folder, group, seed):
    dataset = read_dataset(folder, DataOptions(group=group))
    if len(set(dataset.columns.groups)) < 2:  # by folder: all in one
        with pytest.raises(DataError, match="too few"):
            split_dataset(dataset, seed=seed)
        return

    assert_tight(dataset, split_dataset(dataset, seed=seed))


def test_a_split_counts_originals_only(folder):
    split = split_dataset(read_dataset(folder, DataOptions(group="none")))

    assert [len(split.indices(part)) for part in ("val", "test")] == [6, 6]
    assert len(split.indices("train")) == 48 * (COPIES + 1)
    assert split.how.endswith(
        "; 96 copies train with their pictures; 24 copies of pictures that do not train are left out"
    )


def test_folds_hold_out_originals_only_and_train_with_their_copies(folder):
    dataset = read_dataset(folder, DataOptions(group="none"))

    held_out = fold_split(dataset, 5)

    assert sorted(np.concatenate(held_out)) == list(originals(dataset.columns))
    for rows in held_out:
        rest = with_copies(dataset.columns, np.setdiff1d(np.concatenate(held_out), rows))
        assert len(rest) == (PICTURES - len(rows)) * (COPIES + 1)
        assert not {thing(dataset.columns.ids[i]) for i in rest} & {thing(dataset.columns.ids[i]) for i in rows}


def test_a_validation_part_taken_out_of_a_fold_leaves_its_copies_out(folder):
    dataset = read_dataset(folder, DataOptions(group="none"))
    rest = with_copies(dataset.columns, originals(dataset.columns)[:40])
    part = dataset.select(rest)

    assert_tight(part, split_dataset(part, method="hash", shares=(0.9, 0.1, 0.0)))


def test_a_split_file_that_puts_copies_of_a_test_picture_into_training_is_not_believed(folder):
    dataset = read_dataset(folder, DataOptions(group="none"))
    lines = [f"{image},train" for image in dataset.columns.images if thing(image) != "thing03_0"]
    lines += ["images/thing03_0.png,test", "images/thing05_0.png,val"]
    lines.remove("images/thing05_0.png,train")
    lines += ["images/thing03_0~copy1.png,train", "images/thing03_0~copy2.png,train"]
    (folder.parent / "split.csv").write_text("image,part\n" + "\n".join(lines))

    split = read_split(folder.parent / "split.csv", dataset)

    assert_tight(dataset, split)
    assert "4 copies of pictures that do not train are left out" in split.how


def test_a_split_file_that_puts_copies_into_other_parts_than_training_is_not_believed(folder):
    dataset = read_dataset(folder, DataOptions(group="none"))
    part = {"~copy1": "test", "~copy2": "val"}
    lines = [f"{image},{part.get(image[-10:-4], 'train')}" for image in dataset.columns.images]
    lines += ["images/thing05_0.png,val", "images/thing06_0.png,test"]
    lines = [line for line in lines if line not in ("images/thing05_0.png,train", "images/thing06_0.png,train")]
    (folder.parent / "split.csv").write_text("image,part\n" + "\n".join(lines))

    split = read_split(folder.parent / "split.csv", dataset)

    assert_tight(dataset, split, copies=False)
    assert len(split.indices("train")) == PICTURES - 2
    assert [len(split.indices(part)) for part in ("val", "test")] == [1, 1]


def test_a_split_file_made_before_the_copies_were_decides_for_them_too(folder):
    dataset = read_dataset(folder, DataOptions(group="none"))
    before = dataset.select(originals(dataset.columns))
    first = split_dataset(before, seed=7)
    write_split(first, before, folder.parent / "split.csv")

    split = read_split(folder.parent / "split.csv", dataset)

    assert_tight(dataset, split)
    assert len(split.indices("train")) == len(first.indices("train")) * (COPIES + 1)


@pytest.mark.parametrize("form", ["photos/{}.png", "imgs/{}.jpg", "{}.png", "{}"])
def test_a_split_file_of_other_folders_finds_the_pictures_and_their_copies(folder, form):
    dataset = read_dataset(folder, DataOptions(group="none"))
    names = sorted({thing(name) for name in dataset.columns.ids})
    parts = ["test"] * 6 + ["val"] * 6 + ["train"] * (len(names) - 12)
    lines = [f"{form.format(name)},{part}" for name, part in zip(names, parts, strict=True)]
    (folder.parent / "split.csv").write_text("image,part\n" + "\n".join(lines))

    split = read_split(folder.parent / "split.csv", dataset)

    assert len(split.indices("test")) == 6
    assert_tight(dataset, split)


@pytest.mark.parametrize("seed", [0, 5])
def test_an_earlier_split_keeps_copies_with_their_pictures(folder, seed):
    dataset = read_dataset(folder, DataOptions(group="none"))
    before = dataset.select(originals(dataset.columns)[::2])
    write_split(split_dataset(before, seed=11), before, folder.parent / "split.csv")

    assert_tight(dataset, split_dataset(dataset, previous=folder.parent / "split.csv", seed=seed))


def test_a_part_column_edited_by_hand_cannot_tear_a_picture_from_its_copies(folder):
    rows = [[*row, "test" if thing(row[0]) in ("thing01_0", "thing02_0") else "train"] for row in read_rows(folder)]
    for row in rows:
        if "~copy" in row[0]:
            row[3] = "train"
    write_rows(folder, rows, ["image", "mask", "parent", "part"])

    dataset = read_dataset(folder, DataOptions(group="none"))

    assert_tight(dataset, split_dataset(dataset))
    assert not [i for i, part in enumerate(dataset.columns.parts) if part == "train" and "thing01_0" in dataset[i].id]


def test_the_column_parent_may_be_taken_away(folder):
    write_rows(folder, [row[:2] for row in read_rows(folder)], ["image", "mask"])
    dataset = read_dataset(folder, DataOptions(group="none"))

    assert_tight(dataset, split_dataset(dataset))


def test_the_column_parent_may_be_emptied(folder):
    write_rows(folder, [[*row[:2], ""] for row in read_rows(folder)], ["image", "mask", "parent"])
    dataset = read_dataset(folder, DataOptions(group="none"))

    assert_tight(dataset, split_dataset(dataset))


def test_the_csv_file_may_be_taken_away(folder):
    (folder / "pairs.csv").unlink()
    dataset = read_dataset(folder, DataOptions(group="none"))

    assert len(dataset) == PICTURES * (COPIES + 1)
    assert_tight(dataset, split_dataset(dataset))


def test_the_csv_file_may_be_passed_over_by_naming_the_folders(folder):
    dataset = read_dataset(folder, DataOptions(images="images", masks="masks", group="none"))

    assert len(dataset) == PICTURES * (COPIES + 1)
    assert_tight(dataset, split_dataset(dataset))


def test_copies_may_be_renamed_where_the_column_tells(folder):
    rows = []
    for number, (image, mask, parent) in enumerate(read_rows(folder)):
        if parent:
            (folder / image).rename(folder / f"images/z{number}.png")
            image = f"images/z{number}.png"
        rows.append([image, mask, parent])
    write_rows(folder, rows, ["image", "mask", "parent"])
    dataset = read_dataset(folder, DataOptions(group="none"))
    split = split_dataset(dataset)

    trains = {dataset.columns.images[i] for i in split.indices("train")}
    copies = [i for i, parent in enumerate(dataset.columns.parents) if parent]
    assert all((split.parts[i] == "train") == (dataset.columns.parents[i] in trains) for i in copies)
    assert any(split.parts[i] == "train" for i in copies)


def test_copies_may_be_moved_into_a_folder_of_their_own(folder):
    (folder / "pairs.csv").unlink()
    for kind in ("images", "masks"):
        (folder / "more" / kind).mkdir(parents=True)
        for path in list((folder / kind).glob("*~copy*")):
            path.rename(folder / "more" / kind / path.name)
    dataset = read_dataset(folder, DataOptions(group="none"))

    assert len(dataset) == PICTURES * (COPIES + 1)
    assert_tight(dataset, split_dataset(dataset))


def test_the_folder_may_be_packed_and_carried_elsewhere(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "carried.zip", "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder))
    dataset = read_dataset(tmp_path / "carried.zip", DataOptions(group="none"))

    assert_tight(dataset, split_dataset(dataset))


def test_the_csv_file_may_stand_elsewhere(folder, tmp_path):
    rows = [[f"set/{cell}" if cell else "" for cell in row] for row in read_rows(folder)]
    write_rows(tmp_path, rows, ["image", "mask", "parent"])
    dataset = read_dataset(tmp_path / "pairs.csv", DataOptions(group="none"))

    assert_tight(dataset, split_dataset(dataset))


def test_a_copy_saved_under_an_innocent_name_stays_with_its_picture(folder):
    rows = read_rows(folder)
    for number in range(0, PICTURES, 3):
        name = f"thing{number // 2:02}_{number % 2}"
        shutil.copy(folder / f"images/{name}~copy1.png", folder / f"images/{name}~new.png")
        shutil.copy(folder / f"masks/{name}~copy1.png", folder / f"masks/{name}~new.png")
        rows.append([f"images/{name}~new.png", f"masks/{name}~new.png", ""])
    write_rows(folder, rows, ["image", "mask", "parent"])
    dataset = read_dataset(folder, DataOptions(group="none"))
    split = split_dataset(dataset)

    for row, name in enumerate(dataset.columns.ids):
        if name.endswith("~new"):
            original = dataset.columns.ids.index(thing(name))
            assert split.parts[row] == split.parts[original]


def test_copies_of_a_picture_that_is_not_here_stay_out_where_a_split_file_tests_it(folder):
    rows = [row for row in read_rows(folder) if row[0] != "images/thing04_0.png"]
    write_rows(folder, rows, ["image", "mask", "parent"])
    dataset = read_dataset(folder, DataOptions(group="none"))
    names = [image for image in dataset.columns.images if "~" not in image]
    parts = {"images/thing04_0.png": "test", names[0]: "test", names[1]: "val"}
    lines = [f"{name},{parts.get(name, 'train')}" for name in [*names, "images/thing04_0.png"]]
    (folder.parent / "split.csv").write_text("image,part\n" + "\n".join(lines))

    split = read_split(folder.parent / "split.csv", dataset)

    lost = [i for i, name in enumerate(dataset.columns.ids) if thing(name) == "thing04_0"]
    assert len(lost) == COPIES
    assert {split.parts[i] for i in lost} == {""}
    previous = split_dataset(dataset, previous=folder.parent / "split.csv")
    assert {previous.parts[i] for i in lost} == {""}


def test_copies_of_a_picture_that_is_not_here_stay_with_its_group(folder):
    rows = [row for row in read_rows(folder) if row[0] != "images/thing04_0.png"]
    write_rows(folder, rows, ["image", "mask", "parent"])
    dataset = read_dataset(folder, DataOptions(group=r"^(thing\d+)"))
    for seed in range(12):
        split = split_dataset(dataset, seed=seed)
        sibling = split.parts[dataset.columns.ids.index("thing04_1")]
        lost = {split.parts[i] for i, name in enumerate(dataset.columns.ids) if thing(name) == "thing04_0"}
        assert lost == ({"train"} if sibling == "train" else {""})


def test_a_note_tells_of_copies(folder):
    assert (
        "120 pictures are copies of others: they only train, and only where their pictures do"
        in read_dataset(folder).notes
    )


def test_the_fingerprint_knows_who_is_a_copy(folder):
    before = read_dataset(folder).fingerprint()
    rows = read_rows(folder)
    rows[1][2] = "images/thing07_0.png"
    write_rows(folder, rows, ["image", "mask", "parent"])

    assert read_dataset(folder).fingerprint() != before


def test_only_originals_keeps_the_order(folder):
    columns = read_dataset(folder).columns
    rows = [5, 3, 4, 0]

    assert [columns.ids[i] for i in only_originals(columns, rows)] == ["thing00_1", "thing00_0"]
