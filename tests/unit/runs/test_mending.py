"""`check --fix`: what is put right, what is left out, and that nothing else changes."""

import csv
import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.audit.check import check_dataset
from maskwright.audit.findings import Finding
from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.errors import DataError, OutputError
from maskwright.images.formats import read_image, read_info
from maskwright.recipe import DataOptions
from maskwright.runs.mending import mend
from support.picture_folders import disc, photo, save
from support.textures import texture

SIZE = (64, 80)


@pytest.fixture(scope="module")
def pebbles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pebbles(tmp_path_factory.mktemp("pebbles") / "data", 12, size=SIZE)


@pytest.fixture
def data(pebbles, tmp_path):
    """A set of its own for each test to damage."""
    return shutil.copytree(pebbles, tmp_path / "data")


def picture(folder, number):
    return folder / "images" / f"pebbles_{number:04d}.jpg"


def mask(folder, number):
    return folder / "masks" / f"pebbles_{number:04d}.png"


def mended(data, tmp_path, name="clean", *, options=None, **how):
    return mend(check_dataset(data, options), tmp_path / name, **how)


def changes(folder):
    with open(folder / "changes.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def lines_of(folder, kind):
    return [line for line in changes(folder) if line["kind"] == kind]


def pairs(folder):
    with open(folder / "pairs.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def with_exif(path, orientation):
    """Write an orientation into a JPEG without touching its pixels."""
    exif = Image.Exif()
    exif[274] = orientation
    content = path.read_bytes()
    body = exif.tobytes()
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    path.write_bytes(content[:2] + segment + content[2:])


def errors(folder):
    return check_dataset(folder).errors


def encoding_notes(folder):
    return [found for found in check_dataset(folder).findings if found.kind in ("mask-antialiased", "mask-lossy")]


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_the_source_is_never_touched(data, tmp_path):
    with_exif(picture(data, 3), 6)
    before = digests(data)

    mended(data, tmp_path)

    assert digests(data) == before


def test_pictures_that_need_nothing_are_copied_byte_for_byte(data, tmp_path):
    result = mended(data, tmp_path)

    assert (result.pairs, result.left_out) == (12, 0)
    assert result.remaining.get("error", 0) == 0
    for number in range(12):
        assert picture(result.folder, number).read_bytes() == picture(data, number).read_bytes()


def test_decoded_masks_of_untouched_pairs_are_identical(data, tmp_path):
    result = mended(data, tmp_path)

    before, after = read_dataset(data), read_dataset(result.folder)
    assert after.columns.ids == before.columns.ids
    assert after.classes == before.classes
    for row in range(12):
        assert np.array_equal(after.read_mask(row), before.read_mask(row))


def test_every_mask_becomes_an_index_png_and_a_line_says_so(data, tmp_path):
    result = mended(data, tmp_path)

    with Image.open(mask(result.folder, 0)) as image:
        assert (image.format, image.mode, set(np.unique(np.asarray(image)))) == ("PNG", "P", {0, 1})
    assert {line["done"] for line in lines_of(result.folder, "mask-encoding")} == {"saved as index PNG"}
    assert len(lines_of(result.folder, "mask-encoding")) == 12
    assert read_dataset(result.folder).encoding.kind == "index"


def test_mending_twice_changes_nothing_more(data, tmp_path):
    with_exif(picture(data, 3), 6)
    mask_of_turned = np.rot90(np.asarray(Image.open(mask(data, 3))), -1)
    save(mask(data, 3), mask_of_turned)
    shutil.copy(picture(data, 5), data / "images" / "again.jpg")
    shutil.copy(mask(data, 5), data / "masks" / "again.png")
    once = mended(data, tmp_path)
    twice = mended(once.folder, tmp_path, "again")

    assert {line["action"] for line in changes(twice.folder)} <= {"left alone"}
    first, second = digests(once.folder), digests(twice.folder)
    del first["changes.csv"], second["changes.csv"]
    assert first == second


def test_overlapping_classes_get_a_file_each(tmp_path):
    data = tmp_path / "data"
    for i in range(5):
        save(data / "images" / f"p{i}.png", photo(i, SIZE))
        for name, seed in (("cell", i), ("nucleus", i)):
            save(data / "masks" / name / f"p{i}.png", disc(seed, SIZE, radius=12 if name == "cell" else 5))

    result = mended(data, tmp_path)

    before, after = read_dataset(data), read_dataset(result.folder)
    assert not before.classes.exclusive
    assert after.classes.names == before.classes.names
    for row in range(5):
        assert np.array_equal(after.read_mask(row), before.read_mask(row))
    twice = mended(result.folder, tmp_path, "again")
    assert {line["action"] for line in changes(twice.folder)} <= {"left alone"}


def test_official_parts_are_kept(tmp_path):
    data = tmp_path / "data"
    for i in range(8):
        part = "train" if i < 5 else "test"
        save(data / part / "images" / f"p{i}.png", photo(i, SIZE))
        save(data / part / "masks" / f"p{i}.png", disc(i, SIZE))

    result = mended(data, tmp_path)

    assert read_dataset(result.folder).columns.parts == read_dataset(data).columns.parts


def test_folders_named_as_parts_make_no_parts_where_the_source_states_none(tmp_path):
    data = tmp_path / "data"
    for i in range(8):
        part = "train" if i < 5 else "test"
        save(data / part / "images" / f"p{i}.png", photo(i, SIZE))
        save(data / part / "masks" / f"p{i}.png", disc(i, SIZE))

    result = mended(data, tmp_path, options=DataOptions(split="hash"))

    assert set(read_dataset(result.folder).columns.parts) == {""}


# --- pictures -------------------------------------------------------------------------------------------------------


def test_a_turned_picture_is_saved_upright_with_the_very_same_pixels(data, tmp_path):
    with_exif(picture(data, 3), 6)
    save(mask(data, 3), np.rot90(np.asarray(Image.open(mask(data, 3))), -1))

    result = mended(data, tmp_path)

    new = result.folder / "images" / "pebbles_0003.png"
    assert np.array_equal(read_image(new), read_image(picture(data, 3)))
    assert read_info(new).orientation == 1
    (line,) = lines_of(result.folder, "exif-rotated")
    assert line["action"] == "mended"
    assert line["to"] == "images/pebbles_0003.png"
    assert "metadata" in line["done"]
    assert not errors(result.folder)


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
def test_a_picture_whose_mask_fits_it_unturned_is_kept_as_stored(data, tmp_path, orientation):
    stored = read_image(picture(data, 3))
    with_exif(picture(data, 3), orientation)
    report = check_dataset(data)
    conflict = Finding("exif-conflict", "error", "pebbles_0003", "They agree without the turn.", "", "turn it back")
    others = tuple(found for found in report.findings if found.sample != "pebbles_0003")
    from dataclasses import replace

    result = mend(replace(report, findings=(conflict, *others)), tmp_path / "clean")

    new = picture(result.folder, 3)
    assert np.array_equal(read_image(new), stored)
    assert read_info(new).orientation == 1
    (line,) = lines_of(result.folder, "exif-conflict")
    assert "the JPEG's data unchanged" in line["done"]
    assert not errors(result.folder)


def test_a_wrong_extension_becomes_the_right_one(data, tmp_path):
    content = io.BytesIO()
    Image.open(picture(data, 2)).save(content, "PNG")
    picture(data, 2).write_bytes(content.getvalue())

    result = mended(data, tmp_path)

    new = result.folder / "images" / "pebbles_0002.png"
    assert new.read_bytes() == content.getvalue()
    (line,) = lines_of(result.folder, "wrong-extension")
    assert (line["from"], line["to"]) == ("images/pebbles_0002.jpg", "images/pebbles_0002.png")
    assert not [found for found in check_dataset(result.folder).findings if found.kind == "wrong-extension"]


def test_only_the_first_of_several_pictures_is_kept(data, tmp_path):
    frames = [Image.fromarray(photo(i, SIZE)) for i in range(3)]
    picture(data, 1).unlink()
    frames[0].save(data / "images" / "pebbles_0001.tif", save_all=True, append_images=frames[1:])

    result = mended(data, tmp_path)

    new = result.folder / "images" / "pebbles_0001.png"
    assert np.array_equal(read_image(new), photo(0, SIZE))
    assert len(lines_of(result.folder, "multi-frame")) == 1


def test_the_first_picture_is_cut_out_of_a_jpeg_of_several_without_decoding(data, tmp_path):
    first, second = (Image.fromarray(photo(i, SIZE)) for i in range(2))
    first.save(picture(data, 1), "MPO", save_all=True, append_images=[second], quality=80)
    assert read_info(picture(data, 1)).frames == 2

    result = mended(data, tmp_path)

    new = picture(result.folder, 1)
    assert np.array_equal(read_image(new), read_image(picture(data, 1)))
    assert (read_info(new).frames, read_info(new).format) == (1, "JPEG")
    assert len(new.read_bytes()) < len(picture(data, 1).read_bytes())


def test_transparency_is_dropped_and_the_colours_stay(data, tmp_path):
    picture(data, 4).unlink()
    pixels = np.dstack([photo(4, SIZE), np.full(SIZE, 128, np.uint8)])
    save(data / "images" / "pebbles_0004.png", pixels)

    result = mended(data, tmp_path)

    new = result.folder / "images" / "pebbles_0004.png"
    assert not read_info(new).has_alpha
    assert np.array_equal(read_image(new), photo(4, SIZE))


def test_sixteen_bits_are_kept(tmp_path):
    data = tmp_path / "data"
    for i in range(4):
        wide = photo(i, SIZE, bands=1).astype(np.uint16) * 200 + 7
        save(data / "images" / f"p{i}.png", wide)
        save(data / "masks" / f"p{i}.png", disc(i, SIZE))

    result = mended(data, tmp_path)

    assert read_image(result.folder / "images" / "p0.png").dtype == np.uint16


# --- masks ----------------------------------------------------------------------------------------------------------


def test_blurred_borders_are_cut_at_half(data, tmp_path):
    for number in range(12):
        with Image.open(mask(data, number)) as image:
            large = image.resize((160, 128), Image.Resampling.BILINEAR)
            large.resize(image.size, Image.Resampling.BILINEAR).save(mask(data, number))
    assert read_dataset(data).encoding.kind == "antialiased"

    result = mended(data, tmp_path)

    assert not encoding_notes(result.folder)
    assert len(lines_of(result.folder, "mask-antialiased")) == 12
    before, after = read_dataset(data), read_dataset(result.folder)
    assert all(np.array_equal(before.read_mask(row), after.read_mask(row)) for row in range(12))


def test_lossy_masks_are_written_as_index_png(data, tmp_path):
    for number in range(12):
        Image.open(mask(data, number)).convert("L").save(mask(data, number).with_suffix(".jpg"), quality=75)
        mask(data, number).unlink()

    result = mended(data, tmp_path)

    assert not encoding_notes(result.folder)
    assert not errors(result.folder)


def test_a_mask_of_half_the_size_is_enlarged_to_its_picture(data, tmp_path):
    whole = np.asarray(Image.open(mask(data, 6)))
    save(mask(data, 6), whole[::2, ::2])

    result = mended(data, tmp_path)

    after = read_dataset(result.folder)
    found = after.read_mask(after.columns.ids.index("pebbles_0006"))
    assert np.array_equal(found, np.repeat(np.repeat(whole[::2, ::2] // 255, 2, 0), 2, 1))
    (line,) = lines_of(result.folder, "size-mismatch")
    assert (line["from"], line["to"]) == ("32 x 40 (height x width)", "64 x 80 (height x width)")
    assert not errors(result.folder)


@pytest.mark.parametrize("size", [(63, 79), (21, 27), (32, 40)])
def test_a_pixel_of_rounding_does_not_keep_a_mask_from_being_resized(data, tmp_path, size):
    with Image.open(mask(data, 6)) as image:
        image.resize((size[1], size[0]), Image.Resampling.NEAREST).save(mask(data, 6))

    result = mended(data, tmp_path)

    assert result.left_out == 0
    assert np.asarray(Image.open(mask(result.folder, 6))).shape == (64, 80)
    assert not errors(result.folder)


@pytest.mark.parametrize(("size", "kind"), [((48, 60), "size-mismatch"), ((64, 64), "aspect-mismatch")])
def test_a_single_mask_of_another_size_or_shape_is_not_stretched(data, tmp_path, size, kind):
    with Image.open(mask(data, 6)) as image:
        image.resize((size[1], size[0]), Image.Resampling.NEAREST).save(mask(data, 6))

    result = mended(data, tmp_path)

    (line,) = lines_of(result.folder, kind)
    assert (line["action"], line["file"]) == ("left out", "images/pebbles_0006.jpg")
    assert result.left_out == 1
    assert not errors(result.folder)


def test_masks_of_a_stretched_set_keep_their_size(data, tmp_path):
    for number in range(12):
        with Image.open(mask(data, number)) as image:
            image.resize((160, 64), Image.Resampling.NEAREST).save(mask(data, number))

    result = mended(data, tmp_path)

    assert read_info(mask(result.folder, 0)).width == 160
    (line,) = lines_of(result.folder, "aspect-mismatch")
    assert line["action"] == "left alone"
    assert not errors(result.folder)


# --- relatives ------------------------------------------------------------------------------------------------------


def again(data, number, name, *, with_mask=None):
    shutil.copy(picture(data, number), data / "images" / f"{name}.jpg")
    shutil.copy(mask(data, number if with_mask is None else with_mask), data / "masks" / f"{name}.png")


def test_duplicates_are_kept_in_one_group(data, tmp_path):
    again(data, 5, "again")

    result = mended(data, tmp_path)

    group = {row["image"]: row["group"] for row in pairs(result.folder)}
    assert group["images/again.jpg"] == group["images/pebbles_0005.jpg"]
    assert len(set(group.values())) == 12
    assert len(lines_of(result.folder, "duplicate")) == 2


def test_all_but_one_duplicate_are_left_out_where_that_is_asked_for(data, tmp_path):
    again(data, 5, "again")

    result = mended(data, tmp_path, leave_out_duplicates=True)

    assert result.pairs == 12
    assert not [found for found in check_dataset(result.folder).findings if found.kind == "duplicate"]


def test_pictures_with_different_masks_are_all_left_out(data, tmp_path):
    again(data, 5, "again", with_mask=7)

    result = mended(data, tmp_path)

    left = {line["file"] for line in lines_of(result.folder, "label-conflict")}
    assert left == {"images/again.jpg", "images/pebbles_0005.jpg"}
    assert not errors(result.folder)


# --- what cannot be mended ------------------------------------------------------------------------------------------


def test_what_cannot_be_read_or_has_no_partner_is_left_out_and_listed(data, tmp_path):
    picture(data, 0).write_bytes(picture(data, 0).read_bytes()[:900])
    picture(data, 1).write_bytes(b"no picture")
    mask(data, 2).unlink()
    picture(data, 3).unlink()
    values = np.asarray(Image.open(mask(data, 4))).copy()
    values[:9, :9] = 77
    save(mask(data, 4), values)

    result = mended(data, tmp_path, options=DataOptions(values={"background": 0, "stone": 255}))

    kinds = {line["file"]: line["kind"] for line in changes(result.folder) if line["action"] == "left out"}
    assert kinds == {
        "images/pebbles_0000.jpg": "truncated",
        "images/pebbles_0001.jpg": "unreadable",
        "images/pebbles_0002.jpg": "image-without-mask",
        "masks/pebbles_0003.png": "mask-without-image",
        "images/pebbles_0004.jpg": "mask-values",
    }
    assert result.pairs == 7
    assert not errors(result.folder)


def test_a_set_of_which_nothing_would_be_left_is_refused(tmp_path):
    data = tmp_path / "data"
    for i in range(4):
        save(data / "images" / f"p{i}.png", photo(i, SIZE))
        save(data / "masks" / f"p{i}.png", disc(i, SIZE))
    report = check_dataset(data)
    for i in range(4):
        (data / "images" / f"p{i}.png").write_bytes(b"gone")

    with pytest.raises(DataError, match="No pair would be left"):
        mend(report, tmp_path / "clean")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_warnings_and_notes_are_listed_as_left_alone(data, tmp_path):
    save(mask(data, 8), np.zeros(SIZE, np.uint8))

    result = mended(data, tmp_path)

    (line,) = lines_of(result.folder, "mask-empty")
    assert (line["action"], line["file"]) == ("left alone", "images/pebbles_0008.jpg")


# --- whole or not at all --------------------------------------------------------------------------------------------


def test_a_folder_inside_the_data_or_one_that_is_not_empty_is_refused(data, tmp_path):
    with pytest.raises(OutputError, match="inside the data"):
        mended(data, data)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        mended(data, tmp_path, "full")
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"


def test_an_interrupted_mending_leaves_nothing_behind(data, tmp_path):
    def stop(step):
        if step.stage == "mend" and step.done == 3:
            raise KeyboardInterrupt

    report = check_dataset(data)
    with pytest.raises(KeyboardInterrupt):
        mend(report, tmp_path / "clean", progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_full_disk_is_an_error_in_words_and_leaves_nothing(data, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    report = check_dataset(data)
    monkeypatch.setattr("maskwright.runs.written_set.shutil.copyfileobj", full)
    with pytest.raises(OutputError, match="No space left"):
        mend(report, tmp_path / "clean")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_hostile_names_become_harmless_and_no_formula_stands_in_the_list(tmp_path):
    data = tmp_path / "data"
    names = ["=1+1", "a\nb", "quote\"'", "<b>", "con", "..x", "na\udcffme", "emoji🙂"]
    for i, name in enumerate(names):
        save(data / "images" / f"{name}.png", photo(i, SIZE))
        save(data / "masks" / f"{name}.png", disc(i, SIZE))
    save(data / "=2+2.png", photo(20, SIZE))

    result = mended(data, tmp_path)

    assert result.pairs == len(names) - 1  # "..x" is hidden
    for path in result.folder.rglob("*"):
        assert path.name.isprintable() and not set(path.name) & set('<>:"|?*\\')
    cells = [value for line in changes(result.folder) for value in line.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@")) or "\n" in cell]
    assert not errors(result.folder)


def test_the_result_is_plain_values(data, tmp_path):
    result = mended(data, tmp_path)

    content = result.to_json()
    assert content["folder"] == str(tmp_path / "clean")
    assert content["actions"] == {"mended": 12}
    assert content["kinds"] == {"mask-encoding": 12}


def test_masks_without_any_class_but_with_ignored_pixels_are_read_as_they_were(tmp_path):
    data = tmp_path / "data"
    for i in range(40):
        save(data / "images" / f"p{i:02}.png", photo(i, SIZE))
        drawn = disc(i, SIZE, value=255) if i != 1 else disc(i, SIZE, value=1)
        save(data / "masks" / f"p{i:02}.png", drawn)
    options = DataOptions(values={"background": 0, "stone": 1, "ignore": 255})

    result = mended(data, tmp_path, options=options)

    before, after = read_dataset(data, options), read_dataset(result.folder)
    assert all(np.array_equal(before.read_mask(row), after.read_mask(row)) for row in range(40))


def test_pictures_of_which_several_fit_a_mask_are_left_out_and_listed(data, tmp_path):
    save(data / "images" / "pebbles_0003.png", photo(3, SIZE))

    result = mended(data, tmp_path)

    left = {line["file"] for line in lines_of(result.folder, "ambiguous-pair")}
    assert left == {"images/pebbles_0003.jpg", "images/pebbles_0003.png", "masks/pebbles_0003.png"}
    assert result.pairs == 11


def test_what_the_check_of_the_copy_has_kept_is_not_left_in_the_cache(data, tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))
    report = check_dataset(data)
    before = sorted((tmp_path / "cache" / "facts").iterdir())

    mend(report, tmp_path / "clean")

    assert sorted((tmp_path / "cache" / "facts").iterdir()) == before


# --- parts ----------------------------------------------------------------------------------------------------------


def with_parts(folder, count=12, test=4, group="p{}"):
    """A set with a manifest that gives each picture a group and a part: the first ones are the test part."""
    rows = ["image,mask,group,part"]
    for i in range(count):
        save(folder / f"images/p{i:02}.png", photo(i, SIZE))
        save(folder / f"masks/p{i:02}.png", disc(i, SIZE))
        rows.append(f"images/p{i:02}.png,masks/p{i:02}.png,{group.format(i)},{'test' if i < test else 'train'}")
    (folder / "pairs.csv").write_text("\n".join(rows))
    return folder


def test_parts_that_tear_stated_groups_apart_are_not_taken_over(tmp_path):
    data = with_parts(tmp_path / "data")
    text = (data / "pairs.csv").read_text()
    (data / "pairs.csv").write_text(text.replace("p4,train", "p1,train"))
    assert [found.kind for found in check_dataset(data).errors] == ["split-leak"]

    result = mended(data, tmp_path)

    after = read_dataset(result.folder)
    assert len(after) == 12
    assert set(after.columns.parts) == {""}
    (line,) = lines_of(result.folder, "split-leak")
    assert (line["action"], "not taken over" in line["done"]) == ("mended", True)
    assert not errors(result.folder)


def test_of_equal_pictures_in_several_parts_those_in_the_test_part_stay(tmp_path):
    data = with_parts(tmp_path / "data")
    for kind in ("images", "masks"):
        shutil.copy(data / kind / "p01.png", data / kind / "p07.png")
    assert "split-leak" in [found.kind for found in check_dataset(data).errors]

    result = mended(data, tmp_path)

    after = read_dataset(result.folder)
    assert "p01" in after.columns.ids
    assert "p07" not in after.columns.ids
    assert not errors(result.folder)


def test_guessed_groups_that_lie_in_several_parts_make_no_error_of_the_copy(tmp_path):
    data = tmp_path / "data"
    for i in range(30):
        part = "test" if i % 3 == 0 else "train"
        save(data / part / "images" / f"car{i // 3:02}_{i % 3}.png", texture(i, SIZE))
        save(data / part / "masks" / f"car{i // 3:02}_{i % 3}.png", disc(i, SIZE))
    report = check_dataset(data)
    assert not report.errors
    assert report.dataset.grouping_guessed

    result = mend(report, tmp_path / "clean")

    assert result.pairs == 30
    assert not errors(result.folder)
    assert read_dataset(result.folder).columns.parts == report.dataset.columns.parts
    twice = mended(result.folder, tmp_path, "again")
    assert {line["action"] for line in changes(twice.folder)} <= {"left alone"}


def test_the_parts_of_a_stated_split_file_are_taken_over(data, tmp_path):
    rows = [f"images/pebbles_{i:04d}.jpg,,{'val' if i < 4 else 'train'}" for i in range(12)]
    (data / "my_split.csv").write_text("\n".join(["image,group,part", *rows]))

    result = mended(data, tmp_path, options=DataOptions(split="my_split.csv"))

    assert read_dataset(result.folder).columns.parts == ("val",) * 4 + ("train",) * 8


def test_a_relative_that_is_in_no_part_shares_the_group_of_one_that_is(tmp_path):
    data = with_parts(tmp_path / "data")
    for kind in ("images", "masks"):
        shutil.copy(data / kind / "p01.png", data / kind / "p07.png")
    text = (data / "pairs.csv").read_text()
    (data / "pairs.csv").write_text(text.replace("p7,train", "p7,"))

    result = mended(data, tmp_path)

    group = {row["image"]: row["group"] for row in pairs(result.folder)}
    assert group["images/p01.png"] == group["images/p07.png"]
    assert not errors(result.folder)
