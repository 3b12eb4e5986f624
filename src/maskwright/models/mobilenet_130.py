"""MobileNetV2 of width 1.3, which Keras has weights for and timm has not: made known to timm on import."""

from typing import Any

from timm.models import efficientnet, generate_default_cfgs, register_model
from torch import nn

_timm: Any = efficientnet
default_cfgs = generate_default_cfgs({"mobilenetv2_130.untrained": _timm._cfg()})


@register_model
def mobilenetv2_130(pretrained: bool = False, **options: Any) -> nn.Module:
    """MobileNetV2 with 1.3 times the channels, by timm's own builder and with its options."""
    network: nn.Module = _timm._gen_mobilenet_v2("mobilenetv2_130", 1.3, pretrained=pretrained, **options)
    return network
