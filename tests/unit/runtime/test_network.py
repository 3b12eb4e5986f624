"""The network of a model file by itself, and the cheap way around it: the answers of the whole graph."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.runtime import network as network_module
from maskwright.runtime.network import open_network
from maskwright.runtime.network_bytes import network_of
from maskwright.runtime.predictor import load_model
from maskwright.runtime.whole import activate, network_input

KINDS = [
    (Classes(("background", "pebble")), 0.4),
    (Classes(("soil", "crop", "weed")), None),
    (Classes(("nucleus", "membrane"), exclusive=False), 0.6),
]
RUNTIMES = ["onnxruntime", "openvino"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def waves(height, width, dtype=np.uint8, bands=3):
    rows, columns = np.mgrid[:height, :width]
    wave = np.sin(rows / 9)[..., None] + np.cos(columns / 7)[..., None] * np.arange(1, bands + 1)
    wave = (wave - wave.min()) / (wave.max() - wave.min())
    return (wave * np.iinfo(dtype).max).astype(dtype)


def test_the_network_is_what_lies_between_the_cut_points(path, write_model):
    onnx = pytest.importorskip("onnx")
    write_model(path)
    model = onnx.load_from_string(network_of(path.read_bytes()))
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert [item.name for item in model.graph.input] == ["network_input"]
    assert [item.name for item in model.graph.output] == ["logits"]
    assert not model.metadata_props


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_logits_as_worked_out_by_hand(path, write_model, runtime):
    pytest.importorskip(runtime)
    description = write_model(path)
    network = open_network(path, description, runtime=runtime, precision="fp32", threads=1)
    pixels = np.zeros((1, 3, 8, 8), np.float32)
    pixels[0, :, 2, 3] = (1, 2, 3)
    logits = network(pixels)
    assert logits.shape == (1, 1, 8, 8)
    assert (logits[0, 0, 2, 3], np.count_nonzero(logits)) == (6, 1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(("classes", "threshold"), KINDS)
@pytest.mark.parametrize("size", [(61, 45), (8, 8), (5, 90)])
def test_the_cheap_way_gives_the_probabilities_of_the_graph(path, write_model, dtype, classes, threshold, size):
    top = {"uint8": 255.0, "uint16": 4096.0}[dtype]  # values beyond the range count as its end
    description = write_model(
        path, classes=classes, threshold=threshold, dtype=dtype, value_range=top, size=(16, 12), temperature=1.7
    )
    predictor, image = load_model(path), waves(*size, np.dtype(dtype))
    small = activate(predictor._network(network_input(image, description)), description)[0]
    np.testing.assert_allclose(small, predictor._small(image), atol=0)
    enlarged = load_model(path).predict(image).probabilities
    from maskwright.images.resize import resize_float

    np.testing.assert_allclose(resize_float(small, size), enlarged, atol=2e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("classes", "threshold"), KINDS)
def test_a_mask_alone_is_the_prediction_s(path, write_model, tmp_path, runtime, classes, threshold):
    pytest.importorskip(runtime)
    write_model(path, classes=classes, threshold=threshold, size=(32, 32))
    for name, size in (("a.png", (211, 305)), ("b.jpg", (211, 305)), ("c.png", (32, 32)), ("d.png", (20, 25))):
        Image.fromarray(waves(*size)).save(tmp_path / name)
        expected = load_model(path, runtime=runtime).predict(tmp_path / name).mask
        found = load_model(path, runtime=runtime, masks_only=True).mask(tmp_path / name)
        assert found.shape == expected.shape
        assert len(np.unique(found)) > 1
        assert np.count_nonzero(found != expected) <= max(1, 1e-5 * expected.size)


def test_a_large_jpeg_gets_the_mask_that_its_reduced_picture_gives_at_full_size(path, write_model, tmp_path):
    write_model(path, size=(32, 32))
    Image.fromarray(waves(600, 800)).save(tmp_path / "a.jpg", quality=95)
    predictor = load_model(path)
    image, size = predictor.read(tmp_path / "a.jpg")
    assert (image.shape, size) == ((75, 100, 3), (600, 800))
    two_steps = predictor.predict(image).mask  # at the reduced size
    one_step = predictor.predict(tmp_path / "a.jpg").mask
    assert np.mean(one_step[4::8, 4::8] != two_steps) < 0.02
    np.testing.assert_array_equal(predictor.mask(tmp_path / "a.jpg"), one_step)


def test_tiles_are_cut_as_ever(path, write_model, tmp_path):
    write_model(path, mode="tile", overlap=2)
    Image.fromarray(waves(30, 45)).save(tmp_path / "a.png")
    predictor = load_model(path, masks_only=True)
    np.testing.assert_array_equal(predictor.mask(tmp_path / "a.png"), load_model(path).predict(waves(30, 45)).mask)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_several_threads_get_the_answers_that_one_gets(path, write_model, runtime):
    pytest.importorskip(runtime)
    description = write_model(path)
    network = open_network(path, description, runtime=runtime, precision="fp32", threads=2, callers=3)
    inputs = [np.full((1, 3, 8, 8), number, np.float32) for number in range(60)]
    with ThreadPoolExecutor(3) as pool:
        found = [float(logits[0, 0, 0, 0]) for logits in pool.map(network, inputs)]
    assert found == [3.0 * number for number in range(60)]


def test_masks_alone_do_not_open_the_whole_graph(path, write_model, tmp_path, monkeypatch):
    write_model(path)
    Image.fromarray(waves(30, 45)).save(tmp_path / "a.png")
    predictor = load_model(path, masks_only=True)

    def opened(*_, **__):
        raise AssertionError("the whole graph was opened")

    monkeypatch.setattr("maskwright.runtime.predictor.open_session", opened)
    predictor.mask(tmp_path / "a.png")
    with pytest.raises(AssertionError, match="whole graph"):
        predictor.predict(waves(30, 45))


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08"])
def test_bytes_without_a_network_are_no_model(content, path, describe):
    path.write_bytes(content)
    with pytest.raises(DataError, match="network cannot be read"):
        open_network(path, describe(), runtime="onnxruntime", precision="fp32", threads=1)


def test_a_file_cut_short_is_an_error_in_words(path, write_model):
    description = write_model(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError):
        open_network(path, description, runtime="onnxruntime", precision="fp32", threads=1)


def test_logits_of_another_shape_than_described_are_an_error(path, write_model):
    description = replace(write_model(path), size=(9, 8))
    network = open_network(path, description, runtime="onnxruntime", precision="fp32", threads=1)
    with pytest.raises(DataError, match="does not fit its description"):
        network(np.zeros((1, 3, 8, 8), np.float32))


STORM = """
import sys, threading
from pathlib import Path
import numpy as np
from maskwright.runtime.metadata import read_description
from maskwright.runtime.network import open_network
sys.setswitchinterval(1e-6)
path = Path(sys.argv[1])
network = open_network(path, read_description(path), runtime="openvino", precision="fp32", threads=2, callers=4)
start = threading.Barrier(4)
def call():
    start.wait()
    network(np.zeros((1, 3, 8, 8), np.float32))
threads = [threading.Thread(target=call) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("done")
"""


def test_openvino_survives_that_several_threads_call_it_first(path, write_model):
    pytest.importorskip("openvino")
    write_model(path)
    done = subprocess.run(
        [sys.executable, "-c", STORM, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "done\n", done.stderr


def test_openvino_is_called_once_by_the_thread_that_opens_it(path, write_model, monkeypatch):
    pytest.importorskip("openvino")
    description, called = write_model(path), []
    opened = network_module._open_openvino

    def spied(*arguments):
        network = opened(*arguments)
        return lambda pixels: (called.append(threading.current_thread()), network(pixels))[1]

    monkeypatch.setattr(network_module, "_open_openvino", spied)
    open_network(path, description, runtime="openvino", precision="fp32", threads=2, callers=4)
    assert called == [threading.current_thread()]
