"""Several model files as one: preprocessing once, every network, the mean of their logits, postprocessing once.

Works from the files alone, so the trained networks need not be in memory. Each file's logits are divided by its own
temperature before the mean. The two cut points stay: the mean lies between `network_input` and `logits`, so a runtime's
reduced precision covers it as it covers the networks. `ensemble_parity.py` is the proof.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from maskwright.errors import DataError, ExportError
from maskwright.export.core import LARGEST, LOGITS, NETWORK_INPUT, OPSET
from maskwright.export.graph import IR_VERSION, build_model
from maskwright.files import write_bytes
from maskwright.runtime.description import METADATA_KEY, ModelDescription
from maskwright.runtime.metadata import read_description

SHARED = (
    "classes", "mode", "size", "overlap", "scale", "bands", "dtype", "value_range", "mean", "std", "network",
    "encoder", "weights", "licence", "padding", "fingerprint",
)  # fmt: skip
_FIX = "train that fold anew: remove its folder and give the same command again"


def why_apart(paths: Sequence[Path]) -> str:
    """Return in words why these model files cannot be one; "" where they can. Raises DataError for a bad file."""
    described = [read_description(path) for path in paths]
    for path, other in zip(paths[1:], described[1:], strict=True):
        for name in SHARED:
            first, second = getattr(described[0], name), getattr(other, name)
            if first != second:
                return f"{name} is {_shown(first)} in {_told(paths[0])} and {_shown(second)} in {_told(path)}"
    total = sum(path.stat().st_size for path in paths)
    if total > LARGEST:
        return f"together they take {total / 1e9:.1f} GB, and a single ONNX file holds 2 GB"
    return ""


def join_models(paths: Sequence[Path], output: Path) -> ModelDescription:
    """Write the model files `paths`, at least two, as one model file; return what it says of itself.

    Its threshold is the median of theirs; its temperature is 1, theirs being applied before the mean. Raises
    ExportError where they do not belong together (see `why_apart`), DataError for a file that is damaged or that has no
    network between the cut points, OutputError.
    """
    if apart := why_apart(paths):
        raise ExportError(
            f"The {len(paths)} model files cannot be one: {apart}.",
            where=str(paths[0]),
            fix="join files of one recipe that states its size",
        )
    described = [read_description(path) for path in paths]
    description = describe_joined(described)
    networks = [
        onnx.compose.add_prefix_graph(_network_of(path), f"model-{number}/", rename_inputs=False)
        for number, path in enumerate(paths, start=1)
    ]
    core = _average(networks, [one.temperature for one in described], description)
    model = build_model(core.SerializeToString(), description)
    helper.set_model_props(model, {METADATA_KEY: description.to_json()})
    _check(model, paths)
    write_bytes(output, model.SerializeToString())
    return description


def describe_joined(described: Sequence[ModelDescription]) -> ModelDescription:
    """Say of several models what one file of them says: the median threshold, what their trainings noted.

    A note on which they agree stands once, others as a list; seconds are added up.
    """
    first, cuts = described[0], [one.threshold for one in described if one.threshold is not None]
    trained: dict[str, Any] = {"models": len(described)}
    for key in first.trained:
        values: list[Any] = [one.trained.get(key) for one in described]
        if key == "seconds" and all(isinstance(value, int | float) for value in values):
            trained[key] = round(sum(values), 1)
        else:
            trained[key] = values[0] if all(value == values[0] for value in values) else values
    return replace(
        first,
        threshold=float(np.median(cuts)) if cuts else None,
        temperature=1.0,  # theirs are applied before the mean
        network=f"{len(described)} x {first.network}",
        trained=trained,
        scores={},
    )


def read_graph(path: Path) -> ModelProto:
    """Read an ONNX file that is all in itself. Raises DataError."""
    try:
        model = onnx.load(str(path), load_external_data=False)
    except DecodeError as error:
        raise _bad(path, f"no ONNX file, or damaged ({error})") from None
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise _bad(path, "its weights lie in other files")
    if {item.domain: item.version for item in model.opset_import} != {"": OPSET} or model.functions:
        raise _bad(path, f"it was not written with ONNX's operations of version {OPSET} alone")
    return model


def _network_of(path: Path) -> GraphProto:
    """Return the part of a model file's graph between the cut points. Raises DataError where there is none."""
    graph = read_graph(path).graph
    makers = {name: at for at, node in enumerate(graph.node) for name in node.output}
    constants = {tensor.name for tensor in graph.initializer}
    if LOGITS not in makers or NETWORK_INPUT not in makers:
        raise _bad(path, f"its graph has no tensors '{NETWORK_INPUT}' and '{LOGITS}'")
    nodes: set[int] = set()
    seen, waiting = {NETWORK_INPUT}, [LOGITS]
    while waiting:
        name = waiting.pop()
        if name in makers and makers[name] not in nodes:
            nodes.add(makers[name])
            wanted = _reads(graph.node[makers[name]]) - seen
            seen |= wanted
            waiting += wanted
        elif name not in makers and name not in constants:
            raise _bad(path, f"its network reads '{name[:100]}', not only '{NETWORK_INPUT}'")
    inside = [graph.node[at] for at in sorted(nodes)]
    if not any(NETWORK_INPUT in _reads(node) for node in inside):
        raise _bad(path, f"its '{LOGITS}' do not come from '{NETWORK_INPUT}'")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (NETWORK_INPUT, LOGITS)]
    weights = [tensor for tensor in graph.initializer if tensor.name in seen]
    return helper.make_graph(inside, "network", ends[:1], ends[1:], weights)


def _reads(node: NodeProto) -> set[str]:
    """Return the tensors that a node reads, those that its inner graphs take from outside included."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            inner = {name for one in graph.node for name in _reads(one)}
            own = {name for one in graph.node for name in one.output} | {item.name for item in graph.input}
            names |= inner - own - {tensor.name for tensor in graph.initializer}
    return names


def _average(
    networks: Sequence[GraphProto], temperatures: Sequence[float], description: ModelDescription
) -> ModelProto:
    """Put the networks side by side: `network_input` -> the mean of their logits, each over its temperature."""
    nodes = [node for graph in networks for node in graph.node]
    constants = [tensor for graph in networks for tensor in graph.initializer]
    terms = [graph.output[0].name for graph in networks]
    for at, temperature in enumerate(temperatures):
        if temperature != 1:
            name, cooled = f"temperature-{at + 1}", f"cooled-{at + 1}"
            constants.append(numpy_helper.from_array(np.asarray(temperature, np.float32), name))
            nodes.append(helper.make_node("Div", [terms[at], name], [cooled], name=cooled))
            terms[at] = cooled
    nodes.append(helper.make_node("Mean", terms, [LOGITS], name="mean"))
    height, width = description.size
    sides = (description.bands, height, width), (description.classes.num_outputs, height, width)
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
        for name, shape in zip((NETWORK_INPUT, LOGITS), sides, strict=True)
    ]
    graph = helper.make_graph(nodes, "networks", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _check(model: ModelProto, paths: Sequence[Path]) -> None:
    """Raise DataError where what was put together is no valid graph: then one of the files is not what it says."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        names = ", ".join(_told(path) for path in paths)
        raise _bad(paths[0].parent.parent, f"the graphs of {names} do not fit together: {str(error)[:300]}") from error


def _bad(path: Path, why: str) -> DataError:
    return DataError(f"The model file cannot be joined with others: {why}.", where=str(path), fix=_FIX)


def _told(path: Path) -> str:
    """Name a fold's file by its folder too."""
    return f"{path.parent.name}/{path.name}"


def _shown(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
