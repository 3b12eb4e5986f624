import numpy as np
import pytest
from PIL import Image

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE
from maskwright.report.pairs_sheet import Entry, Pair, _as_fits, write_pairs_sheet
from maskwright.report.pixels import IGNORED, hatched, tinted_thumbnail
from support.report_facts import CROPS, LESION, disc

LEGEND = [Entry("background", (0, 0, 0), "background", "80 %"), Entry("class", LESION.colours[1], "lesion", "20 %")]


def pair(name="p0", size=(90, 120)):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    return Pair(name, ["lesion 20 %"], image, disc(size, 45, 60, 25))


def sheet(path, pairs, legend=LEGEND, classes=LESION, **options):
    write_pairs_sheet(path, pairs, classes, legend, title="lesions", **options)
    with Image.open(path) as picture:
        picture.load()
    return picture


def colours(picture):
    return {tuple(colour) for colour in np.asarray(picture).reshape(-1, 3).tolist()}


def test_more_pairs_make_a_larger_sheet_of_a_like_shape(tmp_path):
    small, large = sheet(tmp_path / "a.png", [pair()]), sheet(tmp_path / "b.png", [pair()] * 24)

    assert large.width > small.width and large.height > small.height
    assert 0.8 < large.width / large.height < 2.4


def test_class_colours_stand_in_the_legend(tmp_path):
    assert LESION.colours[1] in colours(sheet(tmp_path / "s.png", [pair()]))


def test_a_picture_stands_beside_its_mask_which_hides_nothing_outside_of_it(tmp_path):
    rows, columns = np.mgrid[:90, :120]
    image = np.stack([rows, columns, rows + columns], axis=2).astype(np.uint8)

    pixels = np.asarray(sheet(tmp_path / "s.png", [pair()._replace(image=image)])).astype(int)

    top = next(y for y in range(len(pixels)) if np.abs(pixels[y, 30:150] - image[0]).max() <= 1)
    left, right = pixels[top : top + 90, 30:150], pixels[top : top + 90, 154:274]
    far = np.hypot(rows - 45, columns - 60) > 30
    assert np.abs(left - image).max() <= 1
    assert np.abs(right - image)[far].max() <= 3
    assert np.abs(right - image)[~far].mean() > 20


def test_ignored_pixels_are_grey_with_white_lines():
    image = np.zeros((100, 100, 3), np.uint8)
    mask = np.full((100, 100), IGNORE, np.uint8)

    shown = np.asarray(tinted_thumbnail(image, mask, CROPS, 100)).mean(axis=2)

    assert 60 < shown.min() < 120
    assert shown.max() > 150
    assert IGNORED in colours(hatched((16, 16)))


def test_names_that_are_long_or_hostile_stay_in_their_cell(tmp_path):
    legend = [Entry("class", (200, 0, 0), "x" * 400, "1 %"), *LEGEND * 20]

    picture = sheet(tmp_path / "s.png", [pair("a" * 500 + "\x1b\n‮" + "b" * 500)] * 3, legend)

    assert picture.width < 2500


def test_wide_and_high_pictures_share_a_sheet(tmp_path):
    assert sheet(tmp_path / "s.png", [pair(size=(20, 2000)), pair(size=(2000, 20)), pair(size=(1, 1))]).height > 250


def test_the_file_holds_nothing_of_the_pictures_but_their_pixels(tmp_path):
    assert sheet(tmp_path / "s.png", [pair()]).info == {"Software": "maskwright show"}


def test_a_sheet_without_a_pair_is_refused(tmp_path):
    with pytest.raises(ShapeError, match="needs at least one"):
        sheet(tmp_path / "s.png", [])


def test_as_much_is_said_as_fits():
    shares = [f"class {number} 10 %" for number in range(20)]

    assert _as_fits(shares, 10_000) == ", ".join(shares)
    assert _as_fits(shares, 200) == "class 0 10 %, class 1 10 %, ..."
    assert _as_fits(["x" * 500], 200).startswith("xxx")
    assert _as_fits([], 200) == ""
