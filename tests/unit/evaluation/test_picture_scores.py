import numpy as np
import pytest

from maskwright.errors import ShapeError
from maskwright.evaluation.picture_scores import PictureScore, ScoreTable
from maskwright.metrics.counts import Counts, stack


def score(number, classes=3):
    rng = np.random.default_rng(number)
    counts = Counts.from_array(rng.integers(0, 10**10, (4, classes)))
    return PictureScore(f"p{number}", f"g{number % 2}", counts, (number, 2), (3, number))


def test_a_table_gives_back_what_was_kept_in_its_order():
    scores = [score(number) for number in range(7)]
    table = ScoreTable(scores[:4])
    table.extend(scores[4:])
    assert list(table) == scores and len(table) == 7
    assert table[-1] == scores[-1] and table[1:3] == scores[1:3]
    assert table.ids == [one.id for one in scores] and table.groups == [one.group for one in scores]
    with pytest.raises(IndexError):
        table[7]


def test_the_columns_of_a_table_are_those_of_its_pictures():
    scores = [score(number) for number in range(5)]
    table = ScoreTable(scores)
    assert table.counts() == stack([one.counts for one in scores])
    assert table.sizes().tolist() == [[*one.size_truth, *one.size_prediction] for one in scores]


def test_counts_of_another_number_of_classes_are_refused_and_nothing_is_kept_of_them():
    table = ScoreTable([score(0)])
    with pytest.raises(ShapeError, match="p1 has counts of 2 classes"):
        table.add(score(1, classes=2))
    assert list(table) == [score(0)]
