"""What `compare` makes of its options, and how its document reads."""

from pathlib import Path

import jsonschema
import pytest

from maskwright.cli.compare_text import compare_text
from maskwright.cli.schemas import make_schemas
from maskwright.runs.comparing import compare
from support.documents import Result
from support.evaluations import better_by, evaluation, hard_and_easy, write_evaluation, write_run
from support.program import check_document
from support.workflows import Run, Workflow

HARD = hard_and_easy()


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    scores = {"plain": HARD.tolist(), "wide": better_by(HARD, 0.03)}
    return [write_evaluation(tmp_path / name, evaluation(dice)) for name, dice in scores.items()]


def content(folders: list[Path]) -> dict:
    return {**compare(folders).to_json(), "written": []}


def test_options_reach_the_workflow(run: Run, workflow: Workflow, two: list[Path]) -> None:
    called = workflow("compare", Result(content(two)))
    code, out, _ = run("compare", "a", "b", "--measure", "iou", "--each")
    assert (code, called.arguments) == (0, ([Path("a"), Path("b")],))
    assert called.options == {"measure": "iou", "each": True}
    assert "wide is better by 0.0" in out


def test_the_document_keeps_its_promise(run: Run, two: list[Path]) -> None:
    document = check_document(run("compare", *map(str, two), "--json")[1], "compare")
    assert document["differences"][0]["better"] == "wide"
    assert document["written"] == []
    jsonschema.validate(document, make_schemas()["compare.json"])


def test_the_table_has_a_line_for_each_entry_and_no_column_for_seeds_that_are_not_known(two: list[Path]) -> None:
    lines = compare_text(content(two)).splitlines()
    assert lines[0] == "Dice per picture, on the same 60 pictures, of the foreground class 'lesion'"
    assert lines[1].split() == ["mean", "95", "%"]
    assert [line.split()[0] for line in lines[2:4]] == ["plain", "wide"]
    assert len({line.index("0.") for line in lines[2:4]}) == 1


def test_seeds_have_columns_of_their_own(tmp_path: Path, two: list[Path]) -> None:
    runs = [write_run(tmp_path / f"big-{at}", evaluation(better_by(HARD, 0.0, seed=at)), seed=at) for at in range(3)]
    lines = compare_text(content([*runs, two[0]])).splitlines()
    assert lines[1].split("  ")[-2:] == ["seeds", "standard deviation and range"]
    assert lines[2].split()[0] == "big"
    assert " to 0." in lines[2]


def test_no_line_is_wider_than_asked(two: list[Path]) -> None:
    text = compare_text(content(two), width=60)
    assert max(map(len, text.splitlines()[4:])) <= 60


def test_page_and_tables_are_written_and_named(run: Run, two: list[Path], tmp_path: Path) -> None:
    written = {option: tmp_path / "out" / f"x.{option}" for option in ("html", "table", "csv")}
    words = [word for option, path in written.items() for word in (f"--{option}", str(path))]
    code, out, _ = run("compare", *map(str, two), *words)
    assert code == 0
    assert all(f"written  {path}" in out for path in written.values())
    assert written["html"].read_text(encoding="utf-8").startswith("<!doctype html>")
    table = written["table"].read_text(encoding="utf-8").splitlines()
    assert table[0].startswith("entry,measure,pictures,value,low,high,seeds,")
    assert [line.split(",")[0] for line in table[1:]] == ["plain", "wide"]
    assert table[2].split(",")[-2] == "yes"
    rows = written["csv"].read_text(encoding="utf-8").splitlines()
    assert rows[0] == "id,group,plain,wide,wide minus plain"
    assert len(rows) == 61
    values = rows[1].split(",")
    assert float(values[4]) == pytest.approx(float(values[3]) - float(values[2]))


def test_cells_that_a_spreadsheet_would_compute_are_made_safe(run: Run, tmp_path: Path) -> None:
    folders = [
        write_evaluation(tmp_path / name, evaluation(dice, prefix="=cmd|")) for name, dice in
        (("+evil", HARD.tolist()), ("b", better_by(HARD, 0.02)))
    ]  # fmt: skip
    run("compare", *map(str, folders), "--csv", str(tmp_path / "x.csv"), "--table", str(tmp_path / "t.csv"))
    rows = (tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "id,group,./+evil,b,b minus +evil"
    assert rows[1].startswith("./=cmd|000,,0.")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1].startswith("./+evil,dice,60,0.")


@pytest.mark.parametrize("option", ["--html", "--csv", "--table"])
def test_what_is_compared_is_never_overwritten(run: Run, two: list[Path], option: str) -> None:
    before = (two[0] / "evaluation.json").read_bytes()
    code, _, err = run("compare", *map(str, two), option, str(two[0] / "evaluation.json"))
    assert (code, (two[0] / "evaluation.json").read_bytes()) == (2, before)
    assert "That is the file of what is compared." in err


def test_two_outputs_into_one_file_are_refused(run: Run, two: list[Path], tmp_path: Path) -> None:
    code, _, err = run("compare", *map(str, two), "--csv", str(tmp_path / "x"), "--table", str(tmp_path / "x"))
    assert code == 2
    assert "That is the file of --table." in err


def test_one_entry_says_what_to_type(run: Run, two: list[Path]) -> None:
    code, out, err = run("compare", str(two[0]))
    assert (code, out) == (1, "")
    assert "fix:   name two or more runs, or folders that maskwright evaluate wrote: maskwright compare A B" in err
