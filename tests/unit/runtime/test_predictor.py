import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.data.dataset import Columns, Dataset
from maskwright.errors import ConfigError, DataError, MissingDependency, ShapeError
from maskwright.images.classes import Classes
from maskwright.images.masks import MaskEncoding
from maskwright.runtime.predictor import cut_probabilities, load_model

SEVERAL = Classes(("soil", "crop", "weed"))
OVERLAPPING = Classes(("nucleus", "membrane"), exclusive=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def sigmoid(values):
    return 1 / (1 + np.exp(-np.asarray(values, np.float64)))


def blobs(height, width, bands=3, top=256, dtype=np.uint8):
    wave = np.sin(np.arange(height) / 7)[:, None, None] + np.cos(np.arange(width) / 5)[None, :, None]
    return np.broadcast_to((wave + 2) / 4.001 * top, (height, width, bands)).astype(dtype)


def test_one_pixel_as_worked_out_by_hand(path, write_model):
    write_model(path)
    image = np.full((8, 8, 3), (0, 255, 127.5), np.uint8)
    image[:, :, 2] = 51
    # (0 - 0.5) / 0.25 + (1 - 0.5) / 0.25 + (0.2 - 0.5) / 0.25 = -1.2
    result = load_model(path).predict(image)
    np.testing.assert_allclose(result.probabilities, sigmoid(-1.2), atol=1e-6)
    assert result.probabilities.shape == (1, 8, 8)
    assert result.mask.shape == (8, 8)
    assert result.mask.dtype == np.uint8
    assert not result.mask.any()


def test_the_threshold_stored_in_the_file_cuts_the_mask(path, write_model):
    write_model(path, threshold=0.2)
    result = load_model(path).predict(np.full((8, 8, 3), 102, np.uint8))  # 3 * (0.4 - 0.5) / 0.25 = -1.2
    np.testing.assert_allclose(result.probabilities, sigmoid(-1.2), atol=1e-6)
    assert result.mask.all()


def test_several_classes_give_probabilities_that_add_up_and_the_largest_as_mask(path, write_model):
    write_model(path, classes=SEVERAL, threshold=None)
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 255  # logits (6, 12, 18) times +1; left times -1
    result = load_model(path).predict(image)
    assert result.probabilities.shape == (3, 8, 8)
    np.testing.assert_allclose(result.probabilities.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_array_equal(result.mask, [[0] * 4 + [2] * 4] * 8)


def test_overlapping_classes_give_a_channel_each(path, write_model):
    write_model(path, classes=OVERLAPPING, threshold=0.9)
    result = load_model(path).predict(np.full((8, 8, 3), 153, np.uint8))  # logits 1.2 and 2.4
    np.testing.assert_allclose(result.probabilities[:, 0, 0], sigmoid([1.2, 2.4]), atol=1e-6)
    assert result.mask.shape == (8, 8, 2)
    np.testing.assert_array_equal(result.mask[3, 3], [0, 1])


@pytest.mark.parametrize("classes", [SEVERAL, OVERLAPPING, Classes(("background", "pebble"))])
def test_masks_of_the_graph_and_of_numpy_follow_the_same_rule(path, write_model, classes):
    description = write_model(path, classes=classes, threshold=None if classes is SEVERAL else 0.4)
    result = load_model(path).predict(blobs(61, 45))
    np.testing.assert_array_equal(result.mask, cut_probabilities(result.probabilities, classes, description.threshold))
    assert len(np.unique(result.mask)) > 1


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (8, 8), (301, 7), (90, 123)])
def test_any_size_of_picture_gets_a_mask_of_its_own_size(path, write_model, size):
    write_model(path, size=(8, 16))
    result = load_model(path).predict(blobs(*size))
    assert result.mask.shape == size
    assert result.probabilities.shape == (1, *size)
    assert 0 <= result.probabilities.min() <= result.probabilities.max() <= 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is held is told by Linux")
def test_models_that_are_open_do_not_each_keep_what_a_large_picture_took(path, write_model):
    def held():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    write_model(path, size=(8, 16))
    large = blobs(2000, 2500)
    load_model(path).probabilities(large)
    before = held()
    models = [load_model(path) for _ in range(4)]
    for model in models:
        model.probabilities(large)
    assert held() - before < 4 * large.size  # as floating-point numbers, a single picture takes as much


def test_sixteen_bit_values_reach_the_network_undiminished(path, write_model):
    write_model(path, bands=1, dtype="uint16", value_range=4096.0)
    result = load_model(path).predict(np.full((9, 9), 3072, np.uint16))  # (0.75 - 0.5) / 0.25 = 1
    np.testing.assert_allclose(result.probabilities, sigmoid(1), atol=1e-6)


@pytest.mark.parametrize("size", [(5, 6), (8, 8), (30, 45)])
def test_tile_mode_gives_the_picture_s_own_size(path, write_model, size):
    write_model(path, mode="tile", overlap=2)
    image = blobs(*size)
    expected = sigmoid((image.astype(float) / 255 - 0.5).sum(axis=2) / 0.25)
    result = load_model(path).predict(image)
    np.testing.assert_allclose(result.probabilities[0], expected, atol=1e-6)
    assert result.mask.shape == size


def test_probabilities_alone_are_those_of_the_prediction(path, write_model):
    write_model(path)
    predictor = load_model(path)
    image = blobs(40, 30)
    np.testing.assert_array_equal(predictor.probabilities(image), predictor.predict(image).probabilities)


def test_a_file_gives_what_its_array_gives(path, write_model, tmp_path):
    write_model(path)
    Image.fromarray(blobs(40, 30)).save(tmp_path / "picture.png")
    predictor = load_model(path)
    from_file, from_array = predictor.predict(tmp_path / "picture.png"), predictor.predict(blobs(40, 30))
    np.testing.assert_array_equal(from_file.probabilities, from_array.probabilities)
    np.testing.assert_array_equal(from_file.mask, from_array.mask)


def test_a_large_jpeg_is_decoded_small_but_its_mask_is_large(path, write_model, tmp_path):
    write_model(path)
    Image.fromarray(blobs(200, 320)).save(tmp_path / "picture.jpg", quality=95)
    predictor = load_model(path)
    image, size = predictor.read(tmp_path / "picture.jpg")
    assert size == (200, 320)
    assert image.shape[:2] == (25, 40)  # an eighth: still at least twice 8x8
    result = predictor.predict(tmp_path / "picture.jpg")
    assert result.mask.shape == (200, 320)
    assert np.abs(result.probabilities - predictor.predict(blobs(200, 320)).probabilities).mean() < 0.02


def test_a_grey_file_is_shown_to_a_model_for_colour(path, write_model, tmp_path):
    write_model(path)
    Image.fromarray(np.full((9, 9), 153, np.uint8)).save(tmp_path / "grey.png")
    result = load_model(path).predict(tmp_path / "grey.png")
    np.testing.assert_allclose(result.probabilities, sigmoid(1.2), atol=1e-6)


@pytest.mark.parametrize("trained_on", ["uint8", "uint16"])
def test_a_file_of_another_depth_is_read_as_the_dataset_reads_it(path, write_model, tmp_path, trained_on):
    write_model(path, bands=1, dtype=trained_on)
    pixels = np.random.default_rng(0).integers(0, 65536, (9, 9), dtype=np.uint16)
    for name, picture in (("deep.png", pixels), ("plain.png", (pixels >> 8).astype(np.uint8))):
        Image.fromarray(picture).save(tmp_path / name)
        columns = Columns(("a",), (name,), ((),), ("a",), ("",))
        dataset = Dataset(
            tmp_path, columns, Classes(("background", "cell")), MaskEncoding("index"), bands=1, dtype=trained_on
        )
        image, size = load_model(path).read(tmp_path / name)
        assert (image.dtype, size) == (trained_on, (9, 9))
        np.testing.assert_array_equal(image, dataset.read_image(0))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.uint16),
        np.zeros((8, 8, 3), np.float32), np.zeros((0, 8, 3), np.uint8), np.zeros((1, 8, 8, 3), np.uint8),
    ],
)  # fmt: skip
def test_an_array_that_does_not_fit_is_refused(path, write_model, image):
    write_model(path)
    with pytest.raises(ShapeError, match=r"The model wants an array \(H, W, 3\) of uint8; got"):
        load_model(path).predict(image)


def test_an_array_that_is_not_contiguous_is_fine(path, write_model):
    write_model(path)
    image = blobs(40, 30)
    turned = np.ascontiguousarray(image[::-1, :, ::-1])
    predictor = load_model(path)
    np.testing.assert_array_equal(predictor.predict(image[::-1, :, ::-1]).mask, predictor.predict(turned).mask)


def test_a_run_s_folder_stands_for_its_model_file(tmp_path, write_model):
    write_model(tmp_path / "model.onnx")
    assert load_model(tmp_path).path == tmp_path / "model.onnx"


def test_a_run_without_a_model_file_says_so(tmp_path):
    with pytest.raises(DataError, match="There is no model file") as caught:
        load_model(tmp_path)
    assert caught.value.where == str(tmp_path / "model.onnx")


def test_an_unknown_runtime_or_precision_is_refused_with_the_choices(path, write_model):
    write_model(path)
    with pytest.raises(ConfigError, match="Unknown runtime 'tensorrt'") as caught:
        load_model(path, runtime="tensorrt")
    assert caught.value.fix == "choose one of: onnxruntime, openvino"
    with pytest.raises(ConfigError, match="'onnxruntime' does not run in precision 'bf16'"):
        load_model(path, precision="bf16")


def test_a_runtime_that_is_not_installed_says_how_to_install_it(path, write_model, monkeypatch):
    write_model(path)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependency) as caught:
        load_model(path, runtime="openvino")
    assert caught.value.fix == "pip install 'maskwright[openvino]'"


def test_threads_may_share_a_predictor(path, write_model):
    write_model(path)
    predictor = load_model(path)
    images = [blobs(20 + n, 30) for n in range(12)]
    alone = [predictor.predict(image).probabilities for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = [result.probabilities for result in pool.map(predictor.predict, images)]
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "changes",
    [
        {}, {"classes": SEVERAL, "threshold": None}, {"classes": OVERLAPPING}, {"mode": "tile", "overlap": 2},
        {"temperature": 2.5}, {"classes": SEVERAL, "threshold": None, "temperature": 0.4},
    ],
)  # fmt: skip
def test_openvino_gives_the_same_answers(path, write_model, precision, changes):
    pytest.importorskip("openvino")
    write_model(path, **changes)
    image = blobs(33, 47)
    expected = load_model(path).predict(image)
    found = load_model(path, runtime="openvino", precision=precision).predict(image)
    assert found.mask.shape == expected.mask.shape
    tolerance = 2e-6 if precision == "fp32" else 0.02
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=tolerance)


def test_openvino_answers_threads_one_after_the_other(path, write_model):
    pytest.importorskip("openvino")
    write_model(path)
    predictor = load_model(path, runtime="openvino", precision="fp32")
    images = [blobs(20 + n, 30) for n in range(12)]
    alone = [predictor.predict(image).probabilities for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = [result.probabilities for result in pool.map(predictor.predict, images)]
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
class TestHostileFiles:
    def test_a_description_of_another_graph_is_refused(self, path, write_model, describe, runtime):
        pytest.importorskip(runtime)
        onnx = pytest.importorskip("onnx")
        write_model(path)
        model = onnx.load(path)
        lies = describe(bands=1)
        onnx.helper.set_model_props(model, {"maskwright": lies.to_json()})
        onnx.save(model, path)
        with pytest.raises(DataError, match="graph does not fit its description"):
            load_model(path, runtime=runtime)

    def test_a_graph_cut_off_is_refused(self, path, write_model, runtime):
        pytest.importorskip(runtime)
        onnx = pytest.importorskip("onnx")
        write_model(path)
        model = onnx.load(path)
        del model.graph.node[len(model.graph.node) // 2 :]
        onnx.save(model, path)
        with pytest.raises(DataError, match="cannot open the model file") as caught:
            load_model(path, runtime=runtime)
        assert str(path) in caught.value.where

    def test_damaged_bytes_give_an_answer_or_a_clear_error_and_print_nothing(self, path, write_model, runtime, capfd):
        pytest.importorskip(runtime)
        write_model(path)
        content = path.read_bytes()
        graph = content.index(b"maskwright\x12")  # the description comes last and has its own tests
        chance = random.Random(0)
        for _ in range(60):
            damaged = bytearray(content)
            damaged[chance.randrange(graph)] = chance.randrange(256)
            path.write_bytes(damaged)
            try:
                load_model(path, runtime=runtime).predict(blobs(9, 9))
            except DataError:
                continue
        assert capfd.readouterr().out == ""

    def test_weights_outside_the_file_are_refused(self, path, write_model, runtime):
        pytest.importorskip(runtime)
        onnx = pytest.importorskip("onnx")
        write_model(path)
        model = onnx.load(path)
        weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        onnx.external_data_helper.set_external_data(weights, "../../etc/passwd")
        weights.ClearField("raw_data")
        path.write_bytes(model.SerializeToString())
        with pytest.raises(DataError, match="cannot open the model file"):
            load_model(path, runtime=runtime)
