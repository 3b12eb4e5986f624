"""Where an encoder's first weights come from: none, timm's hub, Keras's files, or a file of one's own.

Returns the conventions that the weights were trained with (padding, scaling of pictures), since weights without
them lose several points of accuracy in silence.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.error import URLError
from urllib.request import urlopen

import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor, nn

from maskwright.download import Manner, download
from maskwright.errors import ConfigError, DataError, MaskwrightError
from maskwright.files import cache_folder
from maskwright.models.keras_weights import ALPHAS, keras_address, keras_file_name, read_keras_weights

TENSORFLOW = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
Padding = Literal["same", "symmetric"]
NATIVE_LICENCES = {"mit_b": "NVIDIA Source Code License, nc"}  # of smp's own encoders, where known: SegFormer's


@dataclass(frozen=True)
class WeightSource:
    """Weights to start from and how their encoder saw pictures.

    kind: none, imagenet, keras or file. place: a path, a model hub's "repository@revision", or an encoder's name.
    mean, std: of a band in shares of its full range, three values.
    licence: of the weights, as far as known. why: how padding and scaling were settled, in words.
    """

    kind: Literal["none", "imagenet", "keras", "file"]
    place: str
    padding: Padding
    mean: tuple[float, ...]
    std: tuple[float, ...]
    licence: str
    why: str


def import_timm() -> Any:
    """Import timm, which takes several times as long as torch, and let it know Keras's alpha 1.3."""
    import timm

    from maskwright.models import mobilenet_130  # noqa: F401

    return timm


def find_weights(encoder: str, weights: str, *, padding: str = "auto", non_commercial: bool = False) -> WeightSource:
    """Settle where an encoder's weights come from; nothing is fetched yet.

    weights: none, imagenet, keras, or a path to .safetensors or .h5. Raises ConfigError or MaskwrightError.
    """
    if encoder.startswith("tf_") and padding == "symmetric":
        raise ConfigError(f"'{encoder}' always pads as TensorFlow does.", where="model.padding", fix="padding: same")
    if weights == "none":
        stated = _or(padding, "same" if encoder.startswith("tf_") else "symmetric")
        return _source("none", "", stated, TENSORFLOW, "", "trained from scratch")
    if weights == "imagenet":
        return _imagenet(encoder, padding, non_commercial)
    if weights == "keras":
        keras_file_name(encoder)  # raises for an encoder that Keras has not
        return _source("keras", encoder, _or(padding, "same"), TENSORFLOW, "Apache-2.0", "Keras's conventions")
    return _file(encoder, Path(weights), padding)


def load_encoder_weights(encoder: nn.Module, source: WeightSource, in_channels: int) -> None:
    """Load weights into a timm feature encoder; every tensor of it must be found. Raises DataError.

    Fetches them first where that is needed. The first convolution is adapted to `in_channels` bands as timm does it.
    """
    if source.kind == "none":
        return
    path = _fetch(source)
    found = {name: torch.from_numpy(array) for name, array in _read(path).items()}
    wanted = encoder.state_dict()
    prefix = "model." if any(name.startswith("model.") for name in wanted) else ""
    state: dict[str, Tensor] = {}
    missing = []
    for name, tensor in wanted.items():
        given = found.get(name.removeprefix(prefix), found.get(name))
        if given is None and name.endswith("num_batches_tracked"):
            given = tensor
        if given is not None and given.ndim == 4 and given.shape != tensor.shape and tensor.shape[1] == in_channels:
            from timm.models import adapt_input_conv

            given = adapt_input_conv(in_channels, given)
        if given is None or given.shape != tensor.shape:
            missing.append(name.removeprefix(prefix))
        else:
            state[name] = given
    if missing:
        raise DataError(
            f"The weights do not belong to this encoder: {len(missing)} of {len(wanted)} tensors are missing or of "
            f"another shape, first {missing[0]}.",
            where=str(path),
            fix="name the encoder that the file was made for (--encoder)",
        )
    encoder.load_state_dict(state)


def _imagenet(encoder: str, padding: str, non_commercial: bool) -> WeightSource:
    timm = import_timm()
    if not timm.is_model(encoder):
        return _native(encoder, padding, non_commercial)
    config = timm.get_pretrained_cfg(encoder)
    if config is None or not config.hf_hub_id:
        other = " (weights: keras has them)" if encoder in ALPHAS else ""
        raise ConfigError(
            f"timm has no ImageNet weights for '{encoder}'{other}.",
            where="model.weights: imagenet",
            fix="weights: keras" if encoder in ALPHAS else "choose another encoder, a weights file, or weights: none",
        )
    licence = str(config.license or "not stated")
    _check_licence(encoder, licence, non_commercial)
    conventions: Padding = "same" if encoder.startswith("tf_") else "symmetric"
    repository, _, revision = str(config.hf_hub_id).partition("@")
    place = f"{repository}@{revision or 'main'}"
    return _source(
        "imagenet", place, _or(padding, conventions), (config.mean, config.std), licence, "timm's conventions"
    )


def _check_licence(encoder: str, licence: str, non_commercial: bool) -> None:
    if "nc" in re.split(r"[^a-z]+", licence.lower()) and not non_commercial:
        raise ConfigError(
            f"The ImageNet weights of '{encoder}' may not be used commercially ({licence}).",
            where="model.weights: imagenet",
            fix="set model.non_commercial: true if that is your use, or choose another encoder",
        )


def _native(encoder: str, padding: str, non_commercial: bool) -> WeightSource:
    """Weights of an encoder of smp's own: published on the hub with ImageNet scaling."""
    import segmentation_models_pytorch as smp

    settings = smp.encoders.encoders[encoder]["pretrained_settings"].get("imagenet")
    if settings is None or "repo_id" not in settings:
        raise ConfigError(
            f"There are no ImageNet weights for '{encoder}'.",
            where="model.weights: imagenet",
            fix="choose another encoder, a weights file, or weights: none",
        )
    licence = next((text for start, text in NATIVE_LICENCES.items() if encoder.startswith(start)), "not stated")
    _check_licence(encoder, licence, non_commercial)
    place, scaling = f"{settings['repo_id']}@{settings['revision']}", (settings["mean"], settings["std"])
    return _source("imagenet", place, _or(padding, "symmetric"), scaling, licence, "smp's conventions")


def at_hand(source: WeightSource) -> bool:
    """Return whether weights are there without fetching anything."""
    if source.kind == "keras":
        return (cache_folder() / "weights" / keras_file_name(source.place)).is_file()
    if source.kind == "imagenet":
        from huggingface_hub import try_to_load_from_cache

        repository, _, revision = source.place.partition("@")
        return isinstance(try_to_load_from_cache(repository, "model.safetensors", revision=revision), str)
    return True


def _fetch(source: WeightSource) -> Path:
    """Return the file with the weights, fetching it where it is not at hand."""
    fix = "connect to the network once, or give a file: weights: FILE.safetensors; or weights: none"
    if source.kind == "file":
        return Path(source.place)
    if source.kind == "keras":
        path = cache_folder() / "weights" / keras_file_name(source.place)
        return download(keras_address(source.place), path, manner=Manner(offline_fix=fix))
    return _fetch_from_hub(source.place, fix)


def _fetch_from_hub(place: str, fix: str) -> Path:
    """Fetch `model.safetensors` of a hub repository; pickled files are never taken."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository, _, revision = place.partition("@")
    try:
        return Path(hf_hub_download(repository, "model.safetensors", revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        pass  # not in the cache: ask the hub
    try:
        with urlopen(constants.ENDPOINT, timeout=10):  # noqa: S310 - fails at once where the library retries for 23 s
            pass
        return Path(hf_hub_download(repository, "model.safetensors", revision=revision))
    except (URLError, TimeoutError, LocalEntryNotFoundError, HfHubHTTPError) as error:
        raise MaskwrightError(
            f"The ImageNet weights cannot be fetched: {getattr(error, 'reason', error)}.",
            where=f"{constants.ENDPOINT}/{repository}",
            fix=fix,
        ) from error


def _file(encoder: str, path: Path, padding: str) -> WeightSource:
    if path.suffix not in (".safetensors", ".h5"):
        raise ConfigError(
            f"Unknown weights '{path}'.",
            where="model.weights",
            fix="imagenet, keras, none, or a path that ends in .safetensors or .h5 (pickled .pt and .pth files can "
            "run code when loaded: convert them to safetensors)",
        )
    if not path.is_file():
        raise ConfigError("The weights file does not exist.", where=str(path), fix="check the path")
    name = path.stem.lower()
    tensorflow = path.suffix == ".h5" or any(
        word in name.replace("-", "_").split("_") for word in ("tf", "keras224", "keras")
    )
    if padding != "auto":
        return _source(
            "file", str(path), padding, TENSORFLOW if padding == "same" else IMAGENET, "not stated", "as stated"
        )
    if tensorflow:
        why = "TensorFlow's conventions, because of the file's name (state another with model.padding)"
        return _source("file", str(path), "same", TENSORFLOW, "not stated", why)
    timm = import_timm()
    config = timm.get_pretrained_cfg(encoder) if timm.is_model(encoder) else None
    scaling = (config.mean, config.std) if config is not None else IMAGENET
    return _source(
        "file",
        str(path),
        "symmetric",
        scaling,
        "not stated",
        "PyTorch's conventions (state another with model.padding)",
    )


def _read(path: Path) -> dict[str, Any]:
    if path.suffix == ".h5":
        return dict(read_keras_weights(path))
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"The weights cannot be read: {error}.", where=str(path), fix="download the file again"
        ) from error


def _or(padding: str, default: Padding) -> Padding:
    return default if padding == "auto" else padding  # type: ignore[return-value]


def _source(kind: Any, place: str, padding: Any, scaling: tuple[Any, Any], licence: str, why: str) -> WeightSource:
    mean, std = scaling
    return WeightSource(kind, place, padding, tuple(map(float, mean)), tuple(map(float, std)), licence, why)
