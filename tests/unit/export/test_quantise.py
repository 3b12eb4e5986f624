"""An int8 network between the cut points: smaller, nearly the same masks, and a file like any other."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from maskwright.errors import ConfigError, DataError, ExportError
from maskwright.export.graph import export_model
from maskwright.export.quantise import calibration_inputs, quantise
from maskwright.export.reduced import check_reduced, require_reduced
from maskwright.runtime.metadata import read_description
from maskwright.runtime.predictor import load_model

Build = Callable[..., Any]


@pytest.fixture
def files(tmp_path: Path, describe: Build, small_network: Build, draw: Build) -> Callable[..., tuple[Path, Path]]:
    """Write an fp32 file and its int8 file."""

    def write(**changes: Any) -> tuple[Path, Path]:
        description = describe(**{"scores": {"dice": 0.9}, **changes})
        exact, reduced = tmp_path / "model.onnx", tmp_path / "int8.onnx"
        export_model(small_network(description), description, exact)
        quantise(exact, reduced, (draw(description, 60, 90, seed) for seed in range(8)))
        return exact, reduced

    return write


@pytest.mark.parametrize("mode", [{}, {"mode": "tile", "overlap": 8}])
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_masks_stay_nearly_the_same(files: Build, draw: Build, runtime: str, mode: dict[str, Any]) -> None:
    pytest.importorskip(runtime)
    exact, reduced = files(threshold=0.58, **mode)
    plain, quick = load_model(exact), load_model(reduced, runtime=runtime)
    image = draw(plain.description, 120, 150, 77)
    one, other = plain.predict(image), quick.predict(image)
    assert quick.precision == "int8"
    assert 0 < np.abs(one.probabilities - other.probabilities).max() < 0.06
    assert 0.02 < one.mask.mean() < 0.98
    assert np.mean(one.mask != other.mask) < 0.05


def test_only_the_network_is_quantised(files: Build) -> None:
    exact, reduced = (onnx.load(str(path)) for path in files())

    def around(model: onnx.ModelProto) -> list[bytes]:
        return [n.SerializeToString() for n in model.graph.node if n.name.startswith(("before/", "after/"))]

    assert around(exact) == around(reduced)
    weights = {tensor.data_type for tensor in reduced.graph.initializer if len(tensor.dims) == 4}
    assert onnx.TensorProto.INT8 in weights
    assert "QuantizeLinear" in {node.op_type for node in reduced.graph.node}


def test_the_file_says_that_it_is_int8_and_has_no_scores_of_its_own(files: Build) -> None:
    exact, reduced = files()
    before, after = read_description(exact), read_description(reduced)
    assert (before.precision, after.precision) == ("fp32", "int8")
    assert (before.scores, after.scores) == ({"dice": 0.9}, {})
    assert after.classes == before.classes


def test_an_int8_file_runs_in_int8_only_and_no_other_does(files: Build) -> None:
    exact, reduced = files()
    with pytest.raises(ConfigError, match="weights are int8; it does not run in precision 'fp32'"):
        load_model(reduced, precision="fp32")
    with pytest.raises(ConfigError, match="weights are fp32; it does not run in precision 'int8'"):
        load_model(exact, precision="int8")


def test_what_is_int8_already_is_not_quantised_again(files: Build, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="int8 already"):
        quantise(files()[1], tmp_path / "again.onnx", [])


def test_without_pictures_there_are_no_ranges(files: Build, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs pictures"):
        quantise(files()[0], tmp_path / "again.onnx", [])
    assert logging.getLogger().level != logging.ERROR


def test_tiles_to_calibrate_on_lie_across_the_picture(describe: Build) -> None:
    description = describe(mode="tile", overlap=8, mean=(0.0,) * 3, std=(1.0,) * 3)
    image = np.broadcast_to(np.arange(150, dtype=np.uint8)[None, :, None], (32, 150, 3))
    tiles = list(calibration_inputs(image, description))
    assert [round(float(tile[0, 0, 0, 0]) * 255) for tile in tiles] == [0, 34, 68, 102]


def test_the_gate_counts_pixels_and_dice_as_worked_out_by_hand(files: Build, draw: Build) -> None:
    exact, reduced = (load_model(path) for path in files())
    pictures = [(f"p{seed}", draw(exact.description, 60, 90, seed)) for seed in (20, 21)]
    masks = [(exact.predict(image).mask, reduced.predict(image).mask) for _, image in pictures]
    report = check_reduced(exact, reduced, [(n, image, m) for (n, image), (m, _) in zip(pictures, masks, strict=True)])
    assert (report.runtime, report.precision, report.pictures, report.pixels) == ("onnxruntime", "int8", 2, 10800)
    assert report.differing_pixels == sum(int((one != other).sum()) for one, other in masks)
    assert report.dice_network == 1.0  # the truth was what the fp32 file says
    dice = [2 * (one & other).sum() / (one.sum() + other.sum()) for one, other in masks]
    assert report.dice_file == pytest.approx(np.mean(dice))


def test_a_report_beyond_the_gate_is_refused_with_its_figures(files: Build, draw: Build) -> None:
    exact, reduced = (load_model(path) for path in files())
    image = draw(exact.description, 60, 90, 20)
    report = check_reduced(exact, reduced, [("p", image, np.zeros((60, 90), np.uint8))])
    with pytest.raises(ExportError, match=r"int8 changes the masks too much in onnxruntime: Dice 0\.9000 -> 0\.8900"):
        require_reduced(replace(report, dice_network=0.9, dice_file=0.89))
    require_reduced(replace(report, dice_network=0.9, dice_file=0.899, differing_pixels=0))
    with pytest.raises(ExportError, match="too much"):
        require_reduced(replace(report, dice_network=0.9, dice_file=0.9, differing_pixels=28))  # of 5400: 0.52 %


def test_no_pictures_prove_nothing(files: Build) -> None:
    exact = load_model(files()[0])
    with pytest.raises(DataError, match="true masks"):
        check_reduced(exact, exact, [])
