import xml.etree.ElementTree as ElementTree

from maskwright.report.curves import epoch_charts, write_curves

SVG = "{http://www.w3.org/2000/svg}"
HISTORY = [{"epoch": float(e), "loss": 1 / e, "dice (validation)": 1 - 1 / e, "rate": 1e-3 / e} for e in range(1, 9)]
PHASES = [(1.0, "encoder frozen"), (5.0, "encoder trained")]


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def written(path, *arguments):
    write_curves(path, *arguments)
    return ElementTree.parse(path).getroot()


def test_loss_score_and_rate_are_drawn():
    charts = epoch_charts(HISTORY)

    assert [svg.count("<polyline") for svg in charts.values()] == [1, 1, 1]
    assert "1e-3" in texts(charts["rate"])


def test_what_is_not_known_is_not_drawn():
    charts = epoch_charts([{"epoch": 1.0, "loss": 0.5}])

    assert charts["score"] == charts["rate"] == ""
    assert charts["loss"]


def test_phases_are_told_and_marked_where_the_second_begins():
    loss = epoch_charts(HISTORY, PHASES)["loss"]

    assert {"encoder frozen", "encoder trained"} <= set(texts(loss))
    assert loss.count('class="mark"') == 1


def test_a_single_phase_is_not_marked():
    assert 'class="mark"' not in epoch_charts(HISTORY, PHASES[:1])["loss"]


def test_a_phase_of_one_epoch_among_many_is_marked_though_its_name_has_no_room():
    loss = epoch_charts(HISTORY * 10, [(1.0, "first"), (2.0, "second"), (3.0, "third")])["loss"]

    assert loss.count('class="mark"') == 2


def test_the_kept_epoch_has_a_ring_and_is_named():
    score = epoch_charts(HISTORY, best=8.0)["score"]

    assert score.count("<circle") == 1
    assert "ring: epoch 8, whose weights were kept" in texts(score)


def test_the_rate_is_drawn_from_zero():
    assert "0" in texts(epoch_charts(HISTORY)["rate"])
    assert "0" in texts(epoch_charts([{"epoch": 1.0, "rate": 0.01}])["rate"])


def test_the_file_stands_alone(tmp_path):
    root = written(tmp_path / "curves.svg", "lesions-1", HISTORY, PHASES, 8.0)

    assert root.tag == f"{SVG}svg"
    assert [child.tag for child in root].count(f"{SVG}svg") == 3
    assert root.find(f"{SVG}style") is not None
    text = (tmp_path / "curves.svg").read_text()
    assert "href" not in text and "script" not in text and "url(" not in text


def test_a_name_is_text_and_nothing_else(tmp_path):
    root = written(tmp_path / "curves.svg", "<b>\x00&</b>", HISTORY)

    assert "<b> &</b>" in [element.text for element in root.iter(f"{SVG}text")]


def test_without_an_epoch_there_is_no_file(tmp_path):
    write_curves(tmp_path / "curves.svg", "x", [])

    assert not (tmp_path / "curves.svg").exists()
