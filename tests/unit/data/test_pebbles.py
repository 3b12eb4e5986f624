"""Drawn pebbles are the same for a seed, have exact masks, and are no matter of one threshold."""

from pathlib import Path

import numpy as np
import pytest

from maskwright.data.pebbles import draw_pebbles, make_pebbles
from maskwright.errors import ConfigError, OutputError
from maskwright.images.formats import read_image, read_info, read_labels, read_palette
from maskwright.progress import Step

SMALL = (64, 80)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_pictures_and_masks_lie_in_two_folders_under_one_name(tmp_path: Path) -> None:
    folder = make_pebbles(tmp_path / "set", 3, size=SMALL)
    assert sorted(files(folder)) == [
        *(f"images/pebbles_000{i}.jpg" for i in range(3)), *(f"masks/pebbles_000{i}.png" for i in range(3)),
    ]  # fmt: skip
    assert read_image(folder / "images/pebbles_0001.jpg").shape == (64, 80, 3)
    assert set(np.unique(read_labels(folder / "masks/pebbles_0001.png"))) == {0, 255}


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (
        files(make_pebbles(tmp_path / name, 2, size=SMALL, seed=seed)) for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_a_picture_does_not_depend_on_how_many_are_made(tmp_path: Path) -> None:
    few, many = (
        files(make_pebbles(tmp_path / "few", 1, size=SMALL)),
        files(make_pebbles(tmp_path / "many", 3, size=SMALL)),
    )
    assert all(many[name] == content for name, content in few.items())
    assert len({content for name, content in many.items() if name.startswith("images")}) == 3


def test_the_mask_does_not_depend_on_the_light() -> None:
    """Whatever is drawn after the stones are laid leaves the mask as it is: it comes from the outlines alone."""
    for classes in (3, 4):
        picture, mask = draw_pebbles(0, 0, size=SMALL, classes=classes)
        binary_picture, binary = draw_pebbles(0, 0, size=SMALL)
        np.testing.assert_array_equal(mask > 0, binary > 0)
        np.testing.assert_array_equal(picture, binary_picture)


def test_more_classes_tell_kinds_of_pebbles_apart_as_indices_with_a_palette(tmp_path: Path) -> None:
    folder = make_pebbles(tmp_path / "set", 6, size=SMALL, classes=4)
    seen = [set(np.unique(read_labels(path))) for path in sorted((folder / "masks").iterdir())]
    assert set.union(*seen) == {0, 1, 2, 3}
    palette = read_palette(folder / "masks/pebbles_0000.png")
    assert palette is not None and len(set(palette)) == 4


def test_pebbles_cover_a_part_of_every_picture() -> None:
    shares = [float((draw_pebbles(1, i, size=SMALL)[1] > 0).mean()) for i in range(30)]
    assert min(shares) > 0.05 and max(shares) < 0.8
    assert np.ptp(shares) > 0.2


def test_edges_of_the_mask_are_edges_of_the_picture() -> None:
    """Along the outlines neighbours differ more than inside the stones."""
    across, inside = [], []
    for i in range(10):
        picture, mask = draw_pebbles(2, i, size=(128, 160))
        steps = np.abs(np.diff(picture.astype(float).mean(axis=2), axis=1))
        outline = mask[:, 1:] != mask[:, :-1]
        across.append(steps[outline].mean())
        inside.append(steps[(mask[:, 1:] > 0) & (mask[:, :-1] > 0)].mean())
    assert np.mean(across) > 2 * np.mean(inside)


def test_no_single_threshold_finds_them() -> None:
    best = []
    for i in range(12):
        picture, mask = draw_pebbles(3, i, size=(96, 128))
        grey, truth = picture.astype(float).mean(axis=2), mask > 0
        cuts = [grey > cut for cut in range(10, 250, 10)]
        best.append(max(2 * (truth & cut).sum() / (truth.sum() + cut.sum()) for cut in (*cuts, *(~c for c in cuts))))
    assert np.mean(best) < 0.75  # even with the best cut of each picture


def test_pictures_use_the_range_of_a_photograph() -> None:
    for i in range(6):
        picture, _ = draw_pebbles(4, i, size=SMALL)
        assert 60 < picture.mean() < 170 and picture.std() > 25
        assert np.percentile(picture, 1) < 60 and np.percentile(picture, 99) > 160


def test_the_usual_size_is_now_and_then_upright(tmp_path: Path) -> None:
    shapes = {draw_pebbles(0, i)[1].shape for i in range(12)}
    assert shapes == {(288, 384), (384, 288)}


@pytest.mark.parametrize("size", [(32, 32), (33, 200), (301, 32)])
def test_any_size_from_32_can_be_drawn(size: tuple[int, int]) -> None:
    picture, mask = draw_pebbles(0, 0, size=size)
    assert picture.shape == (*size, 3) and mask.shape == size


def test_the_jpeg_carries_no_metadata(tmp_path: Path) -> None:
    folder = make_pebbles(tmp_path, 1, size=SMALL)
    assert b"Exif" not in (folder / "images/pebbles_0000.jpg").read_bytes()
    assert read_info(folder / "images/pebbles_0000.jpg").format == "JPEG"


def test_progress_counts_pictures(tmp_path: Path) -> None:
    steps: list[Step] = []
    make_pebbles(tmp_path, 2, size=SMALL, progress=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("pebbles", 1, 2), ("pebbles", 2, 2)]


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 1, "classes": 5}, {"count": 1, "seed": -1}])
def test_wrong_numbers_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="Pebbles want count >= 1"):
        make_pebbles(tmp_path, **wrong)


def test_too_small_a_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 32 x 32"):
        make_pebbles(tmp_path, 1, size=(31, 64))


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        make_pebbles(tmp_path / "file", 1, size=SMALL)
