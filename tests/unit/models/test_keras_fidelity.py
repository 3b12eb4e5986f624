"""The write-ups' Keras networks beside ours: with the same weights they answer the same.

Keras runs on torch (no TensorFlow), builds each network from its source's own lines with random weights, and the
weights are carried over layer by layer.
"""

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from maskwright.models.build import build_network, count_parameters
from maskwright.models.keras_layers import DoublingConv, HalvingConv
from maskwright.models.keras_weights import ALPHAS

ENOUGH = 1e-4  # how far apart two answers may lie


@dataclass(frozen=True)
class Pair:
    """A write-up's network: its name there and here, both with the settings of the source, and its counts.

    numbers: as Keras counts, moving averages included; published for all but the two baselines on DUTS.
    """

    keras: str
    ours: dict[str, Any]
    numbers: int
    trainable: int
    outputs: int = 1
    size: tuple[int, int] = (64, 96)
    settings: tuple[tuple[str, Any], ...] = ()
    freezes: bool = False
    dtype: torch.dtype = torch.float32

    def build_keras(self, networks: ModuleType, size: tuple[int, int] | None = None) -> Any:
        """The Keras network for pictures of this height and width."""
        return getattr(networks, self.keras)(size or self.size, classes=self.outputs, **dict(self.settings))

    def build_ours(self, **changes: Any) -> nn.Module:
        """Our network, its own first weights still in it."""
        options = {"weights": "none", "in_channels": 3, "num_outputs": self.outputs, **self.ours, **changes}
        network, _ = build_network(**options)
        return network


PAIRS = {
    "duts-mobilenet-unet": Pair(
        "mobilenet_unet", {"name": "mobilenet_unet", "encoder": "mobilenetv2_035"}, 416_209, 409_025
    ),
    "pets-mobilenet-pix2pix": Pair(
        "mobilenet_pix2pix",
        {"name": "mobilenet_pix2pix", "encoder": "mobilenetv2_100"},
        6_504_227,
        4_660_323,
        outputs=3,
        freezes=True,
    ),
    "carvana-fcn": Pair(
        "strided_fcn", {"name": "strided_fcn", "encoder": "none", "initialisation": "he"}, 2_879_489, 2_879_489
    ),
    "carvana-unet": Pair(
        "plain_unet",
        {"name": "plain_unet", "encoder": "none", "dropout": 0.3, "initialisation": "he"},
        34_550_273,
        34_550_273,
        settings=(("kernel_initializer", "he_normal"),),
    ),
    "duts-unet-scratch": Pair(
        "plain_unet",
        {"name": "plain_unet", "encoder": "none", "batch_norm": True},
        34_574_081,
        34_562_177,
        settings=(("dropout", 0.0), ("batch_norm", True)),
    ),
    "duts-segnet": Pair(
        "segnet",
        {"name": "segnet", "encoder": "vgg16_bn"},
        29_459_457,
        29_443_585,
        size=(64, 64),
        # in float32 two pixels of a window may be equal but for rounding: the place of the maximum is then chance
        dtype=torch.float64,
    ),
}
every_pair = pytest.mark.parametrize("name", PAIRS)


@dataclass(frozen=True)
class Keras:
    """Keras itself, and what of tests/support needs it."""

    api: Any
    networks: ModuleType
    conversion: ModuleType


@pytest.fixture(scope="module")
def keras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keras]:
    """Keras on torch and on the processor, its settings file out of the user's home."""
    if importlib.util.find_spec("keras") is None:
        message = "keras is not installed: it belongs to the development tools (pip install 'maskwright[dev]')"
        if os.environ.get("MASKWRIGHT_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_TORCH_DEVICE", "cpu")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        api = importlib.import_module("keras")
        networks = importlib.import_module("support.keras_networks")
        conversion = importlib.import_module("support.keras_conversion")
        yield Keras(api, networks, conversion)


def _picture(size: tuple[int, int], count: int = 2) -> Tensor:
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(7)) * 2 - 1


def _seeded(keras: Keras, pair: Pair, image: Tensor) -> Any:
    """The Keras network with weights, biases and averages drawn anew."""
    keras.api.utils.set_random_seed(5)
    usual = keras.api.config.dtype_policy()
    keras.api.config.set_dtype_policy(str(image.dtype).removeprefix("torch."))
    model = pair.build_keras(keras.networks, (image.shape[2], image.shape[3]))
    keras.api.config.set_dtype_policy(usual)
    keras.conversion.give_random_statistics(model, image, seed=5)
    return model


def _both(keras: Keras, name: str, **changes: Any) -> tuple[Any, nn.Module, Tensor]:
    """A Keras network, ours with its weights, and pictures for them."""
    pair = PAIRS[name]
    image = _picture(pair.size).to(pair.dtype)
    model, network = _seeded(keras, pair, image), pair.build_ours(**changes).to(pair.dtype)
    keras.conversion.convert(model, network, image)
    return model, network.eval(), image


def _answer(network: nn.Module, image: Tensor) -> Tensor:
    with torch.no_grad():
        return network(image)


def _apart(keras: Keras, model: Any, network: nn.Module, image: Tensor) -> float:
    """The largest difference between the two networks' logits."""
    return float((_answer(network, image) - keras.conversion.logits(model, image)).abs().max())


@every_pair
def test_keras_and_we_count_as_many_numbers_as_published(keras: Keras, name: str) -> None:
    pair = PAIRS[name]
    model, network = pair.build_keras(keras.networks), pair.build_ours()
    if pair.freezes:
        network.encoder.requires_grad_(False)  # type: ignore[union-attr]
    trainable = sum(weight.value.numel() for weight in model.trainable_weights)
    count = count_parameters(network)
    assert (model.count_params(), trainable) == (pair.numbers, pair.trainable)
    assert (count.parameters + count.buffers, count.trainable) == (pair.numbers, pair.trainable)


@every_pair
def test_with_keras_weights_ours_gives_keras_logits_and_probabilities(keras: Keras, name: str) -> None:
    model, network, image = _both(keras, name)
    ours, theirs = _answer(network, image), keras.conversion.logits(model, image)
    assert theirs.std() > 0.01, "an answer that is nearly constant proves nothing"
    torch.testing.assert_close(ours, theirs, rtol=0, atol=ENOUGH)
    if PAIRS[name].outputs == 1:
        probabilities, expected = ours.sigmoid(), keras.api.ops.sigmoid(theirs)
    else:
        probabilities, expected = ours.softmax(dim=1), keras.api.ops.softmax(theirs, axis=1)
    torch.testing.assert_close(probabilities, expected, rtol=0, atol=ENOUGH)


def test_one_step_of_training_moves_the_averages_as_in_keras(keras: Keras) -> None:
    pair = PAIRS["duts-mobilenet-unet"]
    image = _picture(pair.size, count=4)
    model, network = _seeded(keras, pair, image), pair.build_ours()
    layers = keras.conversion.convert(model, network, image)
    modules = dict(network.named_modules())
    norms = {name: modules[name] for name, layer in layers if isinstance(layer, keras.api.layers.BatchNormalization)}
    values = _values_per_channel(network, norms)
    before = {name: norm.running_var.clone() for name, norm in norms.items()}
    for name, norm in norms.items():
        norm.momentum = 1 - dict(layers)[name].momentum  # type: ignore[assignment]
    ours = _answer(network.train(), image)
    theirs = keras.conversion.logits(model, image, training=True)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=ENOUGH)
    for name, norm in norms.items():
        _, _, mean, variance = keras.conversion.arrays(dict(layers)[name])
        torch.testing.assert_close(norm.running_mean, mean, rtol=0, atol=ENOUGH)
        # PyTorch averages variances divided by n - 1, Keras by n: take that factor out of what was added.
        kept = (1 - norm.momentum) * before[name]
        biased = kept + (norm.running_var - kept) * (values[name] - 1) / values[name]
        torch.testing.assert_close(biased, variance, rtol=0, atol=ENOUGH)


def test_decoders_average_as_slowly_as_keras_does(keras: Keras) -> None:
    layer = keras.api.layers.BatchNormalization()
    for name in ("duts-mobilenet-unet", "pets-mobilenet-pix2pix", "duts-unet-scratch"):
        network = PAIRS[name].build_ours()
        decoder = [m for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d) and "encoder" not in n]
        assert {(norm.eps, 1 - norm.momentum) for norm in decoder} == {(layer.epsilon, layer.momentum)}


def _values_per_channel(network: nn.Module, norms: dict[str, nn.Module]) -> dict[str, int]:
    """How many values a channel each batch norm will see; filled when the network runs."""
    values: dict[str, int] = {}
    for name, norm in norms.items():
        norm.register_forward_pre_hook(
            lambda _, inputs, name=name: values.update({name: inputs[0].numel() // inputs[0].shape[1]})
        )
    return values


STRIDES = ["expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add", "block_16_project_BN"]


@pytest.mark.parametrize("encoder", ALPHAS)
def test_a_mobilenet_file_of_keras_gives_keras_features(keras: Keras, encoder: str, tmp_path: Path) -> None:
    image = _picture((64, 65))  # even all the way down, and odd all the way down: TensorFlow pads them differently
    model = _mobilenet(keras, encoder, image)
    keras.conversion.save_as_published(model, tmp_path / "keras.h5")
    _agree(keras, model, encoder, tmp_path / "keras.h5", image)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_whole_model_that_keras_saved_gives_keras_features(keras: Keras, tmp_path: Path) -> None:
    image = _picture((64, 64))
    model = _mobilenet(keras, "mobilenetv2_050", image)
    model.save(tmp_path / "model.h5")
    _agree(keras, model, "mobilenetv2_050", tmp_path / "model.h5", image)


def test_keras_reads_the_published_form_back(keras: Keras, tmp_path: Path) -> None:
    # What save_as_published writes is what Keras takes for its legacy form.
    image = _picture((64, 64))
    model = _mobilenet(keras, "mobilenetv2_035", image)
    keras.conversion.save_as_published(model, tmp_path / "keras.h5")
    again = keras.api.applications.MobileNetV2(
        input_shape=(64, 64, 3), alpha=0.35, include_top=False, weights=str(tmp_path / "keras.h5")
    )
    torch.testing.assert_close(keras.conversion.logits(again, image), keras.conversion.logits(model, image))


def _mobilenet(keras: Keras, encoder: str, image: Tensor) -> Any:
    """Keras's MobileNetV2 of the width that `encoder` stands for, with weights drawn anew."""
    keras.api.utils.set_random_seed(3)
    model = keras.api.applications.MobileNetV2(
        input_shape=(*image.shape[2:], 3), alpha=float(ALPHAS[encoder]), include_top=False, weights=None
    )
    keras.conversion.give_random_statistics(model, image, seed=3)
    return model


def _agree(keras: Keras, model: Any, encoder: str, file: Path, image: Tensor) -> None:
    network, _ = build_network(encoder=encoder, weights=str(file), in_channels=3, num_outputs=1)
    assert isinstance(network.encoder, nn.Module)
    with torch.no_grad():
        _, *ours = network.encoder.eval()(image)
    for one, other in zip(ours, keras.conversion.features(model, STRIDES, image), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=ENOUGH)


@pytest.mark.parametrize("name", ["carvana-fcn", "carvana-unet"])
def test_first_weights_are_spread_as_keras_spreads_them(keras: Keras, name: str) -> None:
    pair = PAIRS[name]
    keras.api.utils.set_random_seed(1)
    model, network = pair.build_keras(keras.networks), pair.build_ours()
    drawn = {key: weight.clone() for key, weight in network.state_dict().items()}
    for module, layer in keras.conversion.convert(model, network, _picture(pair.size)):
        kernel, bias = keras.conversion.arrays(layer)
        assert float(drawn[f"{module}.weight"].std()) == pytest.approx(float(kernel.std()), rel=0.1), module
        assert not drawn[f"{module}.bias"].any() and not bias.any()


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_batch_norm_with_pytorchs_epsilon_would_not_agree(keras: Keras, part: str) -> None:
    model, network, image = _both(keras, "duts-mobilenet-unet")
    for module in network.get_submodule(part).modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5
    assert _apart(keras, model, network, image) > 10 * ENOUGH


def test_a_mobilenet_padded_as_pytorch_pads_would_not_agree(keras: Keras) -> None:
    model, network, image = _both(keras, "duts-mobilenet-unet", padding="symmetric")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
    assert _apart(keras, model, network, image) > 10 * ENOUGH


@pytest.mark.parametrize("name", ["pets-mobilenet-pix2pix", "carvana-fcn"])
def test_transposed_convolutions_cut_as_pytorch_cuts_would_not_agree(
    keras: Keras, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, network, image = _both(keras, name)
    monkeypatch.setattr(DoublingConv, "forward", lambda self, x: nn.ConvTranspose2d.forward(self, x)[:, :, 1:, 1:])
    assert _apart(keras, model, network, image) > 10 * ENOUGH


def test_a_strided_convolution_padded_as_pytorch_pads_would_not_agree(
    keras: Keras, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, network, image = _both(keras, "carvana-fcn")
    left_and_above = (1, 0, 1, 0)
    monkeypatch.setattr(
        HalvingConv,
        "forward",
        lambda self, x: nn.Conv2d.forward(self, nn.functional.pad(x, left_and_above)),
    )
    assert _apart(keras, model, network, image) > 10 * ENOUGH


def test_doubling_is_the_transpose_of_halving_as_tensorflow_defines_it() -> None:
    # <halve(x), y> = <x, double(y)>: needs no Keras, whose torch back end shifted by a pixel before 3.15.
    draw = torch.Generator().manual_seed(0)
    halve, double = HalvingConv(3, 5).double(), DoublingConv(5, 3, bias=False).double()
    nn.init.zeros_(halve.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        double.weight.copy_(halve.weight)
    x = torch.randn(1, 3, 8, 6, generator=draw, dtype=torch.float64)
    y = torch.randn(1, 5, 4, 3, generator=draw, dtype=torch.float64)
    torch.testing.assert_close((halve(x) * y).sum(), (x * double(y)).sum())
