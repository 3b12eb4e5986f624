from maskwright.images.classes import Classes
from maskwright.report.card import markdown, render_card, write_card
from maskwright.report.facts import ReportFacts
from support.report_facts import evaluation, facts


def headings(text):
    return [line[3:] for line in text.splitlines() if line.startswith("## ")]


def test_the_card_has_its_sections(tmp_path):
    write_card(tmp_path / "MODEL_CARD.md", facts())
    text = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert text.startswith("# lesions-1\n\nMarks lesions.\n")
    assert headings(text) == [
        "Intended use", "Model", "Data", "Training", "Scores", "How the scores were taken", "Is the file the network?",
        "Limits", "Licences", "Findings in the data", "Versions",
    ]  # fmt: skip


def test_the_card_tells_use_scores_limits_and_licences():
    text = render_card(facts())
    score = facts().evaluation["per_image"]["dice"]
    assert f"| this model | per picture | {score['value']:.3f} \\[{score['low']:.3f}, {score['high']:.3f}\\] |" in text
    assert "all background = majority class" in text
    assert "These pictures were scored once in all." in text
    assert "- ImageNet weights: Apache-2.0" in text
    assert "- Trained on squashed pictures." in text
    assert "touching objects become one region" in text
    assert "- train pictures: 600" in text
    assert "- error, truncated: The file ends too early. (a.jpg)" in text


def test_sections_without_facts_are_left_out():
    text = render_card(ReportFacts(name="bare", evaluation=evaluation()))
    assert headings(text) == ["Intended use", "Scores", "How the scores were taken", "Limits"]


def test_each_line_of_the_table_has_as_many_cells():
    rows = [line for line in render_card(facts()).splitlines() if line.startswith("|")]
    assert len(rows) == 6
    assert {row.count("|") for row in rows} == {9}


def test_hostile_text_neither_ends_a_cell_nor_becomes_html():
    hostile = "a | b\n## no heading <script>alert(1)</script> [x](y) `c` *d*"
    classes = Classes(("background", hostile))
    text = render_card(ReportFacts(name=hostile, evaluation=evaluation(classes=classes), data={hostile: hostile}))
    assert "<" not in text
    assert "no heading" not in [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert not [line for line in headings(text) if "no heading" in line]
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {9}


def test_markdown_is_escaped_on_one_line():
    assert markdown("a_b|c\nd") == "a\\_b\\|c d"
    assert markdown("<b> & [x]") == "&lt;b&gt; &amp; \\[x\\]"
