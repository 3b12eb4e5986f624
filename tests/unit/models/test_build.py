"""Networks from plain arguments: shapes, names, counts."""

import pytest
import torch

from maskwright.errors import ConfigError
from maskwright.models.build import build_network, count_parameters


@pytest.mark.parametrize("encoder", ["none", "mobilenetv2_035", "resnet18", "efficientnet-b0"])
@pytest.mark.parametrize(("bands", "outputs"), [(1, 1), (3, 4), (5, 2)])
def test_logits_have_the_pictures_size_for_any_bands_and_outputs(encoder: str, bands: int, outputs: int) -> None:
    network, facts = build_network(encoder=encoder, weights="none", in_channels=bands, num_outputs=outputs)
    assert network.eval()(torch.zeros(1, bands, 64, 96)).shape == (1, outputs, 64, 96)
    assert len(facts.mean) == len(facts.std) == bands


def test_a_decoder_of_full_depth_ends_at_full_size() -> None:
    network, _ = build_network(
        encoder="mobilenetv2_035", weights="none", in_channels=3, num_outputs=1, decoder_channels=(64, 48, 32, 16, 8)
    )
    assert network.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1, 64, 64)


def test_a_decoder_of_another_depth_is_refused_with_the_right_numbers() -> None:
    with pytest.raises(ConfigError, match="needs 4 or 5"):
        build_network(encoder="none", weights="none", in_channels=3, num_outputs=1, decoder_channels=(8, 8))


def test_a_mistyped_encoder_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(ConfigError) as error:
        build_network(encoder="mobilenetv2_10", weights="none", in_channels=3, num_outputs=1)
    assert "Unknown encoder 'mobilenetv2_10'" in str(error.value)
    assert "'mobilenetv2_100'" in error.value.fix


def test_an_unknown_network_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="Unknown network 'unett'"):
        build_network("unett", encoder="none", weights="none", in_channels=3, num_outputs=1)


def test_the_plain_encoder_takes_no_weights() -> None:
    with pytest.raises(ConfigError, match="plain encoder has no weights"):
        build_network(encoder="none", weights="imagenet", in_channels=3, num_outputs=1)


def test_parameters_and_moving_averages_are_counted_apart() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    network[0].requires_grad_(False)
    count = count_parameters(network)
    assert (count.parameters, count.trainable, count.buffers) == (3 * 4 * 9 + 4 + 8, 8, 8)


@pytest.mark.parametrize("encoder", ["resnet26", "resnet18"])
def test_an_encoder_that_cannot_pad_as_tensorflow_does_says_so(encoder: str) -> None:
    with pytest.raises(ConfigError, match="cannot pad as TensorFlow does"):
        build_network(encoder=encoder, weights="none", padding="same", in_channels=3, num_outputs=1)


def test_padding_that_would_be_ignored_is_refused() -> None:
    with pytest.raises(ConfigError, match="plain encoder has a padding of its own"):
        build_network(encoder="none", weights="none", padding="same", in_channels=3, num_outputs=1)
    with pytest.raises(ConfigError, match="always pads as TensorFlow does"):
        build_network(
            encoder="tf_mobilenetv3_small_075", weights="none", padding="symmetric", in_channels=3, num_outputs=1
        )


def test_segformers_own_weights_are_non_commercial() -> None:
    with pytest.raises(ConfigError, match="may not be used commercially"):
        build_network(encoder="mit_b0", weights="imagenet", in_channels=3, num_outputs=1)


@pytest.mark.parametrize("name", ["unet", "smp_unet"])
def test_an_encoder_without_features_at_several_strides_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="convmixer_768_32'.*Unsupported model downsampling pattern"):
        build_network(name, encoder="convmixer_768_32", weights="none", in_channels=3, num_outputs=1)


def test_pspnet_of_another_depth_still_gives_logits_of_the_pictures_size() -> None:
    network, _ = build_network(
        "smp_pspnet", encoder="resnet18", weights="none", in_channels=3, num_outputs=1, encoder_depth=4
    )
    assert network.eval()(torch.zeros(1, 3, 50, 70)).shape == (1, 1, 50, 70)


@pytest.mark.parametrize("name", ["unet", "smp_unet"])
def test_an_encoders_averages_follow_a_short_training(name: str) -> None:
    """smp's EfficientNet keeps 0.99 of an average in each step: more than half of its first value after 60 steps."""
    network, _ = build_network(name, encoder="efficientnet-b0", weights="none", in_channels=3, num_outputs=1)
    norm = next(layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    seen = 0.1 * torch.randn(4, norm.num_features, 8, 8, generator=torch.Generator().manual_seed(0))
    for _ in range(60):
        norm.train()(seen)
    assert norm.running_var is not None
    assert torch.allclose(norm.running_var, seen.var(dim=(0, 2, 3)), rtol=0.25)
