"""Build a network by name from plain arguments.

Returns the network and what a model file must say about it. Each network has a file of its own; here they are
listed, each with the encoder it stands on and the settings it knows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from torch import nn

from maskwright.errors import ConfigError
from maskwright.models.encoders import (
    EncoderRequest,
    build_encoder,
    build_expansions,
    build_vgg,
    find_encoder,
    loaded,
    no_encoder,
    tolerant,
    unknown,
)
from maskwright.models.isic_segnet import IsicSegNet
from maskwright.models.isic_unet import IsicUnet
from maskwright.models.mobilenet_pix2pix import MobileNetPix2Pix
from maskwright.models.mobilenet_unet import MobileNetUnet
from maskwright.models.plain_unet import PlainUnet
from maskwright.models.segnet import SegNet
from maskwright.models.strided_fcn import FILTERS, StridedFcn
from maskwright.models.unet import Unet
from maskwright.models.weights import WeightSource

DECODER_CHANNELS = (128, 64, 48, 32)  # at strides 16 to 2; see Unet on why it stops there
PLAIN_DECODER_CHANNELS = (64, 48, 32, 16)
ISIC_CHANNELS = (256, 128, 64, 32)


@dataclass(frozen=True)
class Knobs:
    """Settings that some networks know; None or the default leaves them to the network's habit.

    decoder_channels, filters: of each block. blocks: how many, where filters is one number that is doubled.
    auxiliary: whether there is a second head that says which classes a picture shows.
    """

    decoder_channels: Sequence[int] | None = None
    filters: int | Sequence[int] | None = None
    blocks: int | None = None
    dropout: float = 0.0
    downsampling: str | None = None
    batch_norm: bool | None = None
    encoder_depth: int | None = None
    attention: str | None = None
    atrous: Sequence[int] | None = None
    auxiliary: bool = False
    initialisation: str | None = None

    def stated(self) -> dict[str, Any]:
        """Return those that differ from the default."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}


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


Built = tuple[nn.Module, WeightSource]
Builder = Callable[[str, EncoderRequest, int, Knobs], Built]
Base = Literal["any", "mobilenetv2", "vgg", "none"]


@dataclass(frozen=True)
class NetworkKind:
    """A network's builder, the encoder it stands on, and the knobs it knows."""

    build: Builder
    base: Base
    knobs: tuple[str, ...] = ()


def build_network(
    name: str = "unet",
    *,
    encoder: str,
    weights: str,
    in_channels: int,
    num_outputs: int,
    padding: str = "auto",
    non_commercial: bool = False,
    load: bool = True,
    **knobs: Any,
) -> tuple[nn.Module, NetworkFacts]:
    """Build a network that maps (N, in_channels, H, W) float to logits (N, num_outputs, H, W).

    encoder: a timm or smp name, or 'none' for the small plain one. weights: see `find_weights`.
    load: False leaves the weights random (they come from a checkpoint). knobs: see `Knobs`.
    Raises ConfigError for a name that is not known, or a setting that this network does not know, and
    MaskwrightError where weights cannot be had.
    """
    kind = _kind(name)
    chosen = Knobs(**knobs)
    for key in chosen.stated():
        if key not in kind.knobs:
            knows = f"it knows {', '.join(kind.knobs)}" if kind.knobs else "it has no settings"
            raise ConfigError(f"The network '{name}' has no '{key}' to set.", where=f"model.{key}", fix=knows)
    request = EncoderRequest(encoder, weights, in_channels, padding, non_commercial, load)
    network, source = kind.build(name, request, num_outputs, chosen)
    return network, _facts(name, encoder, weights, source, in_channels)


def base_of(name: str) -> Base:
    """Tell which encoder a network stands on. Raises ConfigError for a name that is not known."""
    return _kind(name).base


def _kind(name: str) -> NetworkKind:
    if name not in NETWORKS:
        raise unknown("network", name, list(NETWORKS), "model.name")
    return NETWORKS[name]


def _unet(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    body, source = build_encoder(request)
    usual = PLAIN_DECODER_CHANNELS if request.name == "none" else DECODER_CHANNELS
    if knobs.attention == "gate":
        raise ConfigError("'unet' knows the attention scse.", where="model.attention", fix="scse, or none")
    network = Unet(
        body,
        num_outputs=num_outputs,
        decoder_channels=_decoder(body, knobs, usual),
        dropout=knobs.dropout,
        attention="scse" if knobs.attention == "scse" else None,
    )
    return network, source


def _isic_unet(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    body, source = build_encoder(request)
    channels = _decoder(body, knobs, ISIC_CHANNELS)
    network = IsicUnet(body, num_outputs=num_outputs, decoder_channels=channels, batch_norm=bool(knobs.batch_norm))
    return network, source


def _isic_segnet(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    if knobs.attention == "scse":
        raise ConfigError("'isic_segnet' knows the attention gate.", where="model.attention", fix="gate, or none")
    body, source = build_encoder(request)
    network = IsicSegNet(
        body,
        num_outputs=num_outputs,
        decoder_channels=_decoder(body, knobs, ISIC_CHANNELS),
        gated=knobs.attention != "none",
        rates=tuple(knobs.atrous or ()),
    )
    return network, source


def _decoder(body: nn.Module, knobs: Knobs, usual: tuple[int, ...]) -> tuple[int, ...]:
    """Return the decoder's filters, once it is sure that they fit the encoder. Raises ConfigError."""
    channels = tuple(knobs.decoder_channels or usual)
    stages = len(cast(Sequence[int], body.out_channels)) - 1
    if len(channels) not in (stages, stages - 1):
        raise ConfigError(
            f"The decoder has {len(channels)} blocks; with this encoder it needs {stages - 1} or {stages}.",
            where="model.decoder_channels",
            fix=f"give {stages} numbers (full size) or {stages - 1} (logits at half size, enlarged)",
        )
    return channels


def _mobilenet_unet(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    body, source = build_expansions(request, projected=False)
    options = _four(name, knobs)
    if knobs.initialisation is not None:
        options["initialisation"] = knobs.initialisation
    return MobileNetUnet(cast(Any, body), num_outputs=num_outputs, **options), source


def _mobilenet_pix2pix(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    body, source = build_expansions(request, projected=True)
    return MobileNetPix2Pix(cast(Any, body), num_outputs=num_outputs, **_four(name, knobs)), source


def _four(name: str, knobs: Knobs) -> dict[str, Any]:
    if knobs.decoder_channels is None:
        return {}
    if len(knobs.decoder_channels) != 4:
        raise ConfigError(
            f"The decoder of '{name}' has 4 blocks, not {len(knobs.decoder_channels)}.",
            where="model.decoder_channels",
            fix="give 4 numbers, deepest first",
        )
    return {"decoder_channels": tuple(knobs.decoder_channels)}


def _segnet(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    body, source = build_vgg(request)
    return SegNet(cast(Any, body), num_outputs=num_outputs), source


def _strided_fcn(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    source = no_encoder(request, "The network 'strided_fcn'")
    filters = _filters(knobs, first=FILTERS[0], blocks=len(FILTERS))
    initialisation = knobs.initialisation or "glorot"
    network = StridedFcn(request.in_channels, num_outputs=num_outputs, filters=filters, initialisation=initialisation)
    return network, source


def _plain_unet(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    source = no_encoder(request, "The network 'plain_unet'")
    network = PlainUnet(
        request.in_channels,
        num_outputs=num_outputs,
        filters=_filters(knobs, first=64, blocks=5),
        dropout=knobs.dropout,
        downsampling=knobs.downsampling or "max_pooling",
        batch_norm=bool(knobs.batch_norm),
        initialisation=knobs.initialisation or "glorot",
    )
    return network, source


def _filters(knobs: Knobs, *, first: int, blocks: int) -> tuple[int, ...]:
    """Return the filters of each block: as listed, or one number doubled from block to block. Raises ConfigError."""
    given = knobs.filters
    if given is None or isinstance(given, int):
        number, start = knobs.blocks or blocks, given or first
        if not 2 <= number <= 8:
            raise ConfigError(f"{number} blocks cannot be.", where="model.blocks", fix="2 to 8")
        return tuple(start * 2**block for block in range(number))
    if knobs.blocks is not None and knobs.blocks != len(given):
        raise ConfigError(
            f"{len(given)} filters are listed for {knobs.blocks} blocks.", where="model.filters", fix="leave one out"
        )
    if not 2 <= len(given) <= 8:
        raise ConfigError(f"{len(given)} blocks cannot be.", where="model.filters", fix="list 2 to 8 numbers")
    return tuple(given)


def _smp(name: str, request: EncoderRequest, num_outputs: int, knobs: Knobs) -> Built:
    if request.name == "none":
        raise ConfigError(f"'{name}' needs an encoder.", where="model.encoder", fix="for example resnet34")
    if knobs.attention == "gate":
        raise ConfigError(f"'{name}' knows the attention scse.", where="model.attention", fix="scse, or none")
    from maskwright.models.smp_network import build_smp_network  # slow to import

    found = find_encoder(request)
    settings = {key: value for key, value in knobs.stated().items() if key != "auxiliary"}
    network = tolerant(
        request.name,
        found,
        lambda: build_smp_network(
            name, encoder=found.name, encoder_options=found.options, in_channels=request.in_channels,
            num_outputs=num_outputs, settings=settings, auxiliary=knobs.auxiliary,
        ),
    )  # fmt: skip
    _, source = loaded(cast(nn.Module, network.encoder), found.source, request)
    return network, source


def _facts(name: str, encoder: str, weights: str, source: WeightSource, in_channels: int) -> NetworkFacts:
    mean, std = source.mean, source.std
    if in_channels != len(mean):
        mean, std = (sum(mean) / len(mean),) * in_channels, (sum(std) / len(std),) * in_channels
    label = Path(source.place).name if source.kind == "file" else weights
    return NetworkFacts(name, encoder, label, source.padding, source.licence, mean, std, source.why)


_SMP = (
    "unet", "unetplusplus", "manet", "linknet", "fpn", "pspnet", "deeplabv3", "deeplabv3plus", "pan", "upernet",
    "segformer",
)  # fmt: skip
_SMP_KNOBS = ("encoder_depth", "decoder_channels", "batch_norm", "attention", "auxiliary")

NETWORKS: dict[str, NetworkKind] = {
    "unet": NetworkKind(_unet, "any", ("decoder_channels", "dropout", "attention")),
    "mobilenet_unet": NetworkKind(_mobilenet_unet, "mobilenetv2", ("decoder_channels", "initialisation")),
    "mobilenet_pix2pix": NetworkKind(_mobilenet_pix2pix, "mobilenetv2", ("decoder_channels",)),
    "segnet": NetworkKind(_segnet, "vgg"),
    "plain_unet": NetworkKind(
        _plain_unet, "none", ("filters", "blocks", "dropout", "downsampling", "batch_norm", "initialisation")
    ),
    "strided_fcn": NetworkKind(_strided_fcn, "none", ("filters", "blocks", "initialisation")),
    "isic_unet": NetworkKind(_isic_unet, "any", ("decoder_channels", "batch_norm")),
    "isic_segnet": NetworkKind(_isic_segnet, "any", ("decoder_channels", "attention", "atrous")),
    **{f"smp_{name}": NetworkKind(_smp, "any", _SMP_KNOBS) for name in _SMP},
}


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
