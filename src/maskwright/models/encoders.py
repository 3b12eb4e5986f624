"""Encoders by name: timm's, smp's, a plain one, MobileNetV2's expanded features, VGG-16; weights and conventions.

With build.py and smp_network.py the only files that know timm's and smp's names. Importing either takes several times
as long as importing torch, so they are imported where they are used: MobileNetV2 does without.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from torch import nn

from maskwright.errors import ConfigError, MaskwrightError
from maskwright.models.keras_weights import ALPHAS
from maskwright.models.mobilenet import MobileNetExpansions
from maskwright.models.mobilenet_v2 import WIDTHS, MobileNetV2
from maskwright.models.plain import PlainEncoder
from maskwright.models.segnet import VggEncoder
from maskwright.models.weights import WeightSource, find_weights, import_timm, load_encoder_weights

VGG = "vgg16_bn"
LEAST_MOMENTUM = 0.1  # of batch norm, PyTorch's: with smp's 0.01 for EfficientNet a fifth of an average would still be
# its first value after 160 steps, and predictions nothing like those in training


@dataclass(frozen=True)
class EncoderRequest:
    """What is asked of an encoder. padding: auto, same or symmetric. load: False leaves the weights random."""

    name: str
    weights: str
    in_channels: int
    padding: str = "auto"
    non_commercial: bool = False
    load: bool = True


@dataclass(frozen=True)
class Found:
    """An encoder's name as smp wants it, the arguments that give it its conventions, and its weights."""

    name: str
    options: dict[str, Any]
    source: WeightSource


def build_encoder(request: EncoderRequest) -> tuple[nn.Module, WeightSource]:
    """Build any encoder: features at strides 1, 2, 4, ... with channels in `out_channels`. Raises ConfigError."""
    if request.name == "none":
        return PlainEncoder(request.in_channels), no_encoder(request, "The plain encoder")
    if request.name in WIDTHS:
        source = find_weights(
            request.name, request.weights, padding=request.padding, non_commercial=request.non_commercial
        )
        same = source.padding == "same"
        return loaded(MobileNetV2(request.name, request.in_channels, same=same), source, request)
    from segmentation_models_pytorch.encoders import get_encoder

    found = find_encoder(request)
    body = tolerant(
        request.name,
        found,
        lambda: get_encoder(found.name, in_channels=request.in_channels, depth=5, weights=None, **found.options),
    )
    return loaded(body, found.source, request)


def build_expansions(request: EncoderRequest, *, projected: bool) -> tuple[nn.Module, WeightSource]:
    """Build MobileNetV2 with its expanded features, padded as TensorFlow does. Raises ConfigError."""
    if request.name not in ALPHAS:
        raise ConfigError(
            f"This network stands on MobileNetV2, not on '{request.name}'.",
            where="model.encoder",
            fix=f"choose one of {', '.join(ALPHAS)}, or another network (model.name)",
        )
    padding = "same" if request.padding == "auto" and request.weights == "none" else request.padding
    source = find_weights(request.name, request.weights, padding=padding, non_commercial=request.non_commercial)
    network = import_timm().create_model(
        request.name, in_chans=request.in_channels, **_conventions(request.name, source)
    )
    body = MobileNetExpansions(network, in_channels=request.in_channels, projected=projected)
    return loaded(body, source, request)


def build_vgg(request: EncoderRequest) -> tuple[nn.Module, WeightSource]:
    """Build VGG-16 with batch norm. Raises ConfigError."""
    if request.name != VGG:
        raise ConfigError(f"SegNet stands on {VGG}, not on '{request.name}'.", where="model.encoder", fix=VGG)
    if request.padding == "same":
        raise cannot_pad(request.name)
    source = find_weights(request.name, request.weights, padding=request.padding, non_commercial=request.non_commercial)
    return loaded(VggEncoder(request.in_channels), source, request)


def find_encoder(request: EncoderRequest) -> Found:
    """Look up an encoder that timm or smp has. Raises ConfigError."""
    import segmentation_models_pytorch as smp

    timm, native = import_timm(), smp.encoders.encoders
    timm_name = request.name.removeprefix("tu-")
    is_timm = timm.is_model(timm_name) and (request.name.startswith("tu-") or request.name not in native)
    if not is_timm and request.name not in native:
        raise unknown("encoder", request.name, [*timm.list_models(), *native, "none"], "model.encoder")
    config = timm.get_pretrained_cfg(timm_name) if is_timm else None
    if config is not None and config.fixed_input_size:
        height, width = config.input_size[1:]
        raise ConfigError(
            f"The encoder '{request.name}' sees pictures of one size only, {height}x{width}.",
            where="model.encoder",
            fix="choose one that takes any size, such as resnet34 or mobilenetv2_100",
        )
    source = find_weights(timm_name, request.weights, padding=request.padding, non_commercial=request.non_commercial)
    if not is_timm and source.padding == "same":
        raise cannot_pad(request.name)
    options = _conventions(timm_name, source) if is_timm else {}
    return Found(f"tu-{timm_name}" if is_timm else request.name, options, source)


def tolerant(name: str, found: Found, build: Callable[[], nn.Module]) -> nn.Module:
    """Build, and say in words what an encoder cannot: TensorFlow's padding, or features at several strides."""
    try:
        return build()
    except MaskwrightError:
        raise
    except (ValueError, NotImplementedError) as error:
        raise ConfigError(
            f"'{name}' cannot be an encoder here: {' '.join(str(error).split())}",
            where="model.encoder",
            fix="choose one that halves the picture step by step, for example resnet34",
        ) from error
    except TypeError as error:
        if not found.options:
            raise
        raise cannot_pad(name) from error


def loaded(encoder: nn.Module, source: WeightSource, request: EncoderRequest) -> tuple[nn.Module, WeightSource]:
    """Load an encoder's first weights where that is asked for; let its averages follow short trainings."""
    for layer in encoder.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.momentum is not None:
            layer.momentum = max(layer.momentum, LEAST_MOMENTUM)
    if request.load:
        load_encoder_weights(encoder, source, request.in_channels)
    return encoder, source


def no_encoder(request: EncoderRequest, what: str) -> WeightSource:
    """The source of a network that starts from random numbers. Raises ConfigError where something else was asked."""
    if request.name not in ("none", "auto"):
        raise ConfigError(f"{what} stands on no encoder.", where="model.encoder", fix="encoder: none")
    if request.padding != "auto":
        fix = "leave it out, or choose another encoder"
        raise ConfigError(f"{what} has a padding of its own.", where="model.padding", fix=fix)
    if request.weights not in ("none", "auto"):
        raise ConfigError(f"{what} has no weights '{request.weights}'.", where="model.weights", fix="weights: none")
    return find_weights("none", "none")


def cannot_pad(encoder: str) -> ConfigError:
    """The error of an encoder that knows PyTorch's padding only."""
    return ConfigError(
        f"'{encoder}' cannot pad as TensorFlow does.", where="model.padding: same", fix="padding: symmetric"
    )


def unknown(what: str, name: str, known: Sequence[str], where: str) -> ConfigError:
    """The error of a name that nobody knows, with the nearest ones."""
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else f"known: {', '.join(known[:20])}"
    return ConfigError(f"Unknown {what} '{name}'.", where=where, fix=hint)


def _conventions(timm_name: str, source: WeightSource) -> dict[str, Any]:
    """Give timm's arguments for TensorFlow's padding and batch norm, where asked for and not built in."""
    if source.padding != "same" or timm_name.startswith("tf_"):
        return {}
    return {"pad_type": "same", "bn_eps": 1e-3}
