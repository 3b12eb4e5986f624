"""The fast layers answer and learn as PyTorch's do, and touch nothing but training on a CPU."""

import copy
import functools
import math
import os
import statistics
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from maskwright.models.build import build_network
from maskwright.models.mobilenet_v2 import NormRelu6
from maskwright.training import fast_layers as module
from maskwright.training import kernels
from maskwright.training.fast_layers import fast_layers

CPU = torch.device("cpu")
built = pytest.mark.skipif(kernels.cpu_kernels().library is None, reason="no compiler: the layers are PyTorch's")


def _maps(shape: tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 2 + 1
    return drawn.to(dtype).contiguous(memory_format=torch.channels_last)


def _norm(activation: str, channels: int) -> nn.Module:
    made: dict[str, nn.Module] = {
        "none": nn.BatchNorm2d(channels),
        "relu": nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True)),
        "relu6": nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU6(inplace=True)),
        "in one": NormRelu6(channels),
    }
    network = made[activation]
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.uniform_(*((0.5, 3) if name.endswith("weight") else (-1, 3)))
    return network


def _learn(network: nn.Module, x: Tensor, *, fast: bool) -> list[Tensor]:
    """One pass forward and back: answer, gradients of x and of the parameters, buffers."""
    network, x = copy.deepcopy(network).train(), x.detach().requires_grad_()
    with fast_layers(network, CPU) if fast else nullcontext():
        y = network(x)
    y.backward(_maps(tuple(y.shape), seed=1, dtype=y.dtype))
    assert x.grad is not None
    return [y.detach(), x.grad, *(p.grad for p in network.parameters() if p.grad is not None), *network.buffers()]


def _error(found: Tensor, wanted: Tensor) -> float:
    return float((found.double() - wanted.double()).norm() / wanted.double().norm().clamp(min=1e-12))


@built
@pytest.mark.parametrize("activation", ["none", "relu", "relu6", "in one"])
@pytest.mark.parametrize("shape", [(4, 16, 32, 32), (3, 7, 5, 3), (2, 96, 16, 16), (2, 1, 1, 1)])
def test_batch_norm_in_float32_is_pytorchs_within_rounding(activation: str, shape: tuple[int, ...]) -> None:
    network, x = _norm(activation, shape[1]), _maps(shape)
    wanted = _learn(network.double(), x.double(), fast=False)
    for found, exact in zip(_learn(network.float(), x, fast=True), wanted, strict=True):
        assert _error(found, exact) < 3e-6 or shape[2] == 1  # two values: the gradient is rounding alone
        assert found.isfinite().all()


@built
@pytest.mark.parametrize("activation", ["none", "relu6"])
@pytest.mark.parametrize("shape", [(4, 24, 16, 16), (3, 19, 15, 13)])
def test_batch_norm_in_bfloat16_is_nearer_to_the_exact_answer_than_pytorchs(
    activation: str, shape: tuple[int, ...]
) -> None:
    network, x = _norm(activation, shape[1]), _maps(shape, dtype=torch.bfloat16)
    exact = _learn(copy.deepcopy(network).double(), x.double(), fast=False)
    ours, theirs = _learn(network, x, fast=True), _learn(network, x, fast=False)
    for found, usual, wanted in zip(ours, theirs, exact, strict=True):
        assert _error(found, wanted) <= max(_error(usual, wanted), 3e-3)


@built
def test_the_kernel_is_really_used_and_its_activation_not_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = _norm("relu6", 8).train(), _maps((2, 8, 4, 4)).requires_grad_()
    with fast_layers(network, CPU):
        assert type(network(x).grad_fn).__name__ == "_BatchNormBackward"
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")
    with fast_layers(network, CPU):
        assert "Hardtanh" in type(network(x).grad_fn).__name__


@built
def test_a_norm_whose_answer_goes_two_ways_keeps_its_activation_apart() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.act = nn.BatchNorm2d(4), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            normed: Tensor = self.norm(x)
            activated: Tensor = self.act(normed)
            return normed + activated

    network, x = Branching(), _maps((2, 4, 8, 8))
    for found, wanted in zip(_learn(network, x, fast=True), _learn(network, x, fast=False), strict=True):
        assert torch.allclose(found, wanted, atol=1e-5)


@built
def test_a_value_that_is_not_a_number_stays_one() -> None:
    x = _maps((2, 4, 4, 4), dtype=torch.bfloat16)
    x[0, 1, 0, 0] = math.nan
    y = _learn(_norm("relu6", 4), x, fast=True)[0]
    assert y[:, 1].isnan().all()
    assert y[:, 2].isfinite().all()


@built
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_where_channels_do_not_fill_vectors_nothing_beside_the_answer_is_written(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, rooms = (3, 19, 5, 7), []

    def amid_fives(like: Tensor) -> Tensor:
        rooms.append(torch.full((like.numel() + 64,), 5.0, dtype=like.dtype))
        return rooms[-1][32:-32].as_strided(like.shape, like.stride())

    network, x = _norm("relu", shape[1]), _maps(shape, dtype=dtype)
    monkeypatch.setattr(module.torch, "empty_like", amid_fives)
    _learn(network, x, fast=True)
    assert len(rooms) >= 6  # answer, mean, inverse; gradients of x, weight, bias
    assert all((room[:32] == 5).all() and (room[-32:] == 5).all() for room in rooms)


@built
def test_the_same_batch_gives_the_same_bits() -> None:
    network, x = _norm("relu", 16), _maps((4, 16, 32, 32), dtype=torch.bfloat16)
    first, second = (_learn(network, x, fast=True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_network_in_evaluation_and_a_gpu_are_left_alone() -> None:
    network = _norm("relu", 4)
    assert isinstance(fast_layers(network.eval(), CPU), nullcontext)
    assert isinstance(fast_layers(network.train(), torch.device("cuda")), nullcontext)


def test_without_a_compiler_the_layers_are_pytorchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cpu_kernels", lambda: kernels.Kernels(None, "none"))
    network, x = _norm("relu", 4), _maps((2, 4, 8, 8))
    for found, wanted in zip(_learn(network, x, fast=True), _learn(network, x, fast=False), strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("compiler", ["false", "no-such-compiler"])
def test_a_compiler_that_fails_gives_no_kernels(compiler: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(kernels.shutil, "which", lambda name: compiler)
    found = kernels.cpu_kernels.__wrapped__()
    assert found.library is None and found.why.startswith("PyTorch's: ")
    assert not list(tmp_path.rglob("*.so"))


@built
def test_kernels_are_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))
    assert kernels.cpu_kernels.__wrapped__().library is not None
    monkeypatch.setattr(kernels.subprocess, "run", lambda *_, **__: pytest.fail("built again"))
    assert kernels.cpu_kernels.__wrapped__().library is not None


@built
def test_who_asks_while_kernels_are_being_built_waits_for_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))
    compiled: list[str] = []
    compile_, fresh = kernels._compile, functools.cache(kernels.cpu_kernels.__wrapped__)
    monkeypatch.setattr(kernels, "_compile", lambda *given: (compiled.append("once"), compile_(*given)))
    monkeypatch.setattr(kernels, "cpu_kernels", fresh)
    building = kernels.build_ahead()
    assert fresh().library is not None
    building.join()
    assert compiled == ["once"]


@built
def test_a_library_that_others_may_write_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels").chmod(0o777)
    found = kernels.cpu_kernels.__wrapped__()
    assert found.library is None and "Others may write there" in found.why


def test_the_plan_is_told_how_layers_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.told_of_layers(torch.device("cuda")) == "PyTorch's"
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")
    assert "MASKWRIGHT_NO_TUNING" in module.told_of_layers(CPU)
    monkeypatch.delenv("MASKWRIGHT_NO_TUNING")
    assert module.told_of_layers(CPU) == kernels.cpu_kernels().why


@built
def test_whole_networks_are_as_near_to_exact_gradients_as_pytorchs_are() -> None:
    """Of one network rounding decides on which side of a ReLU a value falls: the errors of many are compared."""
    plain, fast = zip(*(_gradient_errors(seed) for seed in range(9)), strict=True)
    assert statistics.median(fast) < 2 * statistics.median(plain)


def _gradient_errors(seed: int) -> tuple[float, float]:
    """Relative error of a new network's float32 gradients to those in float64: PyTorch's layers, the fast ones."""
    torch.manual_seed(seed)
    network, _ = build_network("unet", encoder="mobilenetv2_035", weights="none", in_channels=3, num_outputs=1)
    images = torch.rand(4, 3, 64, 64)

    def gradient(dtype: torch.dtype, *, fast: bool) -> Tensor:
        trained = copy.deepcopy(network).to(dtype).to(memory_format=torch.channels_last).train()
        with fast_layers(trained, CPU) if fast else nullcontext():
            answer = trained(images.to(dtype).contiguous(memory_format=torch.channels_last))
        nn.functional.softplus(answer).mean().backward()
        return torch.cat([weight.grad.double().flatten() for weight in trained.parameters() if weight.grad is not None])

    exact = gradient(torch.float64, fast=False)
    return _error(gradient(torch.float32, fast=False), exact), _error(gradient(torch.float32, fast=True), exact)


def test_building_ahead_neither_loads_torch_nor_the_library(tmp_path: Path) -> None:
    script = (
        "import sys; from maskwright.training import kernels; kernels._compile = lambda compiler, path: path.touch(); "
        "kernels.ctypes.CDLL = None; kernels.build_ahead().join(); assert 'torch' not in sys.modules"
    )
    variables = {**os.environ, "MASKWRIGHT_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.rglob("layers-*.so"))) == (1 if kernels._compiler() else 0)
