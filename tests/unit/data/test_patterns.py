"""Patterns of paths mean what they mean to a shell, with ** for any number of folders."""

from pathlib import Path

import pytest

from maskwright.data.patterns import Pattern, is_pattern, split_pattern
from maskwright.data.scan import scan


@pytest.mark.parametrize(
    ("pattern", "path", "meant"),
    [
        ("*.jpg", "a.jpg", True), ("*.jpg", "sub/a.jpg", False), ("*.jpg", "a.png", False),
        ("**/*.jpg", "a.jpg", True), ("**/*.jpg", "x/y/a.jpg", True), ("**/*.jpg", "x/y/a.png", False),
        ("**", "x/a.png", True), ("x/**/b/*", "x/b/a.png", True), ("x/**/b/*", "x/1/2/b/a.png", True),
        ("x/**/b/*", "x/1/2/a.png", False), ("?[0-4]/*", "a3/a.png", True), ("?[0-4]/*", "a5/a.png", False),
        ("set*/images", "set1/images/deep/a.png", True), ("set*/images", "set1/masks/a.png", False),
    ],
)  # fmt: skip
def test_a_path_is_meant_where_it_or_a_folder_above_it_matches(pattern: str, path: str, meant: bool) -> None:
    assert Pattern(tuple(pattern.split("/"))).matches(path) is meant


@pytest.mark.parametrize(
    ("pattern", "folder", "entered"),
    [
        ("*.jpg", "sub", False), ("x/*.jpg", "x", True), ("x/*.jpg", "x/y", False), ("**/*.jpg", "x/y/z", True),
        ("set*/*.jpg", "other", False), ("set*", "set1/deep/deeper", True),
    ],
)  # fmt: skip
def test_a_folder_may_hold_what_is_meant_or_not(pattern: str, folder: str, entered: bool) -> None:
    assert Pattern(tuple(pattern.split("/"))).may_hold(folder) is entered


def test_a_pattern_begins_at_its_first_part_that_is_one() -> None:
    assert split_pattern(("a", "b*", "c")) == (("a",), Pattern(("b*", "c")))
    assert split_pattern(("a", "b")) == (("a", "b"), Pattern(()))
    assert [is_pattern(text) for text in ("a/b.jpg", "a?", "[ab]", "a/*")] == [False, True, True, True]


def test_a_scan_enters_no_folder_that_it_is_told_not_to_enter(tmp_path: Path) -> None:
    for name in ("a.png", "x/b.png", "y/c.png", "y/z/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert scan(tmp_path, enter=lambda folder: folder != "y").pictures == ["a.png", "x/b.png"]
    assert scan(tmp_path, enter=lambda folder: folder != "y/z").pictures == ["a.png", "x/b.png", "y/c.png"]
