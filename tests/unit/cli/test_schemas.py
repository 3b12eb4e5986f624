"""The JSON Schemas in the package are those of the document models, and hold what programs rely on."""

import json
from typing import Any

import jsonschema
import pytest

from maskwright.cli.documents import DOCUMENTS
from maskwright.cli.schemas import FOLDER, as_text, make_schemas
from support import documents

DONE = {
    "check": documents.check(documents.finding()),
    "demo": {**documents.train(), "sheet": "demo/sheet.png", "predictions": "demo/predictions"},
    "evaluate": documents.scores(),
    "info": documents.CARD,
    "predict": documents.predict(),
    "recipes": {"recipes": documents.RECIPES},
    "train": documents.train(),
}


def document(command: str) -> dict[str, Any]:
    return {"schema": 1, "command": command, "ok": True, **DONE[command]}


def schema(command: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{command}.json").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("name", sorted(make_schemas()))
def test_the_schema_files_are_fresh(name: str) -> None:
    held = (FOLDER / name).read_text(encoding="utf-8")
    assert held == as_text(make_schemas()[name]), "run `make schemas`"


def test_there_is_no_other_schema_file() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(f"{command}.json" for command in DOCUMENTS)


@pytest.mark.parametrize("command", sorted(DONE))
def test_a_good_document_passes(command: str) -> None:
    jsonschema.validate(document(command), schema(command))


@pytest.mark.parametrize("command", sorted(DOCUMENTS))
def test_an_error_document_passes_under_every_command(command: str) -> None:
    error = {"what": "a", "where": "", "fix": ""}
    jsonschema.validate({"schema": 1, "command": command, "ok": False, "error": error}, schema(command))


@pytest.mark.parametrize(
    ("command", "key"),
    [
        *[("check", key) for key in ("pairs", "images", "masks", "classes", "encoding", "findings")],
        *[("train", key) for key in ("run", "model", "seconds", "scores")],
        *[
            ("evaluate", key)
            for key in ("images", "per_image", "pooled", "per_class", "trivial", "runtime", "precision")
        ],
        *[("evaluate", "mean_over"), ("predict", "outputs"), ("predict", "failures"), ("check", "schema")],
    ],
)
def test_a_promised_key_that_is_missing_fails(command: str, key: str) -> None:
    short = document(command)
    del short[key]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(short, schema(command))


def test_a_failure_that_claims_to_be_well_fails() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": 1, "command": "train", "ok": True, "error": {"what": "a"}}, schema("train"))
