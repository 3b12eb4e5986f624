"""Trackers are copies of the diary: complete, continued, and never in the training's way."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy2
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import ConfigError, MissingDependency
from maskwright.evaluation.threshold import ThresholdChoice
from maskwright.export.parity import ParityReport
from maskwright.files import write_json
from maskwright.progress import Step
from maskwright.recipe import build_recipe
from maskwright.runs import tracking as tracking_module
from maskwright.runs.copies import score_numbers
from maskwright.runs.folder import RunFolder
from maskwright.runs.recipes import load_recipe
from maskwright.runs.sendable import copies_to_send
from maskwright.runs.trackers import find_trackers
from support.tracked import (
    EVALUATION,
    PLAN,
    Curve,
    Mlflow,
    begin_run,
    curves,
    epoch,
    finish,
    make_store,
    plan,
    read_tensorboard,
    read_wandb,
    track,
    wandb_config,
    wandb_curves,
)

SCORES = {"test/dice", "test/dice_low", "test/dice_high", "test/iou"}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests, and no network."""
    import os

    for name in [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store: making one takes MLflow seconds."""
    folder = tmp_path_factory.mktemp("store")
    make_store(folder)
    return folder / "mlflow.db"


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Mlflow:
    """An empty store beside the test's run."""
    copy2(empty_store, tmp_path / "mlflow.db")
    return Mlflow(tmp_path)


class Told:
    """What a made-up tracker was told; fails or hangs when it is told to."""

    runs: ClassVar[list["Told"]] = []
    fail_at: ClassVar[int] = 10**6
    hang: ClassVar[threading.Event | None] = None

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self.numbers: list[tuple[int, dict[str, float]]] = []
        self.busy = self.ended = False


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Told]]:
    """A tracker "noted" as somebody outside would add it to Accelerate."""
    from accelerate import tracking

    class Noted(tracking.GeneralTracker):
        name = "noted"
        requires_logging_directory = False

        def __init__(self, project: str) -> None:
            super().__init__()
            self.project, self.told = project, Told()

        @property
        def tracker(self) -> Told:
            return self.told

        def start(self) -> None:
            Told.runs.append(self.told)

        def store_init_configuration(self, values: dict[str, Any]) -> None:
            self.told.config |= values

        def log(self, values: dict[str, float], step: int | None = None, **_: Any) -> None:
            self.told.busy = True
            if Told.hang is not None:
                Told.hang.wait(20)
            if len(self.told.numbers) >= Told.fail_at:
                raise LookupError("The server is gone\nand so on")
            self.told.numbers.append((step or 0, values))

        def finish(self) -> None:
            self.told.ended = True

    monkeypatch.setitem(tracking.LOGGER_TYPE_TO_CLASS, "noted", Noted)
    monkeypatch.setattr(Told, "runs", [])
    yield Told


def named(told: list[Told], name: str) -> list[Curve]:
    return [[(step, values[name]) for step, values in one.numbers if name in values] for one in told]


def as_float32(read: dict[str, Curve]) -> dict[str, Curve]:
    """TensorBoard keeps single precision."""
    return {name: [(step, float(np.float32(value))) for step, value in curve] for name, curve in read.items()}


def test_without_trackers_nothing_is_written(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    assert track(run, epochs=[0, 1], end=True) == ((), [])
    assert {path.name for path in run.path.iterdir()} == {"events.jsonl", "recipe.yaml", "plan.json", "evaluation.json"}


def test_tensorboard_holds_the_diary(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    report, _ = track(run, "tensorboard", epochs=[0, 1, 2], end=True)
    read = read_tensorboard(run.path / "tensorboard")
    assert {name: read[name] for name in curves(run)} == as_float32(curves(run))
    assert read["test/dice_low"] == [(3, 0.75)]
    assert (report[0].where, report[0].error) == (f"tensorboard --logdir {run.path}", "")


def test_mlflow_holds_the_diary_in_a_file_beside_the_runs(store: Mlflow, tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "mlflow", epochs=[0, 1, 2], end=True)
    (found,) = store.runs()
    read = store.curves(found)
    assert {name: read[name] for name in curves(run)} == curves(run)
    assert {name for name in read if name.startswith("test/")} == SCORES
    assert (found.info.run_name, found.info.status) == ("run", "FINISHED")
    assert found.data.params["model.name"] == "unet"
    assert found.data.params["plan.size"] == "64, 96"


def test_wandb_holds_the_diary_offline(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    report, _ = track(run, "wandb", epochs=[0, 1, 2], end=True)
    records = read_wandb(run.path)
    read = wandb_curves(records)
    assert {name: read[name] for name in curves(run)} == curves(run)
    assert {name for name in read if name.startswith("test/")} == SCORES
    config = wandb_config(records)
    assert (config["model.name"], config["plan.precision"], config["run.split"]) == ("unet", "fp32", "by hand")
    assert report[0].where.startswith("wandb sync ")


HOME = "/home/alice/study"
WITH_PATHS = build_recipe(
    {
        "data": {
            "images": f"{HOME}/photos", "masks": f"{HOME}/drawn", "annotations": f"{HOME}/outlines.json",
            "pairs": f"{HOME}/pairs.csv", "previous": f"{HOME}/old/split.csv", "split": "C:\\Users\\alice\\new.csv",
        },
        "model": {"weights": f"{HOME}/base.safetensors"},
    }
)  # fmt: skip


def begin_with_paths(folder: Path) -> RunFolder:
    """A run whose recipe and plan hold paths wherever they can."""
    run = begin_run(folder, recipe=WITH_PATHS)
    run.plan.write_text(json.dumps({**PLAN, "weights": f"{HOME}/base.safetensors"}))
    return run


def test_no_path_of_this_computer_is_among_what_is_told(made_up: type[Told], tmp_path: Path) -> None:
    run = begin_with_paths(tmp_path / "run")
    with tracking_module.Tracking(find_trackers("noted"), pictures=False, progress=lambda _: None).follow(run) as told:
        finish(told)
    config = made_up.runs[0].config
    assert "alice" not in str(config)
    assert (config["data.previous"], config["data.split"]) == ("split.csv", "new.csv")
    assert (config["model.weights"], config["plan.weights"]) == ("base.safetensors", "base.safetensors")
    assert config["training.phases.0.schedule"] == "cosine"


def test_no_path_of_this_computer_is_in_the_files_that_are_sent(tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    sent = copies_to_send(begin_with_paths(tmp_path / "run"), tmp_path / "sent", pictures=False)
    content = {path.name: path.read_text() for path in sent}
    assert set(content) == {"recipe.yaml", "plan.json"}
    assert "alice" not in str(content)
    assert load_recipe(tmp_path / "sent" / "recipe.yaml").data.previous == "split.csv"


def test_a_tracker_that_outsiders_registered_is_told_everything(made_up: type[Told], tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "noted", epochs=[0, 1], end=True)
    assert named(made_up.runs, "train/loss") == [curves(run)["train/loss"]]
    assert made_up.runs[0].ended


def test_an_epoch_without_validation_has_no_score(made_up: type[Told], tmp_path: Path) -> None:
    track(begin_run(tmp_path / "run"), "noted", epochs=[epoch(0, score=None)])
    assert "val/dice" not in made_up.runs[0].numbers[0][1]


def test_tensorboard_goes_on_without_a_gap_or_a_repetition(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "tensorboard", epochs=[0, 1])
    track(run, "tensorboard", epochs=[2, 3], end=True)
    assert read_tensorboard(run.path / "tensorboard")["train/loss"] == as_float32(curves(run))["train/loss"]


def test_mlflow_goes_on_with_the_same_run(store: Mlflow, tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "mlflow", epochs=[0, 1])
    track(run, "mlflow", epochs=[2, 3], end=True)
    (found,) = store.runs()
    assert store.curves(found)["train/loss"] == curves(run)["train/loss"]


def test_wandb_goes_on_under_the_same_id(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "wandb", epochs=[0, 1])
    track(run, "wandb", epochs=[2, 3], end=True)
    records = read_wandb(run.path)
    assert len({record.run.run_id for record in records if record.HasField("run")}) == 1
    assert wandb_curves(records)["train/loss"] == curves(run)["train/loss"]


AGAIN = [epoch(1, loss=0.75, seconds=7.5), epoch(2)]


def test_an_epoch_that_is_trained_again_is_replaced_in_tensorboard(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "tensorboard", epochs=[0, 1, 2])
    track(run, "tensorboard", epochs=AGAIN, end=True)
    read = read_tensorboard(run.path / "tensorboard")
    assert {name: read[name] for name in curves(run)} == as_float32(curves(run))


def test_of_an_epoch_that_is_trained_again_mlflow_is_told_what_has_changed(store: Mlflow, tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "mlflow", epochs=[0, 1, 2])
    track(run, "mlflow", epochs=AGAIN, end=True)
    read = store.curves(store.runs()[0])
    assert read["train/loss"] == [(1, 1 / 3), (2, 1 / 4), (3, 1 / 5), (2, 0.75)]
    assert read["val/dice"] == curves(run)["val/dice"]


def test_of_an_epoch_that_is_trained_again_wandb_keeps_the_first(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "wandb", epochs=[0, 1, 2])
    track(run, "wandb", epochs=[*AGAIN, 3], end=True)
    assert wandb_curves(read_wandb(run.path))["train/loss"] == [(1, 1 / 3), (2, 1 / 4), (3, 1 / 5), (4, 1 / 6)]


def test_a_tracker_that_comes_later_gets_what_was_before(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, epochs=[0, 1])
    track(run, "tensorboard", epochs=[2], end=True)
    assert [step for step, _ in read_tensorboard(run.path / "tensorboard")["train/loss"]] == [1, 2, 3]


def test_a_tracker_that_cannot_go_on_with_a_run_gets_all_of_it_anew(made_up: type[Told], tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, "noted", epochs=[0, 1])
    track(run, "noted", epochs=[2], end=True)
    assert [[step for step, _ in curve] for curve in named(made_up.runs, "train/loss")] == [[1, 2], [1, 2, 3]]


def test_nothing_is_lost_when_the_training_ends_while_a_tracker_is_busy(
    made_up: type[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, hang = begin_run(tmp_path / "run"), threading.Event()
    monkeypatch.setattr(made_up, "hang", hang)  # at the first epoch, until all is written
    with tracking_module.Tracking(find_trackers("noted"), pictures=False, progress=lambda _: None).follow(run) as told:
        plan(told)
        told.events.add(epoch(0))
        wait_for(lambda: made_up.runs[0].busy)
        for number in (1, 2):
            told.events.add(epoch(number))
        finish(told)
        hang.set()
    assert named(made_up.runs, "train/loss") == [curves(run)["train/loss"]]


def wait_for(ready: Callable[[], bool]) -> None:
    for _ in range(1000):
        if ready():
            return
        time.sleep(0.01)
    pytest.fail("it does not come")


def test_a_finished_run_is_copied_once(made_up: type[Told], tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    track(run, epochs=[0, 1], end=True)
    track(run, "noted")
    track(run, "noted")
    (told,) = made_up.runs
    assert [step for step, _ in told.numbers] == [1, 2, 2]
    assert "test/dice" in told.numbers[-1][1]


def test_folds_are_runs_of_their_own_in_mlflow_nested_in_theirs(store: Mlflow, tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", folds=2)
    fold_and_finish(run, "mlflow")
    found = {one.info.run_name: one for one in store.runs()}
    assert set(found) == {"run", "run/fold-1", "run/fold-2"}
    whole = found["run"].info.run_id
    assert [found[f"run/fold-{n}"].data.tags["mlflow.parentRunId"] for n in (1, 2)] == [whole, whole]
    assert [len(store.curves(one)["train/loss"]) for one in found.values()] == [
        3 if one == "run" else 2 for one in found
    ]


def test_folds_have_their_own_curves_in_tensorboard(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", folds=2)
    fold_and_finish(run, "tensorboard")
    for folder in (run, run.fold(1), run.fold(2)):
        assert read_tensorboard(folder.path / "tensorboard")["train/loss"] == as_float32(curves(folder))["train/loss"]


def test_folds_are_one_group_in_wandb(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", folds=2)
    fold_and_finish(run, "wandb")
    runs = [record.run for record in read_wandb(run.path) if record.HasField("run")]
    assert {(one.display_name, one.run_group) for one in runs} == {
        ("run", "run"), ("run/fold-1", "run"), ("run/fold-2", "run"),
    }  # fmt: skip
    assert len({one.run_id for one in runs}) == 3


def test_a_fold_that_goes_on_replaces_what_is_trained_again(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", folds=2)
    for records in ([epoch(0), epoch(1)], [epoch(1, loss=0.75)]):
        with tracking_module.Tracking(find_trackers("tensorboard"), pictures=False, progress=lambda _: None).follow(
            run
        ) as told:
            plan(told.fold(1))
            for record in records:
                told.fold(1).events.add(record)
    read = read_tensorboard(run.fold(1).path / "tensorboard")
    assert read["train/loss"] == as_float32(curves(run.fold(1)))["train/loss"]


def fold_and_finish(run: Any, name: str) -> None:
    """A training with two folds, stopped between them."""
    for number in (1, 2):
        with tracking_module.Tracking(find_trackers(name), pictures=False, progress=lambda _: None).follow(run) as told:
            plan(told.fold(number))
            for at in range(2):
                told.fold(number).events.add(epoch(at, loss=number / 8))
            told.fold(number).model.write_bytes(b"done")
            if number == 2:
                plan(told)
                for at in range(3):
                    told.events.add(epoch(at))
                finish(told)


def test_a_tracker_that_fails_is_mentioned_once_and_the_training_goes_on(
    made_up: type[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_up, "fail_at", 1)
    run = begin_run(tmp_path / "run")
    report, said = track(run, "noted", epochs=range(5), end=True)
    warnings = [step.text for step in said if "warning" in step.text]
    assert warnings == [
        "warning noted takes no more: The server is gone. The training goes on; events.jsonl has everything."
    ]
    assert report[0].to_json()["complete"] is False
    assert len(run.events.of_kind("epoch")) == 5


def test_what_a_failed_tracker_lacks_is_sent_when_it_is_asked_for_again(
    made_up: type[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin_run(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(made_up, "fail_at", 1)
        track(run, "noted", epochs=range(3), end=True)
    report, _ = track(run, "noted")
    assert named(made_up.runs, "train/loss")[-1] == curves(run)["train/loss"]
    assert report[0].error == ""


def test_a_tracker_that_fails_leaves_the_others_alone(
    made_up: type[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_up, "fail_at", 0)
    run = begin_run(tmp_path / "run")
    report, _ = track(run, "noted", "tensorboard", epochs=range(3), end=True)
    assert [bool(one.error) for one in report] == [True, False]


def test_a_tracker_that_hangs_makes_nobody_wait(
    made_up: type[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang = threading.Event()
    monkeypatch.setattr(made_up, "hang", hang)
    monkeypatch.setattr(tracking_module, "END_SECONDS", 0.1)
    report, _ = track(begin_run(tmp_path / "run"), "noted", epochs=range(3), end=True)
    hang.set()
    assert report[0].error == "It has not taken everything yet."


@pytest.mark.parametrize(
    ("name", "fix"),
    [("tensorbord", "did you mean 'tensorboard'?"), ("W&B", "did you mean 'wandb'?"), ("zzz", "known: aim, clearml")],
)
def test_an_unknown_tracker_is_refused_with_the_nearest_name(name: str, fix: str) -> None:
    with pytest.raises(ConfigError, match="There is no tracker") as error:
        find_trackers([name])
    assert error.value.fix.startswith(fix)


@pytest.mark.parametrize(
    ("name", "fix"), [("mlflow", "pip install 'maskwright[track]'"), ("comet_ml", "pip install comet-ml")]
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    name: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("maskwright.runs.trackers.find_spec", lambda _: None)
    with pytest.raises(MissingDependency, match=f"--track {name} needs {name}") as error:
        find_trackers([name])
    assert error.value.fix == fix


def test_names_come_repeated_or_with_commas_and_count_once() -> None:
    assert find_trackers(["tensorboard,wandb", "TensorBoard "]) == ("tensorboard", "wandb")
    assert find_trackers("tensorboard, wandb") == ("tensorboard", "wandb")


def test_wandb_without_a_login_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    online = SimpleNamespace(settings=SimpleNamespace(mode="online"))  # wandb reads WANDB_MODE once for a process
    monkeypatch.setattr(wandb, "setup", lambda: online)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="wandb is not logged in") as error:
        find_trackers("wandb")
    assert "WANDB_MODE=offline" in error.value.fix


def test_an_mlflow_server_that_is_not_there_is_an_error_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    said: list[Step] = []
    tracking = tracking_module.Tracking(find_trackers("mlflow"), pictures=False, progress=said.append)
    with pytest.raises(ConfigError, match="mlflow cannot be started") as error, tracking.follow(begin_run(tmp_path)):
        pytest.fail("the training began")
    assert "MLFLOW_TRACKING_URI" in error.value.fix
    assert said == []


def test_the_stated_mlflow_store_is_used(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    copy2(empty_store, tmp_path / "mine")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{(tmp_path / 'mine' / 'mlflow.db').as_posix()}")
    monkeypatch.chdir(tmp_path)  # where MLflow keeps files of a store that does not say where
    track(begin_run(tmp_path / "run"), "mlflow", epochs=[0], end=True)
    assert len(Mlflow(tmp_path / "mine").runs()) == 1
    assert not (tmp_path / "mlflow.db").exists()


def test_two_trainings_of_one_process_have_stores_of_their_own(empty_store: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        copy2(empty_store, tmp_path / name)
        track(begin_run(tmp_path / name / "run"), "mlflow", epochs=[0], end=True)
        assert [run.info.run_name for run in Mlflow(tmp_path / name).runs()] == ["run"]


def test_a_folder_that_is_no_address_of_a_store_is_refused(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "why?" / "run")
    with pytest.raises(ConfigError, match="question mark") as error:
        track(run, "mlflow")
    assert "MLFLOW_TRACKING_URI" in error.value.fix


def test_what_is_to_be_typed_can_be_typed_for_folders_with_spaces(tmp_path: Path) -> None:
    report, _ = track(begin_run(tmp_path / "my run"), "tensorboard", "wandb", epochs=[0])
    assert report[0].where == f"tensorboard --logdir '{tmp_path / 'my run'}'"
    assert report[1].where == f"wandb sync '{tmp_path / 'my run' / 'wandb'}'/offline-run-*"


def with_pictures(folder: Path) -> Any:
    run = begin_run(folder)
    Image.new("RGB", (8, 8), (200, 0, 0)).save(run.path / "sheet.png")
    (run.path / "report.html").write_text("patient-7.png")
    (run.path / "split.csv").write_text("image,group,part\npatient-7.png,patient-7,test\n")
    (run.path / "MODEL_CARD.md").write_text("worst: patient-7.png")
    proof = ParityReport("onnxruntime", "fp32", pictures=3, worst="patient-7", worst_share=0.01)
    write_json(run.path / "parity.json", {"schema_version": 1, **proof.to_json()})
    choice = ThresholdChoice(0.5, 0.75, "dice", 30, (0.25, 0.5), (0.5, 0.75))
    write_json(run.path / "threshold.json", {"schema_version": 1, **choice.to_json()})
    return run


def test_what_stays_on_this_computer_shows_the_sheet(store: Mlflow, tmp_path: Path) -> None:
    run = with_pictures(tmp_path / "run")
    track(run, "tensorboard", "mlflow", epochs=[0], end=True)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.path / "tensorboard"))
    events.Reload()
    assert events.Tags()["images"] == ["sheet"]
    kept = {one.path for one in store.client.list_artifacts(store.runs()[0].info.run_id)}
    assert kept == {
        "sheet.png", "report.html", "recipe.yaml", "plan.json", "evaluation.json", "parity.json", "threshold.json",
        "split.csv", "MODEL_CARD.md",
    }  # fmt: skip


def wandb_files(run: Any) -> dict[str, str]:
    """What wandb would send, by name; a picture is read as if it were text."""
    read_wandb(run.path)  # its own process has ended then
    found = [path for path in run.path.glob("wandb/offline-run-*/**/*") if path.is_file()]
    return {path.name.split("_")[0]: path.read_bytes().decode("latin-1") for path in found}


def test_wandb_gets_neither_pictures_nor_their_names_unasked(tmp_path: Path) -> None:
    run = with_pictures(tmp_path / "run")
    track(run, "wandb", epochs=[0], end=True)
    files = wandb_files(run)
    assert {"recipe.yaml", "plan.json", "parity.json", "threshold.json"} <= files.keys()
    assert not {"sheet", "report.html", "evaluation.json", "MODEL", "split.csv"} & files.keys()
    assert [name for name, content in files.items() if "patient-7" in content] == []
    assert json.loads(files["parity.json"])["worst_share"] == 0.01


def test_wandb_gets_pictures_when_it_is_told_to(tmp_path: Path) -> None:
    run = with_pictures(tmp_path / "run")
    track(run, "wandb", epochs=[0], end=True, pictures=True)
    files = wandb_files(run)
    assert {"sheet", "report.html", "evaluation.json"} <= files.keys()
    assert json.loads(files["parity.json"])["worst"] == "patient-7"


def test_scores_of_several_classes_are_told_by_class() -> None:
    both = {**EVALUATION, "per_class": {"moss/wet": EVALUATION["per_class"]["lesion"], "soil": {"per_image": {}}}}  # type: ignore[index]
    numbers = score_numbers(both)
    assert (numbers["test_moss_wet/dice"], numbers["test_pooled/dice_high"]) == (0.8125, 0.875)
    assert "test/iou_low" not in numbers
