"""`maskwright augment`: its options, its words, its document."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import maskwright
from maskwright.cli.augmenting import augment_text
from maskwright.cli.main import run_command
from maskwright.cli.schemas import FOLDER
from support.documents import Result

CONTENT = {
    "folder": "new", "pictures": 60, "copies": 96, "augmented": 48, "parts": {"train": 48, "val": 6, "test": 6},
    "split": "each picture by itself: train 48, val 6, test 6", "seconds": 12.5,
}  # fmt: skip


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the workflow was called with."""
    seen: dict[str, Any] = {}

    def augment(*arguments: Any, **options: Any) -> Result:
        seen.update(options, arguments=arguments)
        return Result(CONTENT)

    monkeypatch.setitem(vars(maskwright), "augment", augment)
    return seen


def test_options_become_keys_of_the_recipe(called: dict[str, Any]) -> None:
    line = "augment d -o new --copies 5 --seed 3 --group none --split hash --masks gt --set augmentation.noise=0.1"

    assert run_command(["--no-tuning", *line.split(), "--recipe", "r.yaml", "--accept", "duplicate", "-q"]) == 0

    assert called["arguments"] == (Path("d"), Path("new"))
    assert (called["copies"], called["recipe"], called["accept"]) == (5, "r.yaml", ("duplicate",))
    assert called["overrides"] == {
        "training.seed": 3, "data.group": "none", "data.split": "hash", "data.masks": "gt", "augmentation.noise": 0.1,
    }  # fmt: skip


def test_a_folder_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--no-tuning", "augment", "d"]) == 2
    assert "Missing option '--output' / '-o'" in capsys.readouterr().err


def test_the_document_holds_to_its_schema(called: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["--no-tuning", "augment", "d", "-o", "new", "--json", "-q"])

    schema = json.loads((FOLDER / "augment.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(capsys.readouterr().out), schema)


def test_the_words_tell_what_was_written_and_what_to_do_next() -> None:
    text = augment_text(CONTENT)

    assert "wrote  new   60 pictures, and 96 copies of 48 that train" in text
    assert "parts  48 train, 6 val, 6 test" in text
    assert "next:  maskwright show new      maskwright train new" in text


def test_without_parts_the_words_tell_of_folds() -> None:
    assert "none yet: folds keep each picture and its copies together" in augment_text({**CONTENT, "parts": {}})
