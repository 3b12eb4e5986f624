import numpy as np
import pytest

from maskwright.audit.check import check_dataset
from support.picture_folders import disc, make_set, save

SIZE = (60, 80)


def outliers(folder):
    return [found for found in check_dataset(folder).findings if found.kind == "outlier-image"]


@pytest.mark.parametrize("level", [0, 255])
def test_a_black_or_white_frame_among_photographs_is_noted(tmp_path, level):
    make_set(tmp_path, 30, size=SIZE)
    save(tmp_path / "images" / "frame.jpg", np.full((*SIZE, 3), level, np.uint8))
    save(tmp_path / "masks" / "frame.png", disc(1, SIZE))

    found = outliers(tmp_path)

    assert [(one.sample, one.level) for one in found] == [("frame", "note")]
    assert found[0].evidence["distance"] > 2.8


def test_photographs_alike_have_no_outlier(tmp_path):
    assert outliers(make_set(tmp_path, 40, size=SIZE)) == []


def test_few_pictures_are_not_judged(tmp_path):
    make_set(tmp_path, 10, size=SIZE)
    save(tmp_path / "images" / "frame.jpg", np.zeros((*SIZE, 3), np.uint8))
    save(tmp_path / "masks" / "frame.png", disc(1, SIZE))

    assert outliers(tmp_path) == []


def test_noise_among_photographs_of_all_colours_is_noted(tmp_path):
    rng = np.random.default_rng(0)
    make_set(tmp_path, 30, size=SIZE)
    for i in range(30):
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] / 20.0
        waves = [np.sin(rows * rng.uniform(0.2, 1) + columns * rng.uniform(0.2, 1) + k) for k in rng.uniform(0, 6, 3)]
        save(tmp_path / "images" / f"p{i}.jpg", (127 + rng.uniform(30, 127) * np.stack(waves, 2)).astype(np.uint8))
    save(tmp_path / "images" / "noise.jpg", rng.integers(0, 256, (*SIZE, 1), np.uint8).repeat(3, axis=2))
    save(tmp_path / "masks" / "noise.png", disc(1, SIZE))

    assert [one.sample for one in outliers(tmp_path)] == ["noise"]
