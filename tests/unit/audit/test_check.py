import json
import os
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from maskwright.audit.check import check_dataset
from maskwright.audit.findings import KINDS
from maskwright.data.read import read_dataset
from maskwright.recipe import DataOptions
from support.picture_folders import disc, make_set, photo, save

SIZE = (48, 64)


@pytest.fixture
def clean(tmp_path):
    """Twelve pictures with masks, nothing wrong with any."""
    return make_set(tmp_path, 12, size=SIZE, image="images/{}.png", names="s{}")


def findings(folder, **stated):
    report = check_dataset(folder, DataOptions(**stated))
    for found in report.findings:
        assert found.kind in KINDS
        assert found.what.endswith(".")
        assert found.fix, found
    return report.findings


def found(folder, **stated):
    return [(f.level, f.kind, f.sample) for f in findings(folder, **stated)]


def one(folder, kind, **stated):
    (result,) = [f for f in findings(folder, **stated) if f.kind == kind]
    return result


def test_nothing_is_found_in_a_clean_set(clean):
    assert found(clean) == []


def test_the_report_counts_and_describes(clean):
    save(clean / "masks" / "lonely.png", disc(0, SIZE))

    report = check_dataset(clean)

    content = json.loads(json.dumps(report.to_json()))
    assert (content["pairs"], content["images"], content["masks"]) == (12, 12, 13)
    assert content["classes"] == ["background", "foreground"]
    assert content["encoding"]["kind"] == "binary"
    assert content["findings"][0].keys() == {"kind", "level", "sample", "what", "where", "fix", "evidence"}
    assert 0 < content["shares"]["foreground"][1] < 0.1
    assert "12 pairs" in content["notes"][0]


def test_progress_is_reported_for_each_picture(clean):
    steps = []

    check_dataset(read_dataset(clean), progress=steps.append)

    assert [(step.done, step.total) for step in steps if step.stage == "check"] == [(i, 12) for i in range(1, 13)]


def test_the_report_does_not_depend_on_the_number_of_threads(clean, monkeypatch):
    save(clean / "images" / "s3.png", photo(1, SIZE))
    first = check_dataset(clean).to_json()
    monkeypatch.setattr("maskwright.data.threads.cores", lambda: 1)

    assert check_dataset(clean).to_json() == first


# --- files ----------------------------------------------------------------------------------------------------------


def test_a_truncated_picture_is_an_error(clean):
    path = clean / "images" / "s4.png"
    path.write_bytes(path.read_bytes()[:-3000])

    assert found(clean) == [("error", "truncated", "s4")]
    assert str(path) in one(clean, "truncated").where


def test_a_file_that_is_no_picture_is_an_error(clean):
    (clean / "images" / "s4.png").write_text("no picture at all")

    assert found(clean) == [("error", "unreadable", "s4")]


def test_a_mask_that_is_no_picture_is_an_error_of_its_file(clean):
    (clean / "masks" / "s4.png").write_text("no picture at all")

    assert found(clean) == [("error", "unreadable", "s4")]
    assert "masks" in one(clean, "unreadable").where


def test_a_name_that_says_another_format_is_a_note(clean):
    save(clean / "x.gif", photo(4, SIZE)).rename(clean / "images" / "s4.png")

    result = one(clean, "wrong-extension")

    assert (result.level, result.sample) == ("note", "s4")
    assert "is named .png and is a GIF" in result.what


def test_several_pictures_in_a_file_are_a_note(clean):
    frames = [Image.fromarray(photo(i, SIZE)) for i in range(3)]
    frames[0].save(clean / "images" / "s4.png", save_all=True, append_images=frames[1:])

    assert one(clean, "multi-frame").evidence["frames"] == 3


def test_a_picture_turned_by_exif_is_a_note(clean):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(clean / "images" / "s4.png", np.rot90(photo(4, SIZE)), exif=exif)

    result = one(clean, "exif-rotated")

    assert (result.level, result.sample, result.evidence["orientation"]) == ("note", "s4", 6)


def test_a_mask_not_turned_with_its_picture_is_an_error_that_says_so(clean):
    save(clean / "images" / "s4.png", np.rot90(photo(4, SIZE)))

    result = one(clean, "aspect-mismatch")

    assert (result.level, result.sample) == ("error", "s4")
    assert "turned by 90 degrees" in result.what


def test_a_grey_picture_among_colour_is_a_note_also_when_written_as_colour(clean):
    save(clean / "images" / "s4.png", photo(4, SIZE, bands=1))
    save(clean / "images" / "s5.png", np.repeat(photo(5, SIZE, bands=1)[..., None], 3, axis=2))

    assert found(clean) == [("note", "mixed-modes", "s4"), ("note", "mixed-modes", "s5")]


def test_sixteen_bits_among_eight_are_a_warning(clean):
    save(clean / "images" / "s4.png", photo(4, SIZE, bands=1).astype(np.uint16) * 256)

    assert ("warning", "mixed-modes", "s4") in found(clean)


def test_transparency_in_all_pictures_is_one_note(clean):
    for i in range(12):
        save(clean / "images" / f"s{i}.png", photo(i, SIZE), mode="RGBA")

    assert found(clean) == [("note", "mixed-modes", None)]


# --- pairs ----------------------------------------------------------------------------------------------------------


def test_what_is_alone_is_a_warning_that_names_it(clean):
    save(clean / "images" / "a.png", photo(50, SIZE))
    save(clean / "masks" / "b.png", disc(51, SIZE))

    assert found(clean) == [("warning", "image-without-mask", "a"), ("warning", "mask-without-image", "b")]


def test_a_folder_of_pictures_without_masks_is_one_warning(clean):
    for i in range(5):
        save(clean / "test" / "images" / f"t{i}.png", photo(80 + i, SIZE))

    result = one(clean, "image-without-mask")

    assert (result.sample, result.evidence["count"]) == (None, 5)


def test_strange_files_are_a_note_and_usual_ones_are_not(clean):
    for name in ("README.md", "train.txt", "LICENSE", "classes.json", ".DS_Store"):
        (clean / name).write_text("x")
    assert found(clean) == []

    (clean / "masks" / "model.bin").write_bytes(b"x")
    assert one(clean, "stray-file").evidence["files"] == ["masks/model.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes")
def test_a_pipe_is_a_warning_and_no_hang(clean):
    os.mkfifo(clean / "images" / "pipe.png")

    result = one(clean, "unreadable")

    assert result.level == "warning"
    assert "pipe" in result.what


def test_one_mask_of_another_size_is_an_error(clean):
    save(clean / "masks" / "s4.png", disc(4, (24, 32)))

    assert found(clean) == [("error", "size-mismatch", "s4")]
    assert "48 x 64 and 24 x 32" in one(clean, "size-mismatch").what


def test_one_mask_of_another_shape_is_an_error(clean):
    save(clean / "masks" / "s4.png", disc(4, (48, 48)))

    assert found(clean) == [("error", "aspect-mismatch", "s4")]


def test_masks_that_are_all_larger_are_one_note(clean):
    for i in range(12):
        save(clean / "masks" / f"s{i}.png", disc(i, (96, 128), radius=14))

    assert found(clean) == [("note", "size-mismatch", None)]


def test_masks_that_are_all_of_another_shape_are_one_note(clean):
    for i in range(11):
        save(clean / "masks" / f"s{i}.png", disc(i, (96, 96 + i), radius=14))

    result = one(clean, "aspect-mismatch")

    assert (result.level, result.sample, result.evidence["count"]) == ("note", None, 11)
    assert "stretched" in result.what


# --- masks ----------------------------------------------------------------------------------------------------------


def test_a_value_that_is_no_class_is_an_error_with_its_counts(clean):
    read = read_dataset(clean)
    mask = disc(4, SIZE)
    mask[2, 3:6] = 77
    save(clean / "masks" / "s4.png", mask)

    (result,) = check_dataset(read).findings

    assert (result.level, result.kind, result.sample) == ("error", "mask-values", "s4")
    assert result.evidence["values"] == {"77": 3}
    assert "row 2, column 3" in result.where


def test_blurred_masks_are_notes_with_their_share(clean):
    blurred = Image.fromarray(disc(4, SIZE)).resize((32, 24), Image.BILINEAR).resize((64, 48), Image.BILINEAR)
    for i in range(3):
        save(clean / "masks" / f"s{i}.png", np.asarray(blurred))

    result = [f for f in findings(clean) if f.kind == "mask-antialiased"]

    assert [f.sample for f in result] == ["s0", "s1", "s2"]
    assert all(f.level == "note" and f.evidence["share"] > 0 for f in result)


def test_jpeg_masks_are_a_warning(clean):
    (clean / "masks" / "s4.png").unlink()
    save(clean / "masks" / "s4.jpg", disc(4, SIZE))

    assert ("warning", "mask-lossy", "s4") in found(clean)


def test_an_empty_mask_is_a_note(clean):
    save(clean / "masks" / "s4.png", np.zeros(SIZE, np.uint8))

    assert found(clean) == [("note", "mask-empty", "s4")]


def test_a_mask_drawn_from_outlines_is_found_fault_with_at_its_picture(clean):
    shutil.rmtree(clean / "masks")
    size = {"height": SIZE[0], "width": SIZE[1]}
    pictures = [{"id": i, "file_name": f"s{i}.png", **size} for i in range(12)]
    outlines = [
        {"id": i, "image_id": i, "category_id": 1, "segmentation": [[10, 10, 30, 10, 30, 30, 10, 30]]}
        for i in range(11)
    ]  # fmt: skip
    content = {"images": pictures, "annotations": outlines, "categories": [{"id": 1, "name": "leaf"}]}
    (clean / "annotations.json").write_text(json.dumps(content))

    result = one(clean, "mask-empty")

    assert (result.sample, result.where) == ("s11", str(clean / "images" / "s11.png"))


def test_masks_that_are_all_empty_are_an_error(clean):
    for i in range(12):
        save(clean / "masks" / f"s{i}.png", np.zeros(SIZE, np.uint8))

    assert found(clean) == [("error", "mask-empty", None)]


def test_a_full_mask_is_a_warning(clean):
    save(clean / "masks" / "s4.png", np.full(SIZE, 255, np.uint8))

    assert found(clean) == [("warning", "mask-constant", "s4")]


def test_a_stated_class_that_no_mask_shows_is_a_warning(clean):
    values = {"background": 0, "lesion": 255, "hair": 7}

    assert found(clean, values=values) == [("warning", "class-missing", None)]
    assert "hair" in one(clean, "class-missing", values=values).what


# --- relatives ------------------------------------------------------------------------------------------------------


def test_the_same_picture_twice_is_a_warning(clean):
    save(clean / "images" / "s7.png", photo(3, SIZE), compress_level=1)
    save(clean / "masks" / "s7.png", disc(3, SIZE))

    result = one(clean, "duplicate")

    assert result.level == "warning"
    assert result.evidence["samples"] == ["s3", "s7"]


def test_the_same_picture_with_different_masks_is_an_error(clean):
    save(clean / "images" / "s7.png", photo(3, SIZE))

    result = one(clean, "label-conflict")

    assert result.level == "error"
    assert "s3 and s7 are the same picture with different masks" in result.what


def test_nearly_the_same_picture_is_a_warning(clean):
    save(clean / "images" / "s7.png", (photo(3, SIZE) * 0.9).astype(np.uint8))

    assert one(clean, "near-duplicate").evidence["samples"] == ["s3", "s7"]


def test_the_same_picture_in_two_parts_is_said(clean):
    save(clean / "images" / "s7.png", photo(3, SIZE))
    save(clean / "masks" / "s7.png", disc(3, SIZE))
    (clean / "train.txt").write_text("\n".join(f"s{i}" for i in range(7)))
    (clean / "test.txt").write_text("\n".join(f"s{i}" for i in range(7, 12)))

    leak = one(clean, "split-leak")
    assert leak.level == "error"
    assert leak.what == "s3, s7 are of one photograph, and the official split puts them into train and test."
    assert leak.evidence["parts"] == ["train", "test"]
    assert one(clean, "duplicate").evidence["samples"] == ["s3", "s7"]


def test_pictures_in_no_official_part_are_a_note(clean):
    (clean / "train.txt").write_text("\n".join(f"s{i}" for i in range(6)))
    (clean / "test.txt").write_text("\n".join(f"s{i}" for i in range(6, 11)))

    assert one(clean, "stray-file").evidence["samples"] == ["s11"]


def test_groups_that_official_parts_tear_apart_are_a_leak(clean):
    (clean / "train.txt").write_text("\n".join(f"s{i}" for i in range(6)))
    (clean / "test.txt").write_text("\n".join(f"s{i}" for i in range(6, 12)))

    result = one(clean, "split-leak", group=r"s(\d)")

    assert result.evidence["groups"] == ["1"]


def test_a_guessed_grouping_is_a_note(tmp_path):
    for car in range(10):
        make_set(tmp_path, 2, size=SIZE, image="images/{}.png", names=f"car{car}_{{}}",
                 draw=lambda seed, size: disc(seed, size))  # fmt: skip

    result = one(tmp_path, "group-suggested")

    assert (result.level, result.evidence["groups"]) == ("note", 10)


def test_a_few_masks_of_another_shape_stay_errors_where_all_others_differ_in_size(clean):
    for i in range(12):
        save(clean / "masks" / f"s{i}.png", disc(i, (48, 48) if i == 4 else (24, 32)))

    assert found(clean) == [("error", "aspect-mismatch", "s4"), ("note", "size-mismatch", None)]


def test_a_picture_that_two_lists_name_is_a_leak_and_stays_held_out(clean):
    (clean / "train.txt").write_text("s0\ns1\ns2\ns3\ns4\n")
    (clean / "test.txt").write_text("s3\ns4\ns5\n")

    report = check_dataset(clean)

    (leak,) = [found for found in report.findings if found.kind == "split-leak"]
    assert (leak.level, leak.what) == ("error", "2 pictures are in two lists, train.txt and test.txt: s3, s4.")
    parts = dict(zip(report.dataset.columns.ids, report.dataset.columns.parts, strict=True))
    assert [parts[f"s{i}"] for i in range(6)] == ["train", "train", "train", "test", "test", "test"]


def test_a_patients_folder_in_several_official_parts_may_be_a_leak(tmp_path):
    places = [f"{part}/{name}" for part, names in (("train", "P0 P1 P2"), ("test", "P0 P2")) for name in names.split()]
    for number, place in enumerate(place for place in places for _ in range(3)):
        save(tmp_path / place / "img" / f"{number}.jpg", photo(number, SIZE))
        save(tmp_path / place / "seg" / f"{number}.png", disc(number, SIZE))

    leak = one(tmp_path, "split-leak")

    assert (leak.level, leak.evidence["count"]) == ("warning", 2)
    assert "such as train/P0/img and test/P0/img" in leak.what
    assert "split-leak" not in {kind for _, kind, _ in found(tmp_path, group="name")}
    assert one(tmp_path, "split-leak", group="folder").level == "error"
