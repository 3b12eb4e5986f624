import json
from dataclasses import replace

import numpy as np
import pytest

from maskwright.errors import DataError, ExportError
from maskwright.export.graph import export_model
from maskwright.export.parity import ParityReport, check_parity, require_parity
from maskwright.export.reference import reference_probabilities
from maskwright.images.classes import Classes

SEVERAL = Classes(("soil", "crop", "weed"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def pictures_for(draw, description, count=4):
    return [(f"picture {n}", draw(description, 90 + 7 * n, 120, seed=n)) for n in range(count)]


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"classes": SEVERAL, "threshold": None, "temperature": 0.4},
        {"mode": "tile", "overlap": 8, "scale": 0.5, "temperature": 2.5},
    ],
)
def test_a_faithful_file_passes_in_each_runtime(path, describe, small_network, draw, runtime, changes):
    pytest.importorskip(runtime)
    description = describe(**changes)
    network = small_network(description)
    export_model(network, description, path)
    report = check_parity(network, description, path, pictures_for(draw, description), runtime=runtime)
    require_parity(report)
    assert report.passed
    assert report.max_difference < 1e-5
    assert report.pictures == 4
    assert report.pixels == 120 * (90 + 97 + 104 + 111)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": (0.485, 0.456, 0.41)},
        {"std": (0.229, 0.224, 0.23)},
        {"value_range": 256.0},
        {"threshold": 0.46},
        {"temperature": 1.05},
        {"size": (32, 40)},
        {"mode": "tile", "overlap": 8},
    ],
)
def test_a_file_made_with_a_wrong_number_fails_the_gate(path, describe, small_network, draw, wrong):
    right = describe()
    network = small_network(right)
    export_model(network, replace(right, **wrong), path)
    report = check_parity(network, right, path, pictures_for(draw, right))
    assert not report.passed
    with pytest.raises(ExportError, match="does not equal the trained network in onnxruntime fp32"):
        require_parity(report)


def test_a_file_of_other_weights_fails_the_gate(path, describe, small_network, draw):
    description = describe()
    network = small_network(description)
    export_model(network, description, path)
    network[3].bias.data += 0.001
    assert not check_parity(network, description, path, pictures_for(draw, description)).passed


def test_bands_in_another_order_fail_the_gate(path, describe, small_network, draw):
    description = describe()
    network = small_network(description)
    export_model(network, description, path)
    network[0].weight.data = network[0].weight.data.flip(1)
    assert not check_parity(network, description, path, pictures_for(draw, description)).passed


def test_the_worst_picture_is_named(path, describe, small_network, draw):
    right = describe()
    network = small_network(right)
    export_model(network, replace(right, mean=(0.6, 0.456, 0.406)), path)
    flat = ("flat", np.full((50, 50, 3), 250, np.uint8))
    report = check_parity(network, right, path, [flat, *pictures_for(draw, right, 1)])
    assert report.worst == "picture 0"
    with pytest.raises(ExportError, match=r"worst picture: picture 0 \(\d+\.\d+% of its pixels\)"):
        require_parity(report)


def test_the_figures_are_plain_json(path, describe, small_network, draw):
    description = describe()
    network = small_network(description)
    export_model(network, description, path)
    report = check_parity(network, description, path, pictures_for(draw, description, 1))
    content = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert content["passed"] is True
    assert content["pixels"] == 90 * 120
    assert content["runtime"] == "onnxruntime"


def test_progress_is_told_picture_by_picture_and_pictures_may_stream(path, describe, small_network, draw):
    description = describe()
    network = small_network(description)
    export_model(network, description, path)
    steps = []
    stream = (item for item in pictures_for(draw, description, 3))
    check_parity(network, description, path, stream, progress=steps.append)
    assert [step.done for step in steps] == [1, 2, 3]


def test_no_pictures_prove_nothing(path, describe, small_network):
    description = describe()
    network = small_network(description)
    export_model(network, description, path)
    with pytest.raises(DataError, match="needs at least one picture"):
        check_parity(network, description, path, [])


def test_reduced_precision_is_judged_by_dice_against_the_truth(path, describe, small_network, draw):
    pytest.importorskip("openvino")
    description = describe()
    network = small_network(description)
    export_model(network, description, path)
    images = pictures_for(draw, description)
    truths = [(reference_probabilities(network, description, image)[0] > 0.5).astype(np.uint8) for _, image in images]
    pictures = [(name, image, truth) for (name, image), truth in zip(images, truths, strict=True)]
    report = check_parity(network, description, path, pictures, runtime="openvino", precision="bf16")
    assert report.dice_network is not None
    assert abs(report.dice_network - report.dice_file) <= 0.002
    assert report.max_difference > 1e-5  # the network did run in bf16, and fp32's gate would not do
    assert report.passed


def test_reduced_precision_without_truth_is_refused(path, describe, small_network, draw):
    pytest.importorskip("openvino")
    description = describe()
    network = small_network(description)
    export_model(network, description, path)
    with pytest.raises(DataError, match="bf16 needs the true mask"):
        pictures = pictures_for(draw, description, 1)
        check_parity(network, description, path, pictures, runtime="openvino", precision="bf16")


FP32 = ParityReport("onnxruntime", "fp32", pictures=1, pixels=1_000_000)
BF16 = ParityReport("openvino", "bf16", pictures=1, pixels=1_000_000, dice_network=0.9, dice_file=0.9)


@pytest.mark.parametrize(
    ("report", "passed"),
    [
        (replace(FP32, differing_pixels=10, max_difference=1e-4), True),
        (replace(FP32, differing_pixels=11), False),
        (replace(FP32, max_difference=1.1e-4), False),
        (replace(FP32, max_difference=float("inf")), False),
        (replace(FP32, max_difference=3e-4, network_error=2e-4, file_error=4e-4), True),
        (replace(FP32, max_difference=3e-4, network_error=1e-4, file_error=2.1e-4), False),
        (replace(FP32, max_difference=3e-4, network_error=2e-4, file_error=1e-4, differing_pixels=11), False),
        (replace(FP32, max_difference=np.inf, network_error=np.inf, file_error=np.inf), False),
        (replace(FP32, pixels=1000, differing_pixels=1), True),
        (replace(FP32, pixels=1000, differing_pixels=2), False),
        (replace(BF16, differing_pixels=5000, dice_file=0.8985, max_difference=0.3), True),
        (replace(BF16, differing_pixels=5001), False),
        (replace(BF16, dice_file=0.8979), False),
        (replace(BF16, dice_file=None), False),
    ],
)
def test_the_gates_lie_where_the_design_puts_them(report, passed):
    assert report.passed is passed


def test_a_failed_gate_gives_the_figures():
    report = replace(
        BF16, differing_pixels=6000, max_difference=0.25, dice_file=0.89, worst="ISIC_1", worst_share=0.041
    )
    with pytest.raises(ExportError) as caught:
        require_parity(report)
    assert "6,000 of 1,000,000 mask pixels differ" in caught.value.what
    assert "Dice 0.90000 -> 0.89000" in caught.value.what
    assert "worst picture: ISIC_1 (4.100% of its pixels)" in caught.value.what
    assert "Dice by 0.002, 0.5% of the mask pixels" in caught.value.where


def test_of_a_network_whose_answers_jump_only_the_masks_are_compared():
    jump = ParityReport("onnxruntime", "fp32", 4, 100_000, differing_pixels=90, max_difference=0.2, unsteady=True)
    assert jump.passed
    assert not replace(jump, differing_pixels=101).passed
    assert not replace(jump, unsteady=False).passed
    with pytest.raises(ExportError) as error:
        require_parity(replace(jump, differing_pixels=101))
    assert "allowed: 0.001 of the mask pixels" in error.value.where


def shifted(network, by):
    """The same answers, but for what float32 loses when a large number is added and taken away again."""
    network[0].bias.data += by * (network[1].running_var + network[1].eps).sqrt()
    network[3].bias.data -= by * network[3].weight.data.sum()
    return network


def test_where_float32_itself_is_less_exact_the_file_is_measured_against_float64(path, describe, small_network, draw):
    description = describe(threshold=0.01)
    network = shifted(small_network(description), 3e3)
    export_model(network, description, path)
    report = check_parity(network, description, path, pictures_for(draw, description))
    assert report.max_difference > 1e-4
    assert report.network_error > 5e-5
    require_parity(report)


def test_a_wrong_file_of_such_a_network_fails_all_the_same(path, describe, small_network, draw):
    description = describe(threshold=0.01)
    network = shifted(small_network(description), 3e3)
    export_model(network, replace(description, std=(0.229, 0.224, 0.23)), path)
    report = check_parity(network, description, path, pictures_for(draw, description))
    assert report.file_error > 2 * report.network_error
    with pytest.raises(ExportError) as error:
        require_parity(report)
    assert "from float64 the file is off by" in error.value.where


def test_segnet_is_such_a_network(path, describe, small_network, draw):
    description = describe(network="segnet")
    network = small_network(description)
    export_model(network, description, path)
    assert check_parity(network, description, path, pictures_for(draw, description)).unsteady
