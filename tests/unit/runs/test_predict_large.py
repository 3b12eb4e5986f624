import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.images.formats import read_labels
from maskwright.images.zarrs import open_zarr
from maskwright.runs import predict_large
from maskwright.runs.predict_large import form_of, predict_windows
from maskwright.runtime.predictor import load_model

rasterio = pytest.importorskip("rasterio")
tifffile = pytest.importorskip("tifffile")

OVERLAPPING = Classes(("nucleus", "membrane"), exclusive=False)


def blobs(height, width, bands=3):
    rows, columns = np.mgrid[:height, :width]
    wave = np.sin(rows / 17) + np.cos(columns / 13)
    return np.stack([(wave + 2) / 4.001 * 256] * bands, axis=2).astype(np.uint8)


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    monkeypatch.setattr(predict_large, "LARGE", 0)


def write_masks(predictor, path, masks, overlay=None, side=64):
    predict_windows(predictor, form_of(path), masks, overlay, side)


@pytest.mark.parametrize("mode", ["tile", "whole"])
def test_the_mask_is_that_of_the_picture_in_memory(tmp_path, write_model, mode):
    write_model(tmp_path / "model.onnx", mode=mode, size=(32, 32), overlap=8 if mode == "tile" else 0)
    predictor = load_model(tmp_path / "model.onnx")
    tifffile.imwrite(tmp_path / "picture.tif", blobs(700, 530), tile=(64, 64))
    write_masks(predictor, tmp_path / "picture.tif", [tmp_path / "mask.tif"])
    expected = predictor.predict(tmp_path / "picture.tif").mask
    written = read_labels(tmp_path / "mask.tif")
    assert 0.2 < expected.mean() < 0.8
    assert np.mean(written != expected) < 1e-4


def test_overlapping_classes_get_a_file_each(tmp_path, write_model):
    write_model(tmp_path / "model.onnx", mode="tile", size=(32, 32), overlap=8, classes=OVERLAPPING, threshold=0.9)
    predictor = load_model(tmp_path / "model.onnx")
    tifffile.imwrite(tmp_path / "picture.tif", blobs(70, 90), tile=(64, 64))
    files = [tmp_path / "nucleus.tif", tmp_path / "membrane.tif"]
    write_masks(predictor, tmp_path / "picture.tif", files)
    expected = predictor.predict(tmp_path / "picture.tif").mask
    written = np.stack([read_labels(file) for file in files], axis=2)
    np.testing.assert_array_equal(written, expected * 255)
    assert len({plane.mean() for plane in np.moveaxis(expected, 2, 0)}) == 2


def test_a_zarr_array_gets_one_too(tmp_path, write_model):
    zarr = pytest.importorskip("zarr")
    write_model(tmp_path / "model.onnx", mode="tile", size=(32, 32), overlap=8)
    predictor = load_model(tmp_path / "model.onnx")
    picture = blobs(200, 150)
    zarr.create_array(str(tmp_path / "a.zarr"), data=picture, chunks=(64, 64, 3))
    write_masks(predictor, tmp_path / "a.zarr", [tmp_path / "mask.zarr"])
    with open_zarr(tmp_path / "mask.zarr") as raster:
        written = raster.read(slice(0, 200), slice(0, 150))[:, :, 0]
    np.testing.assert_array_equal(written, predictor.predict(picture).mask)


def test_the_overlay_shows_picture_and_mask_at_the_size_asked_for(tmp_path, write_model):
    write_model(tmp_path / "model.onnx", mode="tile", size=(32, 32), overlap=8)
    predictor = load_model(tmp_path / "model.onnx")
    picture = blobs(200, 400)
    tifffile.imwrite(tmp_path / "picture.tif", picture)
    write_masks(predictor, tmp_path / "picture.tif", [tmp_path / "mask.tif"], tmp_path / "overlay.png", side=100)
    drawn = np.asarray(Image.open(tmp_path / "overlay.png")).astype(int)
    assert drawn.shape == (50, 100, 3)
    small = picture.reshape(50, 4, 100, 4, 3).mean(axis=(1, 3))
    inside = predictor.predict(picture).mask[2::4, 2::4] == 1
    tinted, plain = np.abs(drawn - small)[inside], np.abs(drawn - small)[~inside]
    assert np.median(tinted) > 10 and np.median(plain) <= 1  # but for the outlines


def test_nothing_is_left_of_a_picture_that_turns_out_to_be_damaged(tmp_path, write_model):
    write_model(tmp_path / "model.onnx", mode="tile", size=(32, 32), overlap=8)
    path = tmp_path / "pictures" / "picture.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8), tile=(64, 64),
                     compression="zlib")  # fmt: skip
    content = bytearray(path.read_bytes())
    content[-9000:-3000] = bytes(6000)
    path.write_bytes(content)
    with pytest.raises(DataError, match="picture.tif"):
        write_masks(
            load_model(tmp_path / "model.onnx"), path, [tmp_path / "out" / "mask.tif"], tmp_path / "out" / "o.png"
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_a_picture_of_other_bands_is_refused_before_anything_is_written(tmp_path, write_model):
    write_model(tmp_path / "model.onnx", mode="tile", size=(32, 32), overlap=8)
    tifffile.imwrite(tmp_path / "picture.tif", blobs(40, 40, 5), photometric="minisblack", planarconfig="contig")
    with pytest.raises(DataError, match="5 bands; the model was trained on 3"):
        write_masks(load_model(tmp_path / "model.onnx"), tmp_path / "picture.tif", [tmp_path / "mask.tif"])
    assert not (tmp_path / "mask.tif").exists()


def test_a_picture_is_read_by_windows_where_it_is_large_or_lies_somewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(predict_large, "LARGE", 10_000)
    tifffile.imwrite(tmp_path / "small.tif", blobs(100, 100))
    tifffile.imwrite(tmp_path / "large.tif", blobs(100, 101))
    Image.fromarray(blobs(100, 101)).save(tmp_path / "large.png")
    with rasterio.open(
        tmp_path / "map.tif", "w", driver="GTiff", height=9, width=9, count=3, dtype="uint8", crs="EPSG:32632",
        transform=rasterio.Affine(1, 0, 5e5, 0, -1, 5e6),
    ) as file:  # fmt: skip
        file.write(np.moveaxis(blobs(9, 9), -1, 0))
    large = {name for name in ("small.tif", "large.tif", "large.png", "map.tif") if form_of(tmp_path / name)}
    assert large == {"large.tif", "map.tif"}
