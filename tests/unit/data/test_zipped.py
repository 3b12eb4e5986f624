"""A zip archive is read file by file; nothing is written, and a hostile one does no harm."""

import os
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from maskwright.data import zipped
from maskwright.data.archive import Budget
from maskwright.data.zipped import Zipped
from maskwright.errors import DataError


def pack(path: Path, files: dict[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def names(path: Path) -> list[str]:
    with closing(Zipped(path)) as archive:
        return [name for name, _ in archive.files()]


def test_each_file_is_read_whole_in_any_thread(tmp_path: Path) -> None:
    files = {f"{number}.bin": os.urandom(5000 + number) for number in range(40)}
    with closing(Zipped(pack(tmp_path / "a.zip", files))) as archive, ThreadPoolExecutor(8) as pool:
        entries = archive.files()
        contents = pool.map(lambda one: archive.read(one[1]), entries)
        assert dict(zip((name for name, _ in entries), contents, strict=True)) == files


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        (("a.png", "x/b.png"), ["a.png", "x/b.png"]),
        (("top/a.png", "top/x/b.png"), ["a.png", "x/b.png"]),
        (("top/in/a.png", "top/in/b.png", "__MACOSX/top/._a.png", ".DS_Store"), ["a.png", "b.png"]),
        (("top/a.png", "README"), ["top/a.png", "README"]),
        (("x\\a.png", "y/b.png"), ["x/a.png", "y/b.png"]),
        ((), []),
    ],
)
def test_paths_begin_below_the_only_folder_and_hidden_files_are_left_out(
    tmp_path: Path, files: tuple[str, ...], seen: list[str]
) -> None:
    assert names(pack(tmp_path / "a.zip", dict.fromkeys(files, b"x"))) == seen


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "x/../../a.png", "C:/a.png"])
def test_a_path_that_escapes_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads out of it"):
        names(pack(tmp_path / "a.zip", {"good.png": b"x", name: b"x"}))


def test_links_are_left_out(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.png", b"x")
    assert names(tmp_path / "a.zip") == ["a.png"]


def test_what_unfolds_beyond_the_limits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.zip", {"a.png": bytes(300), "b.png": bytes(300), "c.png": bytes(300)})
    monkeypatch.setattr(Budget, "of", classmethod(lambda cls, size: cls(700, 10)))
    with closing(Zipped(path)) as archive:
        (_, first), (_, second), (_, third) = archive.files()
        assert len(archive.read(first)) == len(archive.read(second)) == 300
        with pytest.raises(DataError, match="far more than its own size"):
            archive.read(third)
    monkeypatch.setattr(zipped, "MAX_ENCODED", 200)
    monkeypatch.setattr("maskwright.images.opening.MAX_ENCODED", 200)
    with closing(Zipped(path)) as archive, pytest.raises(DataError, match="more than 200 bytes"):
        archive.read(archive.files()[0][1])
    monkeypatch.setattr(zipped, "MAX_FILES", 2)
    with pytest.raises(DataError, match="more than 2 files"):
        names(path)


def test_one_damaged_file_leaves_the_others_readable(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.png": b"A" * 64, "b.png": b"B" * 64}, compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"A" * 64, b"A" * 63 + b"?"))
    with closing(Zipped(path)) as archive:
        (_, first), (_, second) = archive.files()
        assert archive.read(second) == b"B" * 64
        with pytest.raises(DataError, match="damaged") as caught:
            archive.read(first)
    assert caught.value.where.endswith("a.zip/a.png")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"no archive"])
def test_what_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="damaged, encrypted or of an unknown kind"), warnings.catch_warnings():
        Zipped(tmp_path / "a.zip")
    with pytest.raises(DataError, match="No such file"):
        Zipped(tmp_path / "absent.zip")
