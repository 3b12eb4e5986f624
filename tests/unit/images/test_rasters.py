import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError
from maskwright.images.formats import read_image
from maskwright.images.rasters import layout_for_windows, open_raster, write_raster

rasterio = pytest.importorskip("rasterio")
tifffile = pytest.importorskip("tifffile")

UTM = {"crs": "EPSG:32632", "transform": (0.5, 0.0, 500_000.0, 0.0, -0.5, 5_000_000.0)}


def noise(*shape, dtype=np.uint8):
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def smooth(height, width):
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 40), np.cos(columns / 50), np.sin((rows + columns) / 60)]
    return (127.5 + 120 * np.stack(waves, axis=2)).astype(np.uint8)


def save_with_rasterio(path, pixels, **profile):
    from rasterio.transform import Affine

    place = {"crs": UTM["crs"], "transform": Affine(*UTM["transform"])}
    with rasterio.open(
        path, "w", driver="GTiff", height=pixels.shape[0], width=pixels.shape[1], count=pixels.shape[2],
        dtype=pixels.dtype, **place, **profile,
    ) as file:  # fmt: skip
        file.write(np.moveaxis(pixels, -1, 0))


def windows_of(path, side=37):
    """Return the picture put together from windows."""
    layout = layout_for_windows(path)
    assert layout is not None
    with open_raster(path, layout) as raster:
        whole = np.zeros((*raster.size, raster.bands), raster.dtype)
        for top in range(0, raster.size[0], side):
            for left in range(0, raster.size[1], side):
                window = slice(top, min(top + side, raster.size[0])), slice(left, min(left + side, raster.size[1]))
                whole[window] = raster.read(*window)
    return whole


@pytest.mark.parametrize(
    "save",
    [
        lambda path: Image.fromarray(noise(90, 70)).save(path),
        lambda path: Image.fromarray(noise(90, 70, 3)).save(path, compression="tiff_lzw"),
        lambda path: Image.fromarray(noise(90, 70, 4)).save(path),
        lambda path: Image.fromarray(noise(90, 70, 2), "LA").save(path),
        lambda path: Image.fromarray(noise(90, 70, dtype=np.uint16)).save(path),
        lambda path: Image.fromarray(noise(90, 70, 3)).quantize(17).save(path),
        lambda path: tifffile.imwrite(path, noise(90, 70, 3, dtype=np.uint16), photometric="rgb"),
        lambda path: tifffile.imwrite(path, noise(90, 70, 5), photometric="minisblack", planarconfig="contig"),
        lambda path: tifffile.imwrite(path, noise(5, 90, 70), photometric="minisblack", planarconfig="separate"),
        lambda path: tifffile.imwrite(path, noise(90, 70, 3), tile=(32, 32), bigtiff=True, compression="zlib"),
        lambda path: tifffile.imwrite(path, noise(90, 70, 3), byteorder=">"),
        lambda path: save_with_rasterio(path, noise(90, 70, 3), tiled=True, blockxsize=32, blockysize=32),
        lambda path: save_with_rasterio(path, noise(90, 70, 7, dtype=np.uint16), compress="deflate"),
    ],
    ids=[
        "grey", "rgb lzw", "rgba", "grey with alpha", "grey 16", "palette", "rgb 16", "five bands", "bands apart",
        "tiled big", "other byte order", "geo tiled", "seven bands 16",
    ],
)  # fmt: skip
def test_windows_hold_the_pixels_that_the_whole_file_gives(tmp_path, save):
    path = tmp_path / "picture.tif"
    save(path)
    np.testing.assert_array_equal(windows_of(path), read_image(path))


def test_photographs_compressed_in_a_tiff_differ_by_what_two_jpeg_decoders_do(tmp_path):
    path = tmp_path / "picture.tif"
    pixels = smooth(256, 320)
    save_with_rasterio(path, pixels, compress="jpeg", photometric="ycbcr", tiled=True, blockxsize=64, blockysize=64)
    difference = np.abs(windows_of(path).astype(int) - read_image(path))
    assert difference.max() <= 8 and difference.mean() < 0.5


@pytest.mark.parametrize(
    "save",
    [
        lambda path: Image.fromarray(noise(9, 7, 3)).save(path, "PNG"),
        lambda path: Image.fromarray(noise(9, 7, 3)).save(path, "JPEG"),
        lambda path: Image.fromarray(noise(9, 7, 3)).save(path, "TIFF", tiffinfo={274: 6}),
        lambda path: Image.fromarray(noise(9, 7, 4), "CMYK").save(path, "TIFF"),
        lambda path: Image.fromarray(noise(9, 7) > 127).save(path, "TIFF"),
        lambda path: tifffile.imwrite(path, noise(9, 7), photometric="miniswhite"),
        lambda path: tifffile.imwrite(path, noise(9, 7).astype(np.float32)),
        lambda path: path.write_bytes(b"II"),
        lambda path: path.write_bytes(b""),
    ],
    ids=["png", "jpeg", "turned", "cmyk", "one bit", "white is zero", "floating point", "two bytes", "empty"],
)  # fmt: skip
def test_what_has_to_be_read_whole_is_told_from_the_rest(tmp_path, save):
    path = tmp_path / "picture.tif"
    save(path)
    if path.stat().st_size == 2:
        with pytest.raises(DataError):
            layout_for_windows(path)
    else:
        assert layout_for_windows(path) is None


def test_a_layout_says_whether_the_picture_lies_somewhere(tmp_path):
    save_with_rasterio(tmp_path / "map.tif", noise(9, 7, 3))
    Image.fromarray(noise(9, 7, 3)).save(tmp_path / "photo.tif")
    assert layout_for_windows(tmp_path / "map.tif").placed
    assert not layout_for_windows(tmp_path / "photo.tif").placed


def test_what_is_written_lies_where_the_picture_lies(tmp_path):
    source, target = tmp_path / "map.tif", tmp_path / "mask.tif"
    save_with_rasterio(source, noise(600, 700, 3))
    mask = noise(600, 700) % 3
    with open_raster(source, layout_for_windows(source)) as raster:
        colours = ((0, 0, 0), (250, 120, 10), (1, 2, 3))
        with write_raster(target, raster.size, raster.place, colours) as write:
            for top in range(0, 600, 512):
                write(top, 0, mask[top : top + 512])
    with rasterio.open(target) as written, rasterio.open(source) as original:
        np.testing.assert_array_equal(written.read(1), mask)
        assert written.crs == original.crs and written.transform == original.transform
        assert written.colormap(1)[1] == (250, 120, 10, 255)
    np.testing.assert_array_equal(np.asarray(Image.open(target)), mask)  # any other program


def test_ground_control_points_are_kept(tmp_path):
    from rasterio.control import GroundControlPoint

    source, target = tmp_path / "map.tif", tmp_path / "mask.tif"
    points = [GroundControlPoint(row, column, 10 + column, 50 - row) for row in (0, 8) for column in (0, 6)]
    with rasterio.open(
        source, "w", driver="GTiff", height=9, width=7, count=1, dtype="uint8", gcps=points, crs="EPSG:4326"
    ) as file:
        file.write(noise(9, 7), 1)
    with (
        open_raster(source, layout_for_windows(source)) as raster,
        write_raster(target, raster.size, raster.place, None) as write,
    ):
        write(0, 0, noise(9, 7))
    with rasterio.open(target) as written:
        assert [(p.row, p.col, p.x, p.y) for p in written.gcps[0]] == [(p.row, p.col, p.x, p.y) for p in points]
        assert written.gcps[1].to_epsg() == 4326


def test_the_reduced_picture_holds_means(tmp_path):
    path = tmp_path / "picture.tif"
    pixels = noise(60, 90, 3)
    Image.fromarray(pixels).save(path)
    with open_raster(path, layout_for_windows(path)) as raster:
        small = raster.reduced((6, 9))
    means = pixels.reshape(6, 10, 9, 10, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(small, means, atol=0.51)


def test_a_damaged_block_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "picture.tif"
    tifffile.imwrite(path, noise(300, 300, 3), tile=(64, 64), compression="zlib")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = bytes(3000)
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        windows_of(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("missing", [1, 10, 3000])
def test_a_disk_that_is_full_at_the_last_bytes_is_an_error_too(tmp_path, missing):
    program = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from maskwright.images.rasters import write_raster
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
values = np.random.default_rng(0).integers(0, 255, (1024, 1024), dtype=np.uint8)
try:
    with write_raster(Path(sys.argv[1]), (1024, 1024), {}, None) as write:
        write(0, 0, values)
except OSError:
    sys.exit(7)
"""
    path = tmp_path / "mask.tif"
    whole = subprocess.run([sys.executable, "-c", program, str(path), str(1 << 30)], check=False)
    assert whole.returncode == 0
    limit = path.stat().st_size - missing
    path.unlink()
    short = subprocess.run([sys.executable, "-c", program, str(path), str(limit)], check=False, capture_output=True)
    assert short.returncode == 7, short.stderr.decode()
