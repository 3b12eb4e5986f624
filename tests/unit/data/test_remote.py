"""Stores are listed and fetched through fsspec, here its store in memory; nothing secret is told."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from maskwright.data import remote
from maskwright.data.patterns import Pattern
from maskwright.data.remote import (
    Store,
    Stored,
    find_stored,
    is_address,
    local_path,
    split_address,
    without_secrets,
)
from maskwright.errors import ConfigError, DataError, MissingDependency

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def store() -> Iterator[Any]:
    """Three objects in a bucket, and one beside it."""
    memory = fsspec.filesystem("memory")
    for name in ("bucket/in/a.jpg", "bucket/in/sub/b.jpg", "bucket/in/notes.txt", "bucket/inner/c.jpg"):
        memory.pipe_file(f"/{name}", name.encode())
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def test_a_folder_is_all_below_it_by_relative_names(store: Any) -> None:
    for address in ("memory://bucket/in", "memory://bucket/in/"):
        found = find_stored(address)
        assert isinstance(found, dict)
        assert set(found) == {"a.jpg", "sub/b.jpg", "notes.txt"}
        assert found["sub/b.jpg"].fetch() == b"bucket/in/sub/b.jpg"
        assert found["sub/b.jpg"].address == "memory://bucket/in/sub/b.jpg"


def test_an_object_is_itself(store: Any) -> None:
    found = find_stored("memory://bucket/in/a.jpg")
    assert isinstance(found, Stored)
    assert (found.name, found.size, found.fetch()) == ("a.jpg", 15, b"bucket/in/a.jpg")


def test_the_version_changes_with_the_content(store: Any) -> None:
    first = find_stored("memory://bucket/in/a.jpg")
    store.pipe_file("/bucket/in/a.jpg", b"bucket/in/A.jpg")
    second = find_stored("memory://bucket/in/a.jpg")
    assert isinstance(first, Stored) and isinstance(second, Stored)
    assert first.version and first.version != second.version


def test_what_is_not_there_or_gone_meanwhile_is_named(store: Any) -> None:
    with pytest.raises(DataError, match="nothing of that name") as caught:
        find_stored("memory://bucket/absent")
    assert caught.value.where == "memory://bucket/absent"
    found = find_stored("memory://bucket/in")
    assert isinstance(found, dict)
    store.rm("/bucket/in/a.jpg")
    with pytest.raises(DataError, match="nothing of that name") as caught:
        found["a.jpg"].fetch()
    assert caught.value.where == "memory://bucket/in/a.jpg"


def test_what_is_too_large_is_not_fetched(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_stored("memory://bucket/in/a.jpg")
    assert isinstance(found, Stored)
    monkeypatch.setattr("maskwright.images.opening.MAX_ENCODED", 14)
    monkeypatch.setattr(remote, "MAX_ENCODED", 14)
    with pytest.raises(DataError, match="more than 14 bytes"):
        found.fetch()
    with pytest.raises(DataError, match="more than 14 bytes"):  # nor where the store does not tell
        Stored(found.store, found.key, None, "").fetch()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError("Access Denied"), "It may not be read."),
        (FileNotFoundError("x"), "There is nothing of that name."),
        (TimeoutError(), "It cannot be fetched (TimeoutError)."),
        (ConnectionError("GET https://me:pw@host/a?X-Amz-Signature=abc"), "ConnectionError: GET https://host/a"),
    ],
)
def test_what_a_store_raises_becomes_an_error_without_secrets(error: OSError, told: str) -> None:
    class Failing:
        def cat_file(self, key: str) -> bytes:
            raise error

    one = Stored(Store("s3", Failing()), "bucket/a.jpg", 3, "1")
    with pytest.raises(DataError) as caught:
        one.fetch()
    assert told in caught.value.what and caught.value.fix
    assert caught.value.where == "s3://bucket/a.jpg"
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert "abc" not in str(caught.value) and "pw" not in str(caught.value)


def test_a_bug_of_ours_keeps_its_traceback() -> None:
    class Broken:
        def cat_file(self, key: str) -> bytes:
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        Stored(Store("s3", Broken()), "bucket/a.jpg", 3, "1").fetch()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pw@host/a.jpg?sig=1", "https://host/a.jpg"), ("http://token@host/a", "http://host/a"),
        ("s3://key:secret@bucket/a", "s3://bucket/a"), ("sftp://me@host/a", "sftp://host/a"),
        ("abfs://container@account.dfs.core.windows.net/a", "abfs://container@account.dfs.core.windows.net/a"),
        ("s3://bucket/what?.jpg", "s3://bucket/what?.jpg"),
    ],
)  # fmt: skip
def test_users_passwords_and_signatures_are_taken_out(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert without_secrets(f"failed: {text} (twice)") == f"failed: {shown} (twice)"


def test_addresses_are_told_from_paths() -> None:
    assert [is_address(text) for text in ("s3://b/k", "https://h/a", "a/b", "C:/a", "C:\\a")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert local_path("file:///data/a%20b.jpg") == "/data/a b.jpg"
    assert local_path("file://localhost/a") == "/a"
    assert local_path("file://elsewhere/a") is None and local_path("s3://b/a") is None


def test_a_pattern_begins_below_its_bucket_and_the_web_has_none() -> None:
    assert split_address("s3://b/in/**/*.jpg") == ("s3://b/in", Pattern(("**", "*.jpg")))
    assert split_address("s3://b/in/") == ("s3://b/in/", None)
    assert split_address("https://host/a.jpg?x=*") == ("https://host/a.jpg?x=*", None)
    with pytest.raises(DataError, match="must begin with a bucket"):
        split_address("s3://*/a.jpg")


def test_what_cannot_be_read_from_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="Nothing can be read from nowhere://"):
        find_stored("nowhere://a/b")
    with pytest.raises(DataError, match="web server cannot be listed"):
        find_stored("https://host/folder/")
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingDependency) as caught:
        find_stored("gs://bucket/a.jpg")
    assert caught.value.fix == "pip install 'maskwright[remote]'"
