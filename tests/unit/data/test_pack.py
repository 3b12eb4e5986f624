"""A pack holds the same pixels as the files, is whole or absent, and is found again."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.data import pack as pack_module
from maskwright.data.dataset import Columns, Dataset
from maskwright.data.pack import Pack, PackSettings, build_pack, remove_leftovers
from maskwright.errors import DataError, OutputError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding
from maskwright.images.modes import with_bands
from maskwright.images.sizes import resize_image, resize_labels_by_area
from maskwright.progress import Step

WHOLE = PackSettings((8, 12))
TILES = PackSettings(None)
SIZES = [(16, 24), (20, 10), (9, 9), (33, 40), (8, 12), (50, 7)]


def write_set(root: Path, *, sizes: list[tuple[int, int]] = SIZES, dtype: type = np.uint8, bands: int = 3) -> Dataset:
    """Write pictures of several sizes with masks of 0, 255 and 128 for what is ignored."""
    rng = np.random.default_rng(0)
    names = [f"{i:02d}.png" for i in range(len(sizes))]
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for name, size in zip(names, sizes, strict=True):
        shape = (*size, bands) if bands > 1 else size
        Image.fromarray(rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype)).save(root / "images" / name)
        mask = rng.choice(np.array([0, 255, 128], np.uint8), size, p=[0.5, 0.4, 0.1])
        Image.fromarray(mask).save(root / "masks" / name)
    count = len(names)
    columns = Columns(
        tuple(names), tuple(f"images/{n}" for n in names), tuple((f"masks/{n}",) for n in names), tuple(names),
        ("",) * count,
    )  # fmt: skip
    encoding = MaskEncoding("binary", ((0, 0), (128, IGNORE), (255, 1)))
    return Dataset(
        root, columns, Classes(("background", "stone"), ignored="edge"), encoding, bands, np.dtype(dtype).name
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return write_set(tmp_path / "set")


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return tmp_path / "packs"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_whole_mode_holds_pictures_and_masks_resized(dataset: Dataset, packs: Path) -> None:
    pack = build_pack(dataset, range(6), WHOLE, folder=packs)
    assert len(pack) == 6
    for i in range(6):
        np.testing.assert_array_equal(pack.image(i), resize_image(dataset.read_image(i), (8, 12)))
        np.testing.assert_array_equal(pack.mask(i), resize_labels_by_area(dataset.read_mask(i), (8, 12), 2))


def test_tile_mode_holds_pictures_and_masks_as_they_are(dataset: Dataset, packs: Path) -> None:
    pack = build_pack(dataset, range(6), TILES, folder=packs)
    for i in range(6):
        assert pack.size(i) == SIZES[i]
        np.testing.assert_array_equal(pack.image(i), dataset.read_image(i))
        np.testing.assert_array_equal(pack.mask(i), dataset.read_mask(i))
    assert IGNORE in pack.mask(0)


def test_tile_mode_at_half_scale(dataset: Dataset, packs: Path) -> None:
    pack = build_pack(dataset, [3], PackSettings(None, scale=0.5), folder=packs)
    assert pack.image(0).shape == (16, 20, 3) and pack.mask(0).shape == (16, 20)
    np.testing.assert_array_equal(pack.image(0), resize_image(dataset.read_image(3), (16, 20)))


def test_the_order_is_that_of_the_indices(dataset: Dataset, packs: Path) -> None:
    pack = build_pack(dataset, np.array([4, 1]), TILES, folder=packs)
    np.testing.assert_array_equal(pack.image(0), dataset.read_image(4))
    np.testing.assert_array_equal(pack.image(-1), dataset.read_image(1))
    with pytest.raises(IndexError):
        pack.image(2)


def test_a_mask_of_another_size_is_stretched_in_whole_mode_and_brought_to_its_picture_in_tile_mode(
    tmp_path: Path, packs: Path
) -> None:
    dataset = write_set(tmp_path / "set", sizes=[(8, 8)])
    Image.fromarray(np.kron([[0, 255], [255, 0]], np.ones((8, 4))).astype(np.uint8)).save(tmp_path / "set/masks/00.png")
    expected = np.kron([[0, 1], [1, 0]], np.ones((4, 4)))
    np.testing.assert_array_equal(build_pack(dataset, [0], TILES, folder=packs).mask(0), expected)
    whole = build_pack(dataset, [0], PackSettings((8, 8)), folder=packs)
    np.testing.assert_array_equal(whole.mask(0), expected)


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path, packs: Path) -> None:
    dataset = write_set(tmp_path / "set", dtype=np.uint16, bands=1)
    pack = build_pack(dataset, range(6), PackSettings(None, bands=1), folder=packs)
    assert pack.dtype == "uint16"
    np.testing.assert_array_equal(pack.image(5), dataset.read_image(5))
    assert pack.image(5).max() > 255


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_bands_and_depth_are_converted_before_a_picture_is_resized(
    dataset: Dataset, packs: Path, dtype: str, bands: int
) -> None:
    mixed = replace(dataset, dtype=dtype)  # its files have 3 bands of 8 bits
    pack = build_pack(mixed, range(6), PackSettings((8, 12), bands=bands), folder=packs)
    for i in range(6):
        converted = with_bands(mixed.read_image(i), bands, Path())
        np.testing.assert_array_equal(pack.image(i), resize_image(converted, (8, 12)))


def test_overlapping_classes_keep_a_channel_each(tmp_path: Path, packs: Path) -> None:
    base = write_set(tmp_path / "set", sizes=[(6, 5)])
    columns = Columns(
        base.columns.ids, base.columns.images, (("masks/00.png", "masks/00.png"),), ("g",), ("",), ((0, 1),)
    )
    classes = Classes(("leaf", "vein"), exclusive=False)
    dataset = Dataset(tmp_path / "set", columns, classes, MaskEncoding("per-class", cut=200))
    pack = build_pack(dataset, [0], TILES, folder=packs)
    assert pack.mask(0).shape == (6, 5, 2)
    np.testing.assert_array_equal(pack.mask(0), dataset.read_mask(0))


def test_views_cannot_be_written_to(dataset: Dataset, packs: Path) -> None:
    pack = build_pack(dataset, [0], TILES, folder=packs)
    with pytest.raises(ValueError, match="read-only"):
        pack.image(0)[0, 0] = 1


def test_any_number_of_workers_makes_the_same_bytes(dataset: Dataset, tmp_path: Path) -> None:
    made = []
    for workers in (1, 2, 7):
        build_pack(dataset, range(6), WHOLE, folder=tmp_path / str(workers), workers=workers)
        made.append(contents(tmp_path / str(workers)))
    assert made[0] == made[1] == made[2]


def test_a_pack_that_is_there_is_opened_without_decoding(
    dataset: Dataset, packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_pack(dataset, range(6), WHOLE, folder=packs)
    monkeypatch.setattr(Dataset, "read_image", lambda *_, **__: pytest.fail("decoded again"))
    assert build_pack(dataset, range(6), WHOLE, folder=packs).folder == first.folder


def test_the_same_files_elsewhere_are_the_same_pack(dataset: Dataset, tmp_path: Path, packs: Path) -> None:
    first = build_pack(dataset, range(6), WHOLE, folder=packs)
    os.rename(tmp_path / "set", tmp_path / "moved")
    moved = Dataset(tmp_path / "moved", dataset.columns, dataset.classes, dataset.encoding)
    assert build_pack(moved, range(6), WHOLE, folder=packs).folder == first.folder


def test_whatever_changes_the_pixels_makes_another_pack(dataset: Dataset, tmp_path: Path, packs: Path) -> None:
    inverted = Dataset(
        dataset.root, dataset.columns, dataset.classes, MaskEncoding("binary", ((0, 1), (128, IGNORE), (255, 0)))
    )
    made = [
        build_pack(dataset, range(6), WHOLE, folder=packs),
        build_pack(dataset, range(5), WHOLE, folder=packs),
        build_pack(dataset, [5, 4, 3, 2, 1, 0], WHOLE, folder=packs),
        build_pack(dataset, range(6), PackSettings((8, 11)), folder=packs),
        build_pack(dataset, range(6), PackSettings((8, 12), bands=1), folder=packs),
        build_pack(inverted, range(6), WHOLE, folder=packs),
    ]
    Image.fromarray(np.zeros((16, 24), np.uint8)).save(tmp_path / "set/masks/00.png")
    made.append(build_pack(dataset, range(6), WHOLE, folder=packs))
    assert len({pack.folder for pack in made}) == 7


def test_a_pack_is_sent_to_another_process_as_its_folder(dataset: Dataset, packs: Path) -> None:
    pack = build_pack(dataset, range(6), TILES, folder=packs)
    sent = pickle.dumps(pack)
    assert len(sent) < 500
    np.testing.assert_array_equal(pickle.loads(sent).image(3), pack.image(3))


def test_progress_counts_every_picture(dataset: Dataset, packs: Path) -> None:
    steps: list[Step] = []
    build_pack(dataset, range(6), WHOLE, folder=packs, progress=steps.append)
    assert [step.done for step in steps if step.stage == "pack"] == [1, 2, 3, 4, 5, 6]
    assert all(step.total == 6 for step in steps if step.stage == "pack")


# --- what goes wrong


def test_a_picture_that_cannot_be_decoded_is_named_and_nothing_is_left(dataset: Dataset, packs: Path) -> None:
    path = dataset[2].image
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(DataError, match="ends too early") as caught:
        build_pack(dataset, range(6), WHOLE, folder=packs)
    assert str(path) in caught.value.where
    assert list(packs.iterdir()) == []


def test_of_several_damaged_pictures_the_first_is_named(dataset: Dataset, packs: Path) -> None:
    for i in (4, 1):
        dataset[i].image.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        build_pack(dataset, range(6), WHOLE, folder=packs, workers=5)
    assert caught.value.where.endswith("01.png")


def test_a_missing_file_is_named(dataset: Dataset, packs: Path) -> None:
    dataset[1].image.unlink()
    with pytest.raises(DataError, match="no such file") as caught:
        build_pack(dataset, range(6), WHOLE, folder=packs)
    assert str(dataset[1].image) in caught.value.where


def test_an_unknown_mask_value_is_named(dataset: Dataset, packs: Path) -> None:
    Image.fromarray(np.full((9, 9), 7, np.uint8)).save(dataset[2].masks[0])
    with pytest.raises(DataError, match="Mask holds 7") as caught:
        build_pack(dataset, range(6), WHOLE, folder=packs)
    assert "02.png, first at row 0, column 0" in caught.value.where


def test_nothing_to_pack_is_an_error(dataset: Dataset, packs: Path) -> None:
    with pytest.raises(DataError, match="no picture to pack"):
        build_pack(dataset, [], WHOLE, folder=packs)


@pytest.mark.parametrize("name", ["images.bin", "masks.bin", "sizes.npy", "pack.json"])
@pytest.mark.parametrize("how", ["shortened", "removed"])
def test_a_pack_that_is_not_whole_is_refused_and_made_again(dataset: Dataset, packs: Path, name: str, how: str) -> None:
    folder = build_pack(dataset, range(6), WHOLE, folder=packs).folder
    before = contents(folder)
    if how == "removed":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(before[name][:-5])
    with pytest.raises(DataError, match="The pack is not whole"):
        Pack(folder)
    build_pack(dataset, range(6), WHOLE, folder=packs)
    assert contents(folder) == before


def test_pickled_sizes_are_never_loaded(dataset: Dataset, packs: Path) -> None:
    folder = build_pack(dataset, range(6), WHOLE, folder=packs).folder
    np.save(folder / "sizes.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="not whole"):
        Pack(folder)


def test_a_read_only_cache_is_an_error_that_says_so(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write") as caught:
        build_pack(dataset, range(6), WHOLE, folder=tmp_path / "file")
    assert "choose another folder" in caught.value.fix


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_full_disk_is_an_error_and_nothing_is_left(dataset: Dataset, packs: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        with pytest.raises(OutputError, match="Cannot write: File too large"):
            build_pack(dataset, range(6), TILES, folder=packs)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(packs.iterdir()) == []


def test_leftovers_of_killed_builds_are_removed_after_a_day(packs: Path) -> None:
    old, new = packs / f".{'0' * 32}.00000000.part", packs / f".{'1' * 32}.11111111.part"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "images.bin").write_bytes(b"x")
    long_ago = time.time() - 25 * 3600
    for path in (old / "images.bin", old):
        os.utime(path, (long_ago, long_ago))
    os.utime(new, (long_ago, long_ago))  # but its file is being written
    remove_leftovers(packs)
    assert [path.name for path in packs.iterdir()] == [new.name]


BUILDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_pack import SIZES, WHOLE, Dataset, Columns, Classes, MaskEncoding, IGNORE, build_pack
encoding = MaskEncoding("binary", ((0, 0), (128, 255), (255, 1)))
root, packs, pause = Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])
names = tuple(f"{i:02d}.png" for i in range(len(SIZES)))
columns = Columns(names, tuple(f"images/{n}" for n in names), tuple((f"masks/{n}",) for n in names), names, ("",) * 6)
dataset = Dataset(root, columns, Classes(("background", "stone")), encoding)
read_image = Dataset.read_image
def slowly(self, *arguments, **options):
    print("reading", flush=True)
    time.sleep(pause)
    return read_image(self, *arguments, **options)
Dataset.read_image = slowly
print(build_pack(dataset, range(6), WHOLE, folder=packs, workers=1).folder.name, flush=True)
"""


def start_build(dataset: Dataset, packs: Path, pause: float) -> subprocess.Popen[str]:
    source = str(Path(pack_module.__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(Path(__file__).parent), str(dataset.root), str(packs), str(pause)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": source},
    )  # fmt: skip


def test_two_processes_may_build_at_once(dataset: Dataset, packs: Path) -> None:
    builds = [start_build(dataset, packs, 0.02) for _ in range(2)]
    names = {build.communicate(timeout=60)[0].split()[-1] for build in builds}
    assert [build.returncode for build in builds] == [0, 0]
    assert [path.name for path in packs.iterdir()] == list(names)
    Pack(packs / names.pop())


def test_a_build_that_was_killed_does_no_harm(dataset: Dataset, packs: Path) -> None:
    build = start_build(dataset, packs, 0.5)
    assert build.stdout is not None
    for _ in range(3):
        build.stdout.readline()
    build.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    build.communicate()
    assert [path.name[0] for path in packs.iterdir()] == ["."]
    pack = build_pack(dataset, range(6), WHOLE, folder=packs)
    np.testing.assert_array_equal(pack.image(5), resize_image(dataset.read_image(5), (8, 12)))


def test_the_folder_says_what_it_holds(dataset: Dataset, packs: Path) -> None:
    folder = build_pack(dataset, range(6), WHOLE, folder=packs).folder
    content = json.loads((folder / "pack.json").read_text())
    assert content["schema_version"] == 2 and content["count"] == 6
    assert content["settings"]["size"] == [8, 12]
