"""Hashes are of contents; unchanged files are not read twice."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from maskwright.data import hashing
from maskwright.data.hashing import hash_files
from maskwright.errors import DataError

LONG_AGO = time.time() - 3600


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(path: Path, content: bytes, changed: float = LONG_AGO) -> Path:
    path.write_bytes(content)
    os.utime(path, (changed, changed))
    return path


def test_hashes_are_sha256_of_the_content_in_order(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a", b"one"), write(tmp_path / "b", b"two")]
    assert hash_files([paths[1], paths[0]]) == [hashlib.sha256(b"two").hexdigest(), hashlib.sha256(b"one").hexdigest()]


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a", b"one")
    first = hash_files([path])
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert hash_files([path]) == first


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"one")
    first = hash_files([path])
    write(path, b"two", LONG_AGO + 1)  # as long as before
    assert hash_files([path]) != first


def test_a_replaced_file_of_the_same_age_and_size_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"one")
    first = hash_files([path])
    os.replace(write(tmp_path / "b", b"two"), path)
    assert hash_files([path]) != first


def test_a_file_changed_just_now_is_not_remembered(tmp_path: Path, own_cache: Path) -> None:
    hash_files([write(tmp_path / "a", b"one", time.time())])
    assert not list(own_cache.rglob("*.json"))


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"schema_version": 1}', b'{"schema_version": 99}'])
def test_a_damaged_cache_is_forgotten(tmp_path: Path, own_cache: Path, damage: bytes) -> None:
    path = write(tmp_path / "a", b"one")
    first = hash_files([path])
    next(own_cache.rglob("*.json")).write_bytes(damage)
    assert hash_files([path]) == first


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(write(tmp_path / "file", b"")))
    assert hash_files([write(tmp_path / "a", b"one")]) == [hashlib.sha256(b"one").hexdigest()]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file") as caught:
        hash_files([tmp_path / "gone"])
    assert caught.value.where == str(tmp_path / "gone")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    with pytest.raises(DataError, match="a named pipe"):
        hash_files([tmp_path / "a"])


def test_the_cache_belongs_to_the_folder_it_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"one")
    hash_files([path])
    assert hashing._cache_file(tmp_path).is_file()
