"""The benchmark of speed: how it measures, what it makes of measurements, and the page that it fills."""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SPEED = ROOT / "benchmarks" / "speed"
MODULES = ("machine", "measuring", "page", "results", "rows", "run", "sets", "words")


@pytest.fixture(scope="module")
def speed() -> Iterator[SimpleNamespace]:
    """The benchmark's modules, which import each other by their plain names as scripts do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SPEED)
        yield SimpleNamespace(**{name: import_module(name) for name in MODULES})
    for name in MODULES:
        sys.modules.pop(name, None)


def say(value: float, **more: Any) -> list[str]:
    return [sys.executable, "-c", f"print('noise'); print({json.dumps({'value': value, **more})!r})"]


def single(value: float, memory: int | None = 100) -> dict[str, Any]:
    return {"value": value, "wall_seconds": 1.0, "memory_bytes": memory, "details": {"gflop_per_picture": 2.0}}


def measured(ours: float, ordinary: float, better: float, **aim: float) -> dict[str, Any]:
    one = {"low": 1.0, "high": 3.0, "memory_bytes": 2_500_000_000, "measurements": [single(1.0)]}
    return {
        "title": "work", "unit": "s", "compared": "a loop", "date": "2026-11-22",
        "aim": {"text": "aim", "ratio": None, "most": None, **aim},
        "ours": {"median": ours, **one}, "ordinary": {"median": ordinary, **one},
        "ratio": {"of_medians": better, "low": 2.0, "high": 4.0},
    }  # fmt: skip


# One measurement


def test_a_measurement_is_the_object_of_the_last_line_and_what_else_it_says(speed):
    taken = speed.measuring.measure(say(2.5, loss=0.5), {})
    assert (taken.value, dict(taken.details)) == (2.5, {"loss": 0.5})
    assert taken.wall_seconds > 0


def test_a_program_gets_the_environment_that_it_is_given(speed):
    program = [sys.executable, "-c", "import os; print('{\"value\": %s}' % os.environ['MASKWRIGHT_TEST_VALUE'])"]
    assert speed.measuring.measure(program, {"MASKWRIGHT_TEST_VALUE": "7"}).value == 7


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_of_children_counts(speed, monkeypatch):
    monkeypatch.setattr(speed.measuring, "SAMPLE_SECONDS", 0.05)
    child = "import time; held = b'x' * 150_000_000; time.sleep(1)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('{{\"value\": 1}}')"
    taken = speed.measuring.measure([sys.executable, "-c", parent], {})
    assert 150_000_000 < taken.memory_bytes < 400_000_000


def test_a_program_that_fails_is_told_with_its_last_words(speed):
    with pytest.raises(RuntimeError, match="ended with 3:\nno pictures"):
        speed.measuring.measure(
            [sys.executable, "-c", "import sys; print('no pictures', file=sys.stderr); sys.exit(3)"], {}
        )


@pytest.mark.parametrize("said", ["", "done", "[1]", '{"value": "fast"}', '{"seconds": 1}'])
def test_a_last_line_without_a_number_is_refused(speed, said):
    with pytest.raises(RuntimeError, match="no JSON object with a number 'value'"):
        speed.measuring.read_answer(said)


# What becomes of measurements


def test_a_side_is_its_median_its_ends_and_its_largest_memory(speed):
    side = speed.results.summarise([single(3.0, 5), single(1.0, 9), single(2.0, None)])
    assert (side["median"], side["low"], side["high"], side["memory_bytes"]) == (2.0, 1.0, 3.0, 9)
    assert [one["value"] for one in side["measurements"]] == [3.0, 1.0, 2.0]
    assert speed.results.summarise([single(1.0, None)])["memory_bytes"] is None


def test_more_pictures_a_second_are_better(speed):
    ratio = speed.results.ratio_of([12.0, 18.0, 15.0], [3.0, 2.0, 5.0], higher_is_better=True)
    assert ratio == {"of_medians": 5.0, "low": 3.0, "high": 9.0}


def test_fewer_seconds_are_better_and_rounds_that_one_side_lacks_have_no_ratio_of_their_own(speed):
    ratio = speed.results.ratio_of([60.0, 50.0, 70.0], [240.0, 180.0], higher_is_better=False)
    assert ratio == {"of_medians": 3.5, "low": 3.6, "high": 4.0}


@pytest.mark.parametrize(
    ("ours", "ratio", "aim", "said"),
    [
        (70.0, 3.5, {"ratio": 3, "most": 75}, "met"),
        (80.0, 3.5, {"ratio": 3, "most": 75}, "missed"),
        (70.0, 2.9, {"ratio": 3, "most": 75}, "missed"),
        (70.0, 3.0, {"ratio": 3}, "met"),
        (70.0, 0.1, {}, ""),
    ],
)
def test_an_aim_is_met_when_all_of_it_is(speed, ours, ratio, aim, said):
    assert speed.words.verdict(measured(ours, 1.0, ratio, **aim)) == said


@pytest.mark.parametrize(("value", "text"), [(0.4123, "0.412"), (13.06, "13.1"), (205.4, "205"), (1030.2, "1030")])
def test_numbers_have_three_figures(speed, value, text):
    assert speed.words.number(value) == text


def test_figures_of_two_machines_are_never_mixed(speed, tmp_path):
    file = tmp_path / "results.json"
    begun = speed.results.read_results(file, {"cores": 2})
    begun["rows"]["one"] = {"date": "2026-11-22"}
    speed.results.write_results(file, begun)
    assert speed.results.read_results(file, {"cores": 2})["rows"] == {"one": {"date": "2026-11-22"}}
    with pytest.raises(SystemExit, match="another machine or with other versions"):
        speed.results.read_results(file, {"cores": 4})


# A row


def row_of(speed: SimpleNamespace, log: Path, kind: type | None = None) -> Any:
    def program(name: str, value: float) -> Any:
        code = f"open({str(log)!r}, 'a').write({name!r}); print('{{\"value\": {value}, \"gflop_per_picture\": 2.0}}')"
        return lambda place, prepared, work: [sys.executable, "-c", code]

    aim = speed.rows.Aim("aim", ratio=2)
    make = kind or speed.rows.Row
    return make("one", "work", "pictures/s", aim, "a loop", lambda place: place.work, program("A", 6), program("B", 2))


def place_of(speed: SimpleNamespace, work: Path, rows: dict[str, Any] | None = None) -> Any:
    return speed.rows.Place(work, work, work, {"rows": rows or {}}, work / "python")


def test_both_sides_take_turns(speed, tmp_path):
    row = speed.run.run_row(row_of(speed, tmp_path / "log"), place_of(speed, tmp_path), 3)
    assert (tmp_path / "log").read_text() == "ABABAB"
    assert row["ratio"] == {"of_medians": 3.0, "low": 3.0, "high": 3.0}
    assert [len(row[side]["measurements"]) for side in ("ours", "ordinary")] == [3, 3]


def test_a_slow_program_may_have_fewer_rounds(speed, tmp_path):
    row = replace(row_of(speed, tmp_path / "log"), most_rounds=(2, 1))
    speed.run.run_row(row, place_of(speed, tmp_path), 3)
    assert (tmp_path / "log").read_text() == "ABA"


def test_a_row_says_what_the_machine_lacks(speed, tmp_path):
    def absent(place: Any) -> Path:
        raise speed.rows.NotHere("no GPU at hand")

    row = speed.run.run_row(replace(row_of(speed, tmp_path / "log"), prepare=absent), place_of(speed, tmp_path), 3)
    assert row["absent"] == "no GPU at hand"
    assert speed.words.line_of(row) == "work: no GPU at hand"
    assert "| no GPU at hand |" in speed.page.speed_table({"one": row})


def test_the_share_of_the_peak_is_the_trainings_speed_times_its_cost(speed, tmp_path):
    share = replace(row_of(speed, tmp_path / "log", speed.rows.Share), ours=None)
    trained = {"train": {"ours": {"measurements": [single(4.0), single(5.0), single(6.0)]}}}
    row = speed.run.run_row(share, place_of(speed, tmp_path, trained), 1)  # peak 2 GFLOP/s, 2 GFLOP a picture
    assert row["ours"]["median"] == 10.0
    assert row["ratio"] == {"of_medians": 5.0, "low": 4.0, "high": 6.0}
    assert "train must be measured first" in speed.run.run_row(share, place_of(speed, tmp_path), 1)["absent"]


def test_without_a_gpu_its_row_says_so(speed, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert speed.run.run_row(speed.rows.ROWS["gpu"], place_of(speed, tmp_path), 1)["absent"] == "no GPU at hand"


def test_without_tensorflow_its_row_says_so(speed, tmp_path):
    row = speed.run.run_row(speed.rows.ROWS["keras"], place_of(speed, tmp_path), 1)
    assert row["absent"] == "no TensorFlow at hand (`make bench-keras`)"


def test_each_row_has_its_two_programs(speed, tmp_path):
    (tmp_path / "cars-200" / "images").mkdir(parents=True)
    (tmp_path / "cars-200" / "images" / "00000.jpg").write_text("")
    for row in speed.rows.ROWS.values():
        for command in (row.ours, row.ordinary):
            if command is not None:
                program = Path(command(place_of(speed, tmp_path), tmp_path, tmp_path)[1])
                assert program.is_file(), program


# Our side


def program_of(name: str, patch: pytest.MonkeyPatch) -> Any:
    """Import one of the programs of benchmarks/speed/ours, leaving no module of its plain name behind."""
    patch.syspath_prepend(SPEED / "ours")
    program = import_module(name)
    for left in (name, "command"):
        patch.delitem(sys.modules, left)
    return program


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run of 3 training pictures whose plan was made at 100 s and whose epochs ended at 110, 114 and 118 s."""
    (tmp_path / "split.csv").write_text("image,group,part\na,a,train\nb,b,train\nc,c,train\ntrain,d,test\n")
    (tmp_path / "plan.json").write_text("{}")
    os.utime(tmp_path / "plan.json", (100, 100))
    events = [{"event": "checked", "time": 90}, *({"event": "epoch", "time": time} for time in (110, 114, 118))]
    (tmp_path / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return tmp_path


@pytest.mark.parametrize(("phase", "pictures", "seconds"), [(False, 6, 8.0), (True, 9, 18.0)])
def test_our_training_is_timed_after_its_first_epoch_or_as_a_whole(
    speed, finished, monkeypatch, phase, pictures, seconds
):
    program = program_of("train", monkeypatch)
    assert program.timed(finished, phase=phase) == (pictures, seconds)


def test_a_cold_start_ends_when_the_model_file_appears(tmp_path, monkeypatch):
    watch = program_of("cold", monkeypatch).Appearance(tmp_path / "model.onnx")
    watch.start()
    time.sleep(0.3)
    before = time.monotonic()
    (tmp_path / "model.onnx").write_bytes(b"")
    assert before - 0.01 <= watch.when() <= time.monotonic()


def test_a_command_that_fails_ends_the_measurement_with_its_error(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="info"):
        program_of("train", monkeypatch).maskwright("info", str(tmp_path / "nothing"))


# Pictures


def test_lesions_are_laid_out_in_order_with_too_few_to_validate_on(speed, tmp_path):
    for part, ending in (("images", ".jpg"), ("masks", "_segmentation.png")):
        (tmp_path / "isic" / "train" / part).mkdir(parents=True)
        for number in range(6):
            (tmp_path / "isic" / "train" / part / f"L{number}{ending}").write_text(f"{part} {number}")
    folder = speed.sets.lesions(tmp_path, tmp_path / "work", train=3, others=1)
    found = {part: [path.name for path in sorted((folder / part / "images").iterdir())] for part in speed.sets.PARTS}
    assert found == {"train": ["L0.jpg", "L1.jpg", "L2.jpg"], "val": ["L3.jpg"], "test": ["L4.jpg"]}
    assert (folder / "val" / "masks" / "L3_segmentation.png").read_text() == "masks 3"


def test_no_car_is_in_two_parts(speed, tmp_path):
    for part, ending in (("train", ".jpg"), ("train_masks", "_mask.gif")):
        (tmp_path / "carvana" / part).mkdir(parents=True)
        for car in "abcd":
            for view in range(3):
                (tmp_path / "carvana" / part / f"{car}_{view}{ending}").write_text("")
    folder = speed.sets.cars(tmp_path, tmp_path / "work", train=5, others=2)
    cars = {part: [path.name[0] for path in sorted((folder / part / "images").iterdir())] for part in speed.sets.PARTS}
    assert cars == {"train": list("aaabb"), "val": list("cc"), "test": list("dd")}
    many = speed.sets.many_cars(tmp_path, tmp_path / "work", number=14)
    assert [len(list((many / part).iterdir())) for part in ("images", "masks")] == [14, 14]


# The page


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SPEED / "results.json").read_text("utf-8"))
    return content


def test_the_page_holds_the_table_of_the_results(speed, results):
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert speed.page.fill(text, speed.page.tables(results)) == text, "run benchmarks/speed/page.py"


def test_what_was_measured_are_rows_of_today_with_the_aims_of_today(speed, results):
    for name, row in results["rows"].items():
        assert row["aim"] == speed.rows.ROWS[name].aim.to_json()
        assert (row["title"], row["unit"]) == (speed.rows.ROWS[name].title, speed.rows.ROWS[name].unit)


def test_a_line_of_the_table_by_hand(speed):
    table = speed.page.speed_table({"one": measured(2.0, 6.0, 3.0, ratio=2.5)})
    assert table.splitlines()[-1] == (
        "| work (against a loop) | aim: met | 2 (1-3) s | 6 (1-3) s | 3.00 (2.00-4.00) | 2.5 GB / 2.5 GB | 1 / 1 "
        "| 2026-11-22 |"
    )


def test_a_page_without_a_place_for_the_table_is_refused(speed):
    with pytest.raises(ValueError, match="no place for 'speed'"):
        speed.page.fill("nothing", {"speed": "| a |"})


def test_the_machine_is_described_without_guessing(speed, monkeypatch):
    monkeypatch.setattr(speed.machine, "gpu", lambda: None)
    found = speed.machine.describe_machine()
    assert found["versions"]["numpy"]
    assert found["cores"] >= 1
    text = speed.page.machine_text({**found, "memory_gib": None})
    assert "memory unknown, no GPU" in text
