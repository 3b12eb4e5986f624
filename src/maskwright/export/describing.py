"""A model file's description written anew. Knows no torch."""

from pathlib import Path

import onnx
from onnx import helper

from maskwright.files import write_bytes
from maskwright.runtime.description import METADATA_KEY, ModelDescription


def update_description(path: Path, description: ModelDescription) -> None:
    """Write a model file's description anew (its scores, say), whole or not at all; the graph stays as it is.

    Threshold, temperature, size and classes belong to the graph: they must be those of the file.
    """
    model = onnx.load(str(path))
    helper.set_model_props(model, {METADATA_KEY: description.to_json()})
    write_bytes(path, model.SerializeToString())
