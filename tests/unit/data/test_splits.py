from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maskwright.data.dataset import Columns, Dataset
from maskwright.data.equal import join_relatives
from maskwright.data.read import read_dataset
from maskwright.data.splits import fold_split, place, read_split, split_dataset, write_split
from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.images.masks import MaskEncoding
from maskwright.recipe import DataOptions
from support.picture_folders import make_set


def data(names, groups=None, parts=None, split=None):
    """A data set of names alone: pictures are never read."""
    names = tuple(names)
    columns = Columns(
        names, tuple(f"images/{n}.png" for n in names), ((),) * len(names), tuple(groups or names),
        tuple(parts or [""] * len(names)),
    )  # fmt: skip
    return Dataset(Path("data"), columns, Classes(("background", "foreground")), MaskEncoding("binary"),
                   options=DataOptions(split=split))  # fmt: skip


def numbered(count):
    return data(f"n{i:04}" for i in range(count))


def grouped(groups, each):
    numbers = [(g, k) for g in range(groups) for k in range(each)]
    return data([f"g{g}_{k}" for g, k in numbers], [f"g{g}" for g, _ in numbers])


def part_of(dataset, split):
    return dict(zip(dataset.columns.ids, split.parts, strict=True))


def test_pictures_are_shared_out_as_asked():
    split = split_dataset(numbered(1000))

    assert Counter(split.parts) == {"train": 800, "val": 100, "test": 100}
    assert not split.needs_folds


def test_the_indices_of_a_part_are_its_rows():
    split = split_dataset(numbered(100))

    assert sorted(np.concatenate([split.indices(p) for p in ("train", "val", "test")])) == list(range(100))
    assert all(split.parts[i] == "val" for i in split.indices("val"))


def test_groups_are_never_torn():
    dataset = grouped(80, 5)

    parts = defaultdict(set)
    for group, part in zip(dataset.columns.groups, split_dataset(dataset).parts, strict=True):
        parts[group].add(part)

    assert all(len(found) == 1 for found in parts.values())


def test_the_split_is_the_same_each_time_and_another_for_another_seed():
    assert split_dataset(numbered(200)).parts == split_dataset(numbered(200)).parts
    assert split_dataset(numbered(200)).parts != split_dataset(numbered(200), seed=1).parts


def test_the_hash_is_the_same_on_every_machine():
    assert place("car1", 0) == pytest.approx(0.7758551745976235)


@pytest.mark.parametrize("count", range(50, 75))
def test_no_part_is_empty(count):
    split = split_dataset(numbered(count))

    assert set(split.parts) == {"train", "val", "test"}


@pytest.mark.parametrize("count", [2, 3, 5, 15, 20, 49])
def test_too_few_groups_for_a_test_part_ask_for_folds_and_say_so(count):
    split = split_dataset(grouped(count, 2))

    assert split.needs_folds
    assert set(split.parts) == {"train", "val"}
    assert f"{count} groups are too few for a test part: folds" in split.how


def test_one_group_cannot_be_split():
    with pytest.raises(DataError, match="3 pictures in 1 group are too few to train and to validate"):
        split_dataset(grouped(1, 3))


def test_parts_are_alike_in_their_share_of_foreground():
    shares = np.repeat([0.0, 0.9], [300, 700])

    split = split_dataset(numbered(1000), foreground=shares)

    empty = {part: float(np.mean(shares[split.indices(part)] == 0)) for part in ("train", "val", "test")}
    assert empty == pytest.approx({"train": 0.3, "val": 0.3, "test": 0.3}, abs=0.02)


def test_parts_are_alike_in_the_kinds_that_names_tell():
    dataset = data([f"cat_{i}" for i in range(40)] + [f"dog_{i}" for i in range(160)])

    split = split_dataset(dataset)

    cats = sum(dataset.columns.ids[i].startswith("cat") for i in split.indices("test"))
    assert cats == 4


def test_foreground_is_measured_where_that_is_cheap(tmp_path):
    dataset = read_dataset(make_set(tmp_path, 60))

    assert "evenly over the share of foreground" in split_dataset(dataset).how


# --- official parts -------------------------------------------------------------------------------------------------


def test_official_parts_are_kept_and_validation_is_taken_out_of_train():
    dataset = data([f"n{i}" for i in range(100)], parts=["train"] * 60 + ["test"] * 40)

    split = split_dataset(dataset)

    assert set(split.parts[60:]) == {"test"}
    assert Counter(split.parts[:60]) == {"train": 53, "val": 7}


def test_validation_is_taken_out_of_train_by_group():
    groups = [f"g{i // 3}" for i in range(60)] + [f"h{i}" for i in range(40)]
    dataset = data([f"n{i}" for i in range(100)], groups, ["train"] * 60 + ["test"] * 40)

    split = split_dataset(dataset)

    held = {groups[i] for i in split.indices("val")}
    assert not held & {groups[i] for i in split.indices("train")}


def test_an_official_split_without_a_test_part_gives_one_out_of_train():
    dataset = data([f"n{i}" for i in range(200)], parts=["train"] * 150 + ["val"] * 50)

    split = split_dataset(dataset)

    assert set(split.parts[150:]) == {"val"}
    assert Counter(split.parts[:150])["test"] == pytest.approx(17, abs=1)


def test_an_official_split_too_small_for_a_test_part_asks_for_folds():
    split = split_dataset(data([f"n{i}" for i in range(30)], parts=["train"] * 20 + ["val"] * 10))

    assert split.needs_folds
    assert "test" not in split.parts


def test_pictures_in_no_official_part_are_left_out_and_counted():
    split = split_dataset(data([f"n{i}" for i in range(62)], parts=["train"] * 30 + ["test"] * 30 + ["", ""]))

    assert split.parts[60:] == ("", "")
    assert "2 pictures in no official part are left out" in split.how


def test_a_group_torn_by_the_official_parts_is_mentioned():
    dataset = data(["a", "b", "c", "d"], ["g", "g", "h", "i"], ["train", "test", "train", "train"])

    assert "1 groups lie in several official parts" in split_dataset(dataset).how


def test_official_parts_can_be_left_aside():
    dataset = data([f"n{i}" for i in range(100)], parts=["train"] * 99 + ["test"])

    assert Counter(split_dataset(dataset, method="hash").parts)["test"] == 10


def test_stated_official_parts_that_are_not_there_are_an_error():
    with pytest.raises(DataError, match="no official parts were found"):
        split_dataset(numbered(60), method="folders")


# --- split.csv ------------------------------------------------------------------------------------------------------


def test_a_split_is_written_and_read_back(tmp_path):
    dataset = numbered(100)
    split = split_dataset(dataset)

    write_split(split, dataset, tmp_path / "split.csv")

    assert (tmp_path / "split.csv").read_text().splitlines()[:2] == [
        "image,group,part", f"images/n0000.png,n0000,{split.parts[0]}"]  # fmt: skip
    assert read_split(tmp_path / "split.csv", dataset).parts == split.parts


def test_names_with_commas_newlines_and_broken_bytes_survive(tmp_path):
    dataset = data(["a,b", 'c"d', "e\nf", "g\udcffh"])
    split = split_dataset(dataset)

    write_split(split, dataset, tmp_path / "split.csv")

    assert read_split(tmp_path / "split.csv", dataset).parts == split.parts


def test_adding_pictures_moves_none(tmp_path):
    first = grouped(60, 3)
    old = split_dataset(first)
    write_split(old, first, tmp_path / "split.csv")
    more = grouped(90, 3)

    new = split_dataset(more, previous=tmp_path / "split.csv")

    before, after = part_of(first, old), part_of(more, new)
    assert all(after[name] == part for name, part in before.items())
    assert set(new.parts[180:]) == {"train", "val", "test"}


def test_a_new_picture_of_an_old_group_goes_where_its_group_is(tmp_path):
    first = grouped(60, 3)
    old = split_dataset(first)
    write_split(old, first, tmp_path / "split.csv")
    more = grouped(60, 4)

    after = part_of(more, split_dataset(more, previous=tmp_path / "split.csv"))

    assert all(after[f"g{g}_3"] == after[f"g{g}_0"] for g in range(60))


def test_where_a_new_picture_goes_does_not_depend_on_other_new_ones(tmp_path):
    write_split(split_dataset(numbered(60)), numbered(60), tmp_path / "split.csv")

    few = part_of(numbered(80), split_dataset(numbered(80), previous=tmp_path / "split.csv"))
    many = part_of(numbered(300), split_dataset(numbered(300), previous=tmp_path / "split.csv"))

    assert all(many[name] == part for name, part in few.items())


def test_pictures_that_are_gone_do_no_harm(tmp_path):
    write_split(split_dataset(numbered(100)), numbered(100), tmp_path / "split.csv")

    assert len(split_dataset(numbered(90), previous=tmp_path / "split.csv").parts) == 90


def test_a_split_for_folds_stays_one_for_folds(tmp_path):
    write_split(split_dataset(numbered(20)), numbered(20), tmp_path / "split.csv")

    split = split_dataset(numbered(80), previous=tmp_path / "split.csv")

    assert split.needs_folds
    assert "test" not in split.parts


def test_a_stated_split_file_decides_alone(tmp_path):
    (tmp_path / "mine.csv").write_text("image,group,part\nn0000,,train\nn0001,,valid\nimages/n0002.png,,test\n")

    split = split_dataset(data(["n0000", "n0001", "n0002", "n0003"], split=str(tmp_path / "mine.csv")))

    assert split.parts == ("train", "val", "test", "")
    assert "1 pictures that it does not name are left out" in split.how


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("picture,part\na,train\n", "columns image, group and part", ""),
        ("image,part\na,training day\n", "'training day' is no part", "row 2"),
        ("image,part\na,train\na,test\n", "into two parts, train and test", "rows 2 and 3"),
        ("image,part\nz,train\n", "names no training picture", ""),
    ],
)
def test_a_wrong_split_file_is_an_error_with_its_row(tmp_path, text, what, where):
    (tmp_path / "split.csv").write_text(text)

    with pytest.raises(DataError) as caught:
        read_split(tmp_path / "split.csv", data(["a", "b"]))

    assert what in caught.value.what
    assert where in caught.value.where
    assert caught.value.fix


# --- folds ----------------------------------------------------------------------------------------------------------


def test_each_row_is_held_out_once():
    folds = fold_split(numbered(23), 5)

    assert sorted(np.concatenate(folds)) == list(range(23))
    assert sorted(map(len, folds)) == [4, 4, 5, 5, 5]


def test_folds_keep_groups_together():
    dataset = grouped(15, 6)

    groups = [{dataset.columns.groups[i] for i in fold} for fold in fold_split(dataset, 5)]

    assert sum(map(len, groups)) == 15


def test_folds_are_even_in_pictures_though_groups_are_not():
    sizes = [16, 16] + [4] * 13
    names = [f"g{g}_{k}" for g, size in enumerate(sizes) for k in range(size)]
    dataset = data(names, [name.partition("_")[0] for name in names])

    assert sorted(map(len, fold_split(dataset, 5))) == [16, 16, 16, 16, 20]


def test_folds_are_alike_in_their_share_of_foreground():
    shares = np.repeat([0.0, 0.5], [20, 30])

    folds = fold_split(numbered(50), 5, foreground=shares)

    assert [int((shares[fold] == 0).sum()) for fold in folds] == [4] * 5


def test_as_many_folds_as_groups_leave_one_out():
    assert [len(fold) for fold in fold_split(numbered(7), 7)] == [1] * 7


def test_more_folds_than_groups_are_an_error():
    with pytest.raises(DataError, match="6 folds need at least as many groups; there are 5"):
        fold_split(grouped(5, 4), 6)


def test_pictures_whose_files_are_equal_are_never_in_two_parts_or_folds(tmp_path):
    make_set(tmp_path, 60)
    for i in range(30):
        (tmp_path / "images" / f"p{i}.jpg").write_bytes((tmp_path / "images" / f"p{59 - i}.jpg").read_bytes())
    dataset = read_dataset(tmp_path)

    split = split_dataset(dataset)

    part = part_of(dataset, split)
    assert all(part[f"p{i}"] == part[f"p{59 - i}"] for i in range(30))
    assert split.how.endswith("30 joined to others that hold the same picture file")
    fold = {int(row): k for k, rows in enumerate(fold_split(dataset, 5)) for row in rows}
    row = {name: i for i, name in enumerate(dataset.columns.ids)}
    assert all(fold[row[f"p{i}"]] == fold[row[f"p{59 - i}"]] for i in range(30))


def test_pictures_of_one_photograph_are_never_in_two_parts_or_folds(tmp_path):
    dataset = read_dataset(make_set(tmp_path, 60))
    families = [(i, 59 - i) for i in range(20)] + [(20, 21, 22)]

    split = split_dataset(dataset, related=families)

    assert all(len({split.parts[row] for row in rows}) == 1 for rows in families)
    assert split.how.endswith("21 families of one photograph kept together")
    joined = join_relatives(dataset, families).dataset
    assert all(len(set(rows) & set(held)) in (0, len(rows)) for held in fold_split(joined, 5) for rows in families)


def test_lines_of_an_earlier_split_do_not_move_for_a_relative_and_a_new_one_follows_them(tmp_path):
    before = read_dataset(make_set(tmp_path, 40))
    old = split_dataset(before)
    write_split(old, before, tmp_path / "split.csv")
    after = read_dataset(make_set(tmp_path, 60))
    families = [(after.columns.ids.index(f"p{i}"), after.columns.ids.index(f"p{i + 40}")) for i in range(20)]

    now = part_of(after, split_dataset(after, previous=tmp_path / "split.csv", related=families))

    assert {name: now[name] for name in before.columns.ids} == part_of(before, old)
    assert all(now[f"p{i + 40}"] == now[f"p{i}"] for i in range(20))


def test_official_parts_stay_though_they_tear_a_family_apart(tmp_path):
    dataset = read_dataset(make_set(tmp_path, 40))
    parts = tuple("test" if i < 10 else "train" for i in range(40))
    dataset = replace(dataset, columns=replace(dataset.columns, parts=parts))

    split = split_dataset(dataset, related=[(0, 39), (20, 30)])

    assert (split.parts[0], split.parts[39] != "test") == ("test", True)
    assert split.parts[20] == split.parts[30]


def test_a_set_of_one_photograph_is_split_all_the_same_and_it_is_said(tmp_path):
    split = split_dataset(read_dataset(make_set(tmp_path, 60)), related=[tuple(range(60))])

    assert split.parts.count("test") == 6
    assert split.how.endswith("all are of one photograph, and are not kept together")


def test_a_new_picture_that_equals_an_old_one_goes_to_its_part(tmp_path):
    make_set(tmp_path, 60)
    before = read_dataset(tmp_path)
    split = split_dataset(before)
    write_split(split, before, tmp_path / "split.csv")
    for i in range(60):
        for folder, suffix in (("images", ".jpg"), ("masks", ".png")):
            content = (tmp_path / folder / f"p{i}{suffix}").read_bytes()
            (tmp_path / folder / f"a{i}{suffix}").write_bytes(content)
    after = read_dataset(tmp_path)

    part = part_of(after, split_dataset(after, previous=tmp_path / "split.csv"))

    assert all(part[f"a{i}"] == part[f"p{i}"] for i in range(60))
