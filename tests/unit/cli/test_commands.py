"""Each command hands its options to one workflow and puts out text or one document, with the right exit code."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import maskwright
from maskwright.cli import output
from maskwright.cli.main import main
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support import documents
from support.documents import Result
from support.program import check_document
from support.workflows import Run, Workflow


def test_train_turns_options_into_keys_of_the_recipe(run: Run, workflow: Workflow) -> None:
    train = workflow("train", Result(documents.train()))
    run(
        *("train", "lesions", "-o", "r", "--encoder", "resnet18", "--size", "192x256", "--epochs", "3", "--seed", "7"),
        *(
            "--minutes",
            "5",
            "--folds",
            "4",
            "--accept",
            "duplicate",
            "--accept",
            "truncated",
            "--set",
            "training.seed=8",
        ),
        *("--group", "name", "--recipe", "default", "--mode", "whole", "--weights", "none", "--masks", "m"),
        *("--device", "cpu"),
    )
    assert train.arguments == (Path("lesions"),)
    assert train.options["overrides"] == {
        "model.encoder": "resnet18",
        "model.weights": "none",
        "model.size": [192, 256],
        "model.mode": "whole",
        "training.seed": 8,
        "data.group": "name",
        "data.masks": "m",
    }
    assert (train.options["output"], train.options["recipe"]) == (Path("r"), "default")
    assert [train.options[name] for name in ("epochs", "minutes", "folds")] == [3, 5.0, 4]
    assert train.options["accept"] == ("duplicate", "truncated")
    assert train.options["device"] == "cpu"


def test_train_tells_the_score_with_its_interval_and_the_next_command(run: Run, workflow: Workflow) -> None:
    workflow("train", Result(documents.train()))
    code, out, _ = run("train", "lesions", "--quiet")
    assert code == 0
    assert "test   Dice 0.912 [0.892, 0.932]   IoU 0.912 [0.892, 0.932]   75 pictures" in out
    assert "all background 0.050 | majority class 0.050 | threshold 0.47" in out
    assert "time   2:46" in out
    assert "maskwright predict runs/lesions-1 PICTURES -o masks" in out


def test_train_as_json(run: Run, workflow: Workflow) -> None:
    workflow("train", Result(documents.train()))
    document = check_document(run("train", "lesions", "--json")[1], "train")
    assert document["scores"]["pooled"]["iou"]["low"] == pytest.approx(0.892)


def test_evaluate_tells_each_class(run: Run, workflow: Workflow) -> None:
    evaluate = workflow("evaluate", Result(documents.scores()))
    code, out, _ = run("evaluate", "runs/a", "other", "--part", "val", "--runtime", "openvino")
    assert (code, evaluate.arguments, evaluate.options["part"]) == (0, (Path("runs/a"), Path("other")), "val")
    assert evaluate.options["options"] == DataOptions()
    assert evaluate.options["runtime"] == "openvino"
    assert "of the foreground class 'lesion'; run by onnxruntime in fp32" in out
    assert "  lesion      Dice 0.912  IoU 0.912" in out


def test_a_score_that_is_not_defined_is_said_to_be(run: Run, workflow: Workflow) -> None:
    content = documents.scores()
    content["per_image"]["dice"] = {"value": None, "low": None, "high": None, "reason": "no pixel counts"}
    workflow("evaluate", Result(content))
    assert "Dice not defined   IoU" in run("evaluate", "runs/a")[1]
    check_document(run("evaluate", "runs/a", "--json")[1], "evaluate")


def test_predict_names_each_mask(run: Run, workflow: Workflow) -> None:
    predict = workflow("predict_files", Result(documents.predict()))
    code, out, err = run("predict", "runs/a", "a.jpg", "b", "-o", "masks", "--overwrite")
    assert (code, out) == (0, "a.jpg  ->  masks/a.png   0.31 s\n")
    assert predict.arguments == (Path("runs/a"), ["a.jpg", "b"], "masks")
    assert predict.options["overwrite"] is True
    assert err == "a remark\n"


def test_predict_hands_on_what_to_write_and_names_the_files_of_all_pictures(run: Run, workflow: Workflow) -> None:
    predict = workflow("predict_files", Result({**documents.predict(), "files": {"areas": "masks/areas.csv"}}))
    wishes = ("--write", "coco,areas", "--write", "cutout", "--simplify", "1.5", "--clean", "largest")
    code, out, _ = run("predict", "runs/a", "a.jpg", "-o", "masks", *wishes)
    assert (code, out.splitlines()[1:]) == (0, ["areas         masks/areas.csv"])
    given = {key: predict.options[key] for key in ("write", "simplify", "clean", "overlays")}
    assert given == {"write": ["coco,areas", "cutout"], "simplify": 1.5, "clean": "largest", "overlays": True}
    document = check_document(run("predict", "runs/a", "a.jpg", "-o", "masks", "--json")[1], "predict")
    assert document["files"] == {"areas": "masks/areas.csv"}
    assert predict.options["write"] is None


def test_a_picture_that_fails_is_an_error_and_the_others_are_done(run: Run, workflow: Workflow) -> None:
    workflow("predict_files", Result(documents.predict(failed=1)))
    code, out, err = run("predict", "runs/a", "a.jpg", "-o", "masks", "-q")
    assert (code, out) == (1, "a.jpg  ->  masks/a.png   0.31 s\n")
    assert err == "error: The file ends too early.\n  where: bad0.jpg\n  fix:   get it again\n"


def test_several_pictures_that_fail_are_counted(run: Run, workflow: Workflow) -> None:
    workflow("predict_files", Result(documents.predict(failed=2)))
    code, _, err = run("predict", "runs/a", "a.jpg", "-o", "masks", "-q")
    assert code == 1
    assert "error: 2 of 3 pictures failed, as failures.csv tells; the first: The file ends too early." in err
    assert "where: bad0.jpg, bad1.jpg" in err


def test_a_failed_picture_makes_the_document_not_ok_but_keeps_the_outputs(run: Run, workflow: Workflow) -> None:
    workflow("predict_files", Result(documents.predict(failed=1)))
    code, out, _ = run("predict", "runs/a", "a.jpg", "-o", "masks", "--json")
    document = check_document(out, "predict")
    assert (code, document["ok"], len(document["outputs"])) == (1, False, 1)
    assert document["error"]["where"] == "bad0.jpg"


def test_recipes_are_listed(run: Run, workflow: Workflow) -> None:
    workflow("recipes", [Result(recipe) for recipe in documents.RECIPES])
    out = run("recipes")[1]
    assert "1,234,567 parameters, 1,200,000 of them trained" in out
    assert all(recipe["task"] in out and recipe["source"] in out for recipe in documents.RECIPES)
    assert check_document(run("recipes", "--json")[1], "recipes")["recipes"] == documents.RECIPES


def test_every_key_of_a_recipe_is_listed_with_its_default(run: Run) -> None:
    code, out, _ = run("recipes", "--fields")
    assert code == 0
    assert "training.phases.0.learning_rate = 0.002   (number)   peak rate of decoder and head, per step" in out
    document = check_document(run("recipes", "--fields", "--json")[1], "recipes")
    assert {"key", "type", "default", "description"} <= set(document["fields"][0])


def test_an_error_says_what_where_and_how_to_fix(run: Run, workflow: Workflow) -> None:
    workflow("check", DataError("Mask holds 7, which is no class.", where="masks/a.png, row 40", fix="add the class"))
    code, out, err = run("check", "d", "-q")
    assert (code, out) == (1, "")
    assert err == "error: Mask holds 7, which is no class.\n  where: masks/a.png, row 40\n  fix:   add the class\n"


def test_an_error_as_json_is_the_one_document(run: Run, workflow: Workflow) -> None:
    workflow("train", DataError("No pairs.", where="d", fix="name the folders"))
    code, out, err = run("train", "d", "--json")
    assert code == 1
    assert check_document(out, "train")["error"] == {"what": "No pairs.", "where": "d", "fix": "name the folders"}
    assert "error" not in err


def test_a_bug_keeps_its_traceback(workflow: Workflow) -> None:
    workflow("train", ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        main(["train", "d", "-q"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chekc"], "No such command 'chekc'. Did you mean 'check'?"),
        (["check"], "Missing argument 'DATA'."),
        (["check", "d", "--grop", "x"], "No such option: --grop"),
        (["train", "d", "--set", "seed"], "'seed' is not KEY=VALUE"),
        (["train", "d", "--size", "large"], "'large' is neither a number nor HEIGHTxWIDTH"),
        (["train", "d", "--epochs", "many"], "Invalid value for '--epochs'"),
        (["predict", "r", "a.jpg"], "Missing option '--output'"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what(run: Run, arguments: list[str], message: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert "--help`" in err


def test_wrong_usage_as_json_is_one_document(run: Run) -> None:
    code, out, err = run("predict", "--json")
    assert (code, err) == (2, "")
    assert check_document(out, "predict")["error"]["fix"] == "see `maskwright predict --help`"


def test_ctrl_c_ends_with_130_and_without_a_traceback(run: Run, workflow: Workflow) -> None:
    workflow("train", KeyboardInterrupt())
    code, out, err = run("train", "d", "-q")
    assert (code, out) == (130, "")
    assert (
        err == "error: Stopped by you.\n  fix:   a training or download goes on from there when told the same again\n"
    )


def test_ctrl_c_with_json_is_one_document(run: Run, workflow: Workflow) -> None:
    workflow("train", KeyboardInterrupt())
    code, out, _ = run("train", "d", "--json")
    assert (code, check_document(out, "train")["ok"]) == (130, False)


def test_quiet_shows_no_progress(run: Run, workflow: Workflow) -> None:
    workflow("evaluate", Result(documents.scores()))
    assert run("evaluate", "r", "-q")[2] == ""


def test_without_a_verb_the_help_is_shown(run: Run) -> None:
    code, out, _ = run()
    assert code == 2
    assert "Say what a data folder holds" in out


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"maskwright {maskwright.__version__}\n", "")


def test_a_document_never_holds_a_number_that_json_lacks() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        output.put_document("train", {"seconds": float("nan")})


def test_the_card_tells_classes_network_and_scores(run: Run, workflow: Workflow) -> None:
    description = SimpleNamespace(to_json=lambda: json.dumps(documents.CARD))
    load = workflow("load", SimpleNamespace(description=description))
    code, out, _ = run("info", "runs/a")
    assert (code, load.arguments) == (0, (Path("runs/a"),))
    assert "classes    background, lesion" in out
    assert "pictures   3 bands of uint8; resizes the whole picture to 192x192" in out
    assert "scores     part test   images 75   per_image dice 0.912" in out
    assert check_document(run("info", "runs/a", "--json")[1], "info")["mode"] == "whole"


@pytest.mark.parametrize("name", ["a\x1b[31m.png", "a\x07.png", "a\x9bH.png", "a\u202egnp.exe"])
def test_a_file_name_cannot_command_the_terminal(run: Run, workflow: Workflow, name: str) -> None:
    escaped = name.encode("unicode_escape").decode()
    workflow("check", DataError("This is no picture.", where=name))
    assert escaped in run("check", "data")[2]
    assert name not in run("check", "data")[2]


def test_evaluate_is_told_how_other_data_is_read(run: Run, workflow: Workflow) -> None:
    evaluate = workflow("evaluate", Result(documents.scores()))
    stated = ("--images", "photos", "--masks", "gt", "--encoding", "index", "--classes", "soil, crop")
    assert run("evaluate", "r", "other", *stated)[0] == 0
    options = evaluate.options["options"]
    assert (options.images, options.masks, options.encoding) == ("photos", "gt", "index")
    assert (options.classes, evaluate.options["part"]) == (("soil", "crop"), None)
    assert run("evaluate", "r", "other", "--encoding", "rainbow")[0] == 1


def test_how_other_data_is_read_needs_other_data(run: Run, workflow: Workflow) -> None:
    evaluate = workflow("evaluate", Result(documents.scores()))
    code, _, err = run("evaluate", "r", "--masks", "gt")
    assert (code, evaluate.arguments) == (2, ())
    assert "--masks" in err
    assert run("evaluate", "r")[0] == 0
    assert evaluate.options["options"] is None


def test_what_is_put_and_said_is_escaped_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.put("one\x1b[0m\nzwölf")
    output.say("two\x00\n")
    written = capsys.readouterr()
    assert written.out == "one\\x1b[0m\nzwölf\n"
    assert written.err == "two\\x00\n\n"
