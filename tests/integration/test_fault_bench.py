"""The fault bench on a few pebbles: each kind of finding is found where its fault was brought in, and nothing else."""

import numpy as np
import pytest

from maskwright.audit.check import check_dataset
from maskwright.audit.findings import KINDS
from maskwright.data.pebbles import make_pebbles
from maskwright.data.read import read_dataset
from support.check_bench import fault_bench

THREE_CLASSES = ("class-missing", "class-rare")
PICTURES = {"group-suggested": 40, "class-rare": 20, "split-leak": 20, "outlier-image": 20}  # what they need; else 12
TRAINED = ("suspect-label",)


@pytest.fixture(scope="module")
def bench():
    with fault_bench() as modules:
        yield modules


@pytest.fixture(scope="module")
def clean(bench, tmp_path_factory):
    """Clean pebbles of so many classes, once for all tests."""
    made = {}

    def get(pictures, classes):
        if (pictures, classes) not in made:
            folder = tmp_path_factory.mktemp("pebbles")
            source = read_dataset(make_pebbles(folder / "made", pictures, size=(192, 256), seed=1, classes=classes))
            made[pictures, classes] = bench.CleanSet("pebbles", source, range(pictures), folder / "clean")
        return made[pictures, classes]

    return get


@pytest.mark.parametrize("classes", [2, 3])
def test_nothing_is_wrong_with_clean_pebbles(clean, classes):
    findings = check_dataset(clean(12, classes).folder).findings

    assert [(found.level, found.kind, found.what) for found in findings if found.level != "note"] == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in TRAINED])
def test_a_mild_fault_of_each_kind_is_found_and_nothing_else(bench, clean, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))  # the bench takes a cache of its own
    pebbles = clean(PICTURES.get(kind, 12), 3 if kind in THREE_CLASSES else 2)
    faults = [fault for fault in bench.mildest(bench.FAULTS) if fault.kind == kind]

    (row,) = bench.run_set(pebbles, faults, [kind], np.random.default_rng(0), tmp_path / "copy")

    assert row["refused"] == ""
    assert row["damaged"] > 0
    assert row["missed"] == []
    assert row["others"] == []


def test_a_fault_changes_the_files_of_its_pairs_alone_and_restoring_undoes_it(bench, clean, tmp_path):
    pebbles = clean(12, 2)
    copy = bench.Copy(pebbles, tmp_path / "copy")
    before = contents(pebbles.folder)

    for fault in bench.FAULTS:
        if fault.pair is None or fault.suits(pebbles):
            continue
        damage, used = bench.bring_in(fault, copy, np.random.default_rng(0), copy.pairs)
        if damage is None:
            continue
        after = contents(copy.folder)
        touched = {path.stem for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        named = {name for expected in damage.expected for names in expected for name in names}
        assert touched
        assert touched <= named | {pair.id for pair in used}, (fault.kind, fault.strength)
        copy.restore()

    assert contents(copy.folder) == contents(pebbles.folder) == before


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
