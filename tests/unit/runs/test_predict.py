"""`predict` over files and folders: which pictures are found, which masks are kept, what one failure does."""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError, MissingDependency, OutputError
from maskwright.images.classes import Classes
from maskwright.progress import Step
from maskwright.runs.opening import Opened
from maskwright.runs.predict import RECORD, _in_order, predict_files
from maskwright.runs.predict_jobs import Job
from maskwright.runs.predict_sources import OnDisk
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import Predictor

Build = Callable[..., Predictor]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model(tmp_path: Path) -> Build:
    """Build a predictor that calls everything `label`; its file holds nothing but its name."""

    def build(name: str = "model", *, label: int = 1, precision: str = "fp32", overlapping: bool = False) -> Predictor:
        def run(images: Any, names: Any) -> list[Any]:
            height, width = images.shape[1:3]
            planes = (1, 2) if overlapping else (1,)
            probabilities = np.full((1, planes[-1], height, width), label, np.float32)
            mask = np.full((1, 2, height, width) if overlapping else (1, height, width), label, np.uint8)
            return [probabilities, mask][: len(names)]

        classes = Classes(("cell", "a/b"), exclusive=False) if overlapping else Classes(("background", "pebble"))
        description = ModelDescription(
            classes=classes, mode="whole", size=(8, 8), threshold=0.5, mean=(0.5,) * 3, std=(0.25,) * 3
        )
        path = tmp_path / f"{name}.onnx"
        path.write_text(name)
        return Predictor(description, "onnxruntime", precision, path, run)

    return build


def save(path: Path, *, shade: int = 90, format: str = "PNG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (7, 5), (shade, shade, shade)).save(path, format)
    return path


def inputs(result: Any) -> list[str]:
    return [Path(output["input"]).name for output in result.outputs]


def value(result: Any, number: int = 0) -> int:
    with Image.open(result.outputs[number]["mask"]) as mask:
        return int(np.asarray(mask)[0, 0])


def test_a_folder_is_read_as_training_reads_it(model: Build, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name, kind in (("a.jfif", "JPEG"), ("b.jpe", "JPEG"), ("c.dib", "BMP"), ("sub/d", "PNG"), ("e.png", "PNG")):
        save(folder / name, format=kind)
    for name in ("._e.png", "notes.txt", ".hidden/f.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no picture")
    result = predict_files(model(), folder, tmp_path / "out")
    assert result.failures == ()
    assert inputs(result) == ["a.jfif", "b.jpe", "c.dib", "e.png", "d"]
    assert (tmp_path / "out" / "masks" / "sub" / "d.png").exists()


@pytest.mark.parametrize("place", ["", "out", "deep/out"])
def test_what_predict_wrote_into_the_folder_is_no_picture(model: Build, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "in"
    save(folder / "a.png")
    for output in (folder / place, folder / place, folder / "another"):
        assert inputs(predict_files(model(), folder, output)) == ["a.png"]


def test_the_folder_of_the_pictures_may_lie_in_the_output(model: Build, tmp_path: Path) -> None:
    save(tmp_path / "data" / "images" / "a.png")
    assert inputs(predict_files(model(), tmp_path / "data" / "images", tmp_path / "data")) == ["a.png"]


def test_what_cannot_be_followed_is_named_and_the_others_are_done(model: Build, tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").symlink_to(tmp_path / "nowhere")
    result = predict_files(model(), tmp_path / "in", tmp_path / "out")
    assert inputs(result) == ["a.png"]
    (failure,) = result.failures
    assert failure["input"].endswith("b.png")
    assert failure["error"]["what"] == "It is a link that leads nowhere."


def test_a_missing_package_ends_one_picture_only(model: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = Predictor.predict

    def needing(self: Predictor, picture: Any) -> Any:
        if Path(picture).name == "a.png":
            raise MissingDependency("This picture needs imagecodecs, which is not installed.", fix="install it")
        return predict(self, picture)

    monkeypatch.setattr(Predictor, "predict", needing)
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name)
    result = predict_files(model(), tmp_path / "in", tmp_path / "out")
    assert inputs(result) == ["b.png"]
    assert "imagecodecs" in result.failures[0]["error"]["what"]


def test_a_full_disk_ends_all(model: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OutputError("Cannot write: No space left on device.", where="out")

    monkeypatch.setattr("maskwright.runs.predict_making.write_bytes", full)
    with pytest.raises(OutputError, match="No space"):
        predict_files(model(), save(tmp_path / "a.png"), tmp_path / "out")


def test_a_mask_is_kept_while_picture_and_model_are_the_same(model: Build, tmp_path: Path) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    first = predict_files(model(), picture, out)
    assert [one["skipped"] for one in first.outputs] == [False]
    again = predict_files(model(label=0), picture, out)  # the same file: nobody looks at what it would say
    assert [one["skipped"] for one in again.outputs] == [True]
    assert value(again) == 1
    anew = predict_files(model(label=0), picture, out, overwrite=True)
    assert (anew.outputs[0]["skipped"], value(anew)) == (False, 0)
    assert json.loads((out / RECORD).read_text())["schema_version"] == 1


@pytest.mark.parametrize("change", ["model", "precision", "picture", "another picture", "mask"])
def test_a_mask_of_another_picture_or_model_is_made_anew(model: Build, tmp_path: Path, change: str) -> None:
    picture, out = save(tmp_path / "one" / "a.png"), tmp_path / "out"
    mask = Path(predict_files(model(label=0), picture, out).outputs[0]["mask"])
    predictor = model(label=1)
    if change == "model":
        predictor = model("other", label=1)
    elif change == "precision":
        predictor = model(label=1, precision="bf16")
    elif change == "picture":
        os.utime(picture, ns=(1, 1))
    elif change == "another picture":
        picture = save(tmp_path / "two" / "a.png", shade=200)
    else:
        mask.unlink()
    result = predict_files(predictor, picture, out)
    assert (result.outputs[0]["skipped"], value(result)) == (False, 1)


def test_a_mask_that_was_being_made_when_predict_ended_is_made_anew(
    model: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    predict_files(model(label=0), picture, out)
    with monkeypatch.context() as patched:  # the other model's mask is written, the note that it was is not
        patched.setattr("maskwright.runs.predict_record.RECORD_SECONDS", 1e9)

        def killed(step: Step) -> None:
            if step.done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            predict_files(model("other"), picture, out, progress=killed)
    result = predict_files(model(label=0), picture, out)
    assert (result.outputs[0]["skipped"], value(result)) == (False, 0)


def test_masks_that_predict_did_not_make_are_not_replaced_unasked(model: Build, tmp_path: Path) -> None:
    picture, truth = save(tmp_path / "images" / "a.png"), save(tmp_path / "masks" / "a.png")
    before = truth.read_bytes()
    with pytest.raises(OutputError, match="did not make") as caught:
        predict_files(model(), picture.parent, tmp_path)
    assert (caught.value.where, truth.read_bytes()) == (str(truth), before)
    assert predict_files(model(), picture.parent, tmp_path, overwrite=True).outputs


def test_a_damaged_record_tells_nothing(model: Build, tmp_path: Path) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    predict_files(model(), picture, out)
    (out / RECORD).write_text("[1, 2")
    with pytest.raises(OutputError, match="did not make"):
        predict_files(model(), picture, out)
    assert predict_files(model(), picture, out, overwrite=True).failures == ()
    assert predict_files(model(), picture, out).outputs[0]["skipped"]


def test_overlapping_classes_get_a_file_each(model: Build, tmp_path: Path) -> None:
    result = predict_files(model(overlapping=True), save(tmp_path / "a.png"), tmp_path / "out")
    assert [Path(mask).name for mask in result.outputs[0]["masks"]] == ["a.cell.png", "a.a_b.png"]
    assert value(result) == 255


def test_equal_names_get_masks_of_their_own(model: Build, tmp_path: Path) -> None:
    pictures = [save(tmp_path / "one" / "a.png"), save(tmp_path / "two" / "a.png")]
    result = predict_files(model(), pictures, tmp_path / "out")
    assert len({one["mask"] for one in result.outputs}) == 2


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text_is_recorded_too(model: Build, tmp_path: Path) -> None:
    picture = tmp_path / os.fsdecode(b"a\xff.png")
    try:
        save(picture)
    except OSError:
        pytest.skip("the disk takes no such name")
    predict_files(model(), picture, tmp_path / "out")
    assert predict_files(model(), picture, tmp_path / "out").outputs[0]["skipped"]


def test_a_folder_without_pictures_is_an_error(model: Build, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        predict_files(model(), tmp_path / "in", tmp_path / "out")
    with pytest.raises(DataError, match="no such picture"):
        predict_files(model(), tmp_path / "absent.png", tmp_path / "out")


def jobs(folder: Path, number: int) -> list[Job]:
    names = [f"{at:02}" for at in range(number)]
    return [Job(OnDisk(folder / name), Path(name), folder, Classes(("background", "pebble"))) for name in names]


def test_results_come_in_order_though_later_pictures_are_done_first(tmp_path: Path) -> None:
    def work(job: Job) -> float:
        time.sleep(0.05 if int(job.name.name) % 3 == 0 else 0)
        return float(job.name.name)

    with _in_order(jobs(tmp_path, 12), work, 3) as results:
        assert [result() for result in results] == list(range(12))


def test_no_more_pictures_are_under_way_than_there_are_threads_and_few_are_done_ahead(tmp_path: Path) -> None:
    alone, busy, most, begun = threading.Lock(), 0, 0, 0

    def work(job: Job) -> float:
        nonlocal busy, most, begun
        with alone:
            busy, begun = busy + 1, begun + 1
            most = max(most, busy)
        time.sleep(0.005)
        with alone:
            busy -= 1
        return 0.0

    with _in_order(jobs(tmp_path, 40), work, 2) as results:
        for done, result in enumerate(results):
            result()
            assert begun <= done + 1 + 4
    assert (begun, most) == (40, 2)


def test_when_it_ends_early_the_pictures_under_way_are_finished_and_no_other_is_begun(tmp_path: Path) -> None:
    begun, finished = [], []

    def work(job: Job) -> float:
        begun.append(job.name)
        time.sleep(0.02)
        finished.append(job.name)
        return 0.0

    with pytest.raises(KeyboardInterrupt), _in_order(jobs(tmp_path, 40), work, 2) as results:
        next(results)()
        raise KeyboardInterrupt
    assert sorted(begun) == sorted(finished)
    assert len(begun) < 10


@pytest.fixture
def threaded(model: Build, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have a model file opened for three callers at a time."""
    monkeypatch.setattr("maskwright.runs.predict.open_for_masks", lambda *_, **__: Opened(model(), 3, "because"))
    return "run"


def test_a_broken_picture_among_many_threads_is_named_and_the_others_are_done(threaded: str, tmp_path: Path) -> None:
    for number in range(20):
        save(tmp_path / "in" / f"{number:02}.png")
    for number in (0, 7):
        (tmp_path / "in" / f"{number:02}.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    result = predict_files(threaded, tmp_path / "in", tmp_path / "out")
    assert inputs(result) == [f"{number:02}.png" for number in range(20) if number not in (0, 7)]
    assert [Path(one["input"]).name for one in result.failures] == ["00.png", "07.png"]
    assert len(list((tmp_path / "out" / "masks").iterdir())) == 18
    assert (result.runtime, result.precision, result.why) == ("onnxruntime", "fp32", "because")


def test_a_full_disk_ends_all_threads_and_only_what_was_written_is_noted(
    threaded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from maskwright.files import write_bytes

    def full(path: Path, content: bytes) -> None:
        if path.name == "05.png":
            raise OutputError("Cannot write: No space left on device.", where=str(path))
        write_bytes(path, content)

    for number in range(40):
        save(tmp_path / "in" / f"{number:02}.png")
    with monkeypatch.context() as patched:
        patched.setattr("maskwright.runs.predict_making.write_bytes", full)
        patched.setattr("maskwright.runs.predict_record.RECORD_SECONDS", 0)
        patched.setattr("maskwright.runs.predict_record.WRITING_SHARE", 1e9)
        with pytest.raises(OutputError, match="No space"):
            predict_files(threaded, tmp_path / "in", tmp_path / "out")
    noted = json.loads((tmp_path / "out" / RECORD).read_text())["masks"]
    assert [name for name, stamp in noted.items() if stamp] == ["00", "01", "02", "03", "04"]
    made = {path.name for path in (tmp_path / "out" / "masks").iterdir()}
    assert not any(name.startswith(".") for name in made)  # nothing half written
    assert "39.png" not in made
    again = predict_files(threaded, tmp_path / "in", tmp_path / "out")
    assert [one["skipped"] for one in again.outputs] == [True] * 5 + [False] * 35


def test_without_overlays_there_are_masks_alone(model: Build, tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png")
    result = predict_files(model(), picture, tmp_path / "out", overlays=False)
    assert "overlay" not in result.outputs[0]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["masks", RECORD]
    with_them = predict_files(model(), picture, tmp_path / "out", overwrite=True)
    assert Path(with_them.outputs[0]["overlay"]).exists()


def test_a_mask_of_a_runtime_that_would_have_been_as_right_is_kept(
    model: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    predict_files(model(precision="bf16"), picture, out)
    for others, kept in (((("onnxruntime", "bf16"),), True), ((("openvino", "bf16"),), False)):
        opened = Opened(model(), 1, "", others)
        monkeypatch.setattr("maskwright.runs.predict.open_for_masks", lambda *_, opened=opened, **__: opened)
        assert predict_files("run", picture, out).outputs[0]["skipped"] is kept
