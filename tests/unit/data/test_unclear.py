import pytest

from maskwright.audit.check import check_dataset
from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support.picture_folders import disc, make_set, photo, save


@pytest.fixture
def folder(tmp_path):
    return make_set(tmp_path, 8, image="images/{}.png")


def two_pictures(folder):
    save(folder / "images" / "p3.bmp", photo(30))


def two_masks(folder):
    save(folder / "masks" / "p3.gif", disc(30))


def two_masks_in_folders(folder):
    save(folder / "masks" / "new" / "p3.png", disc(30))


@pytest.mark.parametrize(
    ("muddle", "images", "masks"),
    [
        (two_pictures, ["images/p3.bmp", "images/p3.png"], ["masks/p3.png"]),
        (two_masks, ["images/p3.png"], ["masks/p3.gif", "masks/p3.png"]),
        (two_masks_in_folders, ["images/p3.png"], ["masks/new/p3.png", "masks/p3.png"]),
    ],
)
def test_what_is_not_clear_is_set_aside_where_that_is_asked_for(folder, muddle, images, masks):
    muddle(folder)

    dataset = read_dataset(folder, tolerant=True)

    (unclear,) = dataset.leftovers.unclear
    assert (sorted(unclear.images), sorted(unclear.masks)) == (images, masks)
    assert dataset.columns.ids == ("p0", "p1", "p2", "p4", "p5", "p6", "p7")
    assert (dataset.leftovers.images, dataset.leftovers.masks) == ((), ())


@pytest.mark.parametrize("muddle", [two_pictures, two_masks, two_masks_in_folders])
def test_a_training_still_refuses_what_is_not_clear(folder, muddle):
    muddle(folder)

    with pytest.raises(DataError, match=r"not clear which|Several folders"):
        read_dataset(folder)


@pytest.mark.parametrize("muddle", [two_pictures, two_masks, two_masks_in_folders])
def test_a_check_names_the_files_that_are_not_clear_and_checks_the_others(folder, muddle):
    muddle(folder)
    (folder / "images" / "p5.png").write_text("no picture")

    report = check_dataset(folder)

    assert [(f.level, f.kind, f.sample) for f in report.findings] == [
        ("error", "unreadable", "p5"), ("error", "ambiguous-pair", "p3"),
    ]  # fmt: skip
    assert "p3" in report.findings[1].what
    assert "masks/p3.png" in report.findings[1].evidence["masks"]


def test_a_set_that_is_a_muddle_throughout_stays_an_error(folder):
    for i in range(8):
        save(folder / "masks" / "new" / f"p{i}.png", disc(i + 20))

    with pytest.raises(DataError, match="Several folders hold masks"):
        read_dataset(folder, tolerant=True)


def test_pictures_in_two_folders_for_the_same_masks_stay_an_error(folder):
    for i in range(8):
        save(folder / "pictures" / f"p{i}.png", photo(i + 20))

    with pytest.raises(DataError, match="Several folders hold pictures"):
        read_dataset(folder, tolerant=True)


def test_one_file_an_object_is_clear(tmp_path):
    make_set(tmp_path, 6, image="images/{}.png", mask="masks/{}_1.png")
    for i in range(5):
        save(tmp_path / "masks" / f"p{i}_2.png", disc(i + 20))

    dataset = read_dataset(tmp_path, tolerant=True)

    assert dataset.encoding.kind == "objects"
    assert dataset.leftovers.unclear == ()


def test_a_folder_whose_files_are_all_unreadable_is_checked_file_by_file(folder):
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")

    report = check_dataset(folder)

    assert {(f.level, f.kind) for f in report.findings} == {("error", "unreadable")}
    assert len(report.findings) == 16
