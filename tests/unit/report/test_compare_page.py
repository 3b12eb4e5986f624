import re
import xml.etree.ElementTree as ElementTree

import pytest

from maskwright.errors import OutputError
from maskwright.report.compare_chart import DifferenceRow, difference_chart
from maskwright.report.compare_page import (
    interval_text,
    most_different,
    render_compare_page,
    score_places,
    write_compare_page,
)
from support.html_page import Page

HOSTILE = "<img src=x onerror=\"alert(1)\">' onload='y\n</style><script>z</script>\u202egnp.exe\x00&amp;{{ 7 * 7 }}"


def entry(name, value=0.9, **changes):
    usual = {
        "name": name, "value": value, "low": value - 0.02, "high": value + 0.02, "pictures": 60, "places": [],
        "seeds": [], "each": [], "spread": None,
    }  # fmt: skip
    return usual | changes


def difference(first, second, value=0.012, half=0.008, **changes):
    usual = {
        "first": first, "second": second, "value": value, "low": value - half, "high": value + half,
        "told_apart": abs(value) > half, "needed": 140, "needed_about": None, "better": second,
        "pictures_higher": 40, "pictures_lower": 19, "pictures_equal": 1, "text": "",
    }  # fmt: skip
    return usual | changes


def content(names=("A", "B"), differences=None, **changes):
    found = [difference(*names[:2])] if differences is None else differences
    usual = {
        "schema_version": 1, "measure": "dice", "label": "Dice", "better": "higher", "images": 60, "groups": None,
        "undefined": 0, "classes": ["background", "lesion"], "mean_over": "the foreground class 'lesion'",
        "entries": [entry(name) for name in names], "simultaneous": False, "seeds_counted": False,
        "differences": found, "says": [f"{names[1]} is better by 0.012."], "notes": ["A note."],
        "pictures": [{"id": f"p{at}", "group": None, "scores": dict.fromkeys(names, 0.5) | {names[0]: 0.5 + at / 100}}
                     for at in range(30)],
    }  # fmt: skip
    return usual | changes


def test_every_tag_is_closed_and_everything_is_told():
    page = Page(render_compare_page(content()))
    assert page.open == []
    for words in ("Comparison by Dice", "on the same 60 pictures, of the foreground class 'lesion'", "A note."):
        assert words in page.text
    assert "B minus A 0.0120 [0.0040, 0.0200] yes 40 19 1" in page.text


def test_the_page_asks_for_nothing_and_runs_no_script():
    text = render_compare_page(content())
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "form", "input", "img"} & set(page.tags)
    assert not [value for key, value in page.attributes if key in ("href", "src") or key.startswith("on")]
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert "url(" not in text


def test_hostile_names_are_text():
    text = render_compare_page(content((HOSTILE, "B"), label=HOSTILE, notes=[HOSTILE], mean_over=HOSTILE))
    page = Page(text)
    assert page.open == []
    assert not {"script", "img"} & set(page.tags)
    assert not [key for key, _ in page.attributes if key.startswith("on")]
    assert "\u202e" not in text and "\x00" not in text
    assert "{{ 7 * 7 }}" in page.text


def test_pictures_that_differ_most_come_first():
    most = most_different(content())
    assert [picture["id"] for picture in most[:2]] == ["p29", "p28"]
    assert len(most) == 15
    assert most_different(content(pictures=[{"id": "a", "group": None, "scores": {"A": 0.5, "B": 0.5}}])) == []


def test_seeds_have_columns_where_there_are_some():
    spread = {"deviation": 0.0037, "least": 0.916, "largest": 0.923}
    entries = [entry("A", spread=spread, each=[0.916, 0.92, 0.923]), entry("B")]
    text = Page(render_compare_page(content(entries=entries))).text
    assert "A 0.900 0.880 to 0.920 3 0.0037 0.916 to 0.923 60" in text
    assert "B 0.900 0.880 to 0.920 1 not known 60" in text
    assert "their deviation" not in Page(render_compare_page(content())).text


def test_one_recipe_alone_has_no_differences():
    one = content(differences=[], entries=[entry("A")], says=["A: 3 seeds."])
    text = Page(render_compare_page(one)).text
    assert "Differences" not in text and "Where they differ most" not in text


def test_how_many_would_be_needed_is_told_in_round_numbers():
    few, many = difference("A", "B", 0.001, needed_about=140), difference("A", "B", 0.0, needed_about=10**9)
    text = Page(render_compare_page(content(differences=[few, many], says=["x", "y"]))).text
    assert "no 40 19 1 140" in text
    assert "no 40 19 1 over 100,000" in text


def test_the_column_of_what_would_be_needed_is_left_out_where_it_is_empty_for_all():
    told, open_ = difference("A", "B"), difference("A", "C", 0.001, needed_about=140)
    assert "ould be needed" not in Page(render_compare_page(content(differences=[told]))).text
    text = Page(render_compare_page(content(differences=[told, open_], says=["x", "y"]))).text
    assert text.count("would be needed") == 1 and "Would be needed: pictures of the same kind" in text


def test_groups_are_told():
    assert "60 pictures in 10 groups" in Page(render_compare_page(content(groups=10))).text


def test_distances_have_fewer_decimals():
    assert score_places([entry("A", 0.9)]) == 3
    assert score_places([entry("A", 31.5)]) == 2


def test_decimals_of_a_difference_follow_its_interval():
    assert interval_text(difference("A", "B", 0.012, 0.02)) == "0.012 [-0.008, 0.032]"
    assert interval_text(difference("A", "B", 0.0003, 0.00012)) == "0.00030 [0.00018, 0.00042]"
    assert interval_text(difference("A", "B", 0.0, 0.0)) == "0.000 [0.000, 0.000]"
    assert interval_text(difference("A", "B", -1e-5, 0.02)) == "0.000 [-0.020, 0.020]"
    assert interval_text({"value": 0.01, "low": None, "high": None}) == "0.010"


def test_the_page_is_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        write_compare_page(tmp_path / "file" / "page.html", content())
    write_compare_page(tmp_path / "page.html", content())
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".html"] == ["page.html"]


# --- the chart ------------------------------------------------------------------------------------------------------


def chart(*rows):
    return ElementTree.fromstring(difference_chart("Difference", rows))


def lines(svg, kind):
    return [element for element in svg.iter("line") if kind in element.get("class", "")]


def test_what_is_told_apart_lies_beside_the_line_at_zero():
    svg = chart(
        DifferenceRow("B minus A", 0.02, 0.01, 0.03, True, ""), DifferenceRow("C minus A", 0.0, -0.01, 0.01, False, "")
    )
    zero = float(lines(svg, "zero")[0].get("x1"))
    apart, still = lines(svg, "bar apart")[0], lines(svg, "bar open")[0]
    assert zero < float(apart.get("x1")) < float(apart.get("x2"))
    assert float(still.get("x1")) < zero < float(still.get("x2"))


def test_no_upright_line_runs_through_a_name():
    svg = chart(*(DifferenceRow(f"{at} minus A", 0.0, -0.01, 0.01, False, "0.0") for at in range(4)))
    spans = [(float(one.get("y1")), float(one.get("y2"))) for kind in ("grid", "zero") for one in lines(svg, kind)]
    names = [float(one.get("y")) for one in svg.iter("text") if one.get("class") == "label"]
    assert len(names) == 8 and len(lines(svg, "zero")) == 4
    for baseline in names:  # letters of 12.5 px reach from 10 above the baseline to 4 below it
        assert all(bottom < baseline - 10 or top > baseline + 4 for top, bottom in spans)
    assert all(any(top < float(dot.get("cy")) < bottom for top, bottom in spans) for dot in svg.iter("circle"))


def test_a_difference_without_an_interval_is_a_dot():
    svg = chart(DifferenceRow("B minus A", 0.02, None, None, False, ""))
    assert lines(svg, "bar") == []
    assert len(list(svg.iter("circle"))) == 1


def test_differences_of_nothing_can_be_drawn_and_no_rows_give_no_chart():
    assert len(list(chart(DifferenceRow("B minus A", 0.0, 0.0, 0.0, False, "")).iter("circle"))) == 1
    assert difference_chart("Difference", []) == ""


def test_long_and_hostile_names_stay_inside():
    text = difference_chart(HOSTILE, [DifferenceRow(HOSTILE * 3, 0.1, 0.0, 0.2, False, HOSTILE)])
    assert not re.search(r"<(img|script)", text)
    assert "…" in text
