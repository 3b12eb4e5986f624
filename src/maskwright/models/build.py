"""Build a network from plain arguments: the one file that knows timm's and smp's names.

Returns the network and what a model file must say about it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import cast

import segmentation_models_pytorch as smp
import timm
from segmentation_models_pytorch.encoders import get_encoder
from torch import nn

from maskwright.errors import ConfigError
from maskwright.models.plain import PlainEncoder
from maskwright.models.unet import Unet
from maskwright.models.weights import WeightSource, find_weights, load_encoder_weights

DECODER_CHANNELS = (128, 64, 48, 32)  # at strides 16 to 2; see Unet on why it stops there
PLAIN_DECODER_CHANNELS = (64, 48, 32, 16)


@dataclass(frozen=True)
class NetworkFacts:
    """What is known of a built network.

    mean, std: one value a band, in shares of the band's full range. why: how padding and scaling were settled.
    """

    name: str
    encoder: str
    weights: str
    padding: str
    licence: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    why: str


def _unet(encoder: nn.Module, **options: object) -> nn.Module:
    return Unet(encoder, **options)  # type: ignore[arg-type]


NETWORKS: dict[str, Callable[..., nn.Module]] = {"unet": _unet}


def build_network(
    name: str = "unet",
    *,
    encoder: str,
    weights: str,
    in_channels: int,
    num_outputs: int,
    padding: str = "auto",
    decoder_channels: Sequence[int] | None = None,
    dropout: float = 0.0,
    non_commercial: bool = False,
    load: bool = True,
) -> tuple[nn.Module, NetworkFacts]:
    """Build a network that maps (N, in_channels, H, W) float to logits (N, num_outputs, H, W).

    encoder: a timm or smp name, or 'none' for the small plain one. weights: see `find_weights`.
    load: False leaves the weights random (they come from a checkpoint).
    Raises ConfigError for a name that is not known, MaskwrightError where weights cannot be had.
    """
    if name not in NETWORKS:
        raise _unknown("network", name, list(NETWORKS), "model.name")
    if encoder == "none":
        source = find_weights("none", "none")
        if padding != "auto":
            fix = "leave it out, or choose another encoder"
            raise ConfigError("The plain encoder pads as PyTorch does.", where="model.padding", fix=fix)
        if weights not in ("none", "auto"):
            raise ConfigError(
                f"The plain encoder has no weights '{weights}'.", where="model.weights", fix="weights: none"
            )
        body: nn.Module = PlainEncoder(in_channels)
    else:
        body, source = _build_encoder(encoder, weights, in_channels, padding, non_commercial, load)
    channels = tuple(decoder_channels or (PLAIN_DECODER_CHANNELS if encoder == "none" else DECODER_CHANNELS))
    stages = len(cast(Sequence[int], body.out_channels)) - 1
    if len(channels) not in (stages, stages - 1):
        raise ConfigError(
            f"The decoder has {len(channels)} blocks; with this encoder it needs {stages - 1} or {stages}.",
            where="model.decoder_channels",
            fix=f"give {stages} numbers (full size) or {stages - 1} (logits at half size, enlarged)",
        )
    network = NETWORKS[name](body, num_outputs=num_outputs, decoder_channels=channels, dropout=dropout)
    return network, _facts(name, encoder, weights, source, in_channels)


def _facts(name: str, encoder: str, weights: str, source: WeightSource, in_channels: int) -> NetworkFacts:
    mean, std = source.mean, source.std
    if in_channels != len(mean):
        mean, std = (sum(mean) / len(mean),) * in_channels, (sum(std) / len(std),) * in_channels
    label = Path(source.place).name if source.kind == "file" else weights
    return NetworkFacts(name, encoder, label, source.padding, source.licence, mean, std, source.why)


def _build_encoder(
    encoder: str, weights: str, in_channels: int, padding: str, non_commercial: bool, load: bool
) -> tuple[nn.Module, WeightSource]:
    native = smp.encoders.encoders
    timm_name = encoder.removeprefix("tu-")
    is_timm = timm.is_model(timm_name) and (encoder.startswith("tu-") or encoder not in native)
    if not is_timm and encoder not in native:
        raise _unknown("encoder", encoder, [*timm.list_models(), *native, "none"], "model.encoder")
    source = find_weights(timm_name, weights, padding=padding, non_commercial=non_commercial)
    options = _conventions(timm_name, source) if is_timm else {}
    if not is_timm and source.padding == "same":
        raise _cannot_pad(encoder)
    name = f"tu-{timm_name}" if is_timm else encoder
    try:
        body = get_encoder(name, in_channels=in_channels, depth=5, weights=None, **options)
    except TypeError as error:
        if not options:
            raise
        raise _cannot_pad(encoder) from error
    if load:
        load_encoder_weights(body, source, in_channels)
    return body, source


def _cannot_pad(encoder: str) -> ConfigError:
    return ConfigError(
        f"'{encoder}' cannot pad as TensorFlow does.", where="model.padding: same", fix="padding: symmetric"
    )


def _conventions(timm_name: str, source: WeightSource) -> dict[str, object]:
    """Give timm's arguments for TensorFlow's padding and batch norm, where asked for and not built in."""
    if source.padding != "same" or timm_name.startswith("tf_"):
        return {}
    return {"pad_type": "same", "bn_eps": 1e-3}


def _unknown(what: str, name: str, known: Sequence[str], where: str) -> ConfigError:
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else f"known: {', '.join(known[:20])}"
    return ConfigError(f"Unknown {what} '{name}'.", where=where, fix=hint)


@dataclass(frozen=True)
class Count:
    """Numbers in a network.

    parameters: weights that a gradient can reach. trainable: those that are not frozen. buffers: moving averages.
    """

    parameters: int
    trainable: int
    buffers: int


def count_parameters(network: nn.Module) -> Count:
    """Count a network's numbers; batch norm's counters of batches are left out, as in Keras."""
    parameters = sum(p.numel() for p in network.parameters())
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    buffers = sum(b.numel() for name, b in network.named_buffers() if not name.endswith("num_batches_tracked"))
    return Count(parameters, trainable, buffers)
