"""What a temperature in a model file does: probabilities are sigmoid or softmax of logits / T, and nothing else."""

import numpy as np
import onnx
import pytest
import torch

from maskwright.export.graph import export_model, trace_for, write_model
from maskwright.images.classes import Classes
from maskwright.runtime.predictor import load_model

SEVERAL = Classes(("soil", "crop", "weed", "stone"))
OVERLAPPING = Classes(("nucleus", "membrane"), exclusive=False)
KINDS = [{}, {"classes": SEVERAL, "threshold": None}, {"classes": OVERLAPPING}]


def logits_of(network, description, image):
    """What the network says of a picture of its own size, by torch."""
    pixels = torch.from_numpy(image.astype(np.float32) / description.value_range)
    pixels = (pixels - torch.tensor(description.mean)) / torch.tensor(description.std)
    with torch.inference_mode():
        return network.eval()(pixels.permute(2, 0, 1)[None])[0]


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("changes", KINDS)
@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_probabilities_are_those_of_logits_over_the_temperature(
    tmp_path, describe, small_network, draw, runtime, changes, temperature
):
    pytest.importorskip(runtime)
    description = describe(temperature=temperature, **changes)
    network, image = small_network(description), draw(description, 32, 48)
    export_model(network, description, tmp_path / "model.onnx")
    found = load_model(tmp_path / "model.onnx", runtime=runtime).predict(image).probabilities
    scaled = logits_of(network, description, image) / temperature
    expected = scaled.sigmoid() if description.thresholded else scaled.softmax(dim=0)
    np.testing.assert_allclose(found, expected.numpy(), atol=3e-6)


@pytest.mark.parametrize("changes", KINDS)
def test_no_temperature_changes_a_ranking(tmp_path, describe, small_network, draw, changes):
    network, orders, masks = small_network(describe(**changes)), [], []
    image = draw(describe(), 32, 48)
    core = trace_for(network, describe(**changes))
    for temperature in (1.0, 2.0):
        cut = {} if "threshold" in changes else {"threshold": 0.5}
        path = tmp_path / f"{temperature}.onnx"
        write_model(core, describe(**changes, **cut, temperature=temperature), path)
        found = load_model(path).predict(image)
        values = found.probabilities[0].reshape(-1) if "threshold" not in changes else found.probabilities
        orders.append(values.argsort(axis=0, kind="stable"))
        masks.append(found.mask)
    assert (orders[0] != orders[1]).mean() < 0.01  # rounding makes equals of neighbours
    assert (masks[0] == masks[1]).all()


def test_the_tensor_where_a_runtime_cuts_stays_the_network_s_own(tmp_path, describe, small_network):
    description = describe(temperature=2.0)
    export_model(small_network(description), description, tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    readers = [node for node in graph.node if "logits" in node.input]
    assert [(node.op_type, node.name.split("/")[0]) for node in readers] == [("Div", "after")]


def test_a_temperature_of_one_adds_nothing_to_the_graph(tmp_path, describe, small_network):
    export_model(small_network(describe()), describe(), tmp_path / "model.onnx")
    readers = [node for node in onnx.load(tmp_path / "model.onnx").graph.node if "logits" in node.input]
    assert [node.op_type for node in readers] == ["Sigmoid"]


def test_one_trace_serves_several_files(tmp_path, describe, small_network, draw):
    network, image = small_network(describe()), draw(describe(), 50, 60)
    core = trace_for(network, describe())
    for temperature in (1.0, 2.0):
        description = describe(temperature=temperature)
        write_model(core, description, tmp_path / "one.onnx")
        export_model(network, description, tmp_path / "other.onnx")
        one, other = (load_model(tmp_path / name).predict(image) for name in ("one.onnx", "other.onnx"))
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
