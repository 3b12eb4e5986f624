"""An encoder for inference: each batch norm folded into the convolution before it, activations applied on the way.

In evaluation mode a batch norm is one factor and one offset a channel, which the convolution's weights can hold; what
is left is one pass over memory where there were three. Knows nothing of phases or of what stands on the encoder.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.fx.proxy import TraceError
from torch.nn.utils.fusion import fuse_conv_bn_weights

from maskwright.models.mobilenet_v2 import NormRelu6

_CONVOLUTIONS = (
    "Conv2d",
    "SameConv2d",
    "Conv2dSame",
)  # by name, since importing timm, whose the last is, takes seconds
_SAME = _CONVOLUTIONS[1:]
_NORMS = ("BatchNorm2d", "NormRelu6", "BatchNormAct2d")
_FUSED = hasattr(torch.ops.mkldnn, "_convolution_pointwise")  # oneDNN's convolution with its activation


def fold(encoder: nn.Module, precision: str) -> nn.Module:
    """Return an encoder (in evaluation mode) that computes the same with folded weights: equal within rounding.

    precision: "bf16" or "fp32", of the folded weights. The parts that are not folded are shared with `encoder`; one
    whose forward cannot be traced is returned as it is.
    """
    encoder.eval()
    try:
        graph = _Tracer().trace(encoder)
    except (TraceError, TypeError):  # its way depends on the picture; without folding it is right all the same
        return encoder
    folded = fx.GraphModule(encoder, graph)
    modules = dict(encoder.named_modules(remove_duplicate=False))
    calls = [node.target for node in graph.nodes if node.op == "call_module"]
    for node in [node for node in graph.nodes if node.op == "call_module"]:
        before, norm = node.args[0], modules[str(node.target)]
        if not _foldable(norm) or not isinstance(before, fx.Node) or len(before.users) > 1:
            continue
        convolution = modules.get(str(before.target)) if before.op == "call_module" else None
        if type(convolution).__name__ not in _CONVOLUTIONS or calls.count(before.target) > 1:
            continue
        limits, follower, last = _limits(norm), next(iter(node.users)), node
        if limits is None and len(node.users) == 1 and follower.op == "call_module":
            limits = _limits(modules[str(follower.target)])
            last = node if limits is None else follower
        name = f"folded_{str(node.target).replace('.', '_')}"
        parts = cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm)
        folded.add_submodule(name, FoldedConvolution(*parts, limits, precision))
        before.target = name
        last.replace_all_uses_with(before)
        for gone in dict.fromkeys((last, node)):
            graph.erase_node(gone)
    folded.recompile()
    return folded


class FoldedConvolution(nn.Module):
    """A convolution that holds its batch norm's factors, and cuts its values off at `limits`; never trained."""

    weight: Tensor
    bias: Tensor

    def __init__(
        self, convolution: nn.Conv2d, norm: nn.BatchNorm2d, limits: tuple[float, float] | None, precision: str
    ) -> None:
        super().__init__()
        with torch.no_grad():
            weight, bias = fuse_conv_bn_weights(
                convolution.weight, convolution.bias, cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var),
                norm.eps, norm.weight, norm.bias,
            )  # fmt: skip
        kind = torch.bfloat16 if precision == "bf16" else torch.float32
        for name, tensor in (("weight", weight), ("bias", bias)):
            self.register_buffer(name, tensor.detach().to(kind), persistent=False)
        self.weight = self.weight.contiguous(memory_format=torch.channels_last)
        self.kernel, self.stride = cast(tuple[int, int], convolution.kernel_size), convolution.stride
        self.padding = cast(tuple[int, int], convolution.padding)
        self.dilation, self.groups, self.limits = convolution.dilation, convolution.groups, limits
        self.same = type(convolution).__name__ in _SAME

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, H', W') of the weights' precision."""
        x = x.to(self.weight.dtype)
        if self.same:
            x = self._padded(x)
        padding = (0, 0) if self.same else self.padding
        if _FUSED and x.device.type == "cpu":
            kind, values = ("none", []) if self.limits is None else ("hardtanh", list(self.limits))
            found: Tensor = torch.ops.mkldnn._convolution_pointwise(
                x, self.weight, self.bias, padding, self.stride, self.dilation, self.groups, kind, values, ""
            )
            return found
        found = F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        return found if self.limits is None else found.clamp_(*self.limits)

    def _padded(self, x: Tensor) -> Tensor:
        """Pad as TensorFlow does: an odd row or column is added below and on the right."""
        below, right = (
            max(0, (-(-int(side) // stride) - 1) * stride + kernel - int(side))
            for side, stride, kernel in zip(x.shape[2:], self.stride, self.kernel, strict=True)
        )
        return F.pad(x, (right // 2, right - right // 2, below // 2, below - below // 2))


class _Tracer(fx.Tracer):
    """Looks into everything but convolutions and norms, whatever class of theirs it is."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d | nn.BatchNorm2d) or super().is_leaf_module(m, module_qualified_name)


def _foldable(norm: nn.Module) -> bool:
    """Tell whether a layer is a batch norm, and what it ends with no more than a cut."""
    if type(norm).__name__ not in _NORMS or cast(nn.BatchNorm2d, norm).running_mean is None:
        return False
    return isinstance(getattr(norm, "act", None), nn.Identity | None) or _limits(norm) is not None


def _limits(layer: nn.Module) -> tuple[float, float] | None:
    """Return where a layer, or the activation that a norm ends with, cuts off, if it does."""
    if isinstance(layer, nn.ReLU6 | NormRelu6):
        return 0.0, 6.0
    if isinstance(layer, nn.BatchNorm2d):
        act = getattr(layer, "act", None)
        return _limits(act) if isinstance(act, nn.Module) else None
    return (0.0, float("inf")) if type(layer) is nn.ReLU else None
