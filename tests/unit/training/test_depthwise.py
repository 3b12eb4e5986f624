"""Depthwise convolutions in bfloat16 learn as PyTorch's do: by a kernel, or by a spread gradient without one."""

import copy
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from maskwright.training import depthwise as module
from maskwright.training import kernels
from maskwright.training.depthwise import depthwise
from maskwright.training.fast_layers import fast_layers

CPU = torch.device("cpu")
built = pytest.mark.skipif(kernels.cpu_kernels().library is None, reason="no compiler: no kernel")


def _maps(*shape: int) -> Tensor:
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 2 + 1
    return drawn.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)


def _layer(channels: int, kernel: int, **steps: Any) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(channels, channels, kernel, groups=channels, bias=False, **steps).to(torch.bfloat16).train()


def _learn(layer: nn.Module, x: Tensor, *, fast: bool) -> list[Tensor]:
    """Answer, gradients of x and of the weights."""
    layer, x = copy.deepcopy(layer), x.detach().requires_grad_()
    with fast_layers(layer, CPU) if fast else nullcontext():
        y = layer(x)
    y.backward(_maps(*y.shape).to(y.dtype))
    return [y.detach(), *(given.grad for given in (x, *layer.parameters()) if given.grad is not None)]


def _error(found: Tensor, wanted: Tensor) -> float:
    return float((found.double() - wanted).norm() / wanted.norm().clamp(min=1e-12))


def _way(layer: nn.Module, x: Tensor) -> str:
    with fast_layers(layer, CPU):
        return type(layer(x.requires_grad_()).grad_fn).__name__


CASES = [  # kernel, stride, padding, dilation, height and width
    (3, 1, 1, 1, (9, 7)), (3, 2, 1, 1, (16, 16)), (3, 2, 0, 1, (17, 15)), (3, 3, 2, 1, (9, 12)), (3, 1, 2, 2, (12, 9)),
    (3, 1, 1, 1, (2, 1)), (3, (2, 1), (1, 0), (1, 3), (8, 11)), (5, 1, 2, 1, (8, 6)), (5, 2, 2, 1, (11, 8)),
    (5, 3, 4, 2, (9, 12)), (7, 1, 3, 1, (7, 9)), (7, 2, 0, 1, (15, 16)),
]  # fmt: skip


@pytest.mark.parametrize("with_kernel", [pytest.param(True, marks=built), False])
@pytest.mark.parametrize("channels", [8, 16, 40])  # sixteen are taken at a time
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "size"), CASES)
def test_it_learns_as_in_float64(
    kernel: int, stride: Any, padding: Any, dilation: Any, size: tuple[int, int], channels: int, with_kernel: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if not with_kernel:
        monkeypatch.setattr(module, "cpu_kernels", lambda: kernels.Kernels(None, "none"))
    layer, x = _layer(channels, kernel, stride=stride, padding=padding, dilation=dilation), _maps(2, channels, *size)
    exact = _learn(copy.deepcopy(layer).double(), x.double(), fast=False)
    found = _learn(layer, x, fast=True)
    assert len(found) == len(exact) == 3
    for ours, wanted in zip(found, exact, strict=True):
        assert _error(ours, wanted) < 5e-3  # bfloat16 rounds by up to 4e-3


@built
def test_more_threads_find_the_same_and_the_same_bits_again() -> None:
    layer, x, threads = _layer(24, 3, padding=1), _maps(3, 24, 10, 10), torch.get_num_threads()
    found = []
    for count in (1, 2, 2, 5):
        torch.set_num_threads(count)
        found.append(_learn(layer, x, fast=True))
    torch.set_num_threads(threads)
    for alone, two, again, five in zip(*found, strict=True):
        assert torch.equal(two, again)
        assert _error(two, alone.double()) < 4e-3 and _error(five, alone.double()) < 4e-3


@built
def test_a_gradient_in_another_layout_is_understood() -> None:
    layer, x = _layer(16, 3, padding=1), _maps(2, 16, 5, 6)
    slope = _maps(2, 16, 5, 6).contiguous()
    grads = []
    for given in (slope, slope.contiguous(memory_format=torch.channels_last)):
        with fast_layers(layer, CPU):
            grads.append(torch.autograd.grad(layer(x.requires_grad_()), [x, layer.weight], given))
    assert all(torch.equal(one, other) for one, other in zip(*grads, strict=True))


@built
def test_under_autocast_float32_weights_get_their_gradient() -> None:
    layer, x = _layer(8, 3, stride=2, padding=1).float(), _maps(2, 8, 8, 8).float()
    with torch.autocast("cpu", dtype=torch.bfloat16), fast_layers(layer, CPU):
        y = layer(x)
    assert type(y.grad_fn).__name__ == "_DepthwiseBackward" and y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.dtype == torch.float32


def test_other_convolutions_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = _layer(8, 3, padding=1), _maps(2, 8, 8, 8)
    assert _way(nn.Conv2d(8, 8, 3).to(torch.bfloat16), x) == "ConvolutionBackward0"  # not depthwise
    assert _way(nn.Conv2d(8, 8, 3, groups=8).to(torch.bfloat16), x) == "ConvolutionBackward0"  # with bias
    assert _way(copy.deepcopy(layer).float(), x.detach().float()) == "ConvolutionBackward0"  # in float32
    assert _way(_layer(8, 3, padding="same"), x) == "ConvolutionBackward0"
    assert _way(_layer(8, 4, padding=1), x) == "ConvolutionBackward0"  # a size that the kernel is not made for
    assert depthwise(x.detach(), layer.weight, None, 1, 1, 1, 4) is None
    with torch.no_grad():
        assert depthwise(x, layer.weight, None, 1, 1, 1, 8) is None
    monkeypatch.setattr(module, "cpu_kernels", lambda: kernels.Kernels(None, "none"))
    assert _way(layer, x) == "ConvolutionBackward0"  # without the kernel those that are not strided
    assert _way(_layer(8, 3, padding=1, stride=2), x) == "_DepthwiseBackward"
