"""A U-Net's decoder convolves before it doubles: the same answers and gradients, and the network as it was."""

import copy
from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskwright.models.build import build_network
from maskwright.training import kernels
from maskwright.training import upsampling as module
from maskwright.training.fast_layers import fast_layers
from maskwright.training.upsampling import can_be_quick, convolve_doubled, gather_taps, products_of_taps, quick_decoders

CPU = torch.device("cpu")
built = pytest.mark.skipif(kernels.cpu_kernels().library is None, reason="no compiler: convolved as written")
SIZES = [  # channels of the small features, of the skip, of the answer; up to 64 transposed
    (3, 0, 5), (64, 2, 5), (65, 0, 5), (65, 2, 64), (80, 16, 100), (257, 3, 130)
]  # fmt: skip


def _maps(*shape: int) -> Tensor:
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


def _learn(convolve: Any, slope: Tensor, *inputs: Tensor) -> list[Tensor]:
    """Answer, and its gradients by the inputs."""
    inputs = tuple(given.detach().to(slope.dtype).requires_grad_() for given in inputs)
    answer = convolve(*inputs)
    return [answer.detach(), *torch.autograd.grad(answer, inputs, slope)]


def _as_written(weight: Tensor, x: Tensor, skip: Tensor | None = None) -> Tensor:
    x = F.interpolate(x, scale_factor=2, mode="nearest")
    return F.conv2d(x if skip is None else torch.cat([x, skip], 1), weight, padding=1)


def _quick(weight: Tensor, x: Tensor, skip: Tensor | None = None) -> Tensor:
    return convolve_doubled(weight, x, skip, (6, 8))


def _error(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


@pytest.mark.parametrize(("channels", "skips", "filters"), SIZES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_convolution_of_doubled_features_is_that_of_features_doubled_first(
    channels: int, skips: int, filters: int, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    inputs = [_maps(filters, channels + skips, 3, 3), _maps(2, channels, 3, 4), _maps(2, skips, 6, 8)]
    inputs = [given.to(dtype) for given in inputs if given.numel()]
    slope = _maps(2, filters, 6, 8).to(dtype)
    exact = _learn(_as_written, slope.double(), *inputs)
    usual, quick = _learn(_as_written, slope, *inputs), _learn(_quick, slope, *inputs)
    # rounded twice in bfloat16, where the whole convolution is rounded once
    room = {torch.float64: 1e-14, torch.float32: 1e-6, torch.bfloat16: 2e-3}[dtype]
    for found, plain, wanted in zip(quick, usual, exact, strict=True):
        assert _error(found, wanted) <= _error(plain, wanted) + room


def test_features_that_are_not_doubled_but_fitted_are_convolved_as_written() -> None:
    torch.manual_seed(0)
    x, skip, weight = torch.randn(1, 4, 3, 3), torch.randn(1, 2, 5, 6), torch.randn(3, 6, 3, 3)
    fitted = torch.cat([F.interpolate(x, size=(5, 6), mode="nearest"), skip], 1)
    assert torch.equal(convolve_doubled(weight, x, skip, (5, 6)), F.conv2d(fitted, weight, padding=1))


def test_without_a_compiler_many_channels_are_convolved_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cpu_kernels", lambda: kernels.Kernels(None, "none"))
    torch.manual_seed(0)
    weight, x, skip = _maps(5, 82, 3, 3), _maps(2, 80, 3, 4), _maps(2, 2, 6, 8)
    assert torch.equal(_quick(weight, x, skip), _as_written(weight, x, skip))


@built
def test_products_of_one_pixel_reach_its_four_doubles_and_their_neighbours() -> None:
    """One pixel of value 1 in a map of 3x3, taps 1 to 9: rows and columns 1 to 4 of the doubled map, 5 beyond."""
    weight, x = torch.arange(1.0, 10).reshape(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    x[0, 0, 1, 1] = 1
    found = gather_taps(products_of_taps(weight, x), None, kernels.cpu_kernels().library)
    by_hand = [  # row 2 of the doubled map meets the pixel (rows 2 and 3 of it) by the taps' middle and last rows
        [0, 0, 0, 0, 0, 0],
        [0, 9, 17, 15, 7, 0],
        [0, 15, 28, 24, 11, 0],
        [0, 9, 16, 12, 5, 0],
        [0, 3, 5, 3, 1, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    assert found[0, 0].tolist() == by_hand


@built
def test_what_is_not_a_number_stays_so_in_bfloat16() -> None:
    x = torch.zeros(1, 1, 2, 2, dtype=torch.bfloat16)
    x[0, 0, 0, 0] = torch.nan
    weight = torch.ones(16, 1, 3, 3, dtype=torch.bfloat16)
    found = gather_taps(products_of_taps(weight, x), None, kernels.cpu_kernels().library)
    assert found[0, :, :3, :3].isnan().all() and not found[0, :, 3].isnan().any()


def _unet(name: str, encoder: str, **knobs: Any) -> nn.Module:
    torch.manual_seed(0)
    network, _ = build_network(name, encoder=encoder, weights="none", in_channels=3, num_outputs=2, **knobs)
    return network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload,no-any-return]


def _quick_ones(network: nn.Module) -> int:
    return sum(can_be_quick(layer) for layer in network.modules())


@pytest.mark.parametrize(
    ("name", "encoder", "knobs", "quick"),
    [
        ("smp_unet", "mobilenet_v2", {}, 1),
        ("smp_unet", "resnet18", {}, 1),
        ("unet", "mobilenetv2_035", {}, 1),
        ("unet", "mobilenetv2_035", {"attention": "scse"}, 0),
        ("smp_fpn", "resnet18", {}, 0),
    ],
)
def test_plain_decoders_are_known_by_their_parts(name: str, encoder: str, knobs: dict[str, Any], quick: int) -> None:
    assert _quick_ones(_unet(name, encoder, **knobs)) == quick


def test_a_decoder_that_was_changed_is_left_alone() -> None:
    def changed(change: Any) -> int:
        network = _unet("unet", "mobilenetv2_035")
        change(network.decoder.blocks[1].conv1)  # type: ignore[union-attr, index]
        return _quick_ones(network)

    assert changed(lambda layers: None) == 1
    assert changed(lambda layers: layers[0].register_forward_hook(lambda *given: None)) == 0
    assert changed(lambda layers: setattr(layers[0], "dilation", (2, 2))) == 0
    assert changed(lambda layers: setattr(layers[0], "padding_mode", "reflect")) == 0
    assert changed(lambda layers: setattr(layers[0], "bias", nn.Parameter(torch.zeros(64)))) == 0
    assert changed(lambda layers: layers.append(nn.Dropout(0.5))) == 0


@pytest.mark.parametrize(("name", "encoder"), [("smp_unet", "mobilenet_v2"), ("unet", "mobilenetv2_035")])
@pytest.mark.parametrize("size", [(64, 96), (48, 80)])  # the latter: 2x3 to 3x5, not doubled
def test_a_whole_decoder_answers_and_learns_as_written(name: str, encoder: str, size: tuple[int, int]) -> None:
    network = _unet(name, encoder)
    decoder = network.decoder.double()  # type: ignore[operator, union-attr]
    features = [feature.detach().double() for feature in network.encoder(torch.rand(2, 3, *size))]  # type: ignore[operator]
    learnt = []
    for quick in (True, False):
        learner = copy.deepcopy(decoder)
        given = [feature.clone().requires_grad_() for feature in features]
        with quick_decoders(learner) if quick else nullcontext():
            answer = learner(given)
        answer.square().mean().backward()
        by = [value.grad for value in (*given, *learner.parameters()) if value.grad is not None]
        learnt.append([answer.detach(), *by, *learner.buffers()])
    assert len(learnt[0]) == len(learnt[1])
    for found, wanted in zip(*learnt, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-6, atol=1e-10)


def test_afterwards_every_layer_is_as_it_was() -> None:
    network = _unet("unet", "mobilenetv2_035")
    decoder = network.decoder
    before = copy.deepcopy(network.state_dict())
    with quick_decoders(network):
        assert "forward" in vars(decoder)
        assert list(network.state_dict()) == list(before)
        with quick_decoders(network):  # once is enough
            pass
        assert "forward" in vars(decoder)
    assert "forward" not in vars(decoder)
    with pytest.raises(KeyError), quick_decoders(network):
        raise KeyError
    assert "forward" not in vars(decoder)


def test_trainings_and_only_they_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    network = _unet("unet", "mobilenetv2_035")
    with fast_layers(network, CPU):
        assert "forward" in vars(network.decoder)
    with fast_layers(network.eval(), CPU):
        assert "forward" not in vars(network.decoder)
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")
    with fast_layers(network.train(), CPU):
        assert "forward" not in vars(network.decoder)
