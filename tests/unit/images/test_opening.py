"""What is no picture, damaged, too large or no file at all is said in words, and nothing hangs."""

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError, MissingDependency
from maskwright.images import formats
from maskwright.images.formats import read_image, read_info, read_labels, read_palette

RAMP = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
COLOUR = np.stack([RAMP, 255 - RAMP, RAMP // 2], axis=2)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.bmp", "a.tif", "lzw.tif", "a.webp"])
def test_a_truncated_file_is_an_error_that_says_so(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    path = save(tmp_path / name, noise, **({"compression": "tiff_lzw"} if name == "lzw.tif" else {}))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert "ends too early" in caught.value.what
    assert str(path) in caught.value.where and "copy or download it again" in caught.value.fix


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.bmp", "a.tif", "a.webp"])
def test_damage_anywhere_is_a_data_error_or_a_picture(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / name
    save(path, rng.integers(0, 256, (12, 10, 3), dtype=np.uint8))
    content = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(150):
        damaged = content.copy()
        places = rng.integers(0, min(len(damaged), 200), rng.integers(1, 4))
        damaged[places] = rng.integers(0, 256, len(places))
        path.write_bytes(damaged.tobytes()[: rng.integers(1, len(damaged) + 1)])
        for read in (read_info, read_image, read_labels, read_palette):
            try:
                read(path)
            except MissingDependency:
                assert name == "a.tif"  # the damage made it a TIFF of several bands
            except DataError as error:
                assert str(path) in error.where and error.fix


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "The file is empty"),
        (b"\0" * 100, "nothing but zeros"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\0\0\0\x20ftypheic", "a HEIC picture"),
        (b"\0\0\0\x20ftypisom", "a video"),
        (b"id,name\n1,2\n", "no picture that can be read"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_info(path)
    assert caught.value.where == str(path) and caught.value.fix


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no such file"):
        read_image(tmp_path / "nothing.png")


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(DataError, match="a link to nothing"):
        read_image(tmp_path / "a.png")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="This is a folder, not a picture file"):
        read_image(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match="a named pipe"):
        read_info(tmp_path / "a.png")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
def test_a_device_does_not_hang() -> None:
    with pytest.raises(DataError, match="a device"):
        read_labels("/dev/zero")


@pytest.fixture
def restored_limit() -> Iterator[None]:
    yield
    formats.set_max_pixels(None)


def header_only_png(path: Path, width: int, height: int) -> Path:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    packed = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))
    return path


def test_a_decompression_bomb_is_refused_naming_the_way_to_raise_the_limit(tmp_path: Path) -> None:
    path = header_only_png(tmp_path / "bomb.png", 60_000, 60_000)
    with pytest.raises(DataError, match=r"3,600,000,000 pixels \(60000 x 60000\); more than 250,000,000") as caught:
        read_image(path)
    assert "MASKWRIGHT_MAX_PIXELS=3600000000" in caught.value.fix and caught.value.where == str(path)


def test_the_limit_can_be_set(tmp_path: Path, restored_limit: None) -> None:
    path = save(tmp_path / "a.png", RAMP)
    formats.set_max_pixels(23)
    with pytest.raises(DataError, match="24 pixels"):
        read_info(path)
    formats.set_max_pixels(24)
    assert read_info(path).width == 6


def test_the_limit_can_be_set_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_MAX_PIXELS", "23")
    with pytest.raises(DataError, match="24 pixels"):
        read_info(save(tmp_path / "a.png", RAMP))
    monkeypatch.setenv("MASKWRIGHT_MAX_PIXELS", "many")
    with pytest.raises(ValueError, match="MASKWRIGHT_MAX_PIXELS is 'many'"):
        read_info(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.gif"])
def test_pictures_above_pillows_own_limit_neither_warn_nor_fail(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / name, RAMP)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    assert read_image(path).shape[:2] == (4, 6)
    assert Image.MAX_IMAGE_PIXELS == 5


def test_many_threads_read_the_same(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.png", COLOUR + np.uint8(i)) for i in range(40)]
    results: dict[int, np.ndarray] = {}

    def work(i: int) -> None:
        results[i] = read_image(paths[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(40):
        np.testing.assert_array_equal(results[i], COLOUR + np.uint8(i))
