import pytest

from maskwright.report.wording import label, plain, score_text, times


def test_scores_are_written_with_their_interval():
    assert score_text({"value": 0.9123, "low": 0.894, "high": 0.927}) == "0.912 [0.894, 0.927]"
    assert score_text({"value": 0.9123, "low": None, "high": None}) == "0.912"
    assert score_text({"value": None, "low": None, "high": None}) == "n/a"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "none"), (True, "yes"), (False, "no"), (750, "750"), (1234567, "1,234,567"), (0.123456, "0.1235"),
        ("text", "text"), (["a", 2], "a, 2"), ((192, 192), "192, 192"), ({"a": 1, "b": [2, 3]}, "a: 1, b: 2, 3"),
    ],
)  # fmt: skip
def test_values_are_shown_plainly(value, shown):
    assert plain(value) == shown


def test_keys_become_labels():
    assert label("max_difference") == "max difference"


def test_numbers_of_times_are_words_where_there_are_words():
    assert [times(n) for n in (1, 2, 5)] == ["once", "twice", "5 times"]
