"""`maskwright plan`: what it hands over and what it tells."""

import re
from typing import Any

import pytest

import maskwright
from maskwright.cli.main import main
from maskwright.cli.plan_text import plan_text
from support.documents import Result
from support.program import check_document

LINE = {
    "name": "small", "encoder": "mobilenetv2_035", "decoder_channels": [64, 32, 24, 16], "weights": "keras",
    "weights_at_hand": True, "size": [192, 192], "precision": "bf16", "step_seconds": [0.31], "epoch_seconds": [11.5],
    "epochs": [20], "seconds": 285.0, "terms": {"begin": 20.0, "fit": 230.0}, "memory": 1.62e9, "fits": True,
}  # fmt: skip
LARGE = {
    **LINE, "name": "large", "encoder": "mobilenetv2_100", "decoder_channels": None, "weights_at_hand": False,
    "epochs": [0], "fits": False, "step_seconds": [0.5, 1.25], "epoch_seconds": [20.0, 120.0], "memory": None,
}  # fmt: skip
PLAN = {
    "data": "lesions", "recipe": "default", "parts": {"train": 533, "val": 67, "test": 150}, "folds": 0,
    "mode": "whole", "batch_size": 16, "device": "cpu", "reasons": {"size": "38 px at this size"},
    "options": [LINE, LARGE], "minutes": 5.0, "taken": "small", "least_minutes": 1.2, "seconds": 9.0,
}  # fmt: skip


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")
    options: dict[str, Any] = {}

    def stand_in(data: Any, **given: Any) -> Result:
        options.update(given, data=str(data))
        return Result(dict(PLAN))

    monkeypatch.setitem(vars(maskwright), "plan", stand_in)
    return options


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    return int(ending.value.code or 0)


def test_it_hands_over_what_was_stated(told: dict[str, Any]) -> None:
    words = ("--minutes", "5", "--size", "192x256", "--set", "training.batch_size=8", "--folds", "3", "--device", "cpu")
    assert _run("plan", "lesions", *words, "-q") == 0
    assert (told["data"], told["minutes"], told["folds"], told["device"]) == ("lesions", 5.0, 3, "cpu")
    assert told["overrides"] == {"model.size": [192, 256], "training.batch_size": 8}


def test_the_document_is_of_its_schema(told: dict[str, Any], capsys: Any) -> None:
    assert _run("plan", "lesions", "--json", "-q") == 0
    assert check_document(capsys.readouterr().out, "plan")["options"][0]["name"] == "small"


def test_it_tells_every_set_up_and_marks_the_one_that_would_be_taken() -> None:
    first, why, *table, note = plan_text(PLAN).splitlines()
    assert first == "plan   whole picture | batch 16 | on cpu | 533 train, 67 val, 150 test"
    assert why == "       size: 38 px at this size"
    assert [re.split(" {3,}", line.strip()) for line in table] == [
        ["set-up", "network", "size", "a step", "an epoch", "epochs", "in all", "memory"],
        ["small", "mobilenetv2_035, decoder 64-32-24-16", "192x192", "0.31 s", "12 s", "20", "4.8 min", "1.6 GB",
         "<- maskwright train --minutes 5"],
        ["large", "mobilenetv2_100", "192x192", "0.5 s / 1.2 s", "20 s / 2.0 min", "0", "-",
         "does not fit into 5 minutes"],
    ]  # fmt: skip
    assert len({line.index("192x192") for line in table[1:]}) == 1  # columns stand below each other
    assert note == "note   weights that would have to be fetched first: mobilenetv2_100 (keras)"


def test_where_nothing_fits_it_tells_the_least_minutes() -> None:
    short = {**PLAN, "options": [LARGE], "taken": None}
    assert plan_text(short).splitlines()[-1] == "note   nothing fits into 5 minutes; the least is 1.2"


def test_without_minutes_it_marks_what_a_plain_training_takes() -> None:
    plain = {**PLAN, "options": [{**LINE, "fits": None}], "minutes": None}
    assert "<- maskwright train" in plan_text(plain) and "--minutes" not in plan_text(plain)


def test_tiles_and_folds_are_told() -> None:
    told = plan_text({**PLAN, "mode": "tile", "folds": 5}).splitlines()[0]
    assert told == "plan   tiles | batch 16 | on cpu | 5 folds, each of 533 train, 67 val, 150 test"
