"""`augment`: what is written, what is refused, and that chances repeat."""

import csv
import hashlib
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from maskwright.data.read import read_dataset
from maskwright.data.splits import split_dataset
from maskwright.errors import ConfigError, DataError, OutputError
from maskwright.files import whole_folder
from maskwright.images.classes import IGNORE
from maskwright.images.formats import read_image, read_info
from maskwright.images.writing import write_picture
from maskwright.progress import Step
from maskwright.recipe import DataOptions
from maskwright.runs.augmenting import augment
from maskwright.runs.written_set import Names, mask_palette
from support.picture_folders import disc, make_set, photo, save

TURNS = {"augmentation.base": "none", "augmentation.flip_horizontal": 0.5, "augmentation.quarter_turns": True}


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_set(tmp_path_factory.mktemp("sixty") / "data", 60, image="images/{}.png", size=(12, 16), draw=small)


def small(seed, size):
    return disc(seed, size, radius=3)


def pairs(folder):
    with open(folder / "pairs.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_only_training_pictures_get_copies_and_the_split_is_kept(sixty, tmp_path):
    result = augment(sixty, tmp_path / "new", copies=2)

    rows = pairs(tmp_path / "new")
    assert result.parts == {"train": 48, "val": 6, "test": 6}
    assert (result.pictures, result.copies, result.augmented) == (60, 96, 48)
    assert Counter(row["part"] for row in rows if row["parent"]) == {"train": 96}
    before, after = read_dataset(sixty), read_dataset(tmp_path / "new")
    old = dict(zip(before.columns.ids, split_dataset(before).parts, strict=True))
    new = dict(zip(after.columns.ids, split_dataset(after).parts, strict=True))
    assert all(new[name] == part for name, part in old.items())


def test_originals_are_copied_as_they_are(sixty, tmp_path):
    augment(sixty, tmp_path / "new", copies=1)

    for path in (sixty / "images").iterdir():
        assert (tmp_path / "new/images" / path.name).read_bytes() == path.read_bytes()


def test_the_new_folder_is_read_without_a_guess_and_means_the_same(sixty, tmp_path):
    augment(sixty, tmp_path / "new", copies=1)
    before, after = read_dataset(sixty), read_dataset(tmp_path / "new")

    assert not [note for note in after.notes if "guess" in note]
    assert after.classes == before.classes
    row = after.columns.ids.index(before.columns.ids[7])
    assert np.array_equal(after.read_mask(row), before.read_mask(7))
    assert np.array_equal(after.read_image(row), before.read_image(7))


def test_with_too_few_pictures_for_a_test_part_all_get_copies_and_no_part(tmp_path):
    data = make_set(tmp_path / "data", 20)

    result = augment(data, tmp_path / "new", copies=3, overrides=TURNS)

    assert (result.pictures, result.copies, result.parts) == (20, 60, {})
    assert "part" not in pairs(tmp_path / "new")[0]
    assert split_dataset(read_dataset(tmp_path / "new")).needs_folds


def test_flips_and_turns_written_out_are_all_different(tmp_path):
    data = make_set(tmp_path / "data", 4, size=(16, 16), image="images/{}.png")

    augment(data, tmp_path / "new", copies=7, overrides=TURNS)

    for number in range(4):
        names = [f"p{number}", *(f"p{number}~copy{k}" for k in range(1, 8))]
        assert len({read_image(tmp_path / f"new/images/{name}.png").tobytes() for name in names}) == 8


def test_more_copies_than_the_recipe_can_make_different_are_refused_before_anything_is_written(tmp_path):
    data = make_set(tmp_path / "data", 4)

    with pytest.raises(ConfigError, match="no more than 7 different copies of a picture, not 8") as error:
        augment(data, tmp_path / "new", copies=8, overrides=TURNS)

    assert "--copies 7" in error.value.fix
    assert not (tmp_path / "new").exists()


def test_a_recipe_that_changes_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="changes nothing: every copy would equal its picture"):
        augment(make_set(tmp_path / "data", 4), tmp_path / "new", overrides={"augmentation.base": "none"})


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    data = make_set(tmp_path / "data", 4)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        augment(data, tmp_path / name, copies=2, overrides={"training.seed": seed, "augmentation.noise": 0.02})

    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_pictures_that_join_later_do_not_change_the_copies_of_others(tmp_path):
    few, more = make_set(tmp_path / "few", 4), make_set(tmp_path / "more", 6)
    for data in (few, more):
        augment(data, tmp_path / f"new-{data.name}", copies=1)

    for number in range(4):
        path = f"images/p{number}~copy1.jpg"
        assert (tmp_path / "new-few" / path).read_bytes() == (tmp_path / "new-more" / path).read_bytes()


def test_augmenting_again_keeps_old_copies_and_makes_none_of_copies(sixty, tmp_path):
    augment(sixty, tmp_path / "once", copies=1)
    result = augment(tmp_path / "once", tmp_path / "twice", copies=1)

    assert (result.pictures, result.copies) == (60, 96)
    rows = pairs(tmp_path / "twice")
    assert all("~" not in row["parent"] for row in rows)
    assert all(Path(row["image"]).name.count("~copy") <= 1 for row in rows)
    assert {row["part"] for row in rows if row["parent"]} == {"train"}
    old = digest(tmp_path / "once")
    assert all(digest(tmp_path / "twice")[name] == old[name] for name in old if "~copy1" in name)


def test_groups_keep_together_in_the_new_folder(tmp_path):
    data = make_set(tmp_path / "data", 24, names="p{}", image="images/{}.png", size=(12, 16), draw=small)

    augment(data, tmp_path / "new", copies=1, overrides={"data.group": r"^p\d"})

    groups = {Path(row["image"]).name.partition(".")[0]: row["group"] for row in pairs(tmp_path / "new")}
    assert groups["p13"] == groups["p13~copy1"] == "p1"


def test_sixteen_bits_stay_sixteen_bits(tmp_path):
    for number in range(4):
        image = photo(number).astype(np.uint16) * 16
        (tmp_path / "data/images").mkdir(parents=True, exist_ok=True)
        write_picture(tmp_path / f"data/images/p{number}.png", image)
        save(tmp_path / f"data/masks/p{number}.png", disc(number))

    augment(tmp_path / "data", tmp_path / "new", copies=1)

    copy = read_image(tmp_path / "new/images/p0~copy1.png")
    assert copy.dtype == np.uint16
    assert 256 < copy.max() <= 4095


def test_ignored_pixels_and_class_names_live_on(tmp_path):
    def trimap(seed, size):
        mask = disc(seed, size, value=1)
        mask[mask == 0] = 2
        mask[:3] = 3
        return mask

    data = make_set(tmp_path / "data", 6, draw=trimap)
    stated = {"data.classes": ["ground", "pet"], "data.values": {"pet": 1, "ground": 2, "ignore": 3}}

    augment(data, tmp_path / "new", copies=2, overrides=stated)

    after = read_dataset(tmp_path / "new")
    assert after.classes.names == ("ground", "pet")
    shown = [set(np.unique(after.read_mask(row))) for row in range(len(after))]
    assert all(labels <= {0, 1, IGNORE} and {0, 1} <= labels for labels in shown)
    assert sum(IGNORE in labels for labels in shown) >= 6


def test_overlapping_classes_keep_one_file_a_class_and_their_order(tmp_path):
    for number in range(6):
        save(tmp_path / f"data/images/p{number}.jpg", photo(number))
        for at, name in enumerate(("nucleus", "cell")):
            save(tmp_path / f"data/masks/{name}/p{number}.png", disc(number, radius=4 + 3 * at))
    options = {"data.classes": ["nucleus", "cell"]}

    augment(tmp_path / "data", tmp_path / "new", copies=1, overrides=options)

    before, after = (
        read_dataset(tmp_path / "data", DataOptions(classes=("nucleus", "cell"))),
        read_dataset(tmp_path / "new"),
    )
    assert not after.classes.exclusive
    assert after.classes.names == ("nucleus", "cell")
    row = after.columns.ids.index("p3")
    assert np.array_equal(after.read_mask(row), before.read_mask(before.columns.ids.index("p3")))


def test_colours_of_classes_live_on(tmp_path):
    colours = ((0, 0, 0), (200, 10, 10), (10, 10, 200))
    for number in range(6):
        save(tmp_path / f"data/images/p{number}.jpg", photo(number))
        mask = disc(number, value=1)
        mask[:4, :4] = 2
        save(tmp_path / f"data/masks/p{number}.png", np.array(colours, np.uint8)[mask])

    augment(tmp_path / "data", tmp_path / "new", copies=1)

    before, after = read_dataset(tmp_path / "data"), read_dataset(tmp_path / "new")
    assert after.classes.names == before.classes.names
    assert after.classes.colours == before.classes.colours


def test_grey_class_colours_are_tinted_so_that_no_palette_is_read_as_values():
    from maskwright.images.classes import Classes

    grey = mask_palette(Classes(("a", "b", "c"), ((128, 128, 128), (255, 255, 255), (9, 0, 0))))
    assert grey[:3] == ((128, 128, 129), (255, 255, 254), (9, 0, 0))
    usual = mask_palette(Classes(("a", "b")))
    assert (len(usual), usual[0], usual[IGNORE]) == (256, (0, 0, 0), (150, 150, 151))


def test_official_parts_and_folders_of_pictures_are_kept(tmp_path):
    for part, count in (("train", 8), ("val", 3), ("test", 3)):
        make_set(tmp_path / "data", count, image=f"{part}/images/{{}}.jpg", mask=f"{part}/masks/{{}}.png",
                 names=f"{part[0]}{{}}")  # fmt: skip
    for seed, path in enumerate(sorted((tmp_path / "data").rglob("images/*.jpg"))):  # no picture twice
        save(path, photo(seed), quality=95)

    result = augment(tmp_path / "data", tmp_path / "new", copies=1)

    assert result.parts == {"train": 8, "val": 3, "test": 3}
    assert (tmp_path / "new/images/test/t0.jpg").exists()


def test_photographs_stay_jpeg_and_carry_no_metadata(tmp_path):
    data = make_set(tmp_path / "data", 4)

    augment(data, tmp_path / "new", copies=1)

    copy = tmp_path / "new/images/p0~copy1.jpg"
    assert read_info(copy).format == "JPEG"
    assert b"Exif" not in copy.read_bytes()


def test_a_folder_that_is_not_empty_is_refused_in_words(tmp_path):
    data = make_set(tmp_path / "data", 4)
    save(tmp_path / "new/mine.png", photo())

    with pytest.raises(OutputError, match="The folder is not empty") as error:
        augment(data, tmp_path / "new")

    assert "choose a new folder" in error.value.fix
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mine.png"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "new").mkdir()

    augment(make_set(tmp_path / "data", 4), tmp_path / "new", copies=1)

    assert (tmp_path / "new/pairs.csv").exists()


@pytest.mark.parametrize("place", ["data/augmented", "data", "data/images/more"])
def test_a_place_inside_the_data_is_refused_since_it_would_be_read_as_data(tmp_path, place):
    data = make_set(tmp_path / "data", 4)

    with pytest.raises(OutputError, match="lies inside the data|not empty"):
        augment(data, tmp_path / place)


def test_a_picture_that_cannot_be_read_stops_it_before_anything_is_written(tmp_path):
    data = make_set(tmp_path / "data", 6)
    (data / "images/p3.jpg").write_bytes((data / "images/p3.jpg").read_bytes()[:200])

    with pytest.raises(DataError, match="The data has an error"):
        augment(data, tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_a_stop_in_the_middle_leaves_nothing(tmp_path):
    data = make_set(tmp_path / "data", 8)

    def stop(step: Step) -> None:
        if step.stage == "augment" and step.done > 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        augment(data, tmp_path / "new", progress=stop)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_folder_that_somebody_else_fills_meanwhile_is_an_error_and_stays_theirs(tmp_path):
    data = make_set(tmp_path / "data", 8)

    def fill(step: Step) -> None:
        if step.stage == "augment" and step.done == step.total:
            save(tmp_path / "new/theirs.png", photo())

    with pytest.raises(OutputError, match="Another process has put something there meanwhile"):
        augment(data, tmp_path / "new", progress=fill)

    assert [path.name for path in (tmp_path / "new").iterdir()] == ["theirs.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "new"]


KILLED = """
import os, sys
from maskwright.runs.augmenting import augment
augment(sys.argv[1], sys.argv[2], progress=lambda step: os._exit(9) if step.stage == "augment" else None)
"""


def test_what_a_killed_call_has_left_is_cleared_by_the_next_one_for_the_same_folder(tmp_path):
    pytest.importorskip("fcntl")
    data = make_set(tmp_path / "data", 8)
    done = subprocess.run([sys.executable, "-c", KILLED, data, tmp_path / "new"], check=False)
    (left,) = tmp_path.glob(".new.*.part")
    assert done.returncode == 9 and any(left.iterdir())

    augment(data, tmp_path / "new", copies=1)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "new"]


def test_what_another_call_is_still_writing_or_is_not_ours_stays(tmp_path):
    pytest.importorskip("fcntl")
    data, others = make_set(tmp_path / "data", 8), [".new.mine.part", ".old.0123abcd.part", "new.0123abcd.part"]
    for name in others:
        (tmp_path / name).mkdir()

    with whole_folder(tmp_path / "new", shared=False) as at_work:
        (at_work / "picture.png").write_bytes(b"half")
        augment(data, tmp_path / "new", copies=1)
        assert (at_work / "picture.png").exists()
        shutil.rmtree(tmp_path / "new")

    assert {name for name in others if (tmp_path / name).is_dir()} == set(others)


def test_progress_counts_every_picture(tmp_path):
    steps: list[Step] = []

    augment(make_set(tmp_path / "data", 5), tmp_path / "new", copies=2, progress=steps.append)

    assert [(step.done, step.total) for step in steps if step.stage == "augment"][-1] == (15, 15)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("a/b", "a/b"), ("../../etc/x", "etc/x"), ("CON", "_CON"), ("a\tb|c?", "a_b_c_"), (".hidden", "_.hidden"),
     ("x.", "x"), ("~root", "_~root"), ("", "picture"), ("//", "picture")],
)  # fmt: skip
def test_names_are_safe_on_every_file_system(wanted, name):
    assert Names().take(wanted) == name


def test_names_differ_whatever_the_case_and_are_not_endless():
    names = Names()

    assert [names.take("A"), names.take("a"), names.take("a")] == ["A", "a-2", "a-3"]
    assert len(names.take("x" * 500)) <= 110


def test_pictures_of_one_stem_in_two_formats_keep_apart(tmp_path):
    for number in range(3):
        for suffix, shift in (("jpg", 0), ("png", 50)):
            save(tmp_path / f"data/p{number}.{suffix}", photo(number + shift))
            save(tmp_path / f"data/p{number}.{suffix}_mask.png", disc(number + shift))
    rows = [f"data/p{n}.{s},data/p{n}.{s}_mask.png" for n in range(3) for s in ("jpg", "png")]
    (tmp_path / "pairs.csv").write_text("image,mask\n" + "\n".join(rows))

    result = augment(tmp_path / "pairs.csv", tmp_path / "new", copies=1)

    assert (result.pictures, result.copies) == (6, 6)
    assert len(read_dataset(tmp_path / "new")) == 12
