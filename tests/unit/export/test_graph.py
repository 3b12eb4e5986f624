import json
import time

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from maskwright.errors import DataError, ExportError, OutputError
from maskwright.export.graph import export_model
from maskwright.export.reference import reference_probabilities
from maskwright.images.classes import Classes
from maskwright.runtime.predictor import cut_probabilities, load_model

SEVERAL = Classes(("soil", "crop", "weed", "stone"))
OVERLAPPING = Classes(("nucleus", "membrane"), exclusive=False)


@pytest.fixture(scope="module")
def unet():
    smp = pytest.importorskip("segmentation_models_pytorch")

    def build(description):
        torch.manual_seed(0)
        return smp.Unet(
            "tu-mobilenetv2_035", encoder_weights=None,
            in_channels=description.bands, classes=description.classes.num_outputs,
        )  # fmt: skip

    return build


@pytest.mark.parametrize(
    "changes",
    [
        {"size": (96, 64)},
        {"size": (64, 64), "classes": SEVERAL, "threshold": None},
        {"size": (64, 96), "bands": 1, "dtype": "uint16"},
        {"size": (64, 64), "classes": OVERLAPPING, "bands": 5},
        {"size": (64, 64), "mode": "tile", "overlap": 16},
        {"size": (64, 96), "mode": "tile", "overlap": 8, "scale": 0.5, "classes": SEVERAL, "threshold": None},
    ],
)
def test_a_unet_s_file_answers_as_torch_does_for_any_size_of_picture(tmp_path, describe, draw, unet, changes):
    description = describe(**changes)
    network = unet(description)
    export_model(network, description, tmp_path / "model.onnx")
    predictor = load_model(tmp_path / "model.onnx")
    differing = pixels = 0
    for size in [description.size, (31, 203), (150, 77), (101, 99), (1, 5)]:
        image = draw(description, *size)
        expected, found = reference_probabilities(network, description, image), predictor.predict(image)
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-4)
        mask = cut_probabilities(expected, description.classes, description.threshold)
        differing, pixels = differing + np.count_nonzero(mask != found.mask), pixels + mask.size
    assert differing <= 2


@pytest.fixture
def exported(tmp_path, describe, small_network):
    description = describe()
    export_model(small_network(description), description, tmp_path / "model.onnx")
    return onnx.load(tmp_path / "model.onnx")


def test_inputs_and_outputs_are_those_of_the_design(exported):
    def described(item):
        tensor = item.type.tensor_type
        sides = [side.dim_param or side.dim_value for side in tensor.shape.dim]
        return item.name, onnx.TensorProto.DataType.Name(tensor.elem_type), sides

    assert [described(item) for item in exported.graph.input] == [("image", "UINT8", ["N", "H", "W", 3])]
    assert [described(item) for item in exported.graph.output] == [
        ("probabilities", "FLOAT", ["N", 1, "H", "W"]),
        ("mask", "UINT8", ["N", "H", "W"]),
    ]


def test_the_cut_points_are_named_tensors_that_part_the_graph(exported):
    names = [name for node in exported.graph.node for name in node.output]
    assert names.index("network_input") < names.index("logits") < names.index("probabilities")
    after = {name for node in exported.graph.node if node.name.startswith("after/") for name in node.input}
    inner = {name for name in names if name.startswith("network/")}
    assert "logits" in after
    assert not after & inner


def test_batch_norm_is_folded_into_the_convolutions(exported):
    operations = [node.op_type for node in exported.graph.node]
    assert "BatchNormalization" not in operations
    assert operations.count("Conv") == 2


def test_resizing_is_done_by_matrix_products_alone(exported):
    operations = {node.op_type for node in exported.graph.node if not node.name.startswith("network/")}
    assert "MatMul" in operations
    assert "Resize" not in operations


def test_the_metadata_are_plain_json(exported):
    content = json.loads({item.key: item.value for item in exported.metadata_props}["maskwright"])
    assert content["classes"]["names"] == ["background", "pebble"]
    assert content["schema_version"] == 1


def test_a_batch_of_pictures_gives_each_its_own_answer(tmp_path, describe, small_network, draw):
    onnxruntime = pytest.importorskip("onnxruntime")
    description = describe()
    export_model(small_network(description), description, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    pictures = np.stack([draw(description, 40, 33, seed) for seed in range(3)])
    together, masks = session.run(["probabilities", "mask"], {"image": pictures})
    for picture, expected, mask in zip(pictures, together, masks, strict=True):
        alone = session.run(["probabilities", "mask"], {"image": picture[None]})
        np.testing.assert_allclose(alone[0][0], expected, atol=1e-6)
        np.testing.assert_array_equal(alone[1][0], mask)


def test_a_picture_of_the_network_s_own_size_is_not_changed_on_its_way(tmp_path, describe):
    description = describe(mean=(0.0,) * 3, std=(1.0,) * 3, size=(16, 24))
    network = nn.Conv2d(3, 1, 1, bias=False)
    nn.init.constant_(network.weight, 1)
    export_model(network, description, tmp_path / "model.onnx")
    image = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    expected = torch.from_numpy(image.astype(np.float32)).div(255).sum(dim=2).sigmoid().numpy()
    found = load_model(tmp_path / "model.onnx").predict(image)
    np.testing.assert_allclose(found.probabilities[0], expected, atol=2e-7)


def test_the_network_handed_in_stays_as_it_was(tmp_path, describe, small_network):
    description = describe()
    network = small_network(description).train().to(torch.bfloat16)
    export_model(network, description, tmp_path / "model.onnx")
    assert network.training
    assert all(weight.dtype == torch.bfloat16 for weight in network.parameters())
    assert all(weight.requires_grad for weight in network.parameters())


def test_a_network_that_changes_the_size_is_refused(tmp_path, describe):
    description = describe()
    with pytest.raises(ExportError, match=r"into \(2, 1, 16, 24\); the model file needs \(2, 1, 32, 48\)"):
        export_model(nn.Conv2d(3, 1, 2, stride=2), description, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_network_with_other_outputs_is_refused(tmp_path, describe):
    with pytest.raises(ExportError, match=r"needs \(2, 1, 32, 48\)"):
        export_model(nn.Conv2d(3, 2, 1), describe(), tmp_path / "model.onnx")


def test_a_description_that_contradicts_itself_is_refused(tmp_path, describe, small_network):
    description = describe(threshold=None)
    with pytest.raises(DataError, match="a threshold is needed"):
        export_model(small_network(description), description, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


class Spectrum(nn.Module):
    """A network with an operation that ONNX lacks."""

    def forward(self, pixels):
        return torch.fft.fft2(pixels).real[:, :1]


def test_an_operation_that_onnx_lacks_is_named(tmp_path, describe):
    with pytest.raises(ExportError, match="something that ONNX cannot express") as caught:
        export_model(Spectrum(), describe(), tmp_path / "model.onnx")
    assert "fft" in caught.value.where


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path, describe, small_network):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(OutputError, match="Cannot write"):
        export_model(small_network(describe()), describe(), tmp_path / "taken" / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_exporting_a_small_unet_takes_a_few_seconds_of_processor_time(tmp_path, describe, unet):
    description = describe(size=(192, 192))
    network = unet(description)
    started = time.process_time()
    export_model(network, description, tmp_path / "model.onnx")
    assert time.process_time() - started < 5
