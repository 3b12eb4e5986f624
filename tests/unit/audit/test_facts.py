import threading
from contextlib import ExitStack

import pytest
from PIL import Image

from maskwright.audit import facts
from maskwright.audit.facts import look_at_pair, picture_facts
from maskwright.data.read import read_dataset
from maskwright.errors import MissingDependency
from support.picture_folders import make_set, photo, save

TAKEN = 36867


def exif(time):
    made = Image.Exif()
    made[0x0112] = 1
    made.get_ifd(0x8769)[TAKEN] = time
    return made


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_the_time_of_the_photograph_is_taken_from_exif(tmp_path, name):
    path = save(tmp_path / name, photo(), exif=exif("2021:03:04 05:06:07"))

    assert picture_facts(path)[0].taken == "2021:03:04 05:06:07"


@pytest.mark.parametrize("time", ["", "0000:00:00 00:00:00", "<b>now</b>", "2021-03-04"])
def test_what_is_no_time_is_none(tmp_path, time):
    path = save(tmp_path / "a.jpg", photo(), exif=exif(time))

    assert picture_facts(path)[0].taken == ""


def test_every_file_is_opened_once(tmp_path, monkeypatch):
    dataset = read_dataset(make_set(tmp_path, 4))
    opened = []
    opening = facts.open_picture
    monkeypatch.setattr(facts, "open_picture", lambda path: opened.append(path.name) or opening(path))
    monkeypatch.setattr("maskwright.data.maskfiles.open_picture", lambda path: opened.append("again"))

    look_at_pair(dataset, 1)

    assert opened == ["p1.jpg", "p1.png"]


def test_a_picture_without_a_mask_is_looked_at(tmp_path):
    save(tmp_path / "a.png", photo())
    dataset = read_dataset(tmp_path, require_masks=False)

    pair = look_at_pair(dataset, 0)

    assert pair.picture.digest
    assert pair.mask.paths == ()


def test_a_missing_package_is_an_error_of_its_file_only(tmp_path, monkeypatch):
    dataset = read_dataset(make_set(tmp_path, 4))

    def missing(self, at_least=None):
        raise MissingDependency("Reading a.tif needs tifffile.", fix="pip install 'maskwright[geo]'")

    monkeypatch.setattr("maskwright.images.formats.OpenPicture.pixels", missing)
    pair = look_at_pair(dataset, 0)

    assert "needs tifffile" in pair.picture.error.what
    assert pair.picture.error.fix == "pip install 'maskwright[geo]'"
    assert pair.mask.counts


def test_of_large_pictures_no_two_are_in_memory_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "_LARGE", 100)
    path = save(tmp_path / "a.png", photo())
    done = threading.Event()
    other = threading.Thread(target=lambda: (picture_facts(path, ExitStack().__enter__()), done.set()), daemon=True)

    with ExitStack() as held:
        picture_facts(path, held)
        other.start()
        assert not done.wait(0.2)

    assert done.wait(10)
