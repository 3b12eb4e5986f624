"""A model file predicts where torch cannot be imported: a child interpreter blocks it by an import hook."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from maskwright.images.classes import Classes
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import load_model

BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "timm", "segmentation_models_pytorch", "onnx"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""

PREDICT = """
import json, sys
from maskwright.runtime.predictor import load_model

predictor = load_model(sys.argv[1])
result = predictor.predict(sys.argv[2])
try:
    import torch
except ModuleNotFoundError:
    torch = None
answer = {"torch": torch is not None, "mask": result.mask.tolist(), "probabilities": result.probabilities.tolist()}
print(json.dumps(answer))
"""


@pytest.fixture(scope="module", params=["whole", "tile"])
def model(request, tmp_path_factory):
    """A model file and a picture, with torch."""
    torch = pytest.importorskip("torch")
    from maskwright.export.graph import export_model

    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    description = ModelDescription(
        classes=Classes(("background", "pebble")), mode=request.param, size=(16, 16), threshold=0.5,
        overlap=4 if request.param == "tile" else 0, mean=(0.5,) * 3, std=(0.25,) * 3,
    )  # fmt: skip
    export_model(torch.nn.Conv2d(3, 1, 3, padding=1), description, folder / "model.onnx")
    picture = np.random.default_rng(0).integers(0, 256, (30, 41, 3), dtype=np.uint8)
    Image.fromarray(picture).save(folder / "picture.png")
    return folder


def run(python, *arguments, folder):
    done = subprocess.run([python, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same_answer(answer, model):
    expected = load_model(model / "model.onnx").predict(model / "picture.png")
    assert answer["torch"] is False
    np.testing.assert_array_equal(answer["mask"], expected.mask)
    np.testing.assert_allclose(answer["probabilities"], expected.probabilities, atol=1e-6)


def test_a_model_file_predicts_where_torch_is_blocked(model):
    output = run(sys.executable, "-c", BLOCK + PREDICT, "model.onnx", "picture.png", folder=model)
    assert_same_answer(json.loads(output), model)


def test_the_command_predicts_where_torch_is_blocked(model, tmp_path):
    command = BLOCK + "from maskwright.cli.main import main\nsys.exit(main())"
    arguments = ["predict", str(model / "model.onnx"), str(model / "picture.png"), "-o", "masks", "--json"]
    document = json.loads(run(sys.executable, "-c", command, *arguments, folder=tmp_path))
    assert document["ok"]
    assert not document["failures"]
    mask = np.array(Image.open(tmp_path / document["outputs"][0]["mask"]))
    assert mask.shape == (30, 41)
