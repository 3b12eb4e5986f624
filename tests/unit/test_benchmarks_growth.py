"""The benchmark of growth: its exponents, and the page that it fills."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
GROWTH = ROOT / "benchmarks" / "growth"


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = spec_from_file_location("growth_page", GROWTH / "page.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_results_give(page: ModuleType) -> None:
    results = json.loads((GROWTH / "results.json").read_text("utf-8"))
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert page.fill(text, page.tables(results)) == text, "run benchmarks/growth/page.py"


def test_an_exponent_is_one_where_ten_times_as_much_takes_ten_times_as_long(page: ModuleType) -> None:
    rows = {"100": {"cpu_seconds": 2.0}, "10": {"cpu_seconds": 0.2}, "1000": {"cpu_seconds": 200.0}}
    assert page.exponent(rows, 10) is None
    assert page.exponent(rows, 100) == pytest.approx(1)
    assert page.exponent(rows, 1000) == pytest.approx(2)


def test_what_was_not_measured_is_said(page: ModuleType) -> None:
    rows = {"check": {"10": {"cpu_seconds": 1.0, "peak_mb": 5.0}}, "pack": {"20": {"cpu_seconds": 1.0, "peak_mb": 5.0}}}
    assert "| 10 | 1.0 s, 5 MB | not measured |" in page.growth_table("number", rows)
