"""`export` on a run: int8 beside the model file, bf16 noted in it, and what `predict` and `evaluate` make of both."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

import maskwright
from maskwright.data.pebbles import make_pebbles
from maskwright.errors import ConfigError, DataError, ExportError
from maskwright.runtime.metadata import read_description
from support.program import run_program

pytest.importorskip("torch")
pytest.importorskip("onnx")

TINY = {"model.encoder": "none", "model.size": 64, "model.mode": "whole", "training.seed": 1}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network, trained for a moment on enough pictures for three parts."""
    data = tmp_path_factory.mktemp("export") / "pebbles"
    make_pebbles(data, 120, size=(96, 128), seed=4)
    return Path(maskwright.train(data, output=data.parent / "run", overrides=TINY, epochs=2).run)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run, to export from."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def picture(folder: Path) -> Path:
    make_pebbles(folder, 1, size=(96, 128), seed=99)
    return next((folder / "images").iterdir())


def test_int8_stands_beside_the_file_is_smaller_and_predicts_and_scores(run: Path, tmp_path: Path) -> None:
    made = maskwright.export_run(run, "int8", force=True)
    assert made.path == run / "model-int8.onnx"
    assert made.bytes_after < 0.6 * made.bytes_before
    assert json.loads((run / "export-int8.json").read_text())["reports"][0]["precision"] == "int8"
    assert read_description(made.path).reduced["onnxruntime int8"]["pictures"] == made.reports[0].pictures > 0
    predicted = maskwright.predict_files(run, picture(tmp_path / "p"), tmp_path / "out", precision="int8")
    assert (predicted.precision, len(predicted.outputs)) == ("int8", 1)
    with Image.open(predicted.outputs[0]["mask"]) as mask:
        assert mask.size == (128, 96)
    scored = maskwright.evaluate(run, precision="int8")
    assert scored.precision == "int8"
    assert (
        abs(
            scored.to_json()["per_image"]["dice"]["value"]
            - maskwright.evaluate(run).to_json()["per_image"]["dice"]["value"]
        )
        < 0.05
    )
    card = run_program("info", made.path)
    assert (card.returncode, "precision  int8" in card.stdout) == (0, True)
    assert "reduced    onnxruntime int8: " in card.stdout


def test_what_fails_the_gate_is_not_written_unless_forced(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwright.export.gate.MAX_REDUCED_SHARE", -1.0)
    with pytest.raises(ExportError, match="int8 changes the masks too much in onnxruntime: Dice"):
        maskwright.export_run(run, "int8")
    assert not list(run.rglob("*int8*"))
    assert maskwright.export_run(run, "int8", force=True).forced
    assert (run / "model-int8.onnx").exists()


def test_bf16_is_noted_in_the_file_whether_it_holds_or_not(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    made = maskwright.export_run(run, "bf16")
    assert read_description(run / "model.onnx").reduced["openvino bf16"]["passed"] is True
    assert made.reports[0].passed
    monkeypatch.setattr("maskwright.export.gate.MAX_REDUCED_SHARE", -1.0)
    with pytest.raises(ExportError, match="bf16 changes the masks too much"):
        maskwright.export_run(run, "bf16")
    assert read_description(run / "model.onnx").reduced["openvino bf16"]["passed"] is False


def test_what_cannot_be_exported_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no export to 'gif'"):
        maskwright.export_run(run, "gif")
    with pytest.raises(ConfigError, match="cannot be forced"):
        maskwright.export_run(run, "bf16", force=True)
    with pytest.raises(DataError, match="no int8 model file"):
        maskwright.predict_files(run, picture(tmp_path / "p"), tmp_path / "out", precision="int8")
