"""Naming and reading what is compared, and recognising seeds of one recipe."""

import json
import os
import re
from pathlib import Path

import pytest

from maskwright.errors import ConfigError, DataError
from maskwright.runs.comparing import compare, names_of
from support.evaluations import better_by, evaluation, hard_and_easy, write_evaluation, write_run

HARD = hard_and_easy()


def names(comparison):
    return [entry.name for entry in comparison.entries]


def test_a_run_a_folder_and_a_file_are_all_entries(tmp_path):
    run = write_run(tmp_path / "run", evaluation(HARD))
    folder = write_evaluation(tmp_path / "masks", evaluation(better_by(HARD, 0.02)))
    (tmp_path / "other.json").write_text(json.dumps(evaluation(better_by(HARD, 0.04))), encoding="utf-8")
    comparison = compare([run, folder / "evaluation.json", tmp_path / "other.json"])
    assert names(comparison) == ["run", "masks", "other"]
    assert comparison.entries[1].places == (str(folder / "evaluation.json"),)


def test_runs_that_differ_in_nothing_but_the_seed_are_one_entry(tmp_path):
    runs = [write_run(tmp_path / f"big-{at}", evaluation(better_by(HARD, 0.0, seed=at)), seed=at) for at in range(3)]
    other = write_run(tmp_path / "small", evaluation(HARD), **{"loss": "dice"})
    comparison = compare([*runs, other])
    assert names(comparison) == ["big", "small"]
    assert comparison.entries[0].seeds == (0, 1, 2)
    assert len(comparison.entries[0].each) == 3


def test_each_lists_the_seeds_by_themselves(tmp_path):
    runs = [write_run(tmp_path / f"big-{at}", evaluation(better_by(HARD, 0.0, seed=at)), seed=at) for at in range(3)]
    comparison = compare(runs, each=True)
    assert names(comparison) == ["big-0", "big-1", "big-2"]
    assert "is not known" not in " ".join(comparison.to_json()["notes"])


def test_a_given_split_makes_no_other_recipe(tmp_path):
    one = write_run(tmp_path / "a-0", evaluation(HARD))
    two = write_run(tmp_path / "a-1", evaluation(better_by(HARD, 0.0)), seed=1, data={"split": "a-0/split.csv"})
    assert names(compare([one, two])) == ["a"]


@pytest.mark.parametrize("changes", [{"fingerprint": "a" * 64}, {"model": {"encoder": "none"}}])
def test_other_data_or_another_network_is_no_other_seed(tmp_path, changes):
    one = write_run(tmp_path / "a-0", evaluation(HARD), fingerprint="")
    two = write_run(tmp_path / "a-1", evaluation(better_by(HARD, 0.0)), seed=1, **{"fingerprint": "", **changes})
    assert names(compare([one, two])) == ["a-0", "a-1"]


def test_the_same_seed_again_is_an_entry_of_its_own_and_told(tmp_path):
    runs = [write_run(tmp_path / name, evaluation(better_by(HARD, 0.0, seed=at)), seed=seed)
            for at, (name, seed) in enumerate([("a-0", 0), ("a-1", 1), ("again", 0)])]  # fmt: skip
    comparison = compare(runs)
    assert names(comparison) == ["a", "again"]
    assert comparison.notes[0] == "again has recipe and seed of a-0: it is no other seed of it."


def test_what_is_named_twice_counts_once(tmp_path):
    one, two = (write_evaluation(tmp_path / name, evaluation(HARD)) for name in "ab")
    comparison = compare([one, two, one / "evaluation.json"])
    assert names(comparison) == ["a", "b"]
    assert comparison.notes[0] == f"{one} is named twice and counts once."


@pytest.mark.parametrize(("times", "said"), [(2, "named twice"), (3, "named 3 times")])
def test_one_place_alone_named_again_is_said_to_be_the_same(tmp_path, times, said):
    one = write_evaluation(tmp_path / "a", evaluation(HARD))
    with pytest.raises(ConfigError, match=f"The same place was {said}, and a comparison needs two") as error:
        compare([one] * (times - 1) + [one / "evaluation.json"])
    assert error.value.where == str(one / "evaluation.json")
    with pytest.raises(ConfigError, match="There is nothing to compare with"):
        compare([one])


def test_runs_on_other_data_are_refused(tmp_path):
    one = write_run(tmp_path / "a", evaluation(HARD), fingerprint="a" * 64)
    two = write_run(tmp_path / "b", evaluation(HARD), fingerprint="b" * 64)
    with pytest.raises(DataError, match="a and b were scored on different data"):
        compare([one, two])


def test_an_unreadable_recipe_is_told_and_the_scores_are_compared(tmp_path):
    one, two = (write_run(tmp_path / name, evaluation(HARD), seed=at) for at, name in enumerate("ab"))
    (one / "recipe.yaml").write_text("schema_version: 1\nnovelty: 3\n", encoding="utf-8")
    comparison = compare([one, two])
    assert names(comparison) == ["a", "b"]
    assert comparison.notes[0].startswith("The recipe of a cannot be read, so it is taken for no seed of another's")


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["/r/a/seed-0", "/r/b/seed-0", "/r/big"], ["a/seed-0", "b/seed-0", "big"]),
        (["/r/a", "/q/a", "/q/b"], ["r/a", "q/a", "b"]),
        (["/r/a", "/r/a"], ["r/a", "r/a (2)"]),
        (["/r/x\x1b[2J", "/r/b"], ["x\\x1b[2J", "b"]),
        (["/"], ["/"]),
    ],
)
def test_names_are_as_short_as_tells_them_apart(folders, expected):
    assert names_of([Path(folder) for folder in folders]) == expected


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["a/seed-0", "a/seed-1"], "a"),
        (["big-s1", "big-s12"], "big"),
        (["boss1", "boss2"], "boss"),
        (["lr-0.1-10", "lr-0.1-11"], "lr-0.1"),
        (["first", "second"], "first and 1 more"),
        (["big", "big-1"], "big"),
    ],
)
def test_seeds_of_one_recipe_are_named_without_the_seed(tmp_path, folders, expected):
    runs = [write_run(tmp_path / name, evaluation(HARD), seed=at) for at, name in enumerate(folders)]
    other = write_run(tmp_path / "z" / "other", evaluation(HARD), loss="dice")
    assert names(compare([*runs, other]))[0] == expected


# --- what cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "Cannot be read: Expecting property name"),
        (b"\xff\xfe{}", "Cannot be read"),
        (b"[]", "Holds no JSON object"),
        (b'{"schema_version": NaN}', "NaN is no number of JSON"),
        (b"[" * 200_000, "nested too deeply|Cannot be read"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "Cannot be read: Exceeds the limit"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, said):
    good = write_evaluation(tmp_path / "good", evaluation(HARD))
    bad = write_evaluation(tmp_path / "bad", {}) / "evaluation.json"
    bad.write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        compare([good, bad])
    assert error.value.where == str(bad)


def test_an_endless_file_is_not_read(tmp_path):
    good = write_evaluation(tmp_path / "good", evaluation(HARD))
    bad = write_evaluation(tmp_path / "bad", {}) / "evaluation.json"
    with open(bad, "r+b") as file:
        file.truncate((1 << 30) + 1)  # sparse: takes no room
    with pytest.raises(DataError, match="too large for an evaluation"):
        compare([good, bad])


def test_what_is_no_evaluation_says_what_to_give_instead(tmp_path):
    good = write_evaluation(tmp_path / "good", evaluation(HARD))
    (tmp_path / "model.onnx").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    unfinished = write_run(tmp_path / "unfinished", {})
    (unfinished / "evaluation.json").unlink()
    for path, what, fix in (
        (tmp_path / "model.onnx", "This is no evaluation.", "score it first"),
        (tmp_path / "empty", "The folder holds no evaluation.json.", "give a run's folder"),
        (unfinished, "The run has no scores yet.", f"finish it: maskwright train DATA -o {unfinished}"),
        (tmp_path / "none", "There is no such run or evaluation.", "check the path"),
    ):
        with pytest.raises((DataError, ConfigError), match=re.escape(what)) as error:
            compare([good, path])
        assert fix in error.value.fix


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    good = write_evaluation(tmp_path / "good", evaluation(HARD))
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(DataError, match="This is no evaluation"):
        compare([good, tmp_path / "pipe.json"])
