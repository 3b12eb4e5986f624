import numpy as np
import pytest
from PIL import Image

from maskwright.errors import OutputError, ShapeError
from maskwright.report.pixels import EXTRA, MISSED
from maskwright.report.sheet import SheetRow, row_dice, write_sheet
from support.report_facts import CROPS, LESION, disc


def row(name="p0", size=(90, 120), truth=True):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    return (name, image, disc(size, 45, 60, 25) if truth else None, disc(size, 55, 60, 25))


def opened(path):
    with Image.open(path) as picture:
        picture.load()
    return picture


def colours(path):
    pixels = np.asarray(opened(path)).reshape(-1, 3)
    return {tuple(colour) for colour in pixels.tolist()}


def test_a_sheet_is_a_png_with_a_row_a_picture(tmp_path):
    write_sheet(tmp_path / "one.png", [row()], LESION)
    write_sheet(tmp_path / "three.png", [row("a"), row("b"), row("c")], LESION)
    one, three = (opened(tmp_path / name) for name in ("one.png", "three.png"))
    assert (one.format, one.mode) == ("PNG", "RGB")
    assert one.width == three.width
    assert three.height - one.height == 2 * (90 + 48)
    assert one.getpixel((1, 1)) == (255, 255, 255)


def test_missed_and_extra_stand_in_the_legend(tmp_path):
    write_sheet(tmp_path / "s.png", [row()], LESION)
    assert {MISSED, EXTRA, LESION.colours[1]} <= colours(tmp_path / "s.png")


def test_without_any_truth_there_are_two_columns_and_no_legend_of_errors(tmp_path):
    write_sheet(tmp_path / "with.png", [row()], LESION)
    write_sheet(tmp_path / "without.png", [row(truth=False)], LESION)
    assert opened(tmp_path / "without.png").width < opened(tmp_path / "with.png").width
    assert MISSED not in colours(tmp_path / "without.png")


def test_rows_with_and_without_truth_share_a_sheet(tmp_path):
    write_sheet(tmp_path / "s.png", [row("a"), row("b", truth=False)], LESION)
    assert opened(tmp_path / "s.png").height > 0


def test_masks_of_another_size_and_pictures_of_other_kinds_are_drawn(tmp_path):
    grey16 = np.random.default_rng(0).integers(0, 60000, (700, 500, 1), dtype=np.uint16)
    truth = np.random.default_rng(1).integers(0, 3, (70, 50), dtype=np.uint8)
    truth[:5] = 255
    write_sheet(tmp_path / "s.png", [SheetRow("x", grey16, truth, np.zeros((35, 25), np.uint8))], CROPS, title="T")
    assert opened(tmp_path / "s.png").width < 1400


@pytest.mark.parametrize("name", ["a" * 500, "", "line\nbreak\x00\x1b[31m", "名前.png", "ärger"])
def test_no_name_breaks_the_sheet(tmp_path, name):
    write_sheet(tmp_path / "s.png", [row(name)], LESION, title=name)
    write_sheet(tmp_path / "plain.png", [row("p0")], LESION)
    assert opened(tmp_path / "s.png").width == opened(tmp_path / "plain.png").width


def test_many_classes_wrap_their_legend(tmp_path):
    from maskwright.images.classes import Classes

    classes = Classes(tuple(f"a class with a long name {k}" for k in range(30)))
    write_sheet(tmp_path / "s.png", [row()], classes)
    assert opened(tmp_path / "s.png").height > 400


def test_rows_are_taken_one_at_a_time(tmp_path):
    def rows():
        yield row("a")
        yield row("b")

    write_sheet(tmp_path / "s.png", rows(), LESION)
    assert (tmp_path / "s.png").exists()


def test_the_dice_of_a_row_is_counted_on_the_grid_of_the_truth():
    truth = np.zeros((40, 40), np.uint8)
    truth[:20] = 1
    assert row_dice(truth, np.array([[1, 1], [0, 0]], np.uint8), LESION) == 1
    assert row_dice(truth, np.array([[1, 0], [0, 0]], np.uint8), LESION) == 2 / 3
    assert row_dice(np.full((4, 4), 255, np.uint8), truth, LESION) is None


def test_a_sheet_of_nothing_is_an_error(tmp_path):
    with pytest.raises(ShapeError, match="at least one picture"):
        write_sheet(tmp_path / "s.png", [], LESION)


def test_where_no_sheet_can_be_written_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError) as error:
        write_sheet(tmp_path / "file" / "s.png", [row()], LESION)
    assert "a file stands where a folder is needed" in error.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
