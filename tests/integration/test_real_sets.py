"""Every set of the real data: read without being told how, and each oddity that its README names is mentioned."""

from collections import Counter

import numpy as np
import pytest

from maskwright.audit.check import check_dataset
from maskwright.data.options import write_options
from maskwright.data.read import read_dataset
from maskwright.data.splits import fold_split, split_dataset
from maskwright.errors import DataError
from maskwright.images.classes import IGNORE
from maskwright.recipe import DataOptions

PAIRS = {
    "pets": 400, "isic": 750, "isic/train": 600, "isic/test": 150, "carvana": 84, "ecssd": 300, "rocks": 20,
    "membrane": 30, "stone_garden": 60, "sandstone": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def check(real_data):
    """Check a set, once for all tests of this file."""
    reports = {}

    def run(name, **stated):
        if name not in reports:
            reports[name] = check_dataset(real_data / name, DataOptions(**stated))
        return reports[name]

    return run


def kinds(report):
    return Counter((found.level, found.kind) for found in report.findings)


def samples(report, kind):
    return {found.sample for found in report.findings if found.kind == kind}


@pytest.mark.parametrize(("name", "pairs"), PAIRS.items())
def test_a_set_is_read_without_being_told_how(real_data, name, pairs):
    dataset = read_dataset(real_data / name)

    assert len(dataset) == pairs
    assert f"{pairs} pairs" in dataset.notes[0]
    assert dataset.read_image(0).ndim == 3
    assert dataset.read_mask(0).max() in (*range(len(dataset.classes.names)), IGNORE)


@pytest.mark.parametrize("name", ["pets", "carvana", "membrane", "stone_garden", "sandstone"])
def test_what_was_guessed_can_be_stated_and_reads_the_same(real_data, tmp_path, name):
    guessed = read_dataset(real_data / name)

    stated = read_dataset(real_data / name, guessed.options)
    write_options(guessed, tmp_path / "dataset.yaml")

    assert (stated.columns, stated.classes, stated.encoding) == (guessed.columns, guessed.classes, guessed.encoding)
    assert (tmp_path / "dataset.yaml").stat().st_size > 100


def test_cwfid_has_two_mask_folders_and_the_error_names_both(real_data):
    with pytest.raises(DataError, match="annotations and masks") as caught:
        read_dataset(real_data / "cwfid")

    assert "--masks annotations" in caught.value.fix


def test_cwfid_is_settled_by_naming_the_folder(real_data):
    crops = read_dataset(real_data / "cwfid", DataOptions(masks="annotations"))
    vegetation = read_dataset(real_data / "cwfid", DataOptions(masks="masks"))

    assert (len(crops), crops.encoding.kind) == (6, "colour")
    assert crops.classes.names == ("background", "green", "red")
    assert crops[0].image.name.removesuffix("_image.png") == crops[0].masks[0].name.removesuffix("_annotation.png")
    assert (len(vegetation), vegetation.encoding.kind) == (6, "binary")


def test_pets_follow_their_official_lists(real_data):
    dataset = read_dataset(real_data / "pets")

    split = split_dataset(dataset)

    assert Counter(dataset.columns.parts) == {"train": 200, "test": 198, "": 2}
    assert len(split.indices("test")) == 198
    assert len(split.indices("train")) + len(split.indices("val")) == 200
    assert len(split.indices("val")) > 10


def test_pets_are_pet_and_background_with_the_border_ignored_or_three_classes(real_data):
    binary = read_dataset(real_data / "pets")
    three = read_dataset(real_data / "pets", DataOptions(encoding="index"))

    raw_pet = three.read_mask(10) == three.classes.names.index("pet")
    assert (binary.encoding.kind, binary.classes.binary, binary.classes.ignored) == ("trimap", True, "border")
    np.testing.assert_array_equal(binary.read_mask(10) == 1, raw_pet)
    assert set(np.unique(binary.read_mask(10))) == {0, 1, IGNORE}
    assert (binary.classes.names, three.classes.names) == (("background", "pet"), ("background", "pet", "border"))


def test_the_oddities_of_pets_are_mentioned(check):
    report = check("pets")

    near = [set(f.evidence["samples"]) for f in report.findings if f.kind == "near-duplicate"]
    assert samples(report, "wrong-extension") == {"Abyssinian_34", "Abyssinian_5"}
    assert samples(report, "mask-constant") == {"Abyssinian_34"}
    assert [f.evidence["count"] for f in report.findings if f.kind == "stray-file"] == [2]
    for first, second in ((5, 87), (11, 177), (40, 63)):
        assert any({f"Abyssinian_{first}", f"Abyssinian_{second}"} <= family for family in near)
    leaks = [(f.level, f.evidence["samples"]) for f in report.findings if f.kind == "split-leak"]
    assert ("warning", ["Abyssinian_151", "Abyssinian_99"]) in leaks  # one with a watermark; few, so no error
    assert not report.errors


def test_isic_has_parts_by_folders_and_is_stretched(real_data, check):
    dataset = read_dataset(real_data / "isic")

    report = check("isic")

    assert Counter(dataset.columns.parts) == {"train": 600, "test": 150}
    assert not report.errors
    assert [f.evidence["count"] for f in report.findings if f.kind == "aspect-mismatch"] == [750]
    assert {f.kind for f in report.findings if f.level == "warning"} <= {"mask-shifted"}
    assert len(samples(report, "mask-shifted")) < 0.04 * 750  # blurred lesions: some outlines may lie beside them


def test_isic_alone_is_split_by_hash(real_data):
    split = split_dataset(read_dataset(real_data / "isic" / "train"))

    assert Counter(split.parts) == {"train": 480, "val": 60, "test": 60}


def test_carvana_is_grouped_by_car_and_too_few_for_a_test_part(real_data, check):
    dataset = read_dataset(real_data / "carvana")
    split, folds = split_dataset(dataset), fold_split(dataset, 5)

    cars = [{dataset.columns.groups[i] for i in fold} for fold in folds]
    assert len(set(dataset.columns.groups)) == 15
    assert split.needs_folds
    assert sum(map(len, cars)) == 15
    assert any("palette" in note for note in dataset.notes)
    assert {key for key in kinds(check("carvana")) if key[0] != "note"} <= {("warning", "mask-shifted")}
    assert ("note", "group-suggested") in kinds(check("carvana"))


def test_ecssd_has_one_grey_picture(check):
    assert samples(check("ecssd"), "mixed-modes") == {"0199"}
    assert not check("ecssd").errors


def test_the_oddities_of_rocks_are_mentioned(real_data, check):
    report = check("rocks")

    assert read_dataset(real_data / "rocks").encoding.kind == "antialiased"
    assert len(samples(report, "mask-antialiased")) == 8
    assert samples(report, "mask-without-image") == {"9"}
    assert [f.evidence["format"] for f in report.findings if f.kind == "multi-frame"] == ["MPO"]
    assert any("grey written as RGB" in note for note in report.notes)
    assert split_dataset(read_dataset(real_data / "rocks")).needs_folds
    assert not report.errors


def test_nothing_is_wrong_with_membrane(check):
    assert check("membrane").bands == 1
    assert check("membrane").findings == ()


def test_the_oddities_of_stone_garden_are_mentioned(real_data, check):
    dataset, report = read_dataset(real_data / "stone_garden"), check("stone_garden")

    assert "separators" in dataset.notes[0]
    assert dataset.bands == 3
    assert "touching tiles together" in dataset.grouping
    assert len(samples(report, "mask-empty")) > 5
    assert ("note", "mixed-modes") in kinds(report)  # transparency
    assert not report.errors


def test_the_oddities_of_sandstone_are_mentioned(real_data, check):
    dataset, report = read_dataset(real_data / "sandstone"), check("sandstone")

    assert (dataset.bands, dataset.encoding.kind) == (1, "colour")
    assert dataset.classes.names == ("blue", "green", "red", "yellow")
    assert any("#0000ff blue" in note for note in dataset.notes)
    assert [f.evidence["count"] for f in report.findings if f.kind == "mask-without-image"] == [4]
    assert not report.errors


def test_nothing_in_cwfid_is_called_an_error(check):
    report = check("cwfid", masks="annotations")

    assert report.pairs == 6
    assert not report.errors
