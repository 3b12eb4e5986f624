"""`maskwright compare` as a user runs it."""

import json
from pathlib import Path

import pytest

from support.evaluations import better_by, evaluation, hard_and_easy, write_evaluation, write_run
from support.program import check_document, run_program

HARD = hard_and_easy(40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recipes, three seeds of each, and masks of somebody else."""
    made = tmp_path_factory.mktemp("compared")
    for at in range(3):
        write_run(made / f"small-{at}", evaluation(better_by(HARD, 0.001 * at, seed=at)), seed=at)
        write_run(made / f"big-{at}", evaluation(better_by(HARD, 0.04 + 0.001 * at, seed=9 + at)), seed=at, loss="dice")
    write_evaluation(made / "others", evaluation(better_by(HARD, 0.002, 0.05, seed=4)[:20], part=""))
    return made


def test_two_recipes_with_seeds_are_told_apart(folder: Path) -> None:
    done = run_program("compare", *(f"{name}-{at}" for name in ("small", "big") for at in range(3)), cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "big is better by 0.0" in done.stdout
    assert "The seeds of one recipe lie less far apart" in " ".join(done.stdout.split())


def test_what_cannot_be_told_apart_says_with_how_many_it_could(folder: Path) -> None:
    done = run_program("compare", "small-0", "others", cwd=folder)
    said = " ".join(done.stdout.split())
    assert (
        "small-0 and others cannot be told apart with these 20 pictures: the difference (others minus small-0)" in said
    )
    assert "would be needed." in said
    assert "Only the 20 pictures that all have are compared; small-0 has 20 more." in said


def test_everything_at_once_as_json(folder: Path, tmp_path: Path) -> None:
    outputs = ("--html", tmp_path / "page.html", "--csv", tmp_path / "pictures.csv", "--table", tmp_path / "table.csv")
    done = run_program("compare", "small-0", "big-0", "others", *outputs, "--measure", "iou", "--json", cwd=folder)
    document = check_document(done.stdout, "compare")
    assert [entry["name"] for entry in document["entries"]] == ["small-0", "big-0", "others"]
    assert (document["measure"], document["simultaneous"], len(document["differences"])) == ("iou", True, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "pictures.csv", "table.csv"]


def test_the_same_call_gives_the_same_document(folder: Path) -> None:
    calls = [run_program("compare", "small-0", "big-0", "others", "--json", cwd=folder).stdout for _ in range(2)]
    assert calls[0] == calls[1]


def test_different_data_is_an_error_in_one_document(folder: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "elsewhere", evaluation(HARD), fingerprint="0" * 64)
    done = run_program("compare", "small-0", tmp_path / "elsewhere", "--json", cwd=folder)
    assert done.returncode == 1
    assert "were scored on different data" in json.loads(done.stdout)["error"]["what"]


def test_the_same_place_twice_is_said_to_be_so(folder: Path) -> None:
    done = run_program("compare", "small-0", "small-0", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "The same place was named twice" in done.stderr


def test_masks_of_a_part_of_the_pictures_are_compared_on_these_and_it_is_told(folder: Path, tmp_path: Path) -> None:
    dice = better_by(HARD, 0.002, 0.05, seed=4)[:20]
    masks = evaluation(dice, part="", runtime="made elsewhere", data={"folder": "x", "fingerprint": "e" * 64})
    done = run_program("compare", "small-0", write_evaluation(tmp_path / "masks", masks), cwd=folder)
    said = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert "that the shared ones have the same masks is known by their sizes only." in said
    assert "is not known" not in said


def test_a_page_that_cannot_be_written_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    done = run_program("compare", "small-0", "big-0", "--html", tmp_path / "file" / "page.html", cwd=folder)
    assert done.returncode == 1
    assert "Cannot write" in done.stderr
    assert done.stdout == ""
