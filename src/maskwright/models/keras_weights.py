"""Keras's public MobileNetV2 weights (legacy HDF5, ImageNet, Apache-2.0) as timm state dicts.

timm has no weights for the small alphas. The files are those of `keras.applications.MobileNetV2(include_top=False)`:
one HDF5 group a layer, kernels as (h, w, in, out), depthwise kernels as (h, w, channels, 1).
"""

import re
from collections.abc import Iterator
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
_BATCH_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_STAGES = (1, 2, 3, 4, 3, 3, 1)  # inverted residual blocks a stage, counted from Keras's `expanded_conv` on


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

    Raises DataError when the file is not such a file.
    """
    h5py = need("h5py", extra="train", purpose="Reading Keras weights")
    try:
        with h5py.File(path, "r") as file:
            return dict(_convert(file))
    except OSError as error:
        raise DataError(
            "This is no HDF5 file, or it is cut short.", where=str(path), fix="download it again"
        ) from error


def _convert(file: Any) -> Iterator[tuple[str, NDArray[np.float32]]]:
    found: list[tuple[str, str, NDArray[np.float32]]] = []
    file.visititems(lambda name, item: found.append(_entry(name, item)) if hasattr(item, "shape") else None)
    for layer, weight, array in found:
        target = _timm_name(layer)
        if target is None:
            continue
        if weight in _BATCH_NORM:
            yield f"{target}.{_BATCH_NORM[weight]}", array
        elif weight == "depthwise_kernel":
            yield f"{target}.weight", np.ascontiguousarray(array.transpose(2, 3, 0, 1))
        elif weight == "kernel":
            yield f"{target}.weight", np.ascontiguousarray(array.transpose(3, 2, 0, 1))


def _entry(name: str, item: Any) -> tuple[str, str, NDArray[np.float32]]:
    parts = name.split("/")
    return parts[0], parts[-1].partition(":")[0], np.asarray(item, dtype=np.float32)


def _timm_name(layer: str) -> str | None:
    """Map a Keras layer to timm's module: block_1_expand_BN -> blocks.1.0.bn1."""
    fixed = {
        "Conv1": "conv_stem",
        "bn_Conv1": "bn1",
        "Conv_1": "conv_head",
        "Conv_1_bn": "bn2",
        "expanded_conv_depthwise": "blocks.0.0.conv_dw",
        "expanded_conv_depthwise_BN": "blocks.0.0.bn1",
        "expanded_conv_project": "blocks.0.0.conv_pw",
        "expanded_conv_project_BN": "blocks.0.0.bn2",
    }
    if layer in fixed:
        return fixed[layer]
    match = re.fullmatch(r"block_(\d+)_(expand|depthwise|project)(_BN)?", layer)
    if match is None:
        return None
    stage, position = _place(int(match[1]))
    kind = {"expand": ("conv_pw", "bn1"), "depthwise": ("conv_dw", "bn2"), "project": ("conv_pwl", "bn3")}[match[2]]
    return f"blocks.{stage}.{position}.{kind[1] if match[3] else kind[0]}"


def _place(block: int) -> tuple[int, int]:
    stage = 0
    while block >= _STAGES[stage]:
        block -= _STAGES[stage]
        stage += 1
    return stage, block
