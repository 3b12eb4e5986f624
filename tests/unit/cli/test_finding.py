"""`maskwright train --find-lr`: what it hands over and what it tells."""

import json
import shlex
from typing import Any

import pytest

import maskwright
from maskwright.cli.finding import find_rate_text
from maskwright.cli.main import main
from maskwright.cli.options import parse_setting
from support.documents import Result
from support.program import check_document

KEY = "training.phases.0.learning_rate"
FOUND = {
    "folder": "lr/lesions-1", "curve": "lr/lesions-1/find-lr.png", "suggestion": 0.0027, "settings": {KEY: 0.0027},
    "recipe_rate": 0.002, "why": "where two thirds of the loss's fall are made; it is least at 0.07", "steps": 50,
    "seconds": 75.0,
}  # fmt: skip


class Told:
    """Stands in for the workflow and remembers what it was told."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content, self.data, self.options = content, None, {}

    def __call__(self, data: Any, **options: Any) -> Result:
        self.data, self.options = data, options
        return Result(dict(self.content))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")
    stand_in = Told(FOUND)
    monkeypatch.setitem(vars(maskwright), "find_rate", stand_in)
    monkeypatch.setitem(vars(maskwright), "train", lambda *_, **__: pytest.fail("it trained"))
    return stand_in


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    return int(ending.value.code or 0)


def test_it_tells_the_rate_the_curve_and_the_command_that_uses_it(told: Told, capsys: Any) -> None:
    assert _run("train", "lesions", "--find-lr", "-q") == 0
    assert capsys.readouterr().out.splitlines() == [
        "rate   0.0027, where two thirds of the loss's fall are made; it is least at 0.07 (the recipe has 0.002)",
        "curve  lr/lesions-1/find-lr.png   50 steps, 1:15",
        f"next:  maskwright train lesions --set {KEY}=0.0027",
    ]


def test_the_next_command_is_the_same_training_word_by_word(told: Told, capsys: Any) -> None:
    words = ("--recipe", "isic-unet", "--size", "192x256", "--set", "loss=dice(smooth=1)+bce", "--device", "cpu")
    _run("train", "my lesions", "--find-lr", *words, "--accept", "duplicate", "--set", "training.precision=fp32", "-q")
    line = capsys.readouterr().out.splitlines()[-1].removeprefix("next:  ")
    said = shlex.split(line)
    assert said[:3] == ["maskwright", "train", "my lesions"]
    assert ("--recipe", "isic-unet") in zip(said, said[1:], strict=False)
    assert ("--accept", "duplicate") in zip(said, said[1:], strict=False)
    assert ("--device", "cpu") in zip(said, said[1:], strict=False)
    settings = dict(parse_setting(word) for word in said if "=" in word)
    assert settings == {**told.options["overrides"], KEY: 0.0027}
    assert "'loss=dice(smooth=1)+bce'" in line, "a text stands as it was written"


@pytest.mark.parametrize("value", ["yes", "1e-3", "null", "a: b", "résumé", "0x10", "[a"])
def test_words_that_yaml_would_take_for_something_else_are_quoted(told: Told, capsys: Any, value: str) -> None:
    from maskwright.cli.finding import _yaml

    assert parse_setting(f"name={_yaml(value)}") == ("name", value)


def test_it_hands_over_what_the_user_stated(told: Told) -> None:
    _run("train", "d", "--find-lr", "-o", "out", "--encoder", "resnet18", "--accept", "truncated", "-q")
    assert str(told.data) == "d"
    assert str(told.options["output"]) == "out"
    assert told.options["overrides"] == {"model.encoder": "resnet18"}
    assert told.options["accept"] == ("truncated",)


def test_as_json_it_is_one_document(told: Told, capsys: Any) -> None:
    assert _run("train", "d", "--find-lr", "--json") == 0
    document = check_document(capsys.readouterr().out, "find-lr")
    assert document["settings"] == {KEY: 0.0027}
    assert document["next"] == f"maskwright train d --set {KEY}=0.0027"


def test_no_rate_to_suggest_is_said_and_is_no_failure(told: Told, capsys: Any) -> None:
    told.content = {**FOUND, "suggestion": None, "settings": {}, "why": "the loss did not fall by 2% at any rate"}
    assert _run("train", "d", "--find-lr", "-q") == 0
    out = capsys.readouterr().out
    assert out.startswith("rate   none to suggest: the loss did not fall by 2% at any rate\n")
    assert "next:" not in out
    assert _run("train", "d", "--find-lr", "--json") == 0
    check_document(capsys.readouterr().out, "find-lr")


@pytest.mark.parametrize("option", ["--epochs", "--minutes", "--folds"])
def test_what_belongs_to_a_training_is_refused(told: Told, capsys: Any, option: str) -> None:
    assert _run("train", "d", "--find-lr", option, "3", "-q") == 2
    assert option in (error := capsys.readouterr().err)
    assert "belongs to a training; leave it out with --find-lr" in error


def test_the_text_is_made_from_the_document_alone() -> None:
    assert find_rate_text(json.loads(json.dumps({**FOUND, "next": "x"}))).endswith("next:  x")
