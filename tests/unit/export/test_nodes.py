import numpy as np
import pytest

from maskwright.export.nodes import Nodes
from maskwright.images.resize import resize_matrix

onnx = pytest.importorskip("onnx")
SIZES = [
    (5, 3),
    (3, 5),
    (7, 7),
    (1, 9),
    (9, 1),
    (100, 192),
    (192, 100),
    (192, 1000),
    (4000, 192),
    (301, 192),
    (767, 256),
]


def resize_model(*, transposed):
    nodes = Nodes("test")
    weights = nodes.resize_weights("n_in", "n_out", transposed=transposed)
    inputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, []) for name in ("n_in", "n_out")]
    outputs = [onnx.helper.make_tensor_value_info(weights, onnx.TensorProto.FLOAT, None)]
    graph = onnx.helper.make_graph(nodes.nodes, "test", inputs, outputs, nodes.constants)
    opsets = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def open_onnxruntime(content):
    session = pytest.importorskip("onnxruntime").InferenceSession(content)
    return lambda values: session.run(None, values)[0]


def open_openvino(content):
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda values: compiled(values)[0]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("runtime", [open_onnxruntime, open_openvino])
def test_weights_in_the_graph_equal_those_of_numpy(runtime, transposed):
    run = runtime(resize_model(transposed=transposed))
    for n_in, n_out in SIZES:
        weights = run({"n_in": np.array(n_in), "n_out": np.array(n_out)})
        np.testing.assert_allclose(weights.T if transposed else weights, resize_matrix(n_in, n_out), atol=2.5e-7)


@pytest.mark.parametrize("runtime", [open_onnxruntime, open_openvino])
def test_quotients_of_sides_are_rounded_as_torch_rounds_them(runtime):
    nodes = Nodes("test")
    quotient = nodes._quotient("number", "divisor")
    inputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, []) for name in ("number", "divisor")]
    outputs = [onnx.helper.make_tensor_value_info(quotient, onnx.TensorProto.FLOAT, [])]
    graph = onnx.helper.make_graph(nodes.nodes, "test", inputs, outputs, nodes.constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    run = runtime(model.SerializeToString())
    chance = np.random.default_rng(0)
    for number, divisor in np.exp(chance.uniform(0, np.log(16384), (1500, 2))).astype(int):
        if number * 64 >= divisor:
            found = run({"number": np.array(number), "divisor": np.array(divisor)})
            assert found == np.float32(number) / np.float32(divisor), (number, divisor)


def test_equal_constants_are_kept_once():
    nodes = Nodes("test")
    assert nodes.float(1.0) == nodes.float(1.0)
    assert nodes.float(1.0) != nodes.constant(np.asarray(1, np.int64))
    assert nodes.integers(1) != nodes.constant(np.asarray(1, np.int64))  # a line of one is no scalar
