"""The networks of the write-ups: their sizes, their settings, and what every network must do."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from maskwright.errors import ConfigError
from maskwright.export.core import trace_network
from maskwright.models.build import NETWORKS, build_network, count_parameters
from maskwright.models.keras_layers import DoublingConv, HalvingConv, initialise
from maskwright.models.segnet import pool, unpool
from maskwright.models.smp_network import BinPool

ENCODERS = {"any": "mobilenetv2_035", "mobilenetv2": "mobilenetv2_035", "vgg": "vgg16_bn", "none": "none"}
SMALL: dict[str, dict[str, Any]] = {"plain_unet": {"filters": 4}, "strided_fcn": {"filters": 4}}
each_network = pytest.mark.parametrize("name", NETWORKS)


def build(name: str, bands: int = 3, outputs: int = 1, encoder: str = "", **knobs: Any) -> nn.Module:
    torch.manual_seed(0)
    encoder = encoder or ENCODERS[NETWORKS[name].base]
    knobs = {**SMALL.get(name, {}), **knobs}
    return build_network(name, encoder=encoder, weights="none", in_channels=bands, num_outputs=outputs, **knobs)[0]


# --- sizes, as their sources count them ---


@pytest.mark.parametrize(
    ("name", "encoder", "outputs", "filters", "whole", "trainable"),
    [
        ("mobilenet_unet", "mobilenetv2_035", 1, None, 416_209, 409_025),  # Keras counts moving averages
        ("mobilenet_pix2pix", "mobilenetv2_100", 3, None, 6_504_227, 6_471_395),
        ("strided_fcn", "none", 1, 64, 2_879_489, 2_879_489),
        ("plain_unet", "none", 1, 64, 34_550_273, 34_550_273),
    ],
)
def test_a_keras_network_has_the_size_that_its_source_states(
    name: str, encoder: str, outputs: int, filters: int | None, whole: int, trainable: int
) -> None:
    count = count_parameters(build(name, encoder=encoder, outputs=outputs, filters=filters))
    assert (count.parameters + count.buffers, count.trainable) == (whole, trainable)


def test_pix2pix_over_a_frozen_encoder_trains_what_its_source_states() -> None:
    network = build("mobilenet_pix2pix", encoder="mobilenetv2_100", outputs=3)
    network.get_submodule("encoder").requires_grad_(False)
    assert count_parameters(network).trainable == 4_660_323


def test_the_stones_network_has_the_size_that_its_source_states() -> None:
    assert count_parameters(build("smp_unet", encoder="efficientnet-b0")).parameters == 6_251_469


# --- what every network must do ---


@each_network
@pytest.mark.parametrize(("height", "width"), [(64, 96), (51, 33)])
def test_every_network_takes_any_height_and_width_any_bands_and_classes(name: str, height: int, width: int) -> None:
    network = build(name, bands=5, outputs=4).eval()
    with torch.inference_mode():
        assert network(torch.rand(2, 5, height, width)).shape == (2, 4, height, width)


@each_network
def test_every_network_exports_to_a_file_that_gives_the_same_logits(name: str) -> None:
    network = build(name).eval()
    image = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    file = trace_network(network, bands=3, size=(64, 96), outputs=1)
    (found,) = onnxruntime.InferenceSession(file).run(None, {"network_input": image.numpy()})
    with torch.inference_mode():
        close = 1e-3 if name == "smp_manet" else 1e-4  # its attention sums the products of all pixels
        np.testing.assert_allclose(found, network(image).numpy(), atol=close, rtol=close)


def test_a_network_exports_at_a_size_between_two_strides() -> None:
    network = build("mobilenet_unet").eval()
    image = torch.rand(2, 3, 50, 70, generator=torch.Generator().manual_seed(1))
    file = trace_network(network, bands=3, size=(50, 70), outputs=1)
    (found,) = onnxruntime.InferenceSession(file).run(None, {"network_input": image.numpy()})
    with torch.inference_mode():
        np.testing.assert_allclose(found, network(image).numpy(), atol=1e-4, rtol=1e-4)


@each_network
def test_every_part_of_every_network_learns(name: str) -> None:
    network = build(name).train()
    network(torch.rand(2, 3, 64, 64)).square().mean().backward()
    silent = [n for n, parameter in network.named_parameters() if parameter.grad is None]
    unused = "encoder." if name == "smp_pspnet" else " "  # smp leaves the encoder's stages beyond its depth in place
    assert not [n for n in silent if not n.startswith(unused)]


def test_a_picture_between_two_strides_is_widened_by_its_last_row_and_column() -> None:
    network = build("strided_fcn").eval()
    image = torch.rand(1, 3, 14, 16)
    by_hand = torch.cat([image, image[:, :, -1:], image[:, :, -1:]], dim=2)
    with torch.inference_mode():
        torch.testing.assert_close(network(image), network(by_hand)[:, :, :14])


# --- settings ---


def test_one_number_of_filters_is_doubled_from_block_to_block() -> None:
    listed, doubled = build("plain_unet", filters=(8, 16, 32)), build("plain_unet", filters=8, blocks=3)
    assert count_parameters(listed) == count_parameters(doubled)


def test_a_plain_unet_may_halve_by_strided_convolutions() -> None:
    pooled, strided = build("plain_unet"), build("plain_unet", downsampling="strided")
    filters = (4, 8, 16, 32)
    assert count_parameters(strided).parameters - count_parameters(pooled).parameters == sum(
        9 * f * f + f for f in filters
    )
    assert not any(isinstance(layer, nn.MaxPool2d) for layer in strided.modules())


def test_dropout_stands_in_the_last_two_contracting_blocks() -> None:
    network = build("plain_unet", dropout=0.3)
    where = [name for name, layer in network.named_modules() if isinstance(layer, nn.Dropout)]
    assert where == ["contracting.3.2", "contracting.4.2"]


def test_attention_and_atrous_convolutions_are_parts_that_can_be_left_out() -> None:
    sizes = [
        count_parameters(build("isic_segnet", **knobs)).parameters
        for knobs in ({"attention": "none"}, {}, {"atrous": (1, 2)})
    ]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("name", ["unet", "smp_unet", "smp_unetplusplus"])
def test_scse_attention_is_added_to_the_decoder(name: str) -> None:
    assert count_parameters(build(name, attention="scse")).parameters > count_parameters(build(name)).parameters


def test_an_smp_network_takes_depth_filters_and_norm() -> None:
    network = build("smp_unet", encoder_depth=4, decoder_channels=(32, 24, 16, 8), batch_norm=False)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.get_submodule("decoder").modules())
    assert network.eval()(torch.rand(1, 3, 40, 40)).shape == (1, 1, 40, 40)


def test_an_auxiliary_head_speaks_in_training_only() -> None:
    network = build("smp_unet", outputs=3, auxiliary=True)
    logits, presence = network.train()(torch.rand(2, 3, 33, 40))
    assert (logits.shape, presence.shape) == ((2, 3, 33, 40), (2, 3))
    assert network.eval()(torch.rand(1, 3, 33, 40)).shape == (1, 3, 33, 40)


@pytest.mark.parametrize(
    ("name", "knobs", "words"),
    [
        ("unet", {"filters": 8}, "'unet' has no 'filters' to set"),
        ("segnet", {"dropout": 0.5}, "'segnet' has no 'dropout' to set"),
        ("smp_fpn", {"attention": "scse"}, "'smp_fpn' has no 'attention' to set"),
        ("smp_unet", {"attention": "gate"}, "knows the attention scse"),
        ("isic_segnet", {"attention": "scse"}, "knows the attention gate"),
        ("plain_unet", {"filters": (8, 16), "blocks": 3}, "2 filters are listed for 3 blocks"),
        ("plain_unet", {"blocks": 1}, "1 blocks cannot be"),
        ("mobilenet_unet", {"decoder_channels": (8, 8)}, "has 4 blocks, not 2"),
        ("smp_unet", {"decoder_channels": (8, 8)}, "with depth 5 it needs 5"),
        ("strided_fcn", {"encoder": "resnet18"}, "stands on no encoder"),
        ("mobilenet_unet", {"encoder": "resnet18"}, "stands on MobileNetV2, not on 'resnet18'"),
        ("segnet", {"encoder": "resnet18"}, "stands on vgg16_bn"),
        ("smp_unet", {"encoder": "none"}, "needs an encoder"),
        ("unet", {"encoder": "swin_tiny_patch4_window7_224"}, "sees pictures of one size only, 224x224"),
    ],
)
def test_a_setting_that_a_network_does_not_know_is_refused_not_ignored(
    name: str, knobs: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        build(name, **knobs)


# --- parts ---


def test_unpooling_agrees_with_torch_where_each_maximum_goes_back_to_its_place() -> None:
    image = torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    small, places = pool(image)
    theirs, indices = nn.functional.max_pool2d(image, 2, return_indices=True)
    torch.testing.assert_close(small, theirs)
    torch.testing.assert_close(unpool(small, places), nn.functional.max_unpool2d(theirs, indices, 2))


def test_halving_pads_right_and_below_only() -> None:
    layer = HalvingConv(1, 1)
    nn.init.ones_(layer.weight), nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    found = layer(torch.ones(1, 1, 4, 4))
    assert found[0, 0].tolist() == [[9, 6], [6, 4]]


def test_doubling_cuts_the_surplus_below_and_on_the_right() -> None:
    layer = DoublingConv(1, 1, bias=False)
    nn.init.ones_(layer.weight)
    found = layer(torch.ones(1, 1, 2, 2))
    assert found[0, 0].tolist() == [[1, 1, 2, 1], [1, 1, 2, 1], [2, 2, 4, 2], [1, 1, 2, 1]]


def test_he_weights_keep_the_variance_of_relu_layers() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 32, 3)
    initialise(layer, "he")
    assert layer.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)


def test_bins_are_those_of_torch() -> None:
    image = torch.rand(2, 3, 7, 11, generator=torch.Generator().manual_seed(0))
    for bins in (1, 2, 3, 6):
        torch.testing.assert_close(BinPool(bins)(image), nn.functional.adaptive_avg_pool2d(image, bins))
