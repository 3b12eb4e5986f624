"""A training ends within its minutes; what is decided is written down, and a resumed one goes the same way."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maskwright.data.dataset import Dataset
from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.files import write_json
from maskwright.planning.costs import EXPORT_SECONDS, MARGIN, REPORT_SECONDS, Costs
from maskwright.planning.plan import Plan
from maskwright.progress import Step, ignore
from maskwright.recipe import Recipe
from maskwright.runs import timekeeping
from maskwright.runs.folder import RunFolder
from maskwright.runs.timekeeping import Stopwatch, Timed, forecast_line, keep_time, settle_forecast
from maskwright.runs.work import Work, counts_of
from maskwright.training.checkpoint import Position

PLAN = Plan(
    mode="whole", size=(64, 64), scale=1.0, overlap=0, encoder="none", weights="none", batch_size=4, epochs=(10,),
    steps=5, tiles_per_epoch=0, precision="fp32", device="cpu", value_range=255.0, step_seconds=1.0,
    expected_seconds=50.0, reasons={}, costs=Costs(0.0, (1.0,), 0.5, 0.0, 0.0), forecast={"begin": 10.0, "fit": 70.0},
)  # fmt: skip
EPOCH = 5 * 1.0 + 10 * 0.5  # five steps, ten validation pictures


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("data") / "pebbles"
    make_pebbles(folder, 12, size=(32, 32), seed=0)
    return read_dataset(folder)


def _work(dataset: Dataset, minutes: float | None, told: list[Step], *, elapsed: float = 0.0) -> Work:
    return Work(dataset, Recipe(), "cpu", minutes, told.append, begun=time.monotonic() - elapsed)


def _keep(work: Work, folder: Path, plan: Plan = PLAN) -> Timed:
    return keep_time(work, RunFolder(folder), plan, train=20, val=10)


def _ended(epochs: int, seconds: float) -> Position:
    return Position(epoch=epochs, seconds=seconds * epochs, ends=[seconds * (at + 1) for at in range(epochs)])


def test_without_minutes_nothing_is_changed_or_written(dataset: Dataset, tmp_path: Path) -> None:
    timed = _keep(_work(dataset, None, []), tmp_path)
    assert (timed.plan, timed.revise) == (PLAN, None)
    assert not list(tmp_path.iterdir())


def test_what_has_passed_and_what_comes_after_is_taken_from_the_minutes(dataset: Dataset, tmp_path: Path) -> None:
    told: list[Step] = []
    timed = _keep(_work(dataset, 2.0, told, elapsed=50.0), tmp_path)
    noted = RunFolder(tmp_path).events.of_kind("clock")[0]
    after = EXPORT_SECONDS + REPORT_SECONDS  # of a network that takes no time
    assert noted["fit_seconds"] == pytest.approx((120 - 50 - after) * (1 - MARGIN), abs=0.5)
    assert timed.plan.epochs == (int(noted["fit_seconds"] / EPOCH),) == (6,)
    assert "6 epochs instead of 10" in told[-1].text


def test_a_training_that_goes_on_has_the_time_that_it_had_when_it_began(dataset: Dataset, tmp_path: Path) -> None:
    first = _keep(_work(dataset, 2.0, [], elapsed=50.0), tmp_path)
    again = _keep(_work(dataset, 2.0, [], elapsed=5.0), tmp_path)
    assert again.plan == first.plan
    assert again.revise is not None and first.revise is not None
    assert again.revise(_ended(2, 20.0), [6]) == first.revise(_ended(2, 20.0), [6])


def test_time_that_has_run_out_leaves_one_epoch(dataset: Dataset, tmp_path: Path) -> None:
    assert _keep(_work(dataset, 1.0, [], elapsed=100.0), tmp_path).plan.epochs == (1,)


def test_a_slower_machine_shortens_the_training_and_it_is_told_and_noted(dataset: Dataset, tmp_path: Path) -> None:
    told: list[Step] = []
    timed = _keep(_work(dataset, 2.0, told, elapsed=50.0), tmp_path)
    assert timed.revise is not None
    assert timed.revise(_ended(1, 20.0), [6]) == (3,)  # 61 s in all, 20 s an epoch instead of 10
    assert told[-1].text == "time   3 epochs instead of 6: an epoch takes 20.0 s, expected were 10.0 s"
    noted: dict[str, Any] = RunFolder(tmp_path).events.of_kind("lengths")[0]
    assert (noted["after_epoch"], noted["before"], noted["epochs"]) == (1, [6], [3])


def test_a_machine_as_fast_as_expected_changes_and_tells_nothing(dataset: Dataset, tmp_path: Path) -> None:
    told: list[Step] = []
    timed = _keep(_work(dataset, 2.0, told, elapsed=50.0), tmp_path, replace(PLAN, epochs=(6,)))
    assert timed.revise is not None
    assert timed.revise(_ended(1, 10.0), [6]) == (6,)
    assert not told and not RunFolder(tmp_path).events.of_kind("lengths")


def test_trainings_that_are_still_to_come_share_the_time(dataset: Dataset, tmp_path: Path) -> None:
    alone = _work(dataset, 60.0, [])
    _keep(alone, tmp_path / "alone")
    _keep(replace(alone, trainings=3), tmp_path / "shared")
    one, shared = (RunFolder(tmp_path / name).events.of_kind("clock")[0]["fit_seconds"] for name in ("alone", "shared"))
    assert shared == pytest.approx(one / 3, rel=0.01)


def test_too_few_validation_pictures_are_not_reckoned_with(dataset: Dataset) -> None:
    work = replace(_work(dataset, None, []), scored=4, trainings=6)
    assert [counts_of(work, 20, val, 5).val for val in (7, 8)] == [0, 8]
    assert (counts_of(work, 20, 8, 5).test, counts_of(work, 20, 8, 5).folds) == (4, 5)


def test_a_stopwatch_passes_steps_on_and_adds_time_to_what_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    now, passed = [100.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watch = Stopwatch(passed.append)
    steps = [
        (3.0, Step("check", 1, 1)), (2.0, Step("plan", text="plan   ...")), (1.0, Step("pack", 1, 2)),
        (1.0, Step("pack", 2, 2)), (20.0, Step("train", 5, 5)), (4.0, Step("calibrate", 1, 1)),
        (2.0, Step("export", 1, 2)), (6.0, Step("score", 1, 1)), (1.0, Step("report", 2, 2)),
    ]  # fmt: skip
    for seconds, step in steps:
        now[0] += seconds
        watch(step)
    now[0] += 0.5
    watch.rest()
    assert passed == [step for _, step in steps]
    assert watch.seconds == {
        "begin": 5.0, "pack": 2.0, "fit": 20.0, "choose": 4.0, "export": 2.0, "score": 6.0, "report": 1.5,
    }  # fmt: skip


def _finish(tmp_path: Path, plan: Plan) -> tuple[RunFolder, list[Step]]:
    run, told = RunFolder(tmp_path), []
    run.events.add({"event": "started"})
    write_json(run.plan, plan.to_json())
    watch = Stopwatch(told.append)
    watch.seconds |= {"begin": 20.0, "fit": 80.0}
    settle_forecast(run, watch, 2.0)
    return run, told


def test_the_end_says_what_the_forecast_was_worth(tmp_path: Path) -> None:
    run, told = _finish(tmp_path, PLAN)
    assert told[-1].text == "time   forecast 80 s, took 1.7 min"
    noted = run.events.of_kind("forecast")[0]
    assert (noted["minutes"], noted["expected_seconds"]) == (2.0, 80.0)
    assert noted["error"] == pytest.approx(-0.2, abs=0.01)
    assert noted["taken"]["fit"] == 80.0
    assert (noted["expected_memory"], noted["taken_memory"]) == (None, None)


def test_a_step_without_count_and_words_ends_what_went_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watch = Stopwatch(ignore)
    for step in (Step("export"), Step("score"), Step("train", text="note   ...")):
        now[0] += 2.0
        watch(step)
    assert watch.seconds == dict.fromkeys(watch.seconds, 0.0) | {"export": 2.0, "score": 2.0, "begin": 2.0}


def _started(tmp_path: Path, plan: Plan) -> RunFolder:
    run = RunFolder(tmp_path)
    run.events.add({"event": "started"})
    write_json(run.plan, plan.to_json())
    return run


def test_a_page_tells_what_was_forecast_and_what_was_taken(tmp_path: Path) -> None:
    line = forecast_line(_started(tmp_path, PLAN), 30.0)
    assert line == ("80 s", "rehearsed on a few of the pictures; up to this page it took 30 s")


def test_a_page_tells_the_memory_of_this_process_where_it_was_forecast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeping, "peak_bytes", lambda: 2_000_000_000)
    line = forecast_line(_started(tmp_path, replace(PLAN, memory=1.5e9)), 30.0)
    assert line == ("80 s, 1.5 GB", "rehearsed on a few of the pictures; up to this page it took 30 s and 2.0 GB")


@pytest.mark.parametrize(
    ("plan", "elapsed"), [(replace(PLAN, forecast={}), 30.0), (PLAN, -2.0)], ids=["none was made", "it went on"]
)
def test_a_page_tells_no_forecast_that_there_is_not_or_that_a_stop_spoilt(
    tmp_path: Path, plan: Plan, elapsed: float
) -> None:
    assert forecast_line(_started(tmp_path, plan), elapsed) is None


def test_a_training_without_a_forecast_notes_what_it_took_all_the_same(tmp_path: Path) -> None:
    run, told = _finish(tmp_path, replace(PLAN, forecast={}))
    assert not told and not run.events.of_kind("forecast")
    assert run.events.of_kind("stages")[0]["taken"]["begin"] == 20.0
