"""The diary of a run survives kills and never tells an epoch twice."""

from pathlib import Path

import pytest

from maskwright.runs.events import Events


def _events(tmp_path: Path) -> Events:
    return Events(tmp_path / "run" / "events.jsonl")


def test_records_come_back_in_order_with_their_time(tmp_path: Path) -> None:
    events = _events(tmp_path)
    events.add({"event": "started", "data": "here"})
    events.add({"event": "epoch", "epoch": 0, "loss": 0.5})
    assert [record["event"] for record in events.read()] == ["started", "epoch"]
    assert all(record["time"] > 1e9 for record in events.read())


def test_a_line_cut_in_half_by_a_kill_is_dropped_and_the_next_stands_alone(tmp_path: Path) -> None:
    events = _events(tmp_path)
    events.add({"event": "started"})
    with open(events.path, "a") as file:
        file.write('{"event": "epo')
    events.add({"event": "finished"})
    assert [record["event"] for record in events.read()] == ["started", "finished"]


def test_an_epoch_trained_again_after_a_resume_replaces_what_came_after_it(tmp_path: Path) -> None:
    events = _events(tmp_path)
    events.add({"event": "started"})
    for epoch in (0, 1, 2):
        events.add({"event": "epoch", "epoch": epoch, "loss": 1.0})
    events.add({"event": "epoch", "epoch": 1, "loss": 2.0})
    assert [(record["epoch"], record["loss"]) for record in events.of_kind("epoch")] == [(0, 1.0), (1, 2.0)]
    assert len(events.of_kind("started")) == 1


def test_a_number_that_json_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        _events(tmp_path).add({"event": "epoch", "epoch": 0, "loss": float("nan")})


def test_no_diary_is_an_empty_one(tmp_path: Path) -> None:
    assert _events(tmp_path).read() == []
