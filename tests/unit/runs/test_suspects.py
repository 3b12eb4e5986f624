"""Masks are held against models that have not seen them, and what comes of it is kept."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import maskwright
from maskwright.data.dataset import Dataset
from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.runs import suspects
from maskwright.runs.opinions import digest_of, in_words, read_suspects
from maskwright.runs.outsiders import Outsider
from maskwright.runs.suspects import find_suspects
from support.picture_folders import disc, save

SIZE, COUNT, SPOILT = (48, 64), 20, 7


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Bright discs on dark ground; the mask of one of them is empty."""
    for number in range(COUNT):
        mask = disc(number, SIZE, radius=12)
        save(tmp_path / "data" / "images" / f"p{number:02}.png", np.repeat(mask[:, :, None] // 2 + 60, 3, axis=2))
        save(tmp_path / "data" / "masks" / f"p{number:02}.png", mask * (number != SPOILT))
    return maskwright.read_dataset(tmp_path / "data")


class Asked:
    """In the place of training and model files: models that see brightness, and count how often they are asked."""

    def __init__(self, classes: Classes) -> None:
        self.classes, self.times = classes, 0

    def find(self, dataset: Dataset, run: Path | None, progress: Any, **options: Any) -> tuple[Outsider, ...]:
        rows = options["rows"]
        return Outsider(Path("one.onnx"), rows[::2], "folds"), Outsider(Path("two.onnx"), rows[1::2], "folds")

    def load(self, path: Path) -> SimpleNamespace:
        description = SimpleNamespace(classes=self.classes, bands=3, dtype="uint8", mode="tile", size=SIZE)
        return SimpleNamespace(description=description, probabilities=self.see, path=path)

    def see(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.times += 1
        return np.where(image[None, :, :, 0] > 100, 0.97, 0.02).astype(np.float32)


@pytest.fixture
def asked(dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))
    models = Asked(dataset.classes)
    monkeypatch.setattr(suspects, "find_outsiders", models.find)
    monkeypatch.setattr(suspects, "load_model", models.load)
    return models


def test_the_mask_that_lacks_its_object_is_found(dataset: Dataset, asked: Asked) -> None:
    (found,) = find_suspects(dataset)
    assert (found.kind, found.sample, found.where) == ("suspect-label", "p07", str(dataset[SPOILT].masks[0]))
    (place,) = found.evidence["objects"]
    rows, columns = np.nonzero(disc(SPOILT, SIZE, radius=12))
    assert place["kind"] == "missing"
    assert place["box"] == pytest.approx((rows.min(), columns.min(), rows.max() + 1, columns.max() + 1), abs=2)
    assert asked.times == COUNT


def test_a_mask_that_was_drawn_from_outlines_is_named_by_its_picture(dataset: Dataset, asked: Asked) -> None:
    (found,) = find_suspects(replace(dataset, drawn=True))
    assert found.where == str(dataset[SPOILT].image)


def test_a_second_call_asks_nobody(dataset: Dataset, asked: Asked) -> None:
    assert find_suspects(dataset) == find_suspects(dataset)
    assert asked.times == COUNT


def test_a_mask_that_was_mended_is_asked_about_again(dataset: Dataset, asked: Asked, tmp_path: Path) -> None:
    find_suspects(dataset)
    save(tmp_path / "data" / "masks" / f"p{SPOILT:02}.png", disc(SPOILT, SIZE, radius=12))
    assert find_suspects(maskwright.read_dataset(tmp_path / "data")) == ()


def test_what_was_found_with_a_run_is_kept_in_it(dataset: Dataset, asked: Asked, tmp_path: Path) -> None:
    run = tmp_path / "run"
    found = find_suspects(dataset, run)
    assert read_suspects(run / "suspects.json", digest_of(dataset, range(COUNT))) == found
    assert read_suspects(run / "suspects.json", "of something else") is None


def test_only_the_stated_rows_are_asked_about(dataset: Dataset, asked: Asked) -> None:
    assert find_suspects(dataset, rows=range(SPOILT)) == ()
    assert asked.times == SPOILT


def test_a_model_of_other_classes_is_refused(dataset: Dataset, asked: Asked) -> None:
    asked.classes = Classes(("background", "cat"))
    with pytest.raises(DataError, match=r"The model knows other classes \(background, cat\)"):
        find_suspects(dataset)


def test_a_damaged_file_of_suspects_is_an_error(dataset: Dataset, asked: Asked, tmp_path: Path) -> None:
    find_suspects(dataset, tmp_path / "run")
    path = tmp_path / "run" / "suspects.json"
    path.write_text(path.read_text().replace('"findings"', '"foundlings"'))
    with pytest.raises(DataError, match="cannot be used"):
        find_suspects(dataset, tmp_path / "run")


def test_the_worst_three_are_named(dataset: Dataset, asked: Asked) -> None:
    (found,) = find_suspects(dataset)
    assert in_words([found]) == "labels 1 mask is suspect: p07"
    assert in_words([found] * 5) == "labels 5 masks are suspect: p07, p07, p07 and 2 more"
