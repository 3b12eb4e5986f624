"""First weights: where they come from, the conventions that go with them, and what is wrong when they do not fit."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import timm
import torch
from safetensors.numpy import load_file, save_file

from maskwright.errors import ConfigError, DataError, MaskwrightError
from maskwright.models import weights as weights_module
from maskwright.models.build import build_network
from maskwright.models.keras_weights import keras_file_name, read_keras_weights
from maskwright.models.weights import find_weights, load_encoder_weights


def _encoder(file: Path, name: str, bands: int = 3) -> torch.nn.Module:
    network, _ = build_network(encoder=name, weights=str(file), in_channels=bands, num_outputs=1)
    encoder = network.encoder
    assert isinstance(encoder, torch.nn.Module)
    return encoder.eval()


def test_a_local_file_gives_timms_own_features(real_weights: Path) -> None:
    file = real_weights / "mobilenetv2_100_tf.safetensors"
    ours = _encoder(file, "mobilenetv2_100")
    theirs = timm.create_model("mobilenetv2_100", features_only=True, pad_type="same", bn_eps=1e-3).eval()
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in load_file(file).items()}, strict=False)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for one, other in zip(ours(picture)[1:], theirs(picture), strict=True):
        torch.testing.assert_close(one, other)


def test_one_band_sees_a_grey_picture_as_three_bands_do(real_weights: Path) -> None:
    file = real_weights / "mobilenetv2_035_keras224.safetensors"
    grey = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    one = _encoder(file, "mobilenetv2_035", 1)(grey)
    three = _encoder(file, "mobilenetv2_035")(grey.expand(1, 3, 64, 64))
    torch.testing.assert_close(one[-1], three[-1], rtol=1e-3, atol=1e-4)


def test_tensorflow_weights_are_padded_and_scaled_as_tensorflow_does(real_weights: Path) -> None:
    source = find_weights("mobilenetv2_100", str(real_weights / "mobilenetv2_100_tf.safetensors"))
    assert (source.padding, source.mean, source.std) == ("same", (0.5,) * 3, (0.5,) * 3)
    assert "file's name" in source.why


def test_a_stated_padding_wins_over_the_files_name(real_weights: Path) -> None:
    file = str(real_weights / "mobilenetv2_100_tf.safetensors")
    assert find_weights("mobilenetv2_100", file, padding="symmetric").padding == "symmetric"


def test_weights_of_another_encoder_are_refused_by_name_and_number(real_weights: Path) -> None:
    with pytest.raises(DataError, match=r"255 of 306 tensors are missing or of another shape, first conv_stem"):
        _encoder(real_weights / "mobilenetv2_100_tf.safetensors", "mobilenetv2_035")


def test_a_missing_file_says_so_and_pickled_ones_are_never_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        find_weights("resnet18", str(tmp_path / "no.safetensors"))
    pickled = tmp_path / "net.pth"
    pickled.write_bytes(b"\x80\x04")
    with pytest.raises(ConfigError) as error:
        find_weights("resnet18", str(pickled))
    assert "can run code when loaded" in error.value.fix.replace("\n", " ")


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "broken.safetensors"
    file.write_bytes(b"not a safetensors file")
    with pytest.raises(DataError, match="cannot be read"):
        _encoder(file, "mobilenetv2_035")


def test_timm_has_no_weights_for_the_small_alphas_and_the_error_says_who_has() -> None:
    with pytest.raises(ConfigError) as error:
        find_weights("mobilenetv2_035", "imagenet")
    assert error.value.fix == "weights: keras"


def test_keras_has_weights_for_mobilenetv2_alone() -> None:
    assert keras_file_name("mobilenetv2_140") == "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.4_224_no_top.h5"
    with pytest.raises(ConfigError, match="Keras has no weights for the encoder 'resnet18'"):
        find_weights("resnet18", "keras")


def test_non_commercial_weights_are_off_by_default() -> None:
    licences = {name: str(timm.get_pretrained_cfg(name).license) for name in timm.list_models(pretrained=True)}
    name = next(name for name, licence in licences.items() if "nc" in licence.split("-"))
    with pytest.raises(ConfigError, match="may not be used commercially"):
        find_weights(name, "imagenet")
    assert find_weights(name, "imagenet", non_commercial=True).licence.count("nc") == 1


def test_hub_weights_without_a_network_give_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    source = find_weights("mobilenetv2_100", "imagenet")
    with pytest.raises(MaskwrightError, match="ImageNet weights cannot be fetched") as error:
        load_encoder_weights(torch.nn.Identity(), source, 3)
    assert "weights: none" in error.value.fix


def test_hub_weights_at_hand_are_loaded_from_their_safetensors(
    monkeypatch: pytest.MonkeyPatch, real_weights: Path
) -> None:
    file = real_weights / "mobilenetv2_100_tf.safetensors"
    monkeypatch.setattr(weights_module, "_fetch_from_hub", lambda place, fix: file)
    network, facts = build_network(encoder="mobilenetv2_100", weights="imagenet", in_channels=3, num_outputs=1)
    stem = load_file(file)["conv_stem.weight"]
    np.testing.assert_array_equal(network.state_dict()["encoder.model.conv_stem.weight"].numpy(), stem)
    assert facts.padding == "symmetric"


MODULES = {"expand": ("conv_pw", "bn1"), "depthwise": ("conv_dw", "bn2"), "project": ("conv_pwl", "bn3")}
BLOCKS_BEFORE = (1, 3, 6, 10, 13, 16)  # Keras counts the blocks of stages 1 to 6 from these on


def keras_layers() -> list[tuple[str, str]]:
    """Keras's layers with weights in its order, each with timm's name."""
    layers = [("Conv1", "conv_stem"), ("bn_Conv1", "bn1")]
    for kind, (conv, norm) in {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")}.items():
        layers += [(f"expanded_conv_{kind}", f"blocks.0.0.{conv}"), (f"expanded_conv_{kind}_BN", f"blocks.0.0.{norm}")]
    for number in range(1, 17):
        stage = sum(number >= first for first in BLOCKS_BEFORE)
        here = f"blocks.{stage}.{number - BLOCKS_BEFORE[stage - 1]}"
        for kind, (conv, norm) in MODULES.items():
            layers += [(f"block_{number}_{kind}", f"{here}.{conv}"), (f"block_{number}_{kind}_BN", f"{here}.{norm}")]
    return [*layers, ("Conv_1", "conv_head"), ("Conv_1_bn", "bn2")]


def write_keras_file(path: Path, state: dict[str, np.ndarray], *, older_names: bool = False) -> None:
    """Write a timm MobileNetV2 state as Keras writes its own: a group a layer, kernels with channels last.

    older_names: as in the public files of 2018 (mobl3_conv_3_expand, bn3_conv_3_bn_expand).
    """
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    renamed = [
        (re.sub(r"^block_(\d+)_(\w+)_BN$", r"bn\1_conv_\1_bn_\2", layer), module) for layer, module in keras_layers()
    ]
    renamed = [(re.sub(r"^block_(\d+)_(\w+)$", r"mobl\1_conv_\1_\2", layer), module) for layer, module in renamed]
    layers = renamed if older_names else keras_layers()
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in ["input_1", *(layer for layer, _ in layers)]]
        file.create_group("input_1").attrs["weight_names"] = []
        for layer, module in layers:
            if f"{module}.running_mean" in state:
                arrays = {keras_name: state[f"{module}.{name}"] for keras_name, name in names.items()}
            elif module.endswith("conv_dw"):
                arrays = {"depthwise_kernel": state[f"{module}.weight"].transpose(2, 3, 0, 1)}
            else:
                arrays = {"kernel": state[f"{module}.weight"].transpose(2, 3, 1, 0)}
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in arrays]
            for name, array in arrays.items():
                group[f"{layer}/{name}:0"] = array


@pytest.mark.parametrize("older_names", [False, True])
def test_a_keras_file_gives_the_same_weights_as_its_conversion(
    real_weights: Path, tmp_path: Path, older_names: bool
) -> None:
    state = load_file(real_weights / "mobilenetv2_035_keras224.safetensors")
    write_keras_file(tmp_path / "keras.h5", state, older_names=older_names)
    read = read_keras_weights(tmp_path / "keras.h5")
    expected = {name: array for name, array in state.items() if not name.endswith("num_batches_tracked")}
    assert read.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(read[name], array, err_msg=name)


def test_a_keras_file_can_be_given_as_a_path(real_weights: Path, tmp_path: Path) -> None:
    write_keras_file(tmp_path / "keras.h5", load_file(real_weights / "mobilenetv2_035_keras224.safetensors"))
    weights = str(tmp_path / "keras.h5")
    _, facts = build_network(encoder="mobilenetv2_035", weights=weights, in_channels=3, num_outputs=1)
    assert (facts.padding, facts.weights) == ("same", "keras.h5")


@pytest.fixture
def keras_file(real_weights: Path, tmp_path: Path) -> Path:
    write_keras_file(tmp_path / "keras.h5", load_file(real_weights / "mobilenetv2_035_keras224.safetensors"))
    return tmp_path / "keras.h5"


def _refusal(path: Path) -> str:
    with pytest.raises(DataError, match="no MobileNetV2 file of Keras's HDF5 form") as error:
        read_keras_weights(path)
    assert error.value.where == str(path)
    return error.value.what


def test_an_hdf5_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["pictures"] = np.zeros(3)
    assert "does not list its layers" in _refusal(tmp_path / "other.h5")


def test_a_keras_file_with_a_layer_too_few_is_refused(keras_file: Path) -> None:
    with h5py.File(keras_file, "a") as file:
        file.attrs["layer_names"] = file.attrs["layer_names"][:-1]
    assert "103 layers with weights, not 104" in _refusal(keras_file)


def test_a_listed_layer_that_is_not_there_is_named(keras_file: Path) -> None:
    with h5py.File(keras_file, "a") as file:
        del file["block_3_expand"]
    assert "lists the layer 'block_3_expand' but does not hold it" in _refusal(keras_file)


def test_a_layer_of_another_kind_is_named(keras_file: Path) -> None:
    with h5py.File(keras_file, "a") as file:
        names = list(file.attrs["layer_names"])
        file.attrs["layer_names"] = [names[0], names[2], names[1], *names[3:]]
    assert "'bn_Conv1' stands where a conv layer should" in _refusal(keras_file)


def test_arrays_in_another_file_are_not_read(keras_file: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "elsewhere.h5", "w") as file:
        file["kernel"] = np.zeros((3, 3, 3, 16), np.float32)
    with h5py.File(keras_file, "a") as file:
        del file["Conv1/Conv1/kernel:0"]
        file["Conv1/Conv1/kernel:0"] = h5py.ExternalLink("elsewhere.h5", "kernel")
    assert "too large, or lies in another file" in _refusal(keras_file)


def test_an_array_too_large_to_be_true_is_not_read(keras_file: Path) -> None:
    with h5py.File(keras_file, "a") as file:
        del file["Conv1/Conv1/kernel:0"]
        file.create_dataset("Conv1/Conv1/kernel:0", (3, 3, 3, 10**9), np.float32)  # takes no room in the file
    assert "too large" in _refusal(keras_file)


def test_a_file_that_is_no_hdf5_says_so(tmp_path: Path) -> None:
    (tmp_path / "keras.h5").write_bytes(b"<html>")
    with pytest.raises(DataError, match="no HDF5 file"):
        read_keras_weights(tmp_path / "keras.h5")


def test_weights_saved_under_smps_names_load_too(tmp_path: Path) -> None:
    network, _ = build_network(encoder="resnet18", weights="none", in_channels=3, num_outputs=1)
    encoder = network.encoder
    assert isinstance(encoder, torch.nn.Module)
    state = {name: tensor.numpy() for name, tensor in encoder.state_dict().items()}
    save_file(state, tmp_path / "own.safetensors")
    again = _encoder(tmp_path / "own.safetensors", "resnet18")
    for name, tensor in again.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), state[name], err_msg=name)
