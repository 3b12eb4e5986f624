"""What a command takes is the sum of its pieces, each as often as it comes."""

import pytest

from maskwright.planning.costs import (
    ALL_SHOWN,
    CHOOSING_PASSES,
    EXPORT_SECONDS,
    MARGIN,
    PARITY_PICTURES,
    REPORT_SECONDS,
    SHOWN,
    Costs,
    Counts,
    compare_terms,
    forecast,
    seconds_for_fit,
)
from maskwright.runs.results import ALL, EXAMPLES

COSTS = Costs(
    pack=0.1, steps=(1.0, 2.0), validate=0.05, predict=0.2, measure=0.3, learn=4.0, choose=0.4, export=0.5, prove=0.6
)
COUNTS = Counts(train=80, val=10, test=30, steps=5)


def test_an_epoch_is_its_steps_and_a_validation() -> None:
    assert COSTS.epochs(COUNTS) == pytest.approx((5.5, 10.5))


def test_a_command_is_the_sum_of_its_terms() -> None:
    ahead = forecast(COSTS, COUNTS, (2, 3), begin=7.0)
    assert ahead.to_json() == pytest.approx({
        "begin": 7.0, "pack": 9.0, "fit": 2 * 5.5 + 3 * 10.5, "choose": CHOOSING_PASSES * 10 * 0.6,
        "export": 0.5 + 10 * 0.6, "score": 30 * 0.5 + 4, "report": REPORT_SECONDS + SHOWN * 0.3,
    })  # fmt: skip
    assert ahead.seconds == pytest.approx(sum(ahead.to_json().values()))


def test_folds_are_trainings_of_their_own_and_one_more_on_everything() -> None:
    once = forecast(COSTS, COUNTS, (1, 1), begin=0.0)
    folded = forecast(COSTS, Counts(80, 10, 30, 5, folds=4), (1, 1), begin=0.0)
    assert folded.fit == pytest.approx(5 * once.fit)
    assert folded.score - COSTS.learn == pytest.approx(4 * (once.score - COSTS.learn))
    assert folded.pack == pytest.approx((80 + 10 + 30) * 0.1)


def test_the_file_of_all_folds_is_compared_with_each_of_theirs() -> None:
    once = forecast(COSTS, COUNTS, (1, 1), begin=0.0)
    folded = forecast(COSTS, Counts(80, 10, 30, 5, folds=4), (1, 1), begin=0.0)
    joined = folded.export - 5 * once.export
    assert joined == pytest.approx(0.5 + PARITY_PICTURES * 5 * 0.3)  # four files and their own, each half of a proof


def test_a_file_is_proved_on_no_more_pictures_than_there_are() -> None:
    counts = (Counts(6, 0, 4, 1), Counts(80, 3, 4, 5), Counts(80, 0, 4, 5))
    proved = [(forecast(COSTS, one, (0, 0), begin=0.0).export - 0.5) / 0.6 for one in counts]
    assert proved == pytest.approx([6, 3, PARITY_PICTURES])


def test_a_report_shows_all_pictures_where_they_are_few() -> None:
    few, many = (forecast(COSTS, Counts(80, 10, test, 5), (0, 0), begin=0.0) for test in (ALL_SHOWN, ALL_SHOWN + 1))
    assert few.report - many.report == pytest.approx(ALL_SHOWN * 0.3)
    folded = forecast(COSTS, Counts(80, 10, ALL_SHOWN // 2, 5, folds=3), (0, 0), begin=0.0)
    assert folded.report == many.report


def test_the_forecast_shows_as_many_pictures_as_a_report_does() -> None:
    assert (SHOWN, ALL_SHOWN) == (3 * EXAMPLES, ALL)


def test_an_export_that_was_not_measured_takes_what_it_usually_does() -> None:
    unmeasured = Costs(pack=0.1, steps=(1.0,), validate=0.05, predict=0.2, measure=0.3)
    assert forecast(unmeasured, COUNTS, (1,), begin=0.0).export == EXPORT_SECONDS


def test_what_minutes_leave_for_the_epochs_is_the_rest_but_for_a_margin() -> None:
    ahead = forecast(COSTS, COUNTS, (2, 3), begin=7.0)
    others = ahead.seconds - ahead.fit
    assert seconds_for_fit(5, ahead) == pytest.approx((300 - others) * (1 - MARGIN))
    assert seconds_for_fit(0.1, ahead) < 0


def test_another_size_changes_only_what_the_network_does() -> None:
    half = COSTS.faster(0.5)
    assert half.steps == pytest.approx((0.5, 1.0))
    assert (half.validate, half.predict) == pytest.approx((0.025, 0.1))
    assert (half.pack, half.measure, half.learn, half.export, half.prove) == (0.1, 0.3, 4.0, 0.5, 0.6)


def test_the_error_of_a_forecast_is_a_share_of_what_was_taken() -> None:
    compared = compare_terms({"fit": 50.0, "pack": 10.0}, {"fit": 70.0, "pack": 5.0})
    assert (compared["expected_seconds"], compared["taken_seconds"]) == (60.0, 75.0)
    assert compared["error"] == pytest.approx(-0.2)
