"""A rehearsal is not led astray by single slow steps, nor by pictures of other sizes than those it tries."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskwright
from maskwright.data.dataset import Dataset
from maskwright.planning.costs import Costs
from maskwright.runs import rehearsal
from maskwright.runs.excerpt import Sizes, sizes_of
from maskwright.runs.rehearsal import PATIENCE, SIZES, TIMED, Rehearsed, usual_seconds
from maskwright.runs.rehearsal_file import LARGEST, SLOW, FileCosts, _part, _second, at_mean_size


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three pictures of 20, 200 and 80 pixels; the last one's mask has four times as many."""
    folder = tmp_path_factory.mktemp("data") / "uneven"
    for name, size, mask in (("a", (5, 4), (5, 4)), ("b", (20, 10), (20, 10)), ("c", (8, 10), (16, 20))):
        drawn = np.zeros(mask[::-1], np.uint8)
        drawn[: mask[1] // 2] = 255
        for kind, picture in (("images", Image.new("RGB", size, "green")), ("masks", Image.fromarray(drawn))):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            picture.save(folder / kind / f"{name}.png")
    return maskwright.read_dataset(folder)


class Clock:
    """Time passes as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
        self.now, self.seconds, self.steps = 0.0, list(seconds), 0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def step(self, number: int) -> None:
        assert number == self.steps
        self.now += self.seconds[number]
        self.steps += 1


def test_the_first_step_of_each_size_of_batch_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 0.9, 0.4, *[0.1] * TIMED)
    assert usual_seconds(clock.step) == pytest.approx(0.1)
    assert clock.steps == SIZES + TIMED


def test_a_few_steps_that_another_program_slowed_down_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 0.1, 0.1, 0.1, 0.3, 0.1, 0.2, 0.1, 0.1, 0.3)
    assert usual_seconds(clock.step) == pytest.approx(0.1)


def test_of_slow_steps_two_are_taken_and_the_second_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 9.0, PATIENCE + 1)
    assert usual_seconds(clock.step) == pytest.approx(PATIENCE + 1)
    assert clock.steps == 2


def test_sizes_come_from_the_headers_of_pictures_and_masks(uneven: Dataset) -> None:
    sizes = sizes_of(uneven, [0, 1, 2])
    assert sizes == Sizes({0: 20, 1: 200, 2: 80}, {0: 20, 1: 200, 2: 320})
    assert sizes.mean == 100
    assert sizes_of(uneven, [2, 1, 0]).by_size() == [0, 1, 2]  # 40, 400 and 400 pixels


def test_seconds_of_a_few_pictures_are_brought_to_an_average_one(uneven: Dataset) -> None:
    sizes = sizes_of(uneven, [0, 1, 2])
    assert sizes.share([0, 1, 2]) == pytest.approx(1 / 3)
    assert sizes.share([0]) == pytest.approx(280 / 40)  # what takes a second with 40 pixels takes seven with 280


def test_pictures_without_a_header_count_alike(uneven: Dataset, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for kind in ("images", "masks"):
        (copy / kind).mkdir(parents=True)
        for name in "abc":
            (copy / kind / f"{name}.png").write_bytes((uneven.root / kind / f"{name}.png").read_bytes())
    dataset = maskwright.read_dataset(copy)
    for path in (copy / "images").iterdir():
        path.write_bytes(b"no picture")
    assert sizes_of(dataset, [0, 2]).share([0]) == 1


def test_a_picture_of_mean_size_lies_on_the_line_between_the_usual_and_the_largest() -> None:
    assert at_mean_size([(100, 1.0), (1100, 3.0)], 600) == pytest.approx(2.0)
    assert at_mean_size([(100, 1.0), (1100, 0.8)], 600) == 1.0  # noise: none gets quicker by being larger
    assert at_mean_size([(1000, 1.0), (9000, 9.0)], 100) == 0.5  # the network takes its time whatever the size
    assert at_mean_size([(100, 1.0), (140, 2.0)], 100) == 1.5  # as good as one size


def test_of_a_huge_picture_the_middle_is_looked_at() -> None:
    wide = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (8192, 32768, 3))
    part = _part(wide)
    assert part.shape[0] * part.shape[1] <= LARGEST < 1.01 * part.shape[0] * part.shape[1]
    assert part.shape[1] == pytest.approx(4 * part.shape[0], rel=0.01)
    assert _part(wide[:100, :100]).shape == (100, 100, 3)


def test_another_network_s_file_takes_as_much_longer_as_its_validation() -> None:
    small = Rehearsed(Costs(0.1, (0.1,), 0.01, 0.02, 0.1), 0, 0.0, FileCosts(export=0.5, prove=0.1, predict=0.02))
    assert rehearsal._like(small, validate=0.03) == FileCosts(
        export=0.5, prove=pytest.approx(0.1 + 2 * 0.04), predict=pytest.approx(0.06)
    )


def test_the_first_look_at_a_picture_counts_only_where_a_second_would_take_long() -> None:
    quick, slow = iter([(100, SLOW / 2), (100, 0.1)]), iter([(100, SLOW * 2)])
    assert _second(lambda _: next(quick), 0) == (100, 0.1)
    assert _second(lambda _: next(slow), 0) == (100, SLOW * 2)
