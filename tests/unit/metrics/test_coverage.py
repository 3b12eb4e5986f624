import json
from pathlib import Path

import numpy as np
import pytest

from maskwright.metrics.coverage import (
    POOLED_TABLE,
    TABLE,
    coverage_warning,
    expected_coverage,
    lopsidedness,
    nearness,
    said,
)
from maskwright.metrics.interval_bounds import Units

STATISTICS = Path(__file__).parents[3] / "benchmarks" / "statistics"
SKEWED = [0.97, 0.96, 0.95, 0.94, 0.5]


def test_the_sentence_names_the_units_and_what_is_covered():
    assert coverage_warning(20, "picture", 0.904) == "95 % interval; with 20 pictures it covers about 90 %"
    assert coverage_warning(1, "group", 0.5) == "95 % interval; with 1 group it covers about 50 %"


def test_a_hundred_pictures_need_no_warning():
    values = 1 - np.random.default_rng(0).lognormal(-3, 1.5, 100).clip(0, 1)
    assert expected_coverage(values) is None


def test_few_pictures_that_lean_to_one_side_cover_less_than_symmetric_ones():
    assert expected_coverage(SKEWED) < 0.93
    assert expected_coverage([0.4, 0.45, 0.5, 0.55, 0.6]) is None


def test_no_interval_has_no_coverage():
    assert expected_coverage([0.7]) is None
    assert expected_coverage([0.7, 0.8], ["a", "a"]) is None
    assert expected_coverage([1.0, 1.0, 1.0]) is None


def test_neither_order_nor_turning_over_changes_the_coverage():
    covered = expected_coverage(SKEWED)
    assert expected_coverage(SKEWED[::-1]) == pytest.approx(covered, abs=1e-12)
    assert expected_coverage(1 - np.array(SKEWED)) == pytest.approx(covered, abs=1e-12)


def test_pictures_in_groups_of_one_are_pictures():
    assert expected_coverage(SKEWED, list("abcde")) == pytest.approx(expected_coverage(SKEWED), abs=1e-12)


def test_a_slight_shortfall_is_not_told_and_a_huge_one_is_bounded():
    assert said(0.01) is None
    assert said(0.05) == pytest.approx(0.9)
    assert said(3.0) == pytest.approx(0.5)


def test_the_features_by_hand():
    units = Units(0.9, np.array([-0.2, 0.1, 0.1]), 3.0)
    assert nearness(units) == pytest.approx(1 / (1 + 0.1 / np.sqrt(0.03)))
    assert lopsidedness(units) == pytest.approx(1.0)  # one against two: as lopsided as three can be


@pytest.mark.parametrize(("name", "table"), [("means", TABLE), ("pooled", POOLED_TABLE)])
def test_the_tables_are_what_the_simulation_wrote(name, table):
    rows = json.loads((STATISTICS / "warning.json").read_text("utf-8"))[name]
    assert [(row["number"], *row["weights"]) for row in rows if row["fitted"]] == list(table)
