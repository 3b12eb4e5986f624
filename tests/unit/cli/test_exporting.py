"""`maskwright export` and the options of `predict` that choose how a model runs."""

from pathlib import Path
from typing import Any

import pytest

from support import documents
from support.program import check_document
from support.workflows import Run, Workflow


def exported(**changes: Any) -> dict[str, Any]:
    report = {
        "runtime": "onnxruntime", "precision": "int8", "pictures": 64, "pixels": 1000, "differing_pixels": 4,
        "dice_network": 0.9163, "dice_file": 0.915, "worst": "a", "worst_share": 0.02, "passed": True,
    }  # fmt: skip
    return {
        "to": "int8", "path": "runs/a/model-int8.onnx", "bytes_before": 3_200_000, "bytes_after": 1_300_000,
        "part": "val", "forced": False, "reports": [report], **changes,
    }  # fmt: skip


class Result:
    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def to_json(self) -> dict[str, Any]:
        return self.content


def test_what_int8_costs_is_told_and_how_to_use_it(run: Run, workflow: Workflow) -> None:
    export = workflow("export_run", Result(exported()))
    code, out, _ = run("export", "runs/a", "--to", "int8")
    assert code == 0
    assert "onnxruntime  int8   Dice 0.9163 -> 0.9150   0.40% of the mask pixels differ   64 pictures (val)" in out
    assert "3.2 MB -> 1.3 MB" in out
    assert "maskwright predict runs/a PICTURES -o masks --precision int8" in out
    assert export.arguments == (Path("runs/a"), "int8")
    assert export.options["force"] is False


def test_a_forced_file_says_so(run: Run, workflow: Workflow) -> None:
    workflow("export_run", Result(exported(forced=True)))
    assert "because of --force" in run("export", "runs/a", "--to", "int8", "--force")[1]


def test_bf16_makes_no_file_of_its_own(run: Run, workflow: Workflow) -> None:
    workflow("export_run", Result(exported(to="bf16", path="runs/a/model.onnx")))
    out = run("export", "runs/a", "--to", "bf16")[1]
    assert "noted  runs/a/model.onnx" in out
    assert "next:" not in out


def test_the_document_keeps_its_promise(run: Run, workflow: Workflow) -> None:
    workflow("export_run", Result(exported()))
    document = check_document(run("export", "runs/a", "--to", "int8", "--json")[1], "export")
    assert document["reports"][0]["passed"] is True


def test_another_form_is_wrong_usage(run: Run) -> None:
    assert run("export", "runs/a", "--to", "gif")[0] == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), {"overlays": True, "runtime": "auto", "precision": "auto"}),
        (("--no-overlays",), {"overlays": False}),
        (("--runtime", "openvino", "--precision", "int8"), {"runtime": "openvino", "precision": "int8"}),
    ],
)
def test_predict_hands_on_how_to_run(run: Run, workflow: Workflow, given: Any, expected: dict[str, Any]) -> None:
    predict = workflow("predict_files", Result(documents.predict()))
    run("predict", "runs/a", "a.jpg", "-o", "masks", *given)
    assert {key: predict.options[key] for key in expected} == expected
