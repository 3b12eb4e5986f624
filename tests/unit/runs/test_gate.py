"""Errors in the data stop a training before it costs anything, unless their kind is accepted."""

from pathlib import Path

import pytest
from PIL import Image

import maskwright
from maskwright.data.dataset import Dataset
from maskwright.errors import ConfigError, DataError
from maskwright.progress import Step, ignore
from maskwright.runs.gate import check_before_training, count_levels, known_kinds


@pytest.fixture
def spoilt(tmp_path: Path) -> Dataset:
    """Twelve pairs, of which two masks have another size and one picture ends early."""
    maskwright.make_pebbles(tmp_path, 12, size=(72, 96), seed=3)
    for mask in sorted((tmp_path / "masks").iterdir())[:2]:
        with Image.open(mask) as image:
            image.resize((40, 70), Image.Resampling.NEAREST).save(mask)
    picture = sorted((tmp_path / "images").iterdir())[5]
    picture.write_bytes(picture.read_bytes()[:1200])
    return maskwright.read_dataset(tmp_path)


def test_errors_are_counted_by_kind_and_the_first_is_told(spoilt: Dataset) -> None:
    with pytest.raises(DataError, match=r"The data has 3 errors \(.*2 aspect-mismatch.*\)\. The first: ") as caught:
        check_before_training(spoilt, (), ignore)
    assert "--accept aspect-mismatch --accept truncated" in caught.value.fix
    assert f"`maskwright check {spoilt.root}` tells all" in caught.value.fix


def test_what_is_not_accepted_still_stops(spoilt: Dataset) -> None:
    with pytest.raises(DataError, match=r"The data has an error: "):
        check_before_training(spoilt, ("aspect-mismatch",), ignore)


def test_accepted_errors_let_it_go_on_and_are_counted(spoilt: Dataset) -> None:
    steps: list[Step] = []
    report = check_before_training(spoilt, ("aspect-mismatch", "truncated"), steps.append)
    assert len(report.errors) == 3
    assert any(step.text.startswith("check  3 errors") for step in steps)


def test_a_kind_mistyped_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError, match="There is no kind of finding 'trunkated'") as caught:
        known_kinds(["trunkated"])
    assert (caught.value.where, caught.value.fix) == ("--accept", "did you mean 'truncated'?")


def test_a_kind_like_no_other_is_told_them_all() -> None:
    with pytest.raises(ConfigError) as caught:
        known_kinds(["xyz"])
    assert "known: unreadable, truncated," in caught.value.fix


def test_kinds_are_sorted_and_each_there_once() -> None:
    assert known_kinds(["truncated", "duplicate", "truncated"]) == ("duplicate", "truncated")


def test_levels_are_counted_in_words() -> None:
    assert count_levels({"note": 2, "error": 1}) == "1 error, 2 notes"
    assert count_levels({}) == ""
