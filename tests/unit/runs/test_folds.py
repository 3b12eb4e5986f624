"""What a fold sets aside to choose its epoch by."""

from pathlib import Path

import numpy as np
import pytest

import maskwright
from maskwright.data.copies import only_originals, originals
from maskwright.data.dataset import Dataset
from maskwright.errors import ConfigError
from maskwright.progress import ignore
from maskwright.recipe import build_recipe
from maskwright.runs.fitting import MIN_VALIDATION, Work
from maskwright.runs.folds import _set_aside
from support.picture_folders import make_set

STOPPING = {"training": {"early_stopping": 2}}


def work(dataset: Dataset, recipe: dict[str, object]) -> Work:
    return Work(dataset, build_recipe(recipe), "cpu", None, ignore)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Thirty pictures, and three copies of each."""
    folder = tmp_path_factory.mktemp("copied")
    make_set(folder / "plain", 30)
    maskwright.augment(folder / "plain", folder / "copied", copies=3)
    return maskwright.read_dataset(folder / "copied")


def test_few_pictures_all_train_however_many_copies_they_have(copied: Dataset) -> None:
    train, val = _set_aside(work(copied, {}), np.arange(len(copied)))
    assert (len(train), len(val)) == (120, 0)


def test_a_recipe_that_needs_validation_gets_originals_and_trains_on_no_copy_of_them(copied: Dataset) -> None:
    train, val = _set_aside(work(copied, STOPPING), np.arange(len(copied)))
    assert len(val) >= MIN_VALIDATION
    assert len(only_originals(copied.columns, val)) == len(val)
    assert not {copied[int(i)].group for i in val} & {copied[int(i)].group for i in train}
    assert len(only_originals(copied.columns, train)) + len(val) == len(originals(copied.columns))


def test_too_few_for_a_recipe_that_needs_validation_is_an_error(copied: Dataset) -> None:
    with pytest.raises(ConfigError, match="A fold of 12 pictures leaves too few for validation"):
        _set_aside(work(copied, STOPPING), originals(copied.columns)[:12])


def test_many_pictures_set_a_tenth_aside(tmp_path: Path) -> None:
    dataset = maskwright.read_dataset(make_set(tmp_path, 100))
    train, val = _set_aside(work(dataset, {}), np.arange(100))
    assert (len(train), len(val)) == (90, 10)
