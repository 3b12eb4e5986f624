"""What the check will take is told by a few pairs: reading goes by pixels, comparing by how alike the few are."""

import time
from itertools import count
from math import comb
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskwright
from maskwright.audit.facts import look_at_pair
from maskwright.data.dataset import Dataset
from maskwright.data.pebbles import make_pebbles
from maskwright.runs import check_seconds as room
from maskwright.runs.check_seconds import COMPARING, LOOKED_AT, MOST, check_seconds

PICTURES = 30


@pytest.fixture(scope="module")
def pebbles(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("data") / "pebbles"
    make_pebbles(folder, PICTURES, size=(64, 64), seed=3)
    return maskwright.read_dataset(folder)


@pytest.fixture
def a_second_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a second later."""
    seconds = count(1.0)
    monkeypatch.setattr(time, "perf_counter", lambda: next(seconds))


@pytest.mark.usefixtures("a_second_each")
@pytest.mark.parametrize("found", [0, 1, comb(LOOKED_AT, 2) // 3 - 1])
def test_where_few_are_alike_comparing_takes_its_usual_share(
    pebbles: Dataset, monkeypatch: pytest.MonkeyPatch, found: int
) -> None:
    monkeypatch.setattr(room, "_comparing", lambda *_: (found, 100.0))
    assert check_seconds(pebbles) == pytest.approx(PICTURES / LOOKED_AT * (1 + COMPARING))  # the few took a second


@pytest.mark.usefixtures("a_second_each")
def test_where_many_are_alike_each_picture_is_compared_as_often_as_can_be(
    pebbles: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_comparing", lambda *_: (40, 4.0))
    assert check_seconds(pebbles) == pytest.approx(PICTURES / LOOKED_AT + 0.1 * MOST * PICTURES)


def test_views_of_one_scene_are_all_alike(tmp_path: Path) -> None:
    make_pebbles(tmp_path, 1, size=(128, 128), seed=3)
    (image,), (mask,) = (sorted((tmp_path / kind).iterdir()) for kind in ("images", "masks"))
    pixels = np.asarray(Image.open(image)).astype(np.int16)
    for brighter in (2, 4, 6):
        Image.fromarray(np.clip(pixels + brighter, 0, 255).astype(np.uint8)).save(image.with_stem(f"view{brighter}"))
        (mask.parent / mask.name.replace(image.stem, f"view{brighter}")).write_bytes(mask.read_bytes())
    dataset = maskwright.read_dataset(tmp_path)
    found, seconds = room._comparing(dataset, range(4), [look_at_pair(dataset, row) for row in range(4)])
    assert found == comb(4, 2) and seconds > 0


def test_a_pair_that_cannot_be_read_is_left_to_the_check(tmp_path: Path) -> None:
    make_pebbles(tmp_path, 4, size=(32, 32), seed=3)
    dataset = maskwright.read_dataset(tmp_path)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    assert check_seconds(dataset) >= 0
