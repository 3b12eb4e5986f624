"""`maskwright show`: its options, its words, its document."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import maskwright
from maskwright.cli.main import run_command
from maskwright.cli.schemas import FOLDER
from maskwright.cli.showing import show_text
from support.documents import Result

CONTENT = {
    "sheet": "lesions-sheet.png", "pairs": 750, "looked_at": 400, "notes": ["750 pairs: (guessed: same stem)"],
    "shown": [{"id": "a", "part": "train", "shares": {"lesion": 0.2}, "ignored": 0.0}],
    "classes": [
        {"name": "background", "colour": [0, 0, 0], "pixels": 0.8, "masks": 1.0},
        {"name": "lesion", "colour": [230, 85, 13], "pixels": 0.2, "masks": 0.995},
    ],
    "failures": [{"id": "b", "error": {"what": "The picture is damaged.", "where": "b.png", "fix": "copy it again"}}],
}  # fmt: skip


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the workflow was called with."""
    seen: dict[str, Any] = {}

    def show(*arguments: Any, **options: Any) -> Result:
        seen.update(options, arguments=arguments)
        return Result(CONTENT)

    monkeypatch.setitem(vars(maskwright), "show", show)
    return seen


def test_options_reach_the_workflow(called: dict[str, Any]) -> None:
    line = "show d -o s.png --number 20 --seed 3 --part test --masks gt --classes soil,crop"

    assert run_command(["--no-tuning", *line.split(), "-q"]) == 0

    assert called["arguments"] == (Path("d"), Path("s.png"))
    assert (called["number"], called["seed"], called["part"]) == (20, 3, "test")
    assert (called["options"].masks, called["options"].classes) == ("gt", ("soil", "crop"))


@pytest.mark.parametrize(("option", "value"), [("--number", "0"), ("--number", "201"), ("--part", "all")])
def test_what_cannot_be_is_misuse(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--no-tuning", "show", "d", option, value]) == 2
    assert option in capsys.readouterr().err


def test_the_document_holds_to_its_schema(called: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["--no-tuning", "show", "d", "--json", "-q"])

    schema = json.loads((FOLDER / "show.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(capsys.readouterr().out), schema)


def test_the_words_tell_the_sheet_the_shares_and_what_to_do_next() -> None:
    text = show_text({"data": "lesions", **CONTENT})

    assert "sheet  lesions-sheet.png   1 of 750 pairs" in text
    assert "  lesion       20.0 % of all pixels, in  99.5 % of masks" in text
    assert "of 400 masks that were looked at" in text
    assert "next:  maskwright check lesions      maskwright train lesions" in text


def test_pairs_that_were_passed_over_are_named_at_the_end() -> None:
    lines = show_text({**CONTENT, "data": "lesions"}).splitlines()

    assert lines[-3:-1] == [
        "passed over, since they cannot be read: 1 of the pairs (b)",
        "       the first: The picture is damaged.",
    ]
    assert "passed over" not in show_text({**CONTENT, "data": "lesions", "failures": []})
