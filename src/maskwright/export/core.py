"""From a torch network to the ONNX nodes between the two cut points, `network_input` and `logits`.

Knows torch and its exporter; knows nothing of pictures, resizing or classes (see `graph.py`).
"""

import copy
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.jit._trace import TracerWarning

from maskwright.errors import ExportError, need

NETWORK_INPUT, LOGITS = "network_input", "logits"  # the tensors where a runtime may cut the graph
OPSET = 18
LARGEST = 2_000_000_000  # bytes of weights; beyond it an ONNX file no longer is a single one


def plain_copy(network: nn.Module) -> nn.Module:
    """Return a copy for evaluation on the CPU in float32; `network` stays as it is."""
    plain = copy.deepcopy(network).to("cpu", torch.float32)
    return plain.to(memory_format=torch.contiguous_format).eval()


def trace_network(network: nn.Module, *, bands: int, size: tuple[int, int], outputs: int) -> bytes:
    """Return an ONNX model: `network_input` (N, bands, h, w) float32 -> `logits` (N, outputs, h, w), N free.

    Batch norm is folded into the convolutions. Raises ExportError when the network does not keep the size, gives
    another number of channels, is too large, or holds an operation that ONNX lacks.
    """
    network = plain_copy(network)
    size_bytes = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if size_bytes > LARGEST:
        raise ExportError(
            f"The network takes {size_bytes / 1e9:.1f} GB; a single ONNX file holds 2 GB.",
            fix="choose a smaller encoder",
        )
    example = torch.zeros(2, bands, *size)  # two: what holds for one only must not be taken as fixed
    with torch.inference_mode():
        shape = tuple(network(example).shape)
    if shape != (2, outputs, *size):
        raise ExportError(
            f"The network turns (2, {bands}, {size[0]}, {size[1]}) into {shape}; "
            f"the model file needs (2, {outputs}, {size[0]}, {size[1]}).",
            fix="choose a size that is a multiple of the network's stride",
        )
    need("onnx", extra="train", purpose="ONNX export")
    buffer = io.BytesIO()
    axes = {NETWORK_INPUT: {0: "N"}, LOGITS: {0: "N"}}
    with torch.no_grad(), _quiet():
        try:
            # The tracing exporter: 0.4 s for a small U-Net; the one over torch.export takes 7 s for the same graph.
            torch.onnx.export(
                network, (example,), buffer, dynamo=False, opset_version=OPSET,  # type: ignore[arg-type]
                input_names=[NETWORK_INPUT], output_names=[LOGITS], dynamic_axes=axes,
            )  # fmt: skip
        except torch.onnx.errors.OnnxExporterError as error:
            raise ExportError(
                "The network holds something that ONNX cannot express.",
                where=str(error).strip().splitlines()[0][:500],
                fix="choose another network or encoder",
            ) from error
    return buffer.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's remarks on its own exporter from the user: they can do nothing about them."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="You are using the legacy TorchScript", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="The feature will be removed", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="Constant folding - Only steps=1", category=UserWarning)  # of padding
        warnings.filterwarnings("ignore", category=TracerWarning)  # sizes are fixed here, as they warn
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
