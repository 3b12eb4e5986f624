import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
STATISTICS = ROOT / "benchmarks" / "statistics"
RESULTS = json.loads((STATISTICS / "results.json").read_text("utf-8"))
WARNING = json.loads((STATISTICS / "warning.json").read_text("utf-8"))
POPULATIONS = ("near-normal", "isic", "heavy-tailed")


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("statistics_page", STATISTICS / "page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_holds_the_tables_of_the_results(page):
    text = (ROOT / "docs" / "intervals.md").read_text("utf-8")
    assert page.fill(text, page.tables(RESULTS, WARNING)) == text


def test_a_table_by_hand(page):
    rows = [{"population": "isic", "unit": "groups", "number": 5, "covered": 0.9412, "printed": 0.95}]
    assert page._coverage(rows) == "|  | isic |\n| --- | ---: |\n| 5 groups | 94.1 (95.0) |"


def test_a_page_without_a_place_for_a_table_is_refused(page):
    with pytest.raises(ValueError, match="no place for 'time'"):
        page.fill("nothing", {"time": "1"})


def test_a_thousand_repeats_or_more_were_made_for_each_cell():
    cells = {(row["measure"], row["population"], row["unit"], row["number"]) for row in RESULTS["coverage"]}
    units = [("pictures", n) for n in (10, 20, 50, 100, 1000)] + [("groups", n) for n in (5, 10, 30)]
    assert RESULTS["repeats"] >= 1000
    assert cells == {(m, p, *unit) for m in ("mean", "pooled") for p in POPULATIONS for unit in units}


@pytest.mark.parametrize("population", POPULATIONS)
def test_means_cover_93_to_97_percent_from_100_pictures_and_10_groups_on(population):
    for row in RESULTS["coverage"]:
        enough = row["number"] >= (100 if row["unit"] == "pictures" else 10)
        if row["population"] == population and row["measure"] == "mean" and enough:
            assert 0.93 <= row["covered"] <= 0.97, row


@pytest.mark.parametrize("population", POPULATIONS)
def test_what_is_said_of_a_mean_is_within_two_points_of_what_is_covered(population):
    for row in RESULTS["coverage"]:
        if row["population"] == population and row["measure"] == "mean":
            assert row["printed"] == pytest.approx(row["covered"], abs=0.02), row


@pytest.mark.parametrize("population", POPULATIONS)
def test_at_most_5_percent_of_alike_models_are_told_apart(population):
    for row in RESULTS["compare"]:
        if row["population"] == population:
            assert row["false_calls"] <= 0.05, row
