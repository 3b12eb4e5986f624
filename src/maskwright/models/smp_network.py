"""segmentation-models-pytorch's architectures over any encoder, with their own settings.

Names: smp_unet, smp_unetplusplus, smp_manet, smp_linknet, smp_fpn, smp_pspnet, smp_deeplabv3, smp_deeplabv3plus,
smp_pan, smp_upernet, smp_segformer.
"""

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from segmentation_models_pytorch.decoders.pspnet.decoder import PSPBlock
from torch import Tensor, nn

from maskwright.errors import ConfigError
from maskwright.models.any_size import AnySize

ARCHITECTURES = {
    f"smp_{name}": kind for name, kind in smp.MODEL_ARCHITECTURES_MAPPING.items() if name != "dpt"
}  # dpt wants vision transformers of one fixed size
_PAN_STRIDE = 128  # its pyramid halves the deepest features, at stride 16, three times more
_ARGUMENTS = {
    "encoder_depth": "encoder_depth",
    "decoder_channels": "decoder_channels",
    "batch_norm": "decoder_use_norm",
    "attention": "decoder_attention_type",
}


class BinPool(nn.Module):
    """Means of a grid of bins, as AdaptiveAvgPool2d takes them, by two matrix products, which ONNX can express."""

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, bins, bins)."""
        rows, columns = (self._means(int(length)).to(x) for length in x.shape[2:])
        return rows @ x @ columns.T

    def _means(self, length: int) -> Tensor:
        means = torch.zeros(self.bins, length)
        for number in range(self.bins):
            start, end = number * length // self.bins, -(-(number + 1) * length // self.bins)
            means[number, start:end] = 1 / (end - start)
        return means


class PyramidBlock(nn.Module):
    """smp's PSPBlock without its own way round for ONNX, which does not export."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, H, W): means of bins, enlarged again."""
        return F.interpolate(self.pool(x), size=x.shape[2:], mode="bilinear", align_corners=True)


def _make_exportable(network: nn.Module) -> None:
    """Replace the pooling into bins by one that ONNX can express for every size."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, PSPBlock):
                setattr(parent, name, PyramidBlock(cast(nn.Module, layer.pool)))
            elif isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size not in (1, (1, 1)):
                setattr(parent, name, BinPool(_single(layer.output_size)))


class SmpNetwork(AnySize):
    """A network of smp's. Its parts keep their names, so that its encoder can be frozen and loaded like any other."""

    def __init__(self, network: nn.Module, stride: int) -> None:
        super().__init__()
        parts = cast(Any, network)
        self.encoder, self.decoder, self.head = parts.encoder, parts.decoder, parts.segmentation_head
        self.presence = parts.classification_head
        self.stride = stride
        _make_exportable(self)

    def compute(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(N, C, H, W) -> logits (N, K, H, W), and in training (N, K) of the auxiliary head if there is one."""
        features = self.encoder(image)
        logits: Tensor = self.head(self.decoder(features))
        if self.presence is None or not self.training:
            return logits
        return logits, self.presence(features[-1])


def build_smp_network(
    name: str,
    *,
    encoder: str,
    encoder_options: Mapping[str, object],
    in_channels: int,
    num_outputs: int,
    settings: Mapping[str, Any],
    auxiliary: bool,
) -> SmpNetwork:
    """Build one of ARCHITECTURES with random weights.

    settings: encoder_depth, decoder_channels, batch_norm, attention: those that were stated.
    auxiliary: with a second head that says which classes a picture shows (training only).
    Raises ConfigError for what this architecture does not know, or does not go with this encoder.
    """
    kind = ARCHITECTURES[name]
    known = inspect.signature(kind.__init__).parameters
    arguments: dict[str, Any] = {}
    for key, value in settings.items():
        if _ARGUMENTS[key] not in known:
            raise ConfigError(f"'{name}' has no '{key}' to set.", where=f"model.{key}", fix="leave it out")
        arguments[_ARGUMENTS[key]] = _argument(name, key, value, known[_ARGUMENTS[key]])
    depth = int(arguments.get("encoder_depth", known["encoder_depth"].default))
    channels = arguments.get("decoder_channels")
    if isinstance(channels, Sequence) and len(channels) != depth:
        raise ConfigError(
            f"The decoder has {len(channels)} blocks; with depth {depth} it needs {depth}.",
            where="model.decoder_channels",
            fix=f"give {depth} numbers, deepest first",
        )
    if name == "smp_pspnet":  # its logits come at the deepest stride
        arguments["upsampling"] = 2**depth
    if "decoder_channels" not in arguments and isinstance(default := _default(known, "decoder_channels"), tuple):
        arguments["decoder_channels"] = default[:depth]
    try:
        with warnings.catch_warnings():
            # UnetPlusPlus makes an attention of no channels where no skip is joined
            warnings.filterwarnings("ignore", message="Initializing zero-element tensors", category=UserWarning)
            network = kind(
                encoder_name=encoder,
                encoder_weights=None,
                in_channels=in_channels,
                classes=num_outputs,
                aux_params={"classes": num_outputs} if auxiliary else None,
                **arguments,
                **encoder_options,
            )
    except (ValueError, KeyError, NotImplementedError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(
            f"'{name}' cannot be built over '{encoder}': {said}",
            where="model.encoder",
            fix="choose another encoder, or another network",
        ) from error
    return SmpNetwork(network, _PAN_STRIDE if name == "smp_pan" else 2**depth)


def _single(size: int | tuple[int | None, ...] | None) -> int:
    """The number of bins along both sides, which smp's networks have alike."""
    return int(cast(int, size[0] if isinstance(size, tuple) else size))


def _argument(name: str, key: str, value: Any, parameter: inspect.Parameter) -> Any:
    """Translate one setting into smp's words."""
    if key == "attention":
        return None if value == "none" else value
    if key == "batch_norm":
        return "batchnorm" if value else False
    if key == "decoder_channels" and isinstance(parameter.default, int):
        if len(value) != 1:
            raise ConfigError(
                f"The decoder of '{name}' has one number of filters.",
                where="model.decoder_channels",
                fix=f"for example [{parameter.default}]",
            )
        return value[0]
    return value


def _default(known: Mapping[str, inspect.Parameter], name: str) -> object:
    return known[name].default if name in known else None
