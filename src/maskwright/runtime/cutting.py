"""Cutting a model in OpenVINO at `network_input` and `logits`.

So that reduced precision reaches the network only: resizing in bf16 would shift the picture by whole pixels.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

CUTS = (
    (("image",), ("network_input",)),
    (("network_input",), ("logits",)),
    (("logits", "image"), ("probabilities", "mask")),  # of the picture only the size is used
)


def cut_model(openvino: ModuleType, core: Any, path: Path) -> list[Any]:
    """Return three models: picture -> network's input -> logits -> probabilities and mask."""
    return [_part(openvino, core.read_model(path), starts, ends) for starts, ends in CUTS]


def _part(openvino: ModuleType, model: Any, starts: tuple[str, ...], ends: tuple[str, ...]) -> Any:
    tensors = {name: tensor for node in model.get_ops() for tensor in node.outputs() for name in tensor.get_names()}
    known = {name: result for result in model.get_results() for name in result.input_value(0).get_names()}
    operations = import_module("openvino.opset13")
    results = [known.get(name) or operations.result(tensors[name]) for name in ends]
    parameters = [_parameter(operations, name, tensors[name]) for name in starts]
    return openvino.Model(results, [node for node in parameters if _is_used(node)], "part")


def _parameter(operations: ModuleType, name: str, tensor: Any) -> Any:
    """Return the graph's own input, or make a tensor one and connect it."""
    if tensor.get_node().get_type_name() == "Parameter":
        return tensor.get_node()
    parameter = operations.parameter(tensor.get_partial_shape(), tensor.get_element_type())
    for target in list(tensor.get_target_inputs()):
        target.replace_source_output(parameter.output(0))
    parameter.output(0).set_names({name})
    return parameter


def _is_used(parameter: Any) -> bool:
    return len(parameter.output(0).get_target_inputs()) > 0
