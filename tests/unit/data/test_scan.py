import os
import sys

import pytest

from maskwright.data.scan import scan
from maskwright.errors import DataError
from support.picture_folders import photo, save

unix = pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")


def test_pictures_are_listed_by_suffix_and_others_apart(tmp_path):
    save(tmp_path / "a" / "1.JPG", photo())
    save(tmp_path / "2.tiff", photo())
    (tmp_path / "README.txt").write_text("read me")

    listing = scan(tmp_path)

    assert listing.pictures == ["2.tiff", "a/1.JPG"]
    assert listing.others == ["README.txt"]


def test_a_picture_without_a_suffix_is_known_by_its_first_bytes(tmp_path):
    save(tmp_path / "1.png", photo()).rename(tmp_path / "1")
    (tmp_path / "notes").write_text("no picture")

    assert scan(tmp_path).pictures == ["1"]


def test_what_computers_leave_behind_is_passed_over(tmp_path):
    for name in (".DS_Store", "Thumbs.db", "._1.jpg", "__MACOSX/1.jpg", ".git/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    listing = scan(tmp_path)

    assert (listing.pictures, listing.others) == ([], [])


@unix
def test_links_that_lead_round_in_circles_are_entered_once(tmp_path):
    save(tmp_path / "images" / "1.png", photo())
    (tmp_path / "images" / "again").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone").symlink_to("nowhere")

    listing = scan(tmp_path)

    assert listing.pictures == ["images/1.png"]
    assert {path for path, _ in listing.problems} == {"self", "gone"}


@unix
def test_a_linked_folder_is_followed(tmp_path):
    save(tmp_path / "elsewhere" / "1.png", photo())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images").symlink_to(tmp_path / "elsewhere")

    assert scan(tmp_path / "data").pictures == ["images/1.png"]


@unix
def test_a_named_pipe_is_listed_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "1.png")
    os.mkfifo(tmp_path / "pipe")

    what = "is a pipe, socket or device"
    assert scan(tmp_path).problems == [("1.png", what), ("pipe", what)]


@unix
def test_names_with_newlines_quotes_and_broken_bytes_are_kept(tmp_path):
    for name in (b"a\nb.png", b"'\"<b>.png", b"\xff\xfe.png"):
        save(tmp_path / "1.png", photo()).rename(tmp_path / os.fsdecode(name))

    assert sorted(map(os.fsencode, scan(tmp_path).pictures)) == [b"'\"<b>.png", b"a\nb.png", b"\xff\xfe.png"]


@unix
def test_a_folder_that_may_not_be_entered_is_a_problem_and_no_end(tmp_path, monkeypatch):
    save(tmp_path / "images" / "1.png", photo())
    (tmp_path / "closed").mkdir()
    enter = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return enter(path)

    monkeypatch.setattr(os, "scandir", refuse)

    listing = scan(tmp_path)

    assert listing.pictures == ["images/1.png"]
    assert listing.problems == [("closed", "cannot be entered: Permission denied")]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        scan(tmp_path / "none")
