"""`show`: which pairs are chosen, what is said of them, and where the sheet may go."""

import random
import zipfile

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import ConfigError, DataError, OutputError
from maskwright.images.classes import Classes
from maskwright.recipe import DataOptions
from maskwright.runs.showing import choose, show
from support.picture_folders import disc, make_set, photo, save

THINGS = Classes(("ground", "road", "tree"))


def counts(*rows):
    return [np.array(row, np.int64) for row in rows]


def chosen(rows, number, classes=THINGS, seed=0):
    return choose(counts(*rows), classes, number, random.Random(seed))


def disc_or_nothing(seed, size):
    return disc(seed, size, radius=0 if seed == 2 else 2 + seed % 6) * (seed != 2)


@pytest.fixture
def data(tmp_path):
    return make_set(tmp_path / "stones", 30, draw=disc_or_nothing)


def test_all_pairs_are_shown_where_they_are_few():
    assert chosen([(5, 5, 0), (9, 1, 0), (0, 0, 10)], 12) == [1, 0, 2]


def test_an_empty_mask_the_fullest_and_the_one_with_most_classes_are_among_them():
    rows = [(80, 20, 0)] * 40 + [(100, 0, 0), (5, 95, 0), (70, 20, 10)]

    assert {40, 41, 42} <= set(chosen(rows, 6))


def test_a_rare_class_is_shown_where_it_is_largest():
    rows = [(80, 20, 0)] * 40 + [(99, 0, 1), (90, 0, 10)]

    assert 41 in chosen(rows, 4)


def test_the_rest_is_spread_from_little_to_much_foreground():
    rows = [(100 - share, share, 0) for share in range(1, 100)]

    shares = [rows[at][1] for at in chosen(rows, 10)]

    assert shares == sorted(shares)
    assert all(any(low <= share < low + 25 for share in shares) for low in (0, 25, 50, 74))


def test_another_seed_shows_others_and_the_same_seed_the_same():
    rows = [(100 - share, share, 0) for share in range(1, 100)]

    assert chosen(rows, 8, seed=1) == chosen(rows, 8, seed=1)
    assert chosen(rows, 8, seed=1) != chosen(rows, 8, seed=2)


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_as_many_are_chosen_as_were_asked_for(number):
    rows = [(50, share, share % 3) for share in range(40)]

    assert len(set(chosen(rows, number))) == number


def test_of_overlapping_classes_the_first_is_no_background():
    rows = [(0, 10)] * 20 + [(10, 0), (0, 0)]

    assert {20, 21} <= set(chosen(rows, 5, Classes(("cell", "nucleus"), exclusive=False)))


def test_the_sheet_and_the_shares_are_returned(data, tmp_path):
    result = show(data, tmp_path / "sheet.png", number=6)

    assert result.sheet == tmp_path / "sheet.png"
    assert (result.pairs, result.looked_at, len(result.shown)) == (30, 30, 6)
    assert [one.name for one in result.classes] == ["background", "foreground"]
    assert sum(one.pixels for one in result.classes) == pytest.approx(1)
    assert result.classes[1].masks == pytest.approx(29 / 30)
    assert {} in [dict(one.shares) for one in result.shown]
    with Image.open(result.sheet) as sheet:
        assert sheet.format == "PNG"


def test_without_a_place_it_goes_into_the_current_folder_under_the_sets_name(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert str(show("stones").sheet) == "stones-sheet.png"
    assert show(data, tmp_path).sheet == tmp_path / "stones-sheet.png"
    with zipfile.ZipFile(tmp_path / "some.stones.zip", "w") as archive:
        for path in data.rglob("*.*"):
            archive.write(path, path.relative_to(data))
    assert str(show(tmp_path / "some.stones.zip").sheet) == "some.stones-sheet.png"


def test_a_sheet_is_made_anew_but_another_file_is_never_replaced(data, tmp_path):
    show(data, tmp_path / "sheet.png")
    show(data, tmp_path / "sheet.png", seed=3)
    mine = save(tmp_path / "mine.png", photo())
    before = mine.read_bytes()

    with pytest.raises(OutputError, match="no sheet of pairs") as error:
        show(data, mine)

    assert error.value.fix == "choose another -o"
    assert mine.read_bytes() == before


@pytest.mark.parametrize("place", ["sheet.png", "images/sheet.png", ""])
def test_a_sheet_inside_the_data_is_refused_since_it_would_become_data(data, place):
    with pytest.raises(OutputError, match="inside the data"):
        show(data, data / place)


def test_a_sheet_is_a_png(data, tmp_path):
    with pytest.raises(ConfigError, match="A sheet is a PNG, not '.jpg'") as error:
        show(data, tmp_path / "sheet.jpg")
    assert error.value.fix == "-o sheet.png"


def test_only_the_pictures_of_a_part(tmp_path):
    for part, number in (("train", 6), ("test", 3)):
        make_set(tmp_path / "set", number, image=f"{part}/images/{{}}.jpg", mask=f"{part}/masks/{{}}.png",
                 names=f"{part}{{}}")  # fmt: skip

    result = show(tmp_path / "set", tmp_path / "sheet.png", part="test")

    assert result.pairs == 3
    assert {one.part for one in result.shown} == {"test"}
    with pytest.raises(DataError, match="no official part 'val'") as error:
        show(tmp_path / "set", tmp_path / "sheet.png", part="val")
    assert error.value.fix == "it has test, train"


def test_a_part_of_a_set_without_parts_is_an_error_that_says_when_they_are_drawn(data, tmp_path):
    with pytest.raises(DataError, match="no official part 'test'") as error:
        show(data, tmp_path / "sheet.png", part="test")
    assert "drawn when a training begins" in error.value.fix


def test_pairs_that_cannot_be_read_are_passed_over(data, tmp_path):
    (data / "images/p3.jpg").write_bytes(b"nothing")
    (data / "masks/p4.png").write_bytes((data / "masks/p4.png").read_bytes()[:40])

    result = show(data, tmp_path / "sheet.png", number=30)

    assert result.looked_at == 28
    assert not {"p3", "p4"} & {one.id for one in result.shown}


@pytest.mark.parametrize("file", ["masks/p0.png", "images/p0.jpg"])
def test_a_first_pair_that_cannot_be_read_is_no_reason_to_stop(data, tmp_path, file):
    (data / file).write_bytes(b"nothing")

    assert show(data, tmp_path / "sheet.png").looked_at == 29


def test_a_picture_that_turns_out_to_be_cut_off_is_replaced_by_another(data, tmp_path):
    before = [one.id for one in show(data, tmp_path / "sheet.png", number=5).shown]
    for name in before[:3]:
        path = data / f"images/{name}.jpg"
        path.write_bytes(path.read_bytes()[:-50])  # its head says nothing of that

    result = show(data, tmp_path / "sheet.png", number=5)

    assert len(result.shown) == 5
    assert not set(before[:3]) & {one.id for one in result.shown}


def test_pairs_that_were_passed_over_are_named_with_the_reason(data, tmp_path):
    (data / "images/p3.jpg").write_bytes((data / "images/p3.jpg").read_bytes()[:-50])
    (data / "masks/p4.png").write_bytes(b"nothing")

    failures = show(data, tmp_path / "sheet.png", number=30).to_json()["failures"]

    assert [one["id"] for one in failures] == ["p3", "p4"]
    assert failures[0]["error"]["where"].endswith("p3.jpg")
    assert failures[1]["error"]["where"].endswith("p4.png")


def test_where_no_pair_can_be_read_the_first_error_is_told(tmp_path):
    data = make_set(tmp_path / "set", 4)
    for path in (data / "images").iterdir():
        path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(DataError) as error:
        show(data, tmp_path / "sheet.png")
    assert error.value.where.endswith("p0.jpg")
    assert not (tmp_path / "sheet.png").exists()


def test_ignored_pixels_count_in_no_share(tmp_path):
    def half(seed, size):
        mask = np.zeros(size, np.uint8)
        mask[:, : size[1] // 2] = 255
        mask[:, -size[1] // 4 :] = 128
        return mask

    data = make_set(tmp_path / "set", 4, draw=half, size=(24, 32))
    options = DataOptions(values={"ground": 0, "stone": 255, "ignore": 128})

    result = show(data, tmp_path / "sheet.png", options=options)

    assert result.classes[1].pixels == pytest.approx(2 / 3)
    assert result.shown[0].ignored == pytest.approx(0.25)


def test_a_number_that_no_sheet_holds_is_refused(data, tmp_path):
    with pytest.raises(ConfigError, match="1 to 200 pairs, not 0"):
        show(data, tmp_path / "sheet.png", number=0)
