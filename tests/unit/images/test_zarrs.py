import json

import numpy as np
import pytest

from maskwright.errors import DataError
from maskwright.images import opening
from maskwright.images.zarrs import is_zarr, open_zarr, write_zarr

zarr = pytest.importorskip("zarr")


def noise(*shape, dtype="u1"):
    return np.random.default_rng(1).integers(0, 200, shape).astype(dtype)


def save(path, pixels, version=2, **options):
    array = zarr.create_array(
        str(path), shape=pixels.shape, chunks=tuple(min(16, side) for side in pixels.shape), dtype=pixels.dtype,
        zarr_format=version, **options,
    )  # fmt: skip
    array[:] = pixels
    return path


def save_group(path, pixels, axes, version=2, where="0"):
    group = zarr.create_group(str(path), zarr_format=version)
    scales = {"multiscales": [{"axes": [{"name": name} for name in axes], "datasets": [{"path": where}]}]}
    group.attrs.update(scales if version == 2 else {"ome": scales})
    save(path / "0", pixels, version)
    return path


def whole(path):
    with open_zarr(path) as raster:
        assert raster.place == {}
        window = slice(0, raster.size[0]), slice(0, raster.size[1])
        part = raster.read(slice(3, 9), slice(5, 6))
        pixels = raster.read(*window)
        assert pixels.shape == (*raster.size, raster.bands) and pixels.dtype == raster.dtype
        np.testing.assert_array_equal(part, pixels[3:9, 5:6])
    return pixels


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["|u1", "<u2", ">u2"])
def test_arrays_are_read_as_they_are(tmp_path, version, dtype):
    pixels = noise(40, 30, 3, dtype=dtype)
    np.testing.assert_array_equal(whole(save(tmp_path / "a.zarr", pixels, version)), pixels)


def test_bands_may_come_first_or_be_missing(tmp_path):
    pixels = noise(3, 40, 30)
    np.testing.assert_array_equal(whole(save(tmp_path / "a.zarr", pixels)), pixels.transpose(1, 2, 0))
    np.testing.assert_array_equal(whole(save(tmp_path / "b.zarr", pixels[0])), pixels[0][:, :, None])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("axes, shape, order", [
    ("tczyx", (1, 3, 1, 40, 30), (3, 4, 1)), ("cyx", (3, 40, 30), (1, 2, 0)), ("yxc", (40, 30, 50), (0, 1, 2)),
    ("xy", (30, 40), (1, 0)),
])  # fmt: skip
def test_ome_zarr_names_its_axes(tmp_path, version, axes, shape, order):
    pixels = noise(*shape)
    expected = pixels.transpose(*order, *(at for at in range(len(shape)) if at not in order)).reshape(40, 30, -1)
    np.testing.assert_array_equal(whole(save_group(tmp_path / "a.zarr", pixels, axes, version)), expected)


def test_shards_are_read_too(tmp_path):
    array = zarr.create_array(str(tmp_path / "a.zarr"), shape=(50, 40), chunks=(8, 8), shards=(32, 32), dtype="u1")
    array[:] = noise(50, 40)
    np.testing.assert_array_equal(whole(tmp_path / "a.zarr")[:, :, 0], noise(50, 40))


def test_what_is_written_is_read_back_and_names_its_classes(tmp_path):
    mask = noise(600, 700) % 3
    with write_zarr(tmp_path / "mask.zarr", (600, 700), ("soil", "crop", "weed")) as write:
        write(0, 0, mask[:512])
        write(512, 0, mask[512:])
    np.testing.assert_array_equal(whole(tmp_path / "mask.zarr")[:, :, 0], mask)
    attributes = json.loads((tmp_path / "mask.zarr" / ".zattrs").read_text())
    assert attributes["maskwright"]["classes"] == ["soil", "crop", "weed"]
    assert is_zarr(tmp_path / "mask.zarr") and not is_zarr(tmp_path)


def test_nothing_is_left_of_a_writing_that_failed(tmp_path):
    with pytest.raises(DataError), write_zarr(tmp_path / "mask.zarr", (600, 700), ("a", "b")) as write:
        write(0, 0, noise(512, 700))
        raise DataError("broken", where="", fix="")
    assert list(tmp_path.iterdir()) == []


def change(file, **values):
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


class TestHostileArrays:
    def test_pickles_are_refused_before_anything_is_decoded(self, tmp_path):
        path = save(tmp_path / "a.zarr", noise(40, 30))
        change(path / ".zarray", filters=[{"id": "pickle", "protocol": 5}])
        with pytest.raises(DataError, match="codec that is not read here: pickle"):
            whole(path)

    @pytest.mark.parametrize("name", ["numcodecs.pickle", "json2", "my_own"])
    def test_so_are_other_unknown_codecs_also_within_shards(self, tmp_path, name):
        path = save(tmp_path / "a.zarr", noise(40, 30), 3)
        inside = {"name": "sharding_indexed", "configuration": {"codecs": [{"name": name}], "index_codecs": []}}
        for codecs in ([{"name": "bytes"}, {"name": name}], [inside], [name], name):
            change(path / "zarr.json", codecs=codecs)
            with pytest.raises(DataError, match=f"codec that is not read here: {name}"):
                whole(path)

    def test_a_group_may_not_point_outside_of_itself(self, tmp_path):
        save(tmp_path / "secret.zarr", noise(40, 30))
        path = save_group(tmp_path / "a.zarr", noise(40, 30), "yx", where="../secret.zarr")
        with pytest.raises(DataError, match="outside of it"):
            whole(path)

    def test_chunks_too_large_for_memory_are_refused(self, tmp_path, monkeypatch):
        path = save(tmp_path / "a.zarr", noise(40, 30))
        change(path / ".zarray", chunks=[100_000, 100_000], shape=[100_000, 100_000])
        with pytest.raises(DataError, match="10,000,000,000 pixels"):
            whole(path)
        monkeypatch.setattr(opening, "_stated_max_pixels", None)

    @pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"zarr_format": 2}', b"[" * 100_000])
    @pytest.mark.parametrize("name", [".zarray", ".zgroup", "zarr.json"])
    def test_damaged_metadata_are_an_error_that_names_the_array(self, tmp_path, name, content):
        path = tmp_path / "a.zarr"
        path.mkdir()
        (path / name).write_bytes(content)
        with pytest.raises(DataError) as caught:
            whole(path)
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize(
        "pixels", [noise(40, 30).astype("f4"), noise(2, 40, 30, 3), noise(40), noise(40, 30, dtype="i4")]
    )
    def test_what_is_no_picture_of_bytes_or_shorts_is_said_so(self, tmp_path, pixels):
        with pytest.raises(DataError, match=r"numbers of type|no single picture"):
            whole(save(tmp_path / "a.zarr", pixels))
