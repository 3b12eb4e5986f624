import numpy as np
import pytest
from PIL import Image

from maskwright.audit.alignment import Alignment
from maskwright.audit.check import check_dataset
from maskwright.audit.families import Families
from maskwright.audit.likeness import Likeness
from maskwright.audit.relatives import relative_findings
from maskwright.recipe import DataOptions
from support.picture_folders import disc, make_set, photo, save
from support.textures import texture

SIZE = (90, 120)


@pytest.fixture
def folder(tmp_path):
    return make_set(tmp_path, 12, names="s{}", size=SIZE)


def found(folder, kind):
    return [finding for finding in check_dataset(folder).findings if finding.kind == kind]


def add(folder, name, image, mask):
    save(folder / "images" / f"{name}.jpg", np.ascontiguousarray(image), quality=90)
    save(folder / "masks" / f"{name}.png", np.ascontiguousarray(mask))


def listed(folder, **parts):
    for part, names in parts.items():
        (folder / f"{part}.txt").write_text("\n".join(names))


def test_a_near_duplicate_says_what_was_changed(folder):
    add(folder, "zzz", (photo(3, SIZE)[:, ::-1] * 0.8 + 0.5).astype(np.uint8), disc(3, SIZE)[:, ::-1])

    report = check_dataset(folder)

    (near,) = [finding for finding in report.findings if finding.kind == "near-duplicate"]
    assert near.level == "warning"
    assert near.what == "s3 and zzz are of one photograph: zzz is s3, mirrored, darker by 20 %."
    assert near.evidence["samples"] == ["s3", "zzz"]
    assert near.evidence["how"] == "mirrored, darker by 20 %"
    assert near.evidence["steps"] == [["s3", "zzz", "mirrored, darker by 20 %"]]
    assert [[report.dataset.columns.ids[row] for row in rows] for rows in report.families] == [["s3", "zzz"]]
    assert not report.errors


def test_a_smaller_copy_says_by_how_much(folder):
    small = Image.fromarray(photo(3, SIZE)).resize((60, 45), Image.Resampling.BICUBIC)
    add(folder, "a-small", np.asarray(small), disc(3, SIZE)[::2, ::2])

    (near,) = found(folder, "near-duplicate")

    assert near.evidence["steps"] == [["s3", "a-small", "resized 0.5x"]]  # the smaller one is said to be made


def test_a_crop_with_the_mask_of_its_place_is_no_conflict(folder):
    add(folder, "whole", texture(3, SIZE), disc(3, SIZE))
    add(folder, "crop", texture(3, SIZE)[:, :96], disc(3, SIZE)[:, :96])

    (near,) = found(folder, "near-duplicate")

    assert near.evidence["steps"] == [["whole", "crop", "cropped to 80 %"]]
    assert found(folder, "label-conflict") == []


def test_a_near_duplicate_with_a_mask_elsewhere_is_a_conflict(folder):
    mask = np.zeros(SIZE, np.uint8)
    mask[:12, :12] = 255
    add(folder, "again", (photo(3, SIZE) * 0.8).astype(np.uint8), mask)

    (conflict,) = found(folder, "label-conflict")

    assert conflict.level == "error"
    assert set(conflict.evidence["samples"]) == {"again", "s3"}
    assert conflict.evidence["agreement"] < 0.1


@pytest.mark.parametrize("change", [np.rot90, np.fliplr, lambda image: image[:, :100]])
def test_a_conflict_of_pictures_that_are_turned_mirrored_or_cropped_is_a_warning_only(folder, change):
    image = change(texture(3, SIZE))
    add(folder, "whole", texture(3, SIZE), disc(3, SIZE))
    add(folder, "again", image, np.full(image.shape[:2], 255, np.uint8))

    (conflict,) = found(folder, "label-conflict")

    assert conflict.level == "warning"


def test_equal_pictures_whose_masks_differ_in_a_few_pixels_are_warned_of(folder):
    add(folder, "s3", photo(3, SIZE), disc(3, SIZE))
    mask = disc(3, SIZE)
    row, column = np.argwhere(mask)[0]
    mask[row, column] = 0
    add(folder, "again", photo(3, SIZE), mask)

    (conflict,) = found(folder, "label-conflict")

    assert conflict.level == "warning"
    assert "masks that differ a little (99 % in common)" in conflict.what


def test_a_stated_split_that_tears_near_duplicates_apart_is_an_error(folder):
    add(folder, "again", photo(3, SIZE)[:, ::-1], disc(3, SIZE)[:, ::-1])
    lines = [f"s{i},{'test' if i > 8 else 'train'}" for i in range(12)] + ["again,test"]
    (folder / "split.csv").write_text("image,part\n" + "\n".join(lines))
    (folder / "dataset.yaml").write_text("split: split.csv\n")

    (leak,) = found(folder, "split-leak")

    assert leak.level == "error"
    assert leak.what == "again, s3 are of one photograph, and split.csv puts them into train and test."


def test_so_is_the_split_of_an_earlier_run_that_pictures_are_added_to(folder):
    add(folder, "again", photo(3, SIZE)[:, ::-1], disc(3, SIZE)[:, ::-1])
    lines = [f"s{i},{'test' if i > 8 else 'train'}" for i in range(11)] + ["again,test"]  # s11 is new
    (folder / "split.csv").write_text("image,part\n" + "\n".join(lines))

    leaks = [
        finding
        for finding in check_dataset(folder, DataOptions(previous=str(folder / "split.csv"))).findings
        if finding.kind == "split-leak"
    ]

    assert [leak.what for leak in leaks] == [
        "again, s3 are of one photograph, and split.csv puts them into train and test."
    ]


def test_an_official_split_that_tears_a_large_share_apart_is_an_error(folder):
    add(folder, "again", photo(3, SIZE)[:, ::-1], disc(3, SIZE)[:, ::-1])
    listed(folder, train=[f"s{i}" for i in range(9)], test=["s9", "s10", "s11", "again"])

    assert [leak.level for leak in found(folder, "split-leak")] == ["error"]


def test_relatives_within_one_part_are_no_leak(folder):
    add(folder, "again", photo(3, SIZE)[:, ::-1], disc(3, SIZE)[:, ::-1])
    listed(folder, train=[*(f"s{i}" for i in range(9)), "again"], test=["s9", "s10", "s11"])

    assert found(folder, "split-leak") == []


def test_where_the_split_is_made_here_nothing_leaks(folder):
    add(folder, "again", photo(3, SIZE), disc(3, SIZE))
    listed(folder, train=[f"s{i}" for i in range(9)], test=["s9", "s10", "s11", "again"])
    (folder / "dataset.yaml").write_text("split: hash\n")

    assert found(folder, "split-leak") == []


def test_tiny_pictures_are_too_small_to_tell(folder):
    speckled = np.random.default_rng(0).integers(0, 240, (1, 6, 3), np.uint8)
    for name, pixels in (("dot1", speckled), ("dot2", speckled + np.uint8(9))):
        save(folder / "images" / f"{name}.png", pixels)
        save(folder / "masks" / f"{name}.png", np.array([[0, 0, 255, 255, 0, 0]], np.uint8))

    assert not found(folder, "near-duplicate")


def test_each_link_of_a_picture_with_two_relatives_is_looked_at(folder):
    report = check_dataset(folder)
    masks = [pair.mask for pair in report.facts]
    same_place = Likeness(Alignment(0, (1.0, 1.0), (0.0, 0.0)), 1.0)
    families = Families(near=((0, 5, same_place), (3, 5, same_place)))

    findings = relative_findings(report.dataset, families, [pair.picture for pair in report.facts], masks)

    conflicts = [finding.evidence["samples"] for finding in findings if finding.kind == "label-conflict"]
    assert conflicts == [[report.dataset.columns.ids[row] for row in pair] for pair in ((0, 5), (3, 5))]


def test_masks_that_are_gone_since_they_were_read_do_not_end_the_check(folder, tmp_path):
    add(folder, "zzz", photo(3, SIZE), disc(4, SIZE))
    for kind in ("images", "masks"):
        path = next((folder / kind).glob("zzz.*"))
        path.with_name(f"yyy{path.suffix}").write_bytes(path.read_bytes())
    save(folder / "masks" / "yyy.png", disc(5, SIZE))
    report = check_dataset(folder)
    masks = [pair.mask for pair in report.facts]
    rows = tuple(report.dataset.columns.ids.index(name) for name in ("yyy", "zzz"))
    (folder / "masks" / "yyy.png").unlink()

    (conflict,) = relative_findings(report.dataset, Families(same=(rows,)), [], masks)

    assert (conflict.kind, conflict.level) == ("label-conflict", "error")
