"""First weights: where they come from, the conventions that go with them, and what is wrong when they do not fit."""

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
from maskwright.models.keras_weights import _place, _timm_name, keras_file_name, read_keras_weights
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


def write_keras_file(path: Path, state: dict[str, np.ndarray]) -> None:
    """Write a timm MobileNetV2 state as Keras writes its own: a group a layer, kernels with channels last."""
    layers = ["Conv1", "bn_Conv1", "expanded_conv_depthwise", "expanded_conv_depthwise_BN", "expanded_conv_project"]
    layers += ["expanded_conv_project_BN", "Conv_1", "Conv_1_bn"]
    kinds = [f"{kind}{bn}" for kind in ("expand", "depthwise", "project") for bn in ("", "_BN")]
    layers += [f"block_{number}_{kind}" for number in range(1, 17) for kind in kinds]
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in ["input_1", *layers]]
        file.create_group("input_1")
        for layer in layers:
            module = _timm_name(layer)
            group = file.create_group(f"{layer}/{layer}")
            if f"{module}.running_mean" in state:
                for keras_name, name in names.items():
                    group[f"{keras_name}:0"] = state[f"{module}.{name}"]
            elif "depthwise" in layer:
                group["depthwise_kernel:0"] = state[f"{module}.weight"].transpose(2, 3, 0, 1)
            elif f"{module}.weight" in state:
                group["kernel:0"] = state[f"{module}.weight"].transpose(2, 3, 1, 0)


def test_a_keras_file_gives_the_same_weights_as_its_conversion(real_weights: Path, tmp_path: Path) -> None:
    state = load_file(real_weights / "mobilenetv2_035_keras224.safetensors")
    write_keras_file(tmp_path / "keras.h5", state)
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


def test_keras_counts_blocks_through_and_timm_by_stage() -> None:
    assert [_place(block) for block in (0, 1, 2, 3, 5, 6, 9, 10, 12, 13, 15, 16)] == [
        (0, 0), (1, 0), (1, 1), (2, 0), (2, 2), (3, 0), (3, 3), (4, 0), (4, 2), (5, 0), (5, 2), (6, 0),
    ]  # fmt: skip


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
