"""Whatever the fault bench does to clean pebbles, the mended copy has no error, and mending it again does nothing."""

import csv

import numpy as np
import pytest

from maskwright.audit.check import check_dataset
from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from maskwright.errors import MaskwrightError
from maskwright.runs.mending import mend
from support.check_bench import fault_bench

CUT = ("mask-antialiased", "mask-lossy", "mask-values")
WHOLE_SET = ("every mask empty", "all masks")  # nothing tells which pairs are right


@pytest.fixture(scope="module")
def bench():
    with fault_bench() as modules:
        yield modules


@pytest.fixture(scope="module")
def clean(bench, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pebbles")
    source = read_dataset(make_pebbles(folder / "made", 24, size=(96, 128), seed=1, classes=3))
    return bench.CleanSet("pebbles", source, range(24), folder / "clean")


def damaged(bench, clean, folder, *, all_strengths):
    """Yield (fault, damage, copy) for each fault that suits the set."""
    copy = bench.Copy(clean, folder)
    for fault in bench.FAULTS if all_strengths else bench.mildest(bench.FAULTS):
        if fault.suits(clean) or fault.kind == "outlier-image":
            continue
        copy.restore()
        damage, _ = bench.bring_in(fault, copy, np.random.default_rng(0), copy.pairs)
        if damage is not None:
            yield fault, damage, copy


def actions(folder):
    with open(folder / "changes.csv", newline="", encoding="utf-8") as file:
        return {line["action"] for line in csv.DictReader(file)}


def mend_and_judge(fault, damage, copy, work):
    where = f"{fault.kind}, {fault.strength}"
    try:
        report = check_dataset(copy.folder, damage.options, size=damage.size)
    except MaskwrightError:
        return  # no set that can be read: the bench tells that, too
    mended = mend(report, work / "mended")

    again = check_dataset(mended.folder)
    assert [found for found in again.errors if found.sample is not None] == [], where
    assert not [found for found in again.findings if found.kind in CUT], where
    assert actions(mend(again, work / "twice").folder) <= {"left alone"}, where
    before, after = report.dataset, again.dataset
    assert before is not None
    assert after is not None
    assert after.classes.names == before.classes.names, where
    row_of = {name: row for row, name in enumerate(before.columns.ids)}
    for row, name in enumerate(after.columns.ids):
        if name in row_of and name in copy.clean.dataset.columns.ids:
            old = before.read_mask(row_of[name])
            if old.shape == after.read_mask(row).shape:
                assert np.array_equal(after.read_mask(row), old), where


@pytest.mark.slow
def test_a_mended_copy_has_no_error_whatever_the_fault(bench, clean, tmp_path):
    for number, (fault, damage, copy) in enumerate(damaged(bench, clean, tmp_path / "copy", all_strengths=True)):
        work = tmp_path / str(number)
        work.mkdir()
        mend_and_judge(fault, damage, copy, work)


def test_a_mended_copy_of_a_few_broken_pairs_has_no_error(bench, clean, tmp_path):
    kinds = ("truncated", "wrong-extension", "exif-rotated", "mask-values", "mask-lossy", "label-conflict")
    for number, (fault, damage, copy) in enumerate(damaged(bench, clean, tmp_path / "copy", all_strengths=False)):
        if fault.kind in kinds:
            work = tmp_path / str(number)
            work.mkdir()
            mend_and_judge(fault, damage, copy, work)
