import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import zipfile

import pytest

from maskwright.data import archive
from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support.picture_folders import make_set


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))


def zipped(folder, path, top=""):
    with zipfile.ZipFile(path, "w") as file:
        for item in sorted(folder.rglob("*")):
            file.write(item, top + str(item.relative_to(folder)))
    return path


def tar_of(path, *members):
    with tarfile.open(path, "w:gz") as file:
        for member, content in members:
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("top", ["", "some-set-1.0/"])
def test_a_zip_archive_is_read_like_its_folder(tmp_path, top):
    path = zipped(make_set(tmp_path / "set"), tmp_path / "set.zip", top)

    dataset = read_dataset(path)

    assert [s.id for s in dataset] == ["p0", "p1", "p2", "p3"]
    assert dataset.read_mask(0).any()


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz", "tar.xz"])
def test_a_tar_archive_is_read_like_its_folder(tmp_path, ending):
    folder = make_set(tmp_path / "set")
    mode = {"tar": "w", "tar.gz": "w:gz", "tgz": "w:gz", "tar.xz": "w:xz"}[ending]
    with tarfile.open(tmp_path / f"set.{ending}", mode) as file:
        file.add(folder, "set")

    assert len(read_dataset(tmp_path / f"set.{ending}")) == 4


def test_an_archive_is_unpacked_once_for_its_content(tmp_path, monkeypatch):
    path = zipped(make_set(tmp_path / "set"), tmp_path / "set.zip")
    first = read_dataset(path).root
    path.rename(tmp_path / "other.zip")
    monkeypatch.setattr(archive, "unpack_into", lambda *_: pytest.fail("unpacked twice"))

    assert read_dataset(tmp_path / "other.zip").root == first


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a/../../out.png", "..\\out.png", "C:/out.png"])
def test_a_path_that_leads_out_is_an_error_and_nothing_is_written(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        file.writestr(name, b"x")

    with pytest.raises(DataError, match="leads out of it"):
        read_dataset(tmp_path / "bad.zip")

    assert not list(tmp_path.rglob("out.png"))
    assert not list((tmp_path / "cache" / "archives").iterdir())


def test_links_and_devices_in_a_tar_archive_are_left_out_and_counted(tmp_path):
    folder = make_set(tmp_path / "set")
    with tarfile.open(tmp_path / "set.tar", "w") as file:
        file.add(folder, ".")
        link = tarfile.TarInfo("images/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
        device = tarfile.TarInfo("images/device.jpg")
        device.type = tarfile.CHRTYPE
        file.addfile(device)

    dataset = read_dataset(tmp_path / "set.tar")

    assert len(dataset) == 4
    assert "2 links or devices in the archive were left out" in dataset.notes


def test_links_in_a_zip_archive_are_left_out(tmp_path):
    path = zipped(make_set(tmp_path / "set"), tmp_path / "set.zip")
    with zipfile.ZipFile(path, "a") as file:
        info = zipfile.ZipInfo("images/link.jpg")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")

    assert "1 links or devices in the archive were left out" in read_dataset(path).notes


def test_a_bomb_is_stopped_by_what_it_unfolds_to(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MIN_LIMIT", 1_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images/1.bmp", bytes(40_000_000))

    with pytest.raises(DataError, match="unfolds to far more than its own size"):
        read_dataset(tmp_path / "bomb.zip")

    assert not list((tmp_path / "cache" / "archives").iterdir())


def test_too_many_files_are_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    path = zipped(make_set(tmp_path / "set"), tmp_path / "set.zip")

    with pytest.raises(DataError, match="more than 3 files"):
        read_dataset(path)


def test_a_name_twice_is_an_error(tmp_path):
    path = tar_of(tmp_path / "x.tar.gz", (tarfile.TarInfo("a.png"), b"1"), (tarfile.TarInfo("a.png"), b"2"))

    with pytest.raises(DataError, match="holds a name twice: a.png"):
        read_dataset(path)


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.tar"])
def test_a_damaged_archive_is_an_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04 this is no archive" * 30)

    with pytest.raises(DataError, match="damaged, encrypted or of an unknown kind"):
        read_dataset(tmp_path / name)


def test_a_zip_whose_name_says_utf8_and_is_not_is_an_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("caf\u00e9.png", b"x")
    content = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "x.zip").write_bytes(content.replace("\u00e9".encode(), b"\xff\xff"))

    with pytest.raises(DataError, match="damaged"):
        read_dataset(tmp_path / "x.zip")
    assert not list((tmp_path / "cache" / "archives").iterdir())


def test_a_truncated_archive_is_an_error_and_leaves_nothing(tmp_path):
    folder = make_set(tmp_path / "set")
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as file:
        file.add(folder, "set")
    whole = (tmp_path / "set.tar.gz").read_bytes()
    (tmp_path / "set.tar.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DataError, match="damaged"):
        read_dataset(tmp_path / "set.tar.gz")

    assert not list((tmp_path / "cache" / "archives").iterdir())


def test_a_file_where_a_folder_is_needed_is_an_error(tmp_path):
    path = tar_of(tmp_path / "x.tar.gz", (tarfile.TarInfo("a"), b"1"), (tarfile.TarInfo("a/b.png"), b"2"))

    with pytest.raises(DataError):
        read_dataset(path)


def test_an_unwritable_cache_is_an_error_that_names_it(tmp_path, monkeypatch):
    path = zipped(make_set(tmp_path / "set"), tmp_path / "set.zip")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MASKWRIGHT_CACHE", os.fspath(tmp_path / "file"))

    with pytest.raises(OSError, match="Cannot write"):
        read_dataset(path)


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.bz2", "tar.xz"])
@pytest.mark.parametrize("fault", ["short", "header", "sum"])
def test_a_tar_archive_that_is_cut_off_or_damaged_anywhere_is_an_error(tmp_path, ending, fault):
    folder = make_set(tmp_path / "set", 8)
    with tarfile.open(tmp_path / "whole.tar", "w") as file:
        file.add(folder, "set")
        last = file.getmembers()[-1]
    whole = (tmp_path / "whole.tar").read_bytes()
    if fault == "short":
        whole = whole[: last.offset]
    if fault == "header":
        whole = whole[: last.offset] + b"\1" + whole[last.offset + 1 :]
    pack = {"tar": bytes, "tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}[ending](whole)
    if fault == "sum":
        pack = pack[:-6] + bytes(byte ^ 255 for byte in pack[-6:-2]) + pack[-2:] if ending != "tar" else pack[:9000]
    (tmp_path / f"set.{ending}").write_bytes(pack)

    with pytest.raises(DataError, match="damaged"):
        read_dataset(tmp_path / f"set.{ending}")


def test_an_archive_made_by_tar_itself_is_whole(tmp_path):
    make_set(tmp_path / "set")
    subprocess.run(["tar", "cf", "set.tar", "set"], cwd=tmp_path, check=True)

    assert len(read_dataset(tmp_path / "set.tar")) == 4
