"""Keras's public MobileNetV2 weights (legacy HDF5, ImageNet, Apache-2.0) as timm state dicts.

timm has no weights for the small alphas. The files are those of `keras.applications.MobileNetV2`: one HDF5 group a
layer, kernels as (h, w, in, out), depthwise kernels as (h, w, channels, 1).

Layers are told by their order, as Keras itself does it: the public files were written at different times, and what
is `block_1_expand` today is `mobl1_conv_1_expand` in the older ones.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ConfigError, DataError, need

_BASE = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
ALPHAS = {
    "mobilenetv2_035": "0.35",
    "mobilenetv2_050": "0.5",
    "mobilenetv2_075": "0.75",
    "mobilenetv2_100": "1.0",
    "mobilenetv2_130": "1.3",
    "mobilenetv2_140": "1.4",
}
_BATCH_NORM = ("weight", "bias", "running_mean", "running_var")  # Keras: gamma, beta, moving mean and variance
_STAGES = (1, 2, 3, 4, 3, 3, 1)  # inverted residual blocks a stage
_AXES = {"conv": (3, 2, 0, 1), "depthwise": (2, 3, 0, 1)}  # of a Keras kernel, in torch's order
_LARGEST = 2**22  # numbers in one array; the largest true one has 0.8 million


def keras_file_name(encoder: str) -> str:
    """Name of Keras's file for a timm MobileNetV2. Raises ConfigError for another encoder."""
    if encoder not in ALPHAS:
        raise ConfigError(
            f"Keras has no weights for the encoder '{encoder}'.",
            where="model.weights: keras",
            fix=f"choose one of {', '.join(ALPHAS)}, or weights: imagenet",
        )
    return f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{ALPHAS[encoder]}_224_no_top.h5"


def keras_address(encoder: str) -> str:
    """Where Keras publishes the file."""
    return _BASE + keras_file_name(encoder)


def read_keras_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read a MobileNetV2 HDF5 file as a timm `mobilenetv2_*` state dict (encoder without classifier).

    Weights alone, as Keras publishes them, or a whole model saved as .h5. Raises DataError for any other file.
    """
    h5py = need("h5py", extra="train", purpose="Reading Keras weights")
    try:
        with h5py.File(path, "r") as file:
            return dict(_convert(file, path))
    except OSError as error:
        raise DataError(
            "This is no HDF5 file, or it is cut short.", where=str(path), fix="download it again"
        ) from error


def _convert(file: Any, path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Pair the file's layers with timm's modules, first with first."""
    wanted = list(_modules())
    found = list(islice(_layers(file, path), len(wanted) + 2))
    if len(found) - len(wanted) not in (0, 1):  # one more: the classifier
        many = len(found) if len(found) < len(wanted) else "more"
        raise _other_file(f"it has {many} layers with weights, not {len(wanted)}", path)
    for (module, kind), (layer, arrays) in zip(wanted, found, strict=False):
        names = _BATCH_NORM if kind == "norm" else ("weight",)
        if [array.ndim for array in arrays] != [1 if kind == "norm" else 4] * len(names):
            raise _other_file(f"'{layer}' stands where a {kind} layer should", path)
        for name, array in zip(names, arrays, strict=True):
            turned = array if kind == "norm" else np.ascontiguousarray(array.transpose(_AXES[kind]))
            yield f"{module}.{name}", turned


def _modules() -> Iterator[tuple[str, str]]:
    """Name timm's modules and their kinds in the order in which Keras lists its layers."""
    yield from (("conv_stem", "conv"), ("bn1", "norm"))
    for stage, blocks in enumerate(_STAGES):
        for block in range(blocks):
            here = f"blocks.{stage}.{block}"
            if stage == 0:  # nothing to widen
                parts = [("conv_dw", "depthwise"), ("bn1", "norm"), ("conv_pw", "conv"), ("bn2", "norm")]
            else:
                parts = [("conv_pw", "conv"), ("bn1", "norm"), ("conv_dw", "depthwise"), ("bn2", "norm")]
                parts += [("conv_pwl", "conv"), ("bn3", "norm")]
            yield from ((f"{here}.{name}", kind) for name, kind in parts)
    yield from (("conv_head", "conv"), ("bn2", "norm"))


def _layers(file: Any, path: Path) -> Iterator[tuple[str, list[NDArray[np.float32]]]]:
    """Give the name and the arrays of each layer that has any."""
    root = file if "layer_names" in file.attrs else file.get("model_weights")
    if root is None or "layer_names" not in root.attrs:
        raise _other_file("it does not list its layers", path)
    for layer in _texts(root.attrs["layer_names"]):
        group = root.get(layer)
        if not hasattr(group, "keys") or "weight_names" not in group.attrs:
            raise _other_file(f"it lists the layer '{layer}' but does not hold it", path)
        arrays = [_array(group, name, path) for name in _texts(group.attrs["weight_names"])]
        if arrays:
            yield layer, arrays


def _array(group: Any, name: str, path: Path) -> NDArray[np.float32]:
    item = group.get(name)
    if getattr(item, "shape", None) is None or item.dtype.kind != "f":
        raise _other_file(f"'{name}' is no array of numbers", path)
    if item.size > _LARGEST or item.external or item.is_virtual or Path(item.file.filename) != path:
        raise _other_file(f"'{name}' is too large, or lies in another file", path)
    return np.asarray(item, dtype=np.float32)


def _texts(attribute: Any) -> list[str]:
    texts = np.atleast_1d(attribute).tolist()
    return [text.decode(errors="replace") if isinstance(text, bytes) else str(text) for text in texts]


def _other_file(why: str, path: Path) -> DataError:
    return DataError(
        f"This is no MobileNetV2 file of Keras's HDF5 form: {why}.",
        where=str(path),
        fix="give Keras's own file (weights: keras), or save your MobileNetV2 in Keras with model.save('FILE.h5')",
    )
