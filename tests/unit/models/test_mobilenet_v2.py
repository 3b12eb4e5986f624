"""The MobileNetV2 of our own file is timm's: the same names, the same numbers."""

import pytest
import torch
from segmentation_models_pytorch.encoders import get_encoder

from maskwright.models.keras_weights import ALPHAS
from maskwright.models.mobilenet_v2 import WIDTHS, MobileNetV2, rounded
from maskwright.models.weights import import_timm

import_timm()  # makes alpha 1.3 known to it


@pytest.mark.parametrize("name", WIDTHS)
@pytest.mark.parametrize("same", [True, False])
def test_it_answers_as_timms_does_with_the_same_weights(name: str, same: bool) -> None:
    conventions = {"pad_type": "same", "bn_eps": 1e-3} if same else {}
    theirs = get_encoder(f"tu-{name}", in_channels=4, depth=5, weights=None, **conventions)
    ours = MobileNetV2(name, 4, same=same)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(2, 4, 64, 96, generator=torch.Generator().manual_seed(0))
    for found, expected in zip(ours(image), theirs(image), strict=True):
        assert torch.equal(found, expected)
    for found, expected in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        assert torch.equal(found, expected)  # the averages of batch norm too
    assert ours.out_channels == list(theirs.out_channels)


def test_its_first_weights_are_spread_as_timms() -> None:
    theirs = get_encoder("tu-mobilenetv2_100", in_channels=3, depth=5, weights=None)
    ours = MobileNetV2("mobilenetv2_100", 3, same=False)
    pairs = zip(ours.named_parameters(), theirs.parameters(), strict=True)
    large = [(name, found, expected) for (name, found), expected in pairs if found.ndim == 4 and found.numel() > 5000]
    assert len(large) > 20
    for name, found, expected in large:
        assert found.std().item() == pytest.approx(expected.std().item(), rel=0.05), name
        assert abs(found.mean().item()) < 0.1 * found.std().item(), name


def test_it_has_every_width_that_keras_has_weights_for() -> None:
    assert {name: float(alpha) for name, alpha in ALPHAS.items()} == dict(WIDTHS)


@pytest.mark.parametrize(("channels", "expected"), [(5.6, 8), (11.2, 16), (8.4, 8), (41.6, 40), (44.8, 48), (96, 96)])
def test_channels_are_multiples_of_eight_and_lose_at_most_a_tenth(channels: float, expected: int) -> None:
    assert rounded(channels) == expected
    assert expected >= 0.9 * channels
