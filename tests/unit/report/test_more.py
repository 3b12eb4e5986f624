import json
from functools import cache

import numpy as np
import pytest

from maskwright.images.classes import Classes
from maskwright.report.card import render_card
from maskwright.report.facts import ReportFacts
from maskwright.report.html import render_report
from maskwright.report.more import calibration_charts, confusion_rows, factor_charts, further_parts
from maskwright.runs.evaluate_masks import evaluate_predictions
from maskwright.runs.measuring import Measures
from support.masks_elsewhere import random_masks, write_masks, write_pair

HOSTILE = "a | <script>alert(1)</script>"


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Evaluations of masks made elsewhere: of two classes as maps with a pixel size and two people, and of four."""

    @cache
    def evaluate(kind):
        folder = tmp_path_factory.mktemp(kind)
        pairs = random_masks(12, 2 if kind == "two" else 4)
        predictions, truth = write_pair(folder, pairs)
        if kind == "four":
            return evaluate_predictions(predictions, truth).to_json()
        write_masks(predictions, [np.where(made > 0, 230, 20).astype(np.uint8) for _, made in pairs])
        measures = Measures(saliency=True, pixel_size="0.5 um", annotators=(truth,))
        return evaluate_predictions(predictions, truth, probabilities=True, measures=measures).to_json()

    return evaluate


def test_what_was_measured_besides_counts_has_a_table_each(scored):
    parts = {part.title: part for part in further_parts(scored("two"))}
    assert list(parts) == ["Boundaries, per picture", "As salient objects", "People who marked the same pictures"]
    names = [name for name, _, _ in parts["Boundaries, per picture"].rows]
    assert "Average surface distance, pixels" in names
    assert "Average surface distance, um" in names
    assert all(value != "n/a" for part in parts.values() for _, value, _ in part.rows)


def test_several_classes_have_rows_of_their_own(scored):
    (part,) = further_parts(scored("four"))
    assert sum("class 3" in name or name.startswith("3") for name, _, _ in part.rows) in (0, 4)
    assert len(part.rows) == 4 + 4 * 4


def test_nothing_is_shown_of_what_was_not_measured():
    assert further_parts({}) == factor_charts({}) == []
    assert calibration_charts({}, None) == {}
    assert confusion_rows({}) == ([], [])


def test_the_confusion_of_several_classes_is_a_table_of_shares(scored):
    classes, rows = confusion_rows(scored("four"))
    assert len(classes) == len(rows) == 4
    for _, cells in rows:
        assert sum(map(float, cells)) == pytest.approx(100, abs=0.3)


def test_two_classes_need_no_table_of_confusion(scored):
    assert confusion_rows(scored("two")) == ([], [])


def test_the_temperature_has_a_chart_only_where_it_was_kept(scored):
    measured = scored("two")["calibration"]
    chosen = {"kept": True, "before": measured, "after": measured}
    assert set(calibration_charts(scored("two"), chosen)) == {"reliability", "temperature"}
    assert set(calibration_charts(scored("two"), {**chosen, "kept": False})) == {"reliability"}


@pytest.mark.parametrize("kind", ["two", "four"])
def test_page_and_card_tell_all_of_it(scored, kind):
    evaluation = scored(kind)
    classes = Classes(tuple(evaluation["classes"]))
    page = render_report(ReportFacts(name="r", evaluation=evaluation), classes, [])
    card = render_card(ReportFacts(name="r", evaluation=evaluation))
    for part in further_parts(evaluation):
        assert part.title in page
        assert f"## {part.title}" in card
    assert "What is taken for what" in page


def test_hostile_names_are_escaped_wherever_they_are_shown(scored):
    evaluation = scored("four")
    last = evaluation["classes"][-1]
    hostile = json.loads(json.dumps(evaluation).replace(json.dumps(last), json.dumps(HOSTILE)))
    names = tuple(hostile["classes"])
    hostile["confusion"]["said"] = [f"of '{HOSTILE}' 10 % is called '{HOSTILE}'"]
    hostile["where"]["said"] = [HOSTILE]
    page = render_report(ReportFacts(name=HOSTILE, evaluation=hostile), Classes(names), [])
    assert "<script" not in page
    assert "<script" not in render_card(ReportFacts(name=HOSTILE, evaluation=hostile))
