"""Comparing scored sets: which pictures count, what forbids it, and what is said."""

import math
import re

import numpy as np
import pytest

from maskwright.errors import ConfigError, DataError
from maskwright.evaluation.comparing import Candidate, compare_sets
from maskwright.evaluation.comparing_measures import Measure, decimals, find_measure
from maskwright.evaluation.comparing_reading import FACTS, read_scores
from maskwright.evaluation.comparing_sets import ELSEWHERE, shared_pictures
from maskwright.evaluation.comparing_words import rounded_up
from maskwright.metrics.intervals import mean_interval
from maskwright.metrics.paired import difference_interval
from support.evaluations import better_by, evaluation, hard_and_easy

HARD = hard_and_easy()


def scored(name="A", dice=HARD, **changes):
    return read_scores(evaluation(dice, **changes), name=name, where=f"{name}/evaluation.json")


def compared(*sets, measure="dice"):
    return compare_sets([Candidate(one.name, (one,)) for one in sets], measure)


def seeds(name, base, spreads, by=0.0, start=0):
    """One entry of several seeds, each off by a number of its own."""
    sets = [scored(f"{name}-{at}", better_by(base, by + off, seed=start + at)) for at, off in enumerate(spreads)]
    return Candidate(name, tuple(sets), tuple(range(len(sets))))


# --- which pictures count -------------------------------------------------------------------------------------------


def test_only_pictures_that_all_have_are_compared_and_the_others_are_counted():
    one, two = scored("A", HARD), scored("B", better_by(HARD, 0.02)[:40])
    comparison = compared(one, two)
    assert comparison.pictures == 40
    assert comparison.entries[0].score == mean_interval(HARD[:40])
    assert "Only the 40 pictures that all have are compared; A has 20 more." in comparison.notes


def test_pictures_are_matched_by_name_whatever_their_order():
    one = scored("A", HARD)
    content = evaluation(HARD)
    content["pictures"].reverse()
    comparison = compared(one, read_scores(content, name="B", where=""))
    assert (comparison.pairs[0].higher, comparison.pairs[0].lower) == (0, 0)


def test_no_shared_picture_is_an_error_with_names_of_each():
    with pytest.raises(DataError) as error:
        compared(scored("A"), scored("B", prefix="x"))
    assert error.value.what == "No picture is in all of them, and a comparison needs at least two."
    assert "A: p000, p001 and 58 more; B: x000, x001" in error.value.where
    assert "--set data.split=RUN/split.csv" in error.value.fix


def test_a_single_shared_picture_is_an_error():
    with pytest.raises(DataError, match="Only one picture is in all of them"):
        compared(scored("A", HARD), scored("B", HARD[:1]))


def test_another_size_of_the_same_mask_is_an_error_that_names_the_picture():
    content = evaluation(HARD)
    content["pictures"][7]["size_truth"] = [30, 40]
    with pytest.raises(DataError, match="60x80 in A and 30x40 in B: they were not scored on the same masks") as error:
        compared(scored("A"), read_scores(content, name="B", where=""))
    assert error.value.where == "p007"


def test_pictures_without_a_score_in_one_entry_are_left_out_and_told():
    dice = [None if at < 3 else value for at, value in enumerate(HARD)]
    comparison = compared(scored("A"), scored("B", dice))
    assert (comparison.pictures, comparison.undefined) == (57, 3)
    assert any(
        "left out: 3 (undefined in: B 3). That may flatter those that fail there." in note for note in comparison.notes
    )


def test_an_entry_without_any_defined_score_is_an_error():
    with pytest.raises(DataError, match="0 have the measure 'dice' in all"):
        compared(scored("A"), scored("B", [None] * 60))


def on(fingerprint):
    return {"folder": "x", "fingerprint": fingerprint * 64}


def test_a_set_of_fewer_pictures_is_compared_on_the_shared_ones_though_its_data_has_another_fingerprint():
    one, two = scored("A", data=on("a")), scored("B", better_by(HARD, 0.02)[:40], data=on("b"))
    comparison = compared(one, two)
    assert comparison.pictures == 40
    assert comparison.notes == (
        "Only the 40 pictures that all have are compared; A has 20 more.",
        "They were scored on different sets of pictures; that the shared ones have the same masks is known by their "
        "sizes only.",
    )


def test_pictures_of_other_data_are_an_error_with_names_of_each_whatever_else_differs():
    with pytest.raises(DataError, match="No picture is in all of them") as error:
        compared(scored("A", data=on("a")), scored("B", prefix="x", data=on("b"), classes=["background", "mole"]))
    assert "A: p000, p001 and 58 more; B: x000, x001" in error.value.where


def test_of_three_sets_the_two_of_the_same_pictures_must_be_of_the_same_data():
    fewer = scored("A", HARD[:40], data=on("a"))
    same = [scored(name, better_by(HARD, 0.02), data=on("b")) for name in "BC"]
    assert compared(fewer, *same).pictures == 40
    with pytest.raises(DataError, match="B and C were scored on different data: pictures or masks have changed"):
        compared(fewer, same[0], scored("C", data=on("c")))


# --- what forbids it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ["background", "mole"]}, "different classes: background, lesion; background, mole"),
        ({"mean_over": "the classes that the truth shows (background included): x"}, "different averages"),
        ({"part": "val"}, "different parts: held out; val"),
        ({"data": {"folder": "b", "fingerprint": "b" * 64}}, "different data: pictures or masks have changed"),
    ],
)
def test_what_was_scored_on_something_else_is_refused(changes, said):
    with pytest.raises(DataError, match=re.escape(said)) as error:
        compared(scored("A", data={"folder": "a", "fingerprint": "a" * 64}), scored("B", **changes))
    assert "maskwright evaluate RUN DATA -o FOLDER" in error.value.fix


@pytest.mark.parametrize(
    ("runtimes", "fix"),
    [
        (("onnxruntime", "onnxruntime"), "score both on the same data: maskwright evaluate RUN DATA -o FOLDER"),
        (
            (ELSEWHERE, "onnxruntime"),
            "score both on the same data: maskwright evaluate RUN DATA -o FOLDER; of masks made elsewhere "
            "maskwright evaluate --predictions DIR --truth DATA -o FOLDER",
        ),
        (
            (ELSEWHERE, ELSEWHERE),
            "score both on the same data: maskwright evaluate --predictions DIR --truth DATA -o FOLDER",
        ),
    ],
)
def test_the_fix_names_the_command_that_scores_masks_made_elsewhere(runtimes, fix):
    one, two = (
        scored(name, data=on(name.lower()), runtime=way) for name, way in zip("AB", runtimes, strict=True)
    )  # fmt: skip
    with pytest.raises(DataError) as error:
        compared(one, two)
    assert error.value.fix == fix


def test_masks_that_share_no_picture_are_told_the_command_that_scores_masks():
    with pytest.raises(DataError, match="No picture is in all of them") as error:
        compared(scored("A", runtime=ELSEWHERE), scored("B", prefix="x", runtime=ELSEWHERE))
    assert "(maskwright evaluate --predictions DIR --truth DATA -o FOLDER)" in error.value.fix


def test_details_of_an_average_that_a_later_version_adds_forbid_nothing():
    old = "the classes that the truth shows (background included): per_image in each picture"
    new = old + "; specificity is over all classes"
    assert compared(scored("A", mean_over=old), scored("B", mean_over=new)).pictures == 60


def test_folds_and_a_test_part_are_both_held_out():
    folds = "60 pictures, each scored by the model of the fold that held it out"
    assert compared(scored("A"), scored("B", part=folds), scored("C", part="the pictures of all folds")).notes == ()


def test_all_pictures_beside_held_out_ones_are_a_warning():
    notes = compared(scored("A"), scored("B", part="all")).notes
    assert any("B was scored on all pictures: if its model was trained on some" in note for note in notes)


def test_another_runtime_is_a_note():
    notes = compared(scored("A"), scored("B", runtime="openvino", precision="bf16")).notes
    assert any("A: onnxruntime in fp32; B: openvino in bf16" in note for note in notes)


def test_conventions_in_other_words_are_a_note_and_each_models_own_cut_is_not():
    other = {"cut": "'lesion' where its probability is above 0.7", "grid": "a fixed grid"}
    notes = compared(scored("A"), scored("B", conventions=other)).notes
    assert [note for note in notes if "conventions differently" in note and note.endswith(": grid.")]


def test_a_convention_to_which_a_later_version_added_is_no_note():
    longer = {"grid": "the truth mask's own grid, and more of the same"}
    assert compared(scored("A"), scored("B", conventions=longer)).notes == ()


def test_another_tolerance_forbids_boundary_f1_only():
    def with_boundary(name, tolerance):
        content = evaluation(HARD, boundary={"conventions": {"boundary_f1": tolerance}})
        for row in content["pictures"]:
            row["boundary_f1"] = row["dice"]
        return read_scores(content, name=name, where="")

    sets = (with_boundary("A", "2 pixels"), with_boundary("B", "5 pixels"))
    assert compared(*sets).pictures == 60
    with pytest.raises(DataError, match="different rules of boundary_f1: 2 pixels; 5 pixels"):
        compared(*sets, measure="boundary_f1")


def test_one_set_alone_is_an_error():
    with pytest.raises(ConfigError, match="nothing to compare with"):
        compared(scored("A"))


# --- measures -------------------------------------------------------------------------------------------------------


def test_a_mistyped_measure_is_answered_with_the_nearest():
    with pytest.raises(ConfigError) as error:
        compared(scored("A"), scored("B"), measure="ioo")
    assert error.value.fix == "did you mean 'iou'?"


def test_a_measure_that_one_lacks_names_those_that_all_have():
    with pytest.raises(ConfigError) as error:
        compared(scored("A"), scored("B"), measure="boundary_iou")
    assert error.value.fix == "evaluate anew those that lack it, or choose one that all have: dice, iou"


def test_a_column_of_others_is_compared_without_saying_which_end_is_better():
    assert find_measure("rand_index", {"rand_index"}) == Measure("rand_index", "rand index")


def test_the_lower_distance_is_better_and_may_lie_far_beyond_one():
    def with_distance(name, off):
        content = evaluation(HARD)
        for at, row in enumerate(content["pictures"]):
            row["hd95"] = 40 + at + off + at % 3
        return read_scores(content, name=name, where="")

    comparison = compared(with_distance("A", 0), with_distance("B", -9.0), measure="hd95")
    content = evaluation(HARD)
    for at, row in enumerate(content["pictures"]):
        row["hd95"] = 31 + at + 2 * (at % 4)
    third = read_scores(content, name="B", where="")
    comparison = compared(with_distance("A", 0), third, measure="hd95")
    assert comparison.says[0].startswith("B is better by 7.00 [")
    assert comparison.to_json()["differences"][0]["better"] == "B"
    assert comparison.entries[0].score.value == pytest.approx(40 + 29.5 + 1)
    assert comparison.entries[0].score.high > 70


def test_decimals_follow_the_interval():
    share, distance = Measure("dice", "Dice", "higher", True), Measure("hd95", "HD95", "lower")
    assert [decimals(share, half) for half in (0.02, 0.004, 0.0003, 0.0, None)] == [3, 4, 5, 3, 3]
    assert [decimals(distance, half) for half in (20.0, 0.4, 0.004)] == [2, 2, 4]


# --- what is said ---------------------------------------------------------------------------------------------------


def test_two_sets_have_the_paired_interval_as_it_is():
    two = better_by(HARD, 0.02, 0.03)
    comparison = compared(scored("A"), scored("B", two))
    assert comparison.pairs[0].difference == difference_interval(np.array(two) - HARD)


def test_a_difference_that_can_be_told_is_one_sentence_with_its_interval():
    comparison = compared(scored("A"), scored("B", better_by(HARD, 0.012)))
    said = comparison.says[0]
    assert re.fullmatch(r"B is better by 0\.01\d+ \[0\.00\d+, 0\.01\d+\] \(Dice per picture, 60 pictures\)\.", said)


def test_the_better_one_is_named_when_it_is_the_first():
    comparison = compared(scored("A", better_by(HARD, 0.03)), scored("B"))
    assert comparison.says[0].startswith("A is better by 0.0295 [")
    assert comparison.to_json()["differences"][0]["better"] == "A"
    assert comparison.to_json()["differences"][0]["value"] < 0


def test_a_small_difference_is_called_small():
    comparison = compared(scored("A"), scored("B", better_by(HARD, 0.002, 0.001)))
    assert comparison.says[0].endswith(": sure, but small.")


def test_what_cannot_be_told_apart_says_how_many_pictures_would_do():
    comparison = compared(scored("A"), scored("B", better_by(HARD, 0.003, 0.04, seed=5)))
    needed = comparison.pairs[0].difference.needed
    said = comparison.says[0]
    assert said.startswith("A and B cannot be told apart with these 60 pictures: the difference (B minus A) is ")
    assert said.endswith(f"(Dice per picture); about {rounded_up(needed):,} would be needed.")


def test_a_difference_of_nearly_nothing_needs_no_exact_number():
    rows = np.array([0.05, -0.05] * 30) + 1e-6
    comparison = compared(scored("A"), scored("B", (HARD + rows).tolist()))
    assert comparison.says[0].endswith("; more than 100,000 would be needed.")
    assert "is 0.000 [-0." in comparison.says[0]


def test_equal_scores_are_said_to_be_the_same():
    comparison = compared(scored("A"), scored("B"))
    assert comparison.says == ("A and B are the same on every picture (Dice per picture, 60 pictures).",)


def test_a_minus_before_zero_is_not_written():
    comparison = compared(scored("A"), scored("B", (HARD + np.array([0.05, -0.05] * 30) - 1e-6).tolist()))
    assert "-0.000 " not in comparison.says[0]


def test_one_training_each_warns_that_the_seeds_spread_is_not_known():
    candidates = [Candidate("A", (scored("A"),), (0,)), Candidate("B", (scored("B", better_by(HARD, 0.01)),), (0,))]
    notes = compare_sets(candidates).to_json()["notes"]
    assert any("how far two trainings of one recipe lie apart is not known" in note for note in notes)
    assert any("--seed 1, --seed 2" in note for note in notes)


UNKNOWN = "how far two trainings of one recipe lie apart is not known"
BETTER = better_by(HARD, 0.01)


def remarks_on(*candidates):
    return " ".join(compare_sets(candidates).to_json()["notes"])


def trained(name, dice, recipe, seed=0, **changes):
    return Candidate(name, (scored(name, dice, **changes),), (seed,), recipe=recipe)


def test_listed_seeds_of_one_recipe_are_not_said_to_be_unknown():
    assert remarks_on(trained("A", HARD, "a", 0), trained("B", BETTER, "a", 1)) == ""


def test_listed_seeds_beside_another_recipe_are_said_not_to_count():
    said = remarks_on(trained("A", HARD, "a", 0), trained("B", BETTER, "a", 1), trained("C", BETTER, "c"))
    assert "The intervals are over pictures only; without --each the seeds of one recipe are one entry" in said
    assert UNKNOWN not in said


def test_the_same_recipe_with_the_same_seed_says_nothing_of_other_seeds():
    assert UNKNOWN in remarks_on(trained("A", HARD, "a", 0), trained("B", BETTER, "a", 0))


def test_masks_made_elsewhere_are_not_asked_for_other_seeds():
    said = remarks_on(trained("A", HARD, "a"), Candidate("B", (scored("B", BETTER, runtime=ELSEWHERE),)))
    assert UNKNOWN not in said and "--seed" not in said


def test_two_trainings_beside_masks_made_elsewhere_still_are():
    elsewhere = Candidate("C", (scored("C", better_by(HARD, 0.02), runtime=ELSEWHERE),))
    assert UNKNOWN in remarks_on(trained("A", HARD, "a"), trained("B", BETTER, "b"), elsewhere)


def test_entries_that_are_the_same_on_every_picture_are_not_asked_for_other_seeds():
    assert remarks_on(trained("A", HARD, "a"), trained("B", HARD, "b")) == ""


@pytest.mark.parametrize("pictures", [2, 4])
def test_with_fewer_than_five_pictures_no_number_is_said_to_be_needed(pictures):
    comparison = compared(scored("A", HARD[:pictures]), scored("B", (HARD + 0.1 * (np.arange(60) % 3))[:pictures]))
    assert comparison.says[0].endswith("(Dice per picture); with so few pictures nothing can be told.")
    difference = comparison.to_json()["differences"][0]
    assert (difference["needed"], difference["needed_about"]) == (None, None)


def test_with_fewer_than_five_groups_no_number_is_said_to_be_needed():
    comparison = compared(grouped("A", HARD, 20), grouped("B", better_by(HARD, 0.003, 0.04, seed=5), 20))
    assert comparison.says[0].endswith("with so few groups nothing can be told.")


def test_with_five_pictures_a_number_is_said():
    comparison = compared(scored("A", HARD[:5]), scored("B", (HARD + 0.1 * (np.arange(60) % 3))[:5]))
    assert "would be needed" in comparison.says[0]


# --- groups ---------------------------------------------------------------------------------------------------------


def grouped(name, dice, size=6):
    content = evaluation(dice, groups=math.ceil(len(dice) / size))
    for at, row in enumerate(content["pictures"]):
        row["group"] = f"g{at // size}"
    return read_scores(content, name=name, where="")


def test_intervals_are_over_groups_when_one_of_them_has_groups():
    two = better_by(HARD, 0.02, 0.03)
    comparison = compared(scored("A"), grouped("B", two))
    names = [f"g{at // 6}" for at in range(60)]
    assert comparison.groups == 10
    assert comparison.pairs[0].difference == difference_interval(np.array(two) - HARD, names)
    assert any("Intervals are over groups of related pictures, as in B; A has none." in n for n in comparison.notes)


def test_groups_are_counted_in_sentences():
    comparison = compared(grouped("A", HARD), grouped("B", better_by(HARD, 0.002, 0.05, seed=3)))
    assert "with these 60 pictures in 10 groups" in comparison.says[0]
    assert re.search(r"(groups would be needed|somewhat more)", comparison.says[0])


def test_groups_by_other_names_are_the_same_groups_and_other_groups_are_told():
    content = evaluation(HARD, groups=10)
    for at, row in enumerate(content["pictures"]):
        row["group"] = f"other {at // 6}"
    renamed = read_scores(content, name="B", where="")
    assert shared_pictures([grouped("A", HARD), renamed]).notes == ()
    notes = shared_pictures([grouped("A", HARD), grouped("B", HARD, size=4)]).notes
    assert notes == ("The pictures are grouped differently; the groups are those of A.",)


def test_one_group_gives_a_difference_without_an_interval():
    comparison = compared(grouped("A", HARD, 60), grouped("B", better_by(HARD, 0.02), 60))
    assert "without an interval: an interval needs at least two groups." in comparison.says[0]


# --- seeds ----------------------------------------------------------------------------------------------------------


def test_several_seeds_are_one_entry_with_their_spread():
    candidate = seeds("A", HARD, (-0.01, 0.0, 0.01))
    comparison = compare_sets([candidate, Candidate("B", (scored("B"),))])
    entry = comparison.entries[0]
    means = [one.columns["dice"].mean() for one in candidate.sets]
    assert entry.each == pytest.approx(means)
    assert entry.spread == pytest.approx((np.std(means, ddof=1), min(means), max(means)))
    assert entry.score == mean_interval(np.mean([one.columns["dice"] for one in candidate.sets], axis=0))
    assert entry.to_json()["seeds"] == [0, 1, 2]


def test_seeds_of_one_recipe_alone_tell_their_spread():
    comparison = compare_sets([seeds("A", HARD, (-0.01, 0.0, 0.01))])
    assert comparison.pairs == ()
    assert comparison.says[0].startswith("A: 3 seeds of one recipe lie between 0.")


def test_a_difference_within_the_seeds_spread_is_not_told_apart():
    one, two = seeds("A", HARD, (-0.02, 0.0, 0.02)), seeds("B", HARD, (-0.02, 0.0, 0.02), by=0.01, start=7)
    comparison = compare_sets([one, two])
    assert not comparison.pairs[0].difference.told_apart
    assert "more seeds are needed, more pictures alone would not do." in comparison.says[0]
    assert "The seeds of one recipe lie as far apart (A by 0.0" in comparison.says[0]
    mean = [np.mean([s.columns["dice"] for s in c.sets], axis=0) for c in (one, two)]
    assert difference_interval(mean[1] - mean[0]).told_apart


def test_a_difference_beyond_the_seeds_spread_is_told_apart():
    one, two = seeds("A", HARD, (-0.002, 0.0, 0.002)), seeds("B", HARD, (-0.002, 0.0, 0.002), by=0.03, start=7)
    comparison = compare_sets([one, two])
    assert comparison.says[0].startswith("B is better by 0.0")
    assert "The seeds of one recipe lie less far apart" in comparison.says[0]
    assert any("The intervals also hold for other seeds" in note for note in comparison.to_json()["notes"])


def test_an_entry_with_one_seed_beside_several_is_said_to_be_taken_as_them():
    comparison = compare_sets([seeds("A", HARD, (-0.01, 0.0, 0.01)), Candidate("B", (scored("B"),), (0,))])
    assert any(
        note.startswith("Taken to vary with the seed as the others do") for note in comparison.to_json()["notes"]
    )


# --- many -----------------------------------------------------------------------------------------------------------


def test_few_entries_are_all_compared_with_each_other_and_many_with_the_first():
    few = [scored(name, better_by(HARD, 0.01 * at)) for at, name in enumerate("ABCDEF")]
    assert len(compared(*few).pairs) == 15
    many = [scored(name, better_by(HARD, 0.01 * at)) for at, name in enumerate("ABCDEFG")]
    comparison = compared(*many)
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [(0, at) for at in range(1, 7)]
    assert any("6 comparisons, all with A: their intervals are widened" in n for n in comparison.to_json()["notes"])


def test_with_three_entries_a_sentence_says_than_whom():
    comparison = compared(scored("A"), scored("B", better_by(HARD, 0.03)), scored("C", better_by(HARD, 0.06, seed=2)))
    assert [said.split(" by ")[0] for said in comparison.says] == [
        "B is better than A", "C is better than A", "C is better than B"
    ]  # fmt: skip


def test_a_document_has_no_nan_and_a_line_a_picture():
    document = compared(scored("A"), scored("B", better_by(HARD, 0.01))).to_json()
    assert len(document["pictures"]) == document["images"] == 60
    assert document["pictures"][0]["scores"] == {"A": pytest.approx(HARD[0]), "B": pytest.approx(HARD[0], abs=0.06)}
    assert document["pictures"][0]["group"] is None


# --- what this file must keep in step with ----------------------------------------------------------------------------


def test_masks_made_elsewhere_are_known_by_what_is_written_of_them():
    from maskwright.runs.evaluate_masks import RUNTIME

    assert RUNTIME == ELSEWHERE


def test_the_facts_of_pictures_are_no_measures():
    from maskwright.evaluation import facts

    assert set(facts.FACTS) < set(FACTS)
