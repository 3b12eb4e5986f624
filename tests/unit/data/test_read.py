import os
import sys

import numpy as np
import pytest

from maskwright.data.read import read_dataset
from maskwright.errors import ConfigError, DataError
from maskwright.recipe import DataOptions
from support.picture_folders import disc, make_set, photo, save


def test_pictures_and_masks_are_paired_and_the_guess_is_shown(tmp_path):
    make_set(tmp_path, mask="masks/{}_segmentation.png")

    dataset = read_dataset(tmp_path)

    assert len(dataset) == 4
    assert dataset[0].id == "p0"
    assert dataset[0].masks == (tmp_path / "masks" / "p0_segmentation.png",)
    assert 'images/*.jpg <-> masks/*_segmentation.png (guessed: same stem, suffix "_segmentation")' in dataset.notes[0]
    assert dataset.classes.names == ("background", "foreground")


def test_pictures_come_as_height_width_bands_and_masks_as_class_numbers(tmp_path):
    make_set(tmp_path)

    dataset = read_dataset(tmp_path)

    assert dataset.read_image(0).shape == (24, 32, 3)
    assert dataset.read_image(0).dtype == np.uint8
    np.testing.assert_array_equal(dataset.read_mask(2), disc(2) > 0)


def test_one_file_an_object_becomes_one_mask(tmp_path):
    for i in range(3):
        save(tmp_path / f"n{i}" / "images" / f"n{i}.png", photo(i))
        save(tmp_path / f"n{i}" / "masks" / f"{i}ab.png", disc(10 + i))
        save(tmp_path / f"n{i}" / "masks" / f"c{i}e.png", disc(20 + i))

    dataset = read_dataset(tmp_path)

    assert dataset.encoding.kind == "objects"
    np.testing.assert_array_equal(dataset.read_mask(1), (disc(11) > 0) | (disc(21) > 0))


def test_one_folder_a_class_that_overlap_keeps_a_channel_for_each(tmp_path):
    for i in range(3):
        save(tmp_path / "images" / f"{i}.png", photo(i))
        save(tmp_path / "masks" / "cell" / f"{i}.png", disc(i, radius=9))
        save(tmp_path / "masks" / "nucleus" / f"{i}.png", disc(i, radius=9))

    dataset = read_dataset(tmp_path)

    assert (dataset.classes.names, dataset.classes.exclusive) == (("cell", "nucleus"), False)
    assert dataset.read_mask(0).shape == (24, 32, 2)


def test_one_folder_a_class_that_exclude_each_other_becomes_class_numbers(tmp_path):
    for i in range(3):
        save(tmp_path / "images" / f"{i}.png", photo(i))
        left, right = disc(i).copy(), disc(i).copy()
        left[:, 16:] = 0
        right[:, :16] = 0
        save(tmp_path / "masks" / "left" / f"{i}.png", left)
        save(tmp_path / "masks" / "right" / f"{i}.png", right)

    dataset = read_dataset(tmp_path)

    assert dataset.classes.names == ("background", "left", "right")
    assert set(np.unique(dataset.read_mask(0))) <= {0, 1, 2}


def test_stated_class_order_is_kept_for_one_file_a_class(tmp_path):
    for i in range(2):
        save(tmp_path / "images" / f"{i}.png", photo(i))
        for name in ("cell", "nucleus"):
            save(tmp_path / "masks" / name / f"{i}.png", disc(i))

    dataset = read_dataset(tmp_path, DataOptions(classes=("nucleus", "cell")))

    assert dataset.classes.names == ("nucleus", "cell")
    assert dataset.columns.labels[0] == (1, 0)


def test_two_folders_whose_names_tell_nothing_are_told_apart_by_their_content(tmp_path):
    make_set(tmp_path, image="first/{}.png", mask="second/{}.png")

    assert read_dataset(tmp_path)[0].masks == (tmp_path / "second" / "p0.png",)


def test_stray_files_do_no_harm(tmp_path):
    make_set(tmp_path)
    for name in ("README.md", "images/Thumbs.db", "masks/.DS_Store", "list.txt", "images/notes.txt"):
        (tmp_path / name).write_text("x")

    assert len(read_dataset(tmp_path)) == 4


def test_grey_pictures_have_one_band_and_a_colour_one_among_them_makes_three(tmp_path):
    for i in range(3):
        save(tmp_path / "images" / f"{i}.png", photo(i, bands=1))
        save(tmp_path / "masks" / f"{i}.png", disc(i))
    assert read_dataset(tmp_path).bands == 1

    save(tmp_path / "images" / "2.png", photo(2))

    dataset = read_dataset(tmp_path)
    assert dataset.bands == 3
    assert dataset.read_image(0).shape == (24, 32, 3)


def test_sixteen_bits_are_kept_and_eight_bits_among_them_scaled(tmp_path):
    save(tmp_path / "images" / "0.png", photo(0, bands=1).astype(np.uint16) * 200)
    save(tmp_path / "images" / "1.png", np.full((24, 32), 255, np.uint8))
    for i in range(2):
        save(tmp_path / "masks" / f"{i}.png", disc(i))

    dataset = read_dataset(tmp_path)

    assert dataset.dtype == "uint16"
    assert dataset.read_image(1).max() == 65535


def test_pictures_alone_are_a_data_set_where_no_masks_are_needed(tmp_path):
    save(tmp_path / "a.jpg", photo())
    save(tmp_path / "b.jpg", photo(1))

    dataset = read_dataset(tmp_path, require_masks=False)

    assert [sample.id for sample in dataset] == ["a", "b"]
    assert dataset[0].masks == ()
    with pytest.raises(DataError, match="has no mask"):
        dataset.read_mask(0)


def test_pictures_without_a_mask_are_left_out_and_named(tmp_path):
    make_set(tmp_path)
    save(tmp_path / "images" / "extra.jpg", photo())
    save(tmp_path / "masks" / "lonely.png", disc())

    dataset = read_dataset(tmp_path)

    assert len(dataset) == 4
    assert dataset.loose_images == (tmp_path / "images" / "extra.jpg",)
    assert dataset.loose_masks == (tmp_path / "masks" / "lonely.png",)


def test_pictures_of_one_stem_keep_their_suffix_in_the_name(tmp_path):
    save(tmp_path / "a.png", photo())
    save(tmp_path / "a.bmp", photo())

    assert [sample.id for sample in read_dataset(tmp_path, require_masks=False)] == ["a.bmp", "a.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not allow")
def test_hostile_names_are_read_and_made_printable(tmp_path):
    for name in (b"a\nb", b"<img src=x>'\"", b"\xff\xfe"):
        save(tmp_path / "images" / "x.png", photo()).rename(tmp_path / "images" / os.fsdecode(name + b".png"))
        save(tmp_path / "masks" / "x.png", disc()).rename(tmp_path / "masks" / os.fsdecode(name + b".png"))

    dataset = read_dataset(tmp_path)

    assert len(dataset) == 3
    assert all(sample.id.isprintable() and sample.id.encode("utf-8") for sample in dataset)
    assert dataset.read_mask(0).any()


def test_selecting_keeps_the_order_asked_for(tmp_path):
    dataset = read_dataset(make_set(tmp_path))

    assert [sample.id for sample in dataset.select([2, 0])] == ["p2", "p0"]


def test_the_fingerprint_depends_on_contents_and_not_on_the_place(tmp_path):
    first = read_dataset(make_set(tmp_path / "a")).fingerprint()

    assert read_dataset(make_set(tmp_path / "b")).fingerprint() == first

    save(tmp_path / "b" / "masks" / "p1.png", disc(99))
    assert read_dataset(tmp_path / "b").fingerprint() != first


# --- what cannot be read --------------------------------------------------------------------------------------------


def error_of(path, options=None):
    with pytest.raises((DataError, ConfigError)) as caught:
        read_dataset(path, options)
    assert caught.value.fix
    return caught.value


def test_a_folder_that_does_not_exist_suggests_the_one_that_does(tmp_path):
    (tmp_path / "lesions").mkdir()

    error = error_of(tmp_path / "lesion")

    assert error.what == "There is no such folder or file."
    assert error.where == str(tmp_path / "lesion")
    assert f"did you mean {tmp_path / 'lesions'}?" in error.fix


def test_a_file_of_no_known_kind_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("no data")

    assert "no folder, CSV file, zip or tar archive" in error_of(tmp_path / "notes.txt").what


def test_an_empty_folder_is_an_error(tmp_path):
    assert error_of(tmp_path).what == "The folder is empty."


def test_a_folder_without_pictures_says_what_it_holds(tmp_path):
    (tmp_path / "a.docx").write_text("x")

    assert "it holds 1 .docx" in error_of(tmp_path).what


def test_pictures_without_masks_say_where_masks_belong(tmp_path):
    save(tmp_path / "images" / "1.jpg", photo())
    save(tmp_path / "images" / "2.jpg", photo(1))

    error = error_of(tmp_path)

    assert "2 pictures (such as images/1.jpg, images/2.jpg) but no masks" in error.what
    assert "masks" in error.fix


def test_json_files_without_outlines_are_mentioned_where_masks_are_missing(tmp_path):
    for i in range(2):
        save(tmp_path / f"{i}.jpg", photo(i))
        (tmp_path / f"{i}.json").write_text("{}")

    assert "2 .json files hold no outlines in a format that is read" in error_of(tmp_path).what


def test_photographs_taken_for_masks_are_an_error(tmp_path):
    for i in range(3):
        save(tmp_path / "images" / f"{i}.png", photo(i, size=(80, 90)))
        save(tmp_path / "masks" / f"{i}.png", photo(i + 9, size=(80, 90)))

    assert "too many to be classes" in error_of(tmp_path).what


def test_masks_that_cannot_be_read_at_all_are_an_error(tmp_path):
    make_set(tmp_path)
    for mask in (tmp_path / "masks").iterdir():
        mask.write_bytes(b"no picture")

    assert str(tmp_path / "masks") in error_of(tmp_path).where


def test_a_single_unreadable_mask_does_not_keep_the_others_from_being_read(tmp_path):
    make_set(tmp_path)
    (tmp_path / "masks" / "p2.png").write_bytes(b"no picture")

    assert len(read_dataset(tmp_path)) == 4


def test_a_lossy_empty_mask_of_a_class_is_empty(tmp_path):
    for i in range(3):
        save(tmp_path / "images" / f"{i}.png", photo(i))
        save(tmp_path / "masks" / "cell" / f"{i}.jpg", disc(i) if i else photo(i)[:, :, 0] // 128 * 2, quality=100)
        save(tmp_path / "masks" / "wall" / f"{i}.png", disc(i + 9))

    dataset = read_dataset(tmp_path)

    cell = dataset.columns.labels[0][0]
    mask = dataset.read_mask(0)
    assert not (mask[:, :, cell] if mask.ndim == 3 else mask == cell).any()


def test_training_and_train_are_the_same_part(tmp_path):
    for part, long in (("train", "training"), ("val", "validation")):
        make_set(tmp_path, 2, image=f"images/{part}/{{}}.png", mask=f"masks/{long}/{{}}.png")

    dataset = read_dataset(tmp_path)

    assert [(s.image.parent.name, s.masks[0].parent.name) for s in dataset][0::2] == [
        ("train", "training"), ("val", "validation")]  # fmt: skip


@pytest.mark.parametrize("stray", ["2_2", "2 (1)"])
def test_a_stray_file_among_class_numbers_is_left_out_and_mentioned(tmp_path, stray):
    for i in range(4):
        save(tmp_path / "images" / f"{i}.png", photo(i))
        save(tmp_path / "masks" / f"{i}.png", disc(i) // 255 * (1 + i % 3))
    save(tmp_path / "masks" / f"{stray}.png", disc(2))

    dataset = read_dataset(tmp_path)

    assert (dataset.encoding.kind, len(dataset.classes.names)) == ("index", 4)
    assert f"1 further masks of pictures that have one already are left out: masks/{stray}.png" in dataset.notes


def test_a_second_file_that_few_pictures_have_is_an_object_where_masks_are_binary(tmp_path):
    make_set(tmp_path)
    save(tmp_path / "masks" / "p2_1.png", disc(20))

    np.testing.assert_array_equal(read_dataset(tmp_path).read_mask(2), (disc(2) > 0) | (disc(20) > 0))


def test_objects_of_0_1_among_objects_of_0_255_are_not_lost(tmp_path):
    for i in range(3):
        save(tmp_path / f"n{i}" / "images" / f"n{i}.png", photo(i))
        save(tmp_path / f"n{i}" / "masks" / f"{i}ab.png", disc(i))
        save(tmp_path / f"n{i}" / "masks" / f"c{i}e.png", disc(10 + i, value=1))

    np.testing.assert_array_equal(read_dataset(tmp_path).read_mask(1), (disc(1) > 0) | (disc(11) > 0))


def test_objects_that_make_no_sense_as_single_masks_stay_objects(tmp_path):
    for i in range(4):
        save(tmp_path / "images" / f"{i}.png", photo(i))
        save(tmp_path / "masks" / f"{i}_1.png", photo(i) * (disc(i) > 0)[:, :, None])
    save(tmp_path / "masks" / "2_2.png", disc(2))

    assert read_dataset(tmp_path).encoding.kind == "objects"
