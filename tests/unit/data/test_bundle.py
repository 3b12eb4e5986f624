"""Archives side by side, as they were downloaded, are read as if each were unpacked there."""

import io
import shutil
import tarfile
import zipfile

import pytest

from maskwright.data import archive, bundle
from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support import public_sets
from support.picture_folders import make_set


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))


def zipped(source, path, *, below=""):
    """Pack what lies below a folder, under its own name or none."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for item in sorted(source.rglob("*")):
            file.write(item, f"{below}{item.relative_to(source)}")


def tarred(source, path):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        file.add(source, source.name)


def test_the_two_archives_of_pets_are_read(tmp_path):
    made = public_sets.pets(tmp_path / "made")
    for name in ("images", "annotations"):
        tarred(made / name, tmp_path / "set" / f"{name}.tar.gz")

    dataset = read_dataset(tmp_path / "set")

    assert len(dataset) == 24
    assert set(dataset.columns.parts) == {"train", "test"}
    assert dataset.notes[0] == "unpacked annotations.tar.gz, images.tar.gz into the cache"


def test_of_carvana_only_the_archives_with_masks_are_unpacked(tmp_path):
    made = public_sets.carvana(tmp_path / "made", hq=True, test=True)
    for name in ("train", "train_masks", "train_hq", "test"):
        zipped(made / name, tmp_path / "set" / f"{name}.zip", below=f"{name}/")

    dataset = read_dataset(tmp_path / "set")

    assert (len(dataset), dataset.classes.names) == (12, ("background", "car"))
    assert "archives of Carvana that are not needed are left packed: test.zip, train_hq.zip" in dataset.notes


def test_loose_files_go_into_a_folder_of_the_archives_name_and_lists_beside_count(tmp_path):
    made = public_sets.camvid(tmp_path / "made")
    zipped(made / "701_StillsRaw_full", tmp_path / "set" / "701_StillsRaw_full.zip", below="701_StillsRaw_full/")
    zipped(made / "LabeledApproved_full", tmp_path / "set" / "LabeledApproved_full.zip")
    (tmp_path / "set" / "label_colors.txt").write_text(public_sets.CAMVID_COLOURS)

    dataset = read_dataset(tmp_path / "set")

    assert (len(dataset), len(dataset.classes.names)) == (6, 31)
    assert dataset.columns.masks[0] == ("LabeledApproved_full/0001TP_006690_L.png",)
    assert "31 classes from label_colors.txt" in dataset.notes


def test_archives_that_share_a_folder_are_laid_together(tmp_path):
    made = make_set(tmp_path / "made" / "lesions")
    for name in ("images", "masks"):
        zipped(made / name, tmp_path / "set" / f"{name}.zip", below=f"lesions/{name}/")

    assert len(read_dataset(tmp_path / "set")) == 4


def test_two_archives_with_the_same_file_are_an_error(tmp_path):
    made = make_set(tmp_path / "made")
    for name in ("a.zip", "b.zip"):
        zipped(made, tmp_path / "set" / name)

    with pytest.raises(DataError, match="Two archives hold the same file: p0.jpg") as error:
        read_dataset(tmp_path / "set")
    assert "unpack them yourself" in error.value.fix
    assert not list((tmp_path / "cache" / "archives").iterdir())


def test_the_archives_are_unpacked_once_for_their_content(tmp_path, monkeypatch):
    zipped(make_set(tmp_path / "made"), tmp_path / "set" / "a.zip")
    first = read_dataset(tmp_path / "set").root
    monkeypatch.setattr(bundle, "unpack_into", lambda *_: pytest.fail("unpacked twice"))

    assert read_dataset(tmp_path / "set").root == first


def test_a_stated_description_beside_the_archives_counts(tmp_path):
    zipped(make_set(tmp_path / "made"), tmp_path / "set" / "a.zip")
    (tmp_path / "set" / "dataset.yaml").write_text("classes: [rest, pebble]\n")

    assert read_dataset(tmp_path / "set").classes.names == ("rest", "pebble")


def test_an_archive_beside_pictures_is_left_alone(tmp_path):
    folder = make_set(tmp_path / "set")
    zipped(make_set(tmp_path / "made", 7), folder / "old.zip")

    dataset = read_dataset(folder)
    assert (len(dataset), dataset.root) == (4, folder)


def test_an_archive_that_escapes_is_refused_here_too(tmp_path):
    (tmp_path / "set").mkdir()
    with zipfile.ZipFile(tmp_path / "set" / "a.zip", "w") as file:
        file.writestr("../evil.png", b"x")

    with pytest.raises(DataError, match="leads out of it"):
        read_dataset(tmp_path / "set")
    assert not (tmp_path / "evil.png").exists()


def test_a_spreadsheet_is_a_zip_but_no_archive_of_pictures(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("xl/workbook.xml", "<x/>")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "table.xlsx").write_bytes(content.getvalue())

    with pytest.raises(DataError, match="no pictures in the folder"):
        read_dataset(tmp_path / "set")


def test_archives_within_an_archive_are_unpacked_too(tmp_path):
    made = public_sets.carvana(tmp_path / "made")
    for name in ("train", "train_masks"):
        zipped(made / name, tmp_path / "all" / f"{name}.zip", below=f"{name}/")
    zipped(tmp_path / "all", tmp_path / "set" / "carvana-image-masking-challenge.zip")

    assert len(read_dataset(tmp_path / "set" / "carvana-image-masking-challenge.zip")) == 12


def zip_of_zips(folder, files):
    """An archive of archives, each small enough by itself. files: of each inner archive, (name, content)."""
    (folder / "inner").mkdir(parents=True)
    for number in range(4):
        with zipfile.ZipFile(folder / f"inner/{number}.zip", "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in files:
                file.writestr(f"{number}/{name}", content)
    zipped(folder / "inner", folder / "outer.zip")
    return folder / "outer.zip"


def test_archives_within_an_archive_share_one_limit_of_what_they_unfold_to(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MIN_LIMIT", 1_000_000)
    monkeypatch.setattr(archive, "MAX_RATIO", 1)
    path = zip_of_zips(tmp_path / "set", [("a.png", bytes(400_000))])  # 1.6 MB together, and packed nothing

    with pytest.raises(DataError, match="unfolds to far more than its own size"):
        read_dataset(path)
    assert len(list((tmp_path / "cache" / "archives").iterdir())) == 1  # the outer one


def test_archives_within_an_archive_share_one_limit_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_FILES", 10)
    path = zip_of_zips(tmp_path / "set", [(f"{name}.png", b"x") for name in range(3)])

    with pytest.raises(DataError, match="more than 10 files"):
        read_dataset(path)


def test_archives_side_by_side_share_the_limit_of_their_sizes_together(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MIN_LIMIT", 1_000_000)
    monkeypatch.setattr(archive, "MAX_RATIO", 1)
    path = zip_of_zips(tmp_path / "set", [("a.png", bytes(400_000))])

    with pytest.raises(DataError, match="unfolds to far more than its own size"):
        read_dataset(path.parent / "inner")


def test_masks_that_are_still_packed_beside_unpacked_pictures_are_pointed_at(tmp_path):
    folder = public_sets.carvana(tmp_path / "set")
    zipped(folder / "train_masks", folder / "train_masks.zip", below="train_masks/")
    shutil.rmtree(folder / "train_masks")

    with pytest.raises(DataError, match="but no masks") as error:
        read_dataset(folder)
    assert error.value.fix == "unpack train_masks.zip, which may hold them"
