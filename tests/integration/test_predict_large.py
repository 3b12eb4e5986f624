"""`predict` on maps and arrays: masks lie where the picture lies, whatever the picture's size."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from maskwright.errors import ConfigError
from maskwright.images.classes import Classes
from maskwright.images.formats import read_labels
from maskwright.images.zarrs import open_zarr
from maskwright.runs import predict_large
from maskwright.runs.predict import predict_files
from maskwright.runtime.description import ModelDescription

rasterio = pytest.importorskip("rasterio")
zarr = pytest.importorskip("zarr")
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of one convolution: what is bright is stone."""
    from maskwright.export.graph import export_model

    network = torch.nn.Conv2d(3, 1, 1, bias=False)
    torch.nn.init.ones_(network.weight)
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    description = ModelDescription(
        Classes(("background", "stone")), "tile", (32, 32), overlap=8, mean=(0.5,) * 3, std=(0.25,) * 3, threshold=0.5
    )
    export_model(network, description, path)
    return path


def blobs(height: int, width: int) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    wave = np.sin(rows / 17) + np.cos(columns / 13)
    return np.stack([(wave + 2) / 4.001 * 256] * 3, axis=2).astype(np.uint8)


def save_map(path: Path, pixels: NDArray[np.uint8]) -> None:
    profile: dict[str, Any] = {"driver": "GTiff", "height": pixels.shape[0], "width": pixels.shape[1], "count": 3}
    place = {"crs": "EPSG:32632", "transform": rasterio.Affine(0.5, 0, 5e5, 0, -0.5, 5e6)}
    with rasterio.open(path, "w", **profile, **place, dtype="uint8") as file:
        file.write(np.moveaxis(pixels, -1, 0))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A map, an array, and a photograph: the same picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    save_map(folder / "map.tif", blobs(120, 90))
    zarr.create_array(str(folder / "array.zarr"), data=blobs(120, 90), chunks=(64, 64, 3))
    Image.fromarray(blobs(120, 90)).save(folder / "photo.png")
    return folder


def masks(folder: Path) -> dict[str, NDArray[Any]]:
    with open_zarr(folder / "masks" / "array.zarr") as raster:
        array = raster.read(slice(0, 120), slice(0, 90))[:, :, 0]
    files = {name: read_labels(folder / "masks" / name) for name in ("map.tif", "photo.png")}
    return {**files, "array.zarr": array}


@pytest.mark.parametrize("large", [0, 10**9])
def test_maps_arrays_and_photographs_get_masks_of_their_own_kind(
    model: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    monkeypatch.setattr(predict_large, "LARGE", large)
    result = predict_files(model, pictures, tmp_path / "out")
    assert result.failures == ()
    made = masks(tmp_path / "out")
    assert 0.2 < made["photo.png"].mean() < 0.8
    for mask in made.values():
        np.testing.assert_array_equal(mask, made["photo.png"])
    with rasterio.open(tmp_path / "out" / "masks" / "map.tif") as written:
        assert written.crs.to_epsg() == 32632 and written.transform.c == 5e5
    assert {path.name for path in (tmp_path / "out" / "overlays").iterdir()} == {
        "map.png", "array.png", "photo.png"
    }  # fmt: skip


def test_what_is_there_is_kept_and_a_changed_array_made_anew(model: Path, pictures: Path, tmp_path: Path) -> None:
    predict_files(model, pictures, tmp_path / "out")
    again = predict_files(model, pictures, tmp_path / "out")
    assert [output["skipped"] for output in again.outputs] == [True] * 3
    zarr.open_array(str(pictures / "array.zarr"))[:] = 0
    third = predict_files(model, pictures, tmp_path / "out")
    assert sorted(Path(one["input"]).name for one in third.outputs if not one["skipped"]) == ["array.zarr"]
    assert not masks(tmp_path / "out")["array.zarr"].any()


def test_a_small_map_has_all_other_kinds_too(model: Path, pictures: Path, tmp_path: Path) -> None:
    predict_files(model, pictures / "map.tif", tmp_path / "out", write="mask,binary,coco,areas")
    found = json.loads((tmp_path / "out" / "annotations.json").read_text())
    mask = read_labels(tmp_path / "out" / "masks" / "map.tif")
    assert sum(one["area"] for one in found["annotations"]) == int(mask.sum())


def test_what_needs_the_whole_picture_is_refused_for_one_that_is_too_large(
    model: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict_large, "LARGE", 100)
    with pytest.raises(ConfigError, match="masks and overlays alone") as caught:
        predict_files(model, pictures, tmp_path / "out", write="mask,coco")
    assert "leave out --write coco" in caught.value.fix
    with pytest.raises(ConfigError, match="as the network gives them"):
        predict_files(model, pictures, tmp_path / "out", clean="fill-holes")


def test_a_damaged_map_fails_alone(model: Path, pictures: Path, tmp_path: Path) -> None:
    content = (pictures / "map.tif").read_bytes()
    (pictures / "torn.tif").write_bytes(content[: len(content) // 2])
    result = predict_files(model, pictures, tmp_path / "out")
    assert [Path(failure["input"]).name for failure in result.failures] == ["torn.tif"]
    assert len(result.outputs) == 3
