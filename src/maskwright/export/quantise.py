"""A model file with an int8 network: weights and activations between the two cut points are quantised, the rest stays.

Post-training, static: ranges are taken from pictures that the network was trained on. Symmetric int8 weights, one scale
a channel; uint8 activations. Written as QuantizeLinear/DequantizeLinear pairs, which every runtime can read.
Source: Jacob et al. 2018, arXiv:1712.05877; Nagel et al. 2021, arXiv:2106.08295, section 3.
"""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, helper, shape_inference
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from maskwright.errors import DataError, ExportError
from maskwright.files import write_bytes
from maskwright.images.sizes import resize_image, scaled_size
from maskwright.images.tiles import pad_to_tile
from maskwright.runtime.description import METADATA_KEY, ModelDescription
from maskwright.runtime.metadata import read_description
from maskwright.runtime.network_bytes import network_of
from maskwright.runtime.whole import network_input

_AROUND = ("before/", "after/")  # see `network_bytes`
_TILES = 4  # of a picture


def quantise(path: Path, output: Path, pictures: Iterable[NDArray[Any]]) -> ModelDescription:
    """Write the model file `path` with an int8 network to `output`; return what that says of itself.

    pictures: (H, W, C) as the model reads them, from its training; some dozens do. Raises DataError for a file that
    has no network or is int8 already, or for no pictures; ExportError where the network cannot be quantised.
    """
    description = read_description(path)
    if description.precision == "int8":
        raise DataError("The model file is int8 already.", where=str(path), fix="give the fp32 file")
    core = _quantised_network(network_of(path.read_bytes()), _Calibration(pictures, description), path)
    model = onnx.load(str(path))
    _replace_network(model, core)
    quantised = replace(description, precision="int8", scores={}, reduced={})
    helper.set_model_props(model, {METADATA_KEY: quantised.to_json()})
    onnx.checker.check_model(model)
    write_bytes(output, model.SerializeToString())
    return quantised


def calibration_inputs(image: NDArray[Any], description: ModelDescription) -> Iterator[NDArray[np.float32]]:
    """Yield what reaches the network of a picture, (1, C, h, w): the whole, or some tiles across it."""
    if description.mode == "whole":
        yield network_input(image, description)
        return
    height, width = description.size
    padded = pad_to_tile(resize_image(image, scaled_size(image.shape[:2], description.scale)), description.size)
    for share in np.linspace(0, 1, _TILES):
        top, left = (round(share * (side - tile)) for side, tile in zip(padded.shape, (height, width), strict=False))
        yield network_input(padded[top : top + height, left : left + width], description)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]
    """Hands the pictures over one by one, as ONNX Runtime asks for them."""

    def __init__(self, pictures: Iterable[NDArray[Any]], description: ModelDescription) -> None:
        self.inputs = (one for image in pictures for one in calibration_inputs(image, description))
        self.seen = 0

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        pixels = next(self.inputs, None)
        self.seen += pixels is not None
        return None if pixels is None else {"network_input": pixels}


def _quantised_network(core: bytes, calibration: _Calibration, path: Path) -> ModelProto:
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises to optimise before, which changes nothing here
    try:
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / "int8.onnx"
            quantize_static(
                shape_inference.infer_shapes(onnx.load_from_string(core)), written, calibration,
                quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
            )  # fmt: skip
            return onnx.load(str(written))
    except (ValueError, RuntimeError) as error:
        if calibration.seen == 0:
            what = "Quantising needs pictures to take the ranges from."
            raise DataError(what, where=str(path), fix="give a run whose data is still there") from error
        raise ExportError(
            "The network cannot be quantised.", where=f"{path}: {str(error)[:300]}", fix="keep the fp32 file"
        ) from error
    finally:
        logger.setLevel(level)


def _replace_network(model: ModelProto, core: ModelProto) -> None:
    """Put another network between the two cut points, in place."""
    graph = model.graph
    before = [node for node in graph.node if node.name.startswith(_AROUND[0])]
    after = [node for node in graph.node if node.name.startswith(_AROUND[1])]
    constants = [tensor for tensor in graph.initializer if tensor.name.startswith(_AROUND)]
    for field, content in ((graph.node, [*before, *core.graph.node, *after]),
                           (graph.initializer, [*constants, *core.graph.initializer])):  # fmt: skip
        kept = list(content)
        del field[:]
        field.extend(kept)
