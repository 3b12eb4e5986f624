"""The whole story through the command line, on small pebbles: check, train, evaluate, predict, info; and bad input."""

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import maskwright
from maskwright.cli.main import run_command
from support.program import check_document, run_program

TINY = ("--encoder", "none", "--weights", "none", "--size", "64", "--epochs", "2", "--device", "cpu")

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def pebbles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty small pictures with masks: the fewest that give a test part, and some."""
    folder = tmp_path_factory.mktemp("data") / "pebbles"
    maskwright.make_pebbles(folder, 60, size=(72, 96), seed=3)
    return folder


@pytest.fixture(scope="module")
def trained(pebbles: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run of two epochs, made by the command, and its document."""
    run = tmp_path_factory.mktemp("runs") / "pebbles"
    done = run_program("train", pebbles, "-o", run, *TINY, "--json")
    assert done.returncode == 0, done.stderr
    return run, check_document(done.stdout, "train")


def copied(folder: Path, to: Path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(folder, to)
    return to


def first(folder: Path) -> Path:
    return sorted(folder.iterdir())[0]


def assert_one_error(done: Done, *parts: str, code: int = 1) -> None:
    """One error with what, where and fix on stderr, nothing on stdout, no traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "  fix:   " in done.stderr
    for part in parts:
        assert part in done.stderr


def test_check_counts_what_is_there(pebbles: Path) -> None:
    done = run_program("check", pebbles, "--json")
    document = check_document(done.stdout, "check")
    assert done.returncode == 0, done.stderr
    assert (document["pairs"], document["images"], document["masks"]) == (60, 60, 60)
    assert len(document["classes"]) == 2


def test_check_in_words_names_the_next_command(pebbles: Path) -> None:
    done = run_program("check", pebbles)
    assert f" maskwright train {pebbles}\n" in done.stdout


def test_check_writes_a_page_and_a_mended_copy_that_has_no_errors(pebbles: Path, tmp_path: Path) -> None:
    folder = copied(pebbles, tmp_path / "copy")
    broken = first(folder / "images")
    broken.write_bytes(broken.read_bytes()[:1200])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    written = ("--html", tmp_path / "page.html", "--fix", "-o", tmp_path / "clean")
    done = run_program("check", folder, *written, "--json")
    document = check_document(done.stdout, "check")
    assert (done.returncode, document["page"]) == (3, str(tmp_path / "page.html")), done.stderr
    assert (document["mended"]["pairs"], document["mended"]["left_out"]) == (59, 1)
    assert "<script" not in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert run_program("check", tmp_path / "clean").returncode == 0


def test_what_was_accepted_is_recorded_and_told(pebbles: Path, tmp_path: Path) -> None:
    folder, run = copied(pebbles, tmp_path / "copy"), tmp_path / "run"
    for kind, values in (("images", None), ("masks", 0)):
        source = first(folder / kind)
        again = folder / kind / f"again{source.suffix}"
        shutil.copy(source, again)
        if values is not None:
            Image.fromarray(np.full_like(np.asarray(Image.open(source)), values)).save(again)
    assert_one_error(run_program("train", folder, "-o", run, *TINY, "-q"), "--accept label-conflict")
    done = run_program("train", folder, "-o", run, *TINY, "-q", "--accept", "label-conflict")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert events[0]["accepted"] == ["label-conflict"]
    card = (run / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "- findings: 1 error" in card
    assert "- errors accepted: label-conflict" in card


def test_pairs_with_accepted_errors_that_cannot_be_read_are_left_out(pebbles: Path, tmp_path: Path) -> None:
    folder, run = copied(pebbles, tmp_path / "copy"), tmp_path / "run"
    images, masks = (sorted((folder / part).iterdir()) for part in ("images", "masks"))
    images[0].write_bytes(b"no picture")
    images[1].write_bytes(images[1].read_bytes()[:1500])
    slip = np.asarray(Image.open(masks[2])).copy()
    slip[:2, :2] = 77
    Image.fromarray(slip).save(masks[2])
    shutil.copy(images[3], images[3].with_suffix(".bmp"))  # whose is the mask?
    kinds = ("ambiguous-pair", "mask-values", "truncated", "unreadable")

    assert_one_error(run_program("train", folder, "-o", run, *TINY, "-q"), *(f"--accept {kind}" for kind in kinds))
    done = run_program(
        "train", folder, "-o", run, *TINY, "-q", *(word for kind in kinds for word in ("--accept", kind))
    )

    assert done.returncode == 0, done.stderr
    lost = [image.stem for image in images[:3]]
    started = json.loads((run / "events.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert f"3 pairs that cannot be read left out: {', '.join(lost)}" in started["split"]
    with open(run / "split.csv", encoding="utf-8", newline="") as file:
        parts = {Path(line["image"]).stem: line["part"] for line in csv.DictReader(file)}
    assert [name for name, part in parts.items() if not part] == lost
    assert images[3].stem not in parts
    assert run_program("evaluate", run, "-q").returncode == 0


def test_a_kind_to_accept_mistyped(pebbles: Path, tmp_path: Path) -> None:
    done = run_program("train", pebbles, "-o", tmp_path / "run", *TINY, "--accept", "label-conflct")
    assert_one_error(done, "There is no kind of finding 'label-conflct'.", "did you mean 'label-conflict'?")


def test_check_writes_down_what_it_found_and_reads_it_again(pebbles: Path, tmp_path: Path) -> None:
    folder = copied(pebbles, tmp_path / "copy")
    document = check_document(run_program("check", folder, "--write", "--json").stdout, "check")
    assert document["written"] == str(folder / "dataset.yaml")
    again = check_document(run_program("check", folder, "--json").stdout, "check")
    assert again["classes"] == document["classes"]
    assert again["pairs"] == 60


def test_train_writes_a_run_with_a_model_and_scores(trained: tuple[Path, dict[str, Any]]) -> None:
    run, document = trained
    assert document["run"] == str(run)
    assert Path(document["model"]).stat().st_size > 10_000
    assert 0 <= document["scores"]["per_image"]["dice"]["value"] <= 1
    for name in (
        "recipe.yaml",
        "split.csv",
        "plan.json",
        "events.jsonl",
        "evaluation.json",
        "MODEL_CARD.md",
        "report.html",
    ):
        assert (run / name).is_file(), name


def test_the_same_training_again_is_finished_already(pebbles: Path, trained: tuple[Path, dict[str, Any]]) -> None:
    run, document = trained
    before = (run / "model.onnx").read_bytes()
    done = run_program("train", pebbles, "-o", run, *TINY, "--json")
    assert done.returncode == 0, done.stderr
    assert check_document(done.stdout, "train")["scores"] == document["scores"]
    assert (run / "model.onnx").read_bytes() == before


def test_another_training_in_the_same_folder_is_an_error(pebbles: Path, trained: tuple[Path, dict[str, Any]]) -> None:
    run, _ = trained
    assert_one_error(run_program("train", pebbles, "-o", run, *TINY, "--seed", "5", "-q"), "training.seed", str(run))


def test_evaluate_agrees_with_the_training_s_scores(trained: tuple[Path, dict[str, Any]]) -> None:
    run, document = trained
    done = run_program("evaluate", run, "--json")
    scores = check_document(done.stdout, "evaluate")
    assert scores["pooled"] == document["scores"]["pooled"]
    assert scores["images"] == document["scores"]["images"]


def test_evaluate_on_other_data_takes_all_of_it(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    run, _ = trained
    maskwright.make_pebbles(tmp_path / "others", 5, size=(60, 60), seed=9)
    done = run_program("evaluate", run / "model.onnx", tmp_path / "others", "--json")
    assert check_document(done.stdout, "evaluate")["images"] == 5, done.stderr


def test_predict_writes_masks_of_the_pictures_sizes(
    pebbles: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    run, _ = trained
    picture = first(pebbles / "images")
    done = run_program("predict", run, picture, "-o", tmp_path / "out", "--json")
    document = check_document(done.stdout, "predict")
    assert done.returncode == 0, done.stderr
    (output,) = document["outputs"]
    assert output["input"] == str(picture)
    with Image.open(picture) as image, Image.open(output["mask"]) as mask:
        assert mask.size == image.size
        assert len(np.unique(np.asarray(mask))) <= 2


def test_masks_that_are_there_are_kept_unless_told(
    pebbles: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    run, _ = trained
    line = ("predict", run, first(pebbles / "images"), "-o", tmp_path)
    mask = Path(check_document(run_program(*line, "--json").stdout, "predict")["outputs"][0]["mask"])
    mask.write_bytes(b"mine")
    assert "was there already" in run_program(*line).stdout
    assert mask.read_bytes() == b"mine"
    assert run_program(*line, "--overwrite").returncode == 0
    assert mask.read_bytes() != b"mine"


def test_predict_names_the_picture_that_failed_and_does_the_others(
    pebbles: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    run, _ = trained
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(first(pebbles / "images").read_bytes()[:900])
    done = run_program("predict", run, broken, first(pebbles / "images"), "-o", tmp_path / "out", "--json")
    document = check_document(done.stdout, "predict")
    assert (done.returncode, len(document["outputs"]), len(document["failures"])) == (1, 1, 1)
    assert document["failures"][0]["input"] == str(broken)
    assert len(list((tmp_path / "out").rglob("broken*"))) == 0


def test_info_prints_the_card(trained: tuple[Path, dict[str, Any]]) -> None:
    run, _ = trained
    document = check_document(run_program("info", run, "--json").stdout, "info")
    assert document["size"] == [64, 64]
    assert "network" in run_program("info", run).stdout


def test_recipes_count_their_networks() -> None:
    document = check_document(run_program("recipes", "--json").stdout, "recipes")
    assert {"default", "demo"} <= {recipe["name"] for recipe in document["recipes"]}
    assert all(recipe["parameters"] > 1000 for recipe in document["recipes"])


# --- bad input: one error with what, where and how to fix; exit code 1; nothing half-written -----------------------


def test_a_wrong_folder(tmp_path: Path) -> None:
    assert_one_error(run_program("train", tmp_path / "absent", "-o", tmp_path / "run", *TINY), str(tmp_path / "absent"))
    assert not (tmp_path / "run").exists()


def test_a_folder_without_pairs(pebbles: Path, tmp_path: Path) -> None:
    folder = copied(pebbles, tmp_path / "copy")
    shutil.rmtree(folder / "masks")
    assert_one_error(run_program("train", folder, "-o", tmp_path / "run", *TINY), "no masks", str(folder))
    assert not (tmp_path / "run").exists()


def test_a_truncated_picture(pebbles: Path, tmp_path: Path) -> None:
    folder = copied(pebbles, tmp_path / "copy")
    broken = first(folder / "images")
    broken.write_bytes(broken.read_bytes()[:1200])
    done = run_program("check", folder, "--json")
    assert done.returncode == 3
    kinds = {finding["kind"] for finding in check_document(done.stdout, "check")["findings"]}
    assert kinds & {"truncated", "unreadable"}
    assert_one_error(run_program("train", folder, "-o", tmp_path / "run", *TINY), broken.name)
    assert not (tmp_path / "run" / "model.onnx").exists()


def test_a_single_mask_of_another_size(pebbles: Path, tmp_path: Path) -> None:
    folder = copied(pebbles, tmp_path / "copy")
    odd = first(folder / "masks")
    Image.open(odd).resize((40, 70), Image.Resampling.NEAREST).save(odd)
    done = run_program("check", folder, "--json")
    errors = [f for f in check_document(done.stdout, "check")["findings"] if f["level"] == "error"]
    assert done.returncode == 3
    assert {finding["kind"] for finding in errors} <= {"size-mismatch", "aspect-mismatch"}
    assert_one_error(run_program("train", folder, "-o", tmp_path / "run", *TINY), odd.stem)


def test_an_unknown_value_in_a_mask(pebbles: Path, tmp_path: Path) -> None:
    folder = copied(pebbles, tmp_path / "copy")
    (folder / "dataset.yaml").write_text("values: {background: 0, pebble: 255}\n")
    spoilt = first(folder / "masks")
    values = np.array(Image.open(spoilt))
    values[5, 7] = 7
    Image.fromarray(values).save(spoilt)
    done = run_program("train", folder, "-o", tmp_path / "run", *TINY)
    assert_one_error(done, "7", spoilt.name, "row 5", "column 7")


def test_a_picture_of_too_many_pixels_and_the_option_that_lets_it_in(pebbles: Path) -> None:
    said = run_program("--max-pixels", "1000", "check", pebbles, "--json").stdout
    assert "more than 1,000 are not read" in said
    assert "--max-pixels" in said


def test_a_missing_weights_file(pebbles: Path, tmp_path: Path) -> None:
    weights = tmp_path / "absent.safetensors"
    line = ("train", pebbles, "-o", tmp_path / "run", "--encoder", "mobilenetv2_035", "--size", "64", "--epochs", "1")
    assert_one_error(run_program(*line, "--weights", weights), str(weights))


def test_an_encoder_name_mistyped(pebbles: Path, tmp_path: Path) -> None:
    line = ("train", pebbles, "-o", tmp_path / "run", "--weights", "none", "--size", "64", "--epochs", "1")
    assert_one_error(run_program(*line, "--encoder", "mobilenetv2_10"), "mobilenetv2_10", "mobilenetv2_100")


def test_the_command_put_right_goes_on_in_the_same_folder(pebbles: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert_one_error(run_program("train", pebbles, "-o", run, *TINY, "--set", "loss=dise", "-q"), "Unknown loss 'dise'")
    done = run_program("train", pebbles, "-o", run, *TINY, "--set", "loss=dice", "-q")
    assert done.returncode == 0, done.stderr
    assert (run / "model.onnx").is_file()


def test_a_key_of_the_recipe_mistyped(pebbles: Path, tmp_path: Path) -> None:
    done = run_program("train", pebbles, "-o", tmp_path / "run", *TINY, "--set", "training.batchsize=4")
    assert_one_error(done, "unknown key 'batchsize' under 'training'. Did you mean 'batch_size'?")
    assert not (tmp_path / "run").exists()


def a_place_where_nobody_may_write(tmp_path: Path) -> Path:
    """A folder without permission; for root, who may write into any folder, one that the system keeps."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.access(locked, os.W_OK):
        locked = Path("/sys")
    return locked


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that even root may not write into")
def test_a_read_only_output(pebbles: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    place = a_place_where_nobody_may_write(tmp_path)
    run, _ = trained
    assert_one_error(run_program("train", pebbles, "-o", place / "run", *TINY), "Cannot write", str(place))
    picture = first(pebbles / "images")
    assert_one_error(run_program("predict", run, picture, "-o", place / "out"), "Cannot write", str(place))


def test_a_full_disk_leaves_no_half_written_mask(
    pebbles: Path,
    trained: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    code = run_command(["predict", str(trained[0]), str(first(pebbles / "images")), "-o", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert code == 1
    assert "error: Cannot write: No space left on device." in error
    assert "  fix:   free some space, or write to another disk" in error
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_an_output_that_is_a_file(pebbles: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    assert_one_error(run_program("train", pebbles, "-o", tmp_path / "run", *TINY), str(tmp_path / "run"))
    assert (tmp_path / "run").read_text() == "a file"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_disk_for_the_result_on_stdout(pebbles: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "maskwright", "recipes", "--fields"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: Cannot write: No space left on device.\n  where: standard output")


def test_an_error_as_json_is_the_only_thing_on_stdout(tmp_path: Path) -> None:
    done = run_program("train", tmp_path / "absent", "--json")
    error = check_document(done.stdout, "train")["error"]
    assert (done.returncode, error["where"]) == (1, str(tmp_path / "absent"))
    assert json.loads(done.stdout)["ok"] is False
