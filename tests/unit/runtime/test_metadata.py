import random

import pytest

from maskwright.errors import DataError
from maskwright.runtime.metadata import read_description


@pytest.fixture(scope="module")
def content(tmp_path_factory, write_model):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    write_model(path)
    return path.read_bytes()


def field(number, content):
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def test_the_description_is_read_without_the_network(tmp_path, write_model):
    description = write_model(tmp_path / "model.onnx", threshold=0.25)
    assert read_description(tmp_path / "model.onnx") == description


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="The model file cannot be read: No such file") as caught:
        read_description(tmp_path / "gone.onnx")
    assert caught.value.where.endswith("gone.onnx")


def test_an_onnx_file_of_another_maker_is_told_apart(tmp_path):
    path = tmp_path / "other.onnx"
    path.write_bytes(b"\x08\x08" + field(2, b"pytorch") + field(14, field(1, b"author") + field(2, b"me")))
    with pytest.raises(DataError, match="was not made by maskwright"):
        read_description(path)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n", b"hello", b"\xff" * 40, field(14, b"\x0a\x7f"), b"\x3a\xff\x01"]
)
def test_what_is_no_onnx_file_is_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(DataError, match="no ONNX file, or it is damaged"):
        read_description(path)


def test_a_truncated_file_is_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    for length in range(1, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            read_description(path)


def test_metadata_without_end_are_not_read_into_memory(tmp_path):
    path = tmp_path / "model.onnx"
    length = 2**30
    with open(path, "wb") as file:
        file.write(b"\x72" + bytes([0x80, 0x80, 0x80, 0x80, 0x04]))  # field 14 of 1 GiB, in a sparse file
        file.truncate(length + 6)
    with pytest.raises(DataError, match="metadata of 1073741824 bytes"):
        read_description(path)


def test_any_damaged_byte_gives_a_description_or_a_clear_error(tmp_path, content):
    path = tmp_path / "model.onnx"
    chance = random.Random(0)
    for _ in range(300):
        damaged = bytearray(content)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            read_description(path)
        except DataError:
            continue
