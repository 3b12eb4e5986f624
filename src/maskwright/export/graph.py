"""The model file: preprocessing, network, postprocessing and a description in one ONNX graph.

Input `image` (N, H, W, C) uint8 or uint16; outputs `probabilities` (N, K, H, W) float32 and `mask`: (N, H, W) uint8,
or (N, K, H, W) uint8 of 0 and 1 for overlapping classes. Mode 'whole': any H, W; the picture is resized to the
network's size and probabilities back, by matrix products. Mode 'tile': H, W are the tile's.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from torch import nn

from maskwright.export.core import LOGITS, NETWORK_INPUT, OPSET, trace_network
from maskwright.export.describing import update_description as update_description
from maskwright.export.nodes import Nodes
from maskwright.files import write_bytes
from maskwright.runtime.description import METADATA_KEY, ModelDescription

FULL_RANGE = {"uint8": 255, "uint16": 65535}
IR_VERSION = 8  # the one that belongs to OPSET; older runtimes refuse newer ones
_ELEMENT = {"uint8": TensorProto.UINT8, "uint16": TensorProto.UINT16}


def export_model(network: nn.Module, description: ModelDescription, path: Path) -> None:
    """Write the model file, whole or not at all.

    network: (N, C, H, W) float32, normalised, at `description.size` -> logits (N, K, h, w) at the same size. It is
    copied to the CPU in float32 and evaluation mode; the original is not changed.

    Raises DataError for a description that contradicts itself, ExportError for a network that cannot be written,
    OutputError where the file cannot be.
    """
    description.to_json()  # what contradicts itself is refused before anything takes time
    write_model(trace_for(network, description), description, path)


def trace_for(network: nn.Module, description: ModelDescription) -> bytes:
    """Return the network's own ONNX model, to be written with this description or others. Raises ExportError."""
    return trace_network(
        network, bands=description.bands, size=description.size, outputs=description.classes.num_outputs
    )


def write_model(core: bytes, description: ModelDescription, path: Path) -> None:
    """Write the model file of a traced network, whole or not at all.

    Tracing takes most of an export's time; another temperature or threshold needs none. Raises DataError, OutputError.
    """
    metadata = description.to_json()
    model = build_model(core, description)
    helper.set_model_props(model, {METADATA_KEY: metadata})
    onnx.checker.check_model(model, full_check=True)
    write_bytes(path, model.SerializeToString())


def build_model(core: bytes, description: ModelDescription) -> onnx.ModelProto:
    """Put preprocessing before and postprocessing after the network's own ONNX model."""
    inner = onnx.compose.add_prefix(
        onnx.load_from_string(core), "network/", rename_inputs=False, rename_outputs=False
    ).graph
    before, after = _preprocessing(description), _postprocessing(description)
    graph = helper.make_graph(
        [*before.nodes, *inner.node, *after.nodes],
        "maskwright",
        [_input(description)],
        _outputs(description),
        initializer=[*before.constants, *inner.initializer, *after.constants],
        value_info=_cut_points(description),
    )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="maskwright")


def _preprocessing(description: ModelDescription) -> Nodes:
    """Write `image` -> `network_input`: float, resize, normalise."""
    nodes = Nodes("before")
    pixels = nodes.add("Cast", "image", to=TensorProto.FLOAT)
    if description.mode == "whole":
        pixels = _shrink(nodes, pixels, description)
    else:
        pixels = nodes.add("Transpose", pixels, perm=[0, 3, 1, 2])
    if description.value_range < FULL_RANGE[description.dtype]:  # values beyond the range count as its end
        pixels = nodes.add("Min", pixels, nodes.float(description.value_range))
    std = np.asarray(description.std, np.float64)
    factor = 1 / (description.value_range * std)
    offset = -np.asarray(description.mean, np.float64) / std
    scaled = nodes.add("Mul", pixels, nodes.constant(factor.astype(np.float32).reshape(1, -1, 1, 1)))
    nodes.add("Add", scaled, nodes.constant(offset.astype(np.float32).reshape(1, -1, 1, 1)), output=NETWORK_INPUT)
    return nodes


def _shrink(nodes: Nodes, pixels: str, description: ModelDescription) -> str:
    """Resize (N, H, W, C) to (N, C, h, w). The first product works on the pixels as they lie: no large transpose."""
    height, width = (nodes.constant(np.asarray(side, np.int64)) for side in description.size)
    rows = nodes.resize_weights(nodes.side("image", 1), height, transposed=False)
    columns = nodes.resize_weights(nodes.side("image", 2), width, transposed=True)
    lines = nodes.add("Reshape", pixels, nodes.integers(0, 0, -1))  # (N, H, W * C)
    lines = nodes.add("MatMul", rows, lines)  # (N, h, W * C)
    lines = nodes.add("Reshape", lines, nodes.integers(0, 0, -1, description.bands))  # (N, h, W, C)
    return nodes.add("MatMul", nodes.add("Transpose", lines, perm=[0, 3, 1, 2]), columns)


def _postprocessing(description: ModelDescription) -> Nodes:
    """Write `logits` -> `probabilities` and `mask`: temperature, activation, resize, cut."""
    nodes = Nodes("after")
    values = LOGITS
    if description.temperature != 1:
        values = nodes.add("Div", values, nodes.float(description.temperature))
    values = nodes.add("Sigmoid", values) if description.thresholded else nodes.add("Softmax", values, axis=1)
    if description.mode == "whole":
        height, width = (nodes.constant(np.asarray(side, np.int64)) for side in description.size)
        rows = nodes.resize_weights(height, nodes.side("image", 1), transposed=False)
        columns = nodes.resize_weights(width, nodes.side("image", 2), transposed=True)
        values = nodes.add("MatMul", nodes.add("MatMul", rows, values), columns)
    probabilities = nodes.add("Clip", values, nodes.float(0.0), nodes.float(1.0), output="probabilities")
    if description.threshold is None:
        index = nodes.add("ArgMax", probabilities, axis=1, keepdims=0)
        nodes.add("Cast", index, to=TensorProto.UINT8, output="mask")
    elif description.classes.exclusive:
        above = nodes.add("Greater", probabilities, nodes.float(description.threshold))
        nodes.add("Squeeze", nodes.add("Cast", above, to=TensorProto.UINT8), nodes.integers(1), output="mask")
    else:
        above = nodes.add("Greater", probabilities, nodes.float(description.threshold))
        nodes.add("Cast", above, to=TensorProto.UINT8, output="mask")
    return nodes


def _input(description: ModelDescription) -> onnx.ValueInfoProto:
    height, width = _sides(description)
    element = _ELEMENT[description.dtype]
    return helper.make_tensor_value_info("image", element, ["N", height, width, description.bands])


def _outputs(description: ModelDescription) -> list[onnx.ValueInfoProto]:
    height, width = _sides(description)
    channels = description.classes.num_outputs
    mask = ["N", height, width] if description.classes.exclusive else ["N", channels, height, width]
    return [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", channels, height, width]),
        helper.make_tensor_value_info("mask", TensorProto.UINT8, mask),
    ]


def _cut_points(description: ModelDescription) -> list[onnx.ValueInfoProto]:
    height, width = description.size
    channels = description.classes.num_outputs
    return [
        helper.make_tensor_value_info(NETWORK_INPUT, TensorProto.FLOAT, ["N", description.bands, height, width]),
        helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, ["N", channels, height, width]),
    ]


def _sides(description: ModelDescription) -> tuple[int | str, int | str]:
    return ("H", "W") if description.mode == "whole" else description.size
