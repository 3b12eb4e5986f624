import os
from dataclasses import fields

import numpy as np
import pytest

from maskwright.audit.check import check_dataset
from maskwright.audit.facts import look_at_pair
from maskwright.audit.reading import read_facts
from maskwright.data.read import read_dataset
from support.picture_folders import disc, make_set, photo, save

SIZE = (24, 32)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A cache of its own for each test."""
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    """Six pairs, long settled."""
    made = make_set(tmp_path / "set", 6, size=SIZE, image="images/{}.png")
    settle(made)
    return made


def settle(folder):
    """Let all files have been changed long ago, as those of a real set."""
    for path in folder.rglob("*.*"):
        os.utime(path, (1e9, 1e9 + hash(path.name) % 1000))


class Reader:
    """Looks as usual, and notes at which rows."""

    def __init__(self):
        self.rows = []

    def __call__(self, dataset, row):
        self.rows.append(row)
        return look_at_pair(dataset, row)


def read(folder, **options):
    """The rows that were read, and the facts."""
    reader = Reader()
    facts = read_facts(read_dataset(folder), look=reader, **options)
    return sorted(reader.rows), facts


def values(facts):
    return [getattr(facts, field.name) for field in fields(facts)]


def test_facts_are_the_same_as_those_that_were_seen(folder):
    (folder / "images" / "p2.png").write_text("no picture")
    dataset = read_dataset(folder)

    _, facts = read(folder)

    for row, kept in enumerate(facts):
        seen = look_at_pair(dataset, row)
        assert (kept.picture.info, kept.picture.digest) == (seen.picture.info, seen.picture.digest)
        assert values(kept.mask) == values(seen.mask)
        assert str(kept.picture.error) == str(seen.picture.error)
        assert kept.picture.path == seen.picture.path
        prints = [p.print and p.print.to_bytes() for p in (kept.picture, seen.picture)]
        assert prints[0] == prints[1]


def test_an_unchanged_set_is_not_read_again(folder):
    first, facts = read(folder)
    second, again = read(folder)

    assert (first, second) == ([0, 1, 2, 3, 4, 5], [])
    assert [pair.mask for pair in facts] == [pair.mask for pair in again]


def test_a_second_check_finds_the_same(folder):
    save(folder / "masks" / "p1.png", disc(1, (12, 12), radius=3))
    (folder / "images" / "p2.png").write_text("no picture")
    settle(folder)

    assert check_dataset(folder).to_json() == check_dataset(folder).to_json()


@pytest.mark.parametrize("changed", ["images/p3.png", "masks/p3.png"])
def test_only_what_has_changed_is_read_again(folder, changed):
    read(folder)
    os.utime(folder / changed, (2e9 - 1e9, 1e9 + 2000))

    assert read(folder)[0] == [3]
    assert read(folder)[0] == []


def test_a_file_that_was_changed_in_place_and_given_its_old_time_is_read_again(folder):
    read(folder)
    path = folder / "images" / "p3.png"
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + b"\0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_ino == before.st_ino
    assert read(folder)[0] == [3]


def test_what_is_added_is_read_and_the_rest_is_not(folder):
    read(folder)
    save(folder / "images" / "p00.png", photo(9, SIZE))
    save(folder / "masks" / "p00.png", disc(9, SIZE))
    settle_only(folder, "p00.png")

    rows, facts = read(folder)

    assert rows == [1]
    assert len(facts) == 7
    assert facts[1].picture.path.name == "p00.png"
    assert facts[6].picture.path.name == "p5.png"


def settle_only(folder, name):
    for path in folder.rglob(name):
        os.utime(path, (1e9, 1e9))


def test_a_file_that_changed_a_moment_ago_is_not_believed_yet(folder):
    os.utime(folder / "images" / "p3.png")
    read(folder)

    assert read(folder)[0] == [3]


def test_a_file_that_could_not_be_opened_is_tried_again(folder):
    (folder / "images" / "p3.png").write_text("no picture")
    settle(folder)
    read(folder)

    assert read(folder)[0] == [3]


def test_masks_that_are_decoded_otherwise_are_read_again(folder):
    read(folder)
    (folder / "dataset.yaml").write_text("classes: [table, plate]\n")

    assert len(read(folder)[0]) == 6


@pytest.mark.parametrize("damage", [
    lambda content: b"", lambda content: content[:-1], lambda content: content[:100], lambda content: b"x" * 5000,
    lambda content: content + b"x", lambda content: content[:-9] + b"?" + content[-8:],
], ids=["empty", "cut", "head only", "foreign", "longer", "table"])  # fmt: skip
def test_a_damaged_or_foreign_file_of_facts_is_not_used(folder, own_cache, damage):
    read(folder)
    (kept,) = (own_cache / "facts").iterdir()
    kept.write_bytes(damage(kept.read_bytes()))

    assert len(read(folder)[0]) == 6
    assert read(folder)[0] == []


def test_a_damaged_row_is_read_again(folder, own_cache):
    _, facts = read(folder)
    picture, *_ = facts.raw(4)
    (kept,) = (own_cache / "facts").iterdir()
    content = kept.read_bytes()
    at = [i for i in range(len(content)) if content.startswith(picture, i)][4]
    kept.write_bytes(content[:at] + b"!" + content[at + 1 :])

    assert read(folder)[0] == [4]


def test_a_check_that_is_stopped_keeps_what_it_has_read(folder):
    def stop(dataset, row):
        if row == 4:
            raise KeyboardInterrupt
        return look_at_pair(dataset, row)

    with pytest.raises(KeyboardInterrupt):
        read_facts(read_dataset(folder), look=stop)

    assert read(folder)[0] == [4, 5]


def test_two_checks_at_once_do_not_hurt_each_other(folder, own_cache):
    dataset = read_dataset(folder)
    inner = []

    def meanwhile(data, row):
        if row == 0:
            inner.append(read_facts(dataset))
        return look_at_pair(data, row)

    outer = read_facts(dataset, look=meanwhile)

    assert [pair.mask for pair in outer] == [pair.mask for pair in inner[0]]
    assert read(folder)[0] == []


def test_facts_are_replaced_and_do_not_pile_up(folder, own_cache):
    for time in range(4):
        os.utime(folder / "images" / "p3.png", (1e9, 1e9 + time))
        read(folder)

    assert len(list((own_cache / "facts").iterdir())) == 1


def test_facts_of_a_set_that_nobody_checked_for_long_are_removed(folder, own_cache, tmp_path):
    read(folder)
    (old,) = (own_cache / "facts").iterdir()
    os.utime(old, (1e9, 1e9))

    read(make_set(tmp_path / "other", 2, size=SIZE))

    assert not old.exists()


def test_a_cache_that_cannot_be_written_is_done_without(folder, own_cache):
    own_cache.write_text("a file where the folder should be")

    rows, facts = read(folder)

    assert len(rows) == len(list(facts)) == 6


def test_progress_counts_every_row_also_where_little_is_read(folder):
    steps = []
    read(folder)

    read(folder, progress=steps.append)

    assert (steps[-1].stage, steps[-1].done, steps[-1].total) == ("check", 6, 6)


def test_prints_and_digests_are_columns(folder):
    _, facts = read(folder)

    assert facts.digests.shape == (6, 16)
    assert facts.printed.all()
    assert all(facts.prints[i].tobytes() == facts[i].picture.print.to_bytes() for i in range(6))
    np.testing.assert_array_equal(facts.digests[5], np.frombuffer(facts.pictures[5].digest, np.uint8))


def test_rows_are_reached_like_those_of_a_list(folder):
    _, facts = read(folder)

    assert facts[-1].picture.path == facts[5].picture.path
    assert [mask.paths[0].name for mask in facts.masks[1:3]] == ["p1.png", "p2.png"]
    with pytest.raises(IndexError):
        facts[6]
