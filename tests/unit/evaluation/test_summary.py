import json
import math

import numpy as np
import pytest

from maskwright.errors import DataError
from maskwright.evaluation.picture_scores import PictureScore, ScoreTable
from maskwright.evaluation.summary import majority_classes, summarise
from maskwright.images.classes import IGNORE
from maskwright.metrics.counts import count
from support.pictures_in_memory import CROPS, LESION, OVERLAPPING

MEASURES = ["dice", "iou", "precision", "recall", "specificity", "accuracy"]


def score_of(truth, prediction, num_classes, id="p", group=""):
    counts = count(truth, prediction, num_classes)
    return PictureScore(id, group, counts, truth.shape[:2], prediction.shape[:2])


def random_scores(number, num_classes=2, *, seed=0, group=lambda i: ""):
    rng = np.random.default_rng(seed)
    scores = []
    for i in range(number):
        truth = rng.integers(0, num_classes, (12, 15), dtype=np.uint8)
        prediction = np.where(rng.random(truth.shape) < rng.uniform(0.3, 0.95), truth, 0).astype(np.uint8)
        scores.append(score_of(truth, prediction, num_classes, f"p{i}", group(i)))
    return scores


def evaluate(scores, classes=LESION, **options):
    return summarise(
        ScoreTable(scores), classes, **({"groups": False, "runtime": "onnxruntime", "precision": "fp32"} | options)
    )


def numbers(content):
    if isinstance(content, dict):
        return [n for value in content.values() for n in numbers(value)]
    if isinstance(content, list):
        return [n for value in content for n in numbers(value)]
    return [content] if isinstance(content, float) else []


def test_two_pictures_worked_by_hand():
    small = score_of(np.array([[1, 0]], np.uint8), np.array([[1, 1]], np.uint8), 2)  # Dice 2/3
    large = score_of(np.ones((1, 6), np.uint8), np.array([[1, 1, 1, 0, 0, 0]], np.uint8), 2)  # Dice 6/9
    evaluation = evaluate([small, large])
    assert evaluation.per_image["precision"].value == (0.5 + 1) / 2
    assert evaluation.pooled["precision"].value == 4 / 5
    assert evaluation.per_image["dice"].value == pytest.approx(2 / 3, abs=1e-15)
    assert evaluation.pooled["dice"].value == 8 / 12
    assert evaluation.pooled["accuracy"].value == 4 / 8


@pytest.mark.parametrize(("classes", "num_classes"), [(LESION, 2), (CROPS, 3)])
def test_the_document_has_the_keys_that_others_rely_on(classes, num_classes):
    content = evaluate(random_scores(4, num_classes), classes, threshold=0.47).to_json()
    assert content["images"] == 4
    for key in ("per_image", "pooled"):
        assert list(content[key]) == MEASURES
        assert all(list(score) == ["value", "low", "high"] for score in content[key].values())
        for answer in ("all_background", "majority_class"):
            assert list(content["trivial"][answer][key]) == MEASURES
        for name in classes.names:
            assert list(content["per_class"][name][key]) == MEASURES
    assert (content["runtime"], content["precision"], content["threshold"]) == ("onnxruntime", "fp32", 0.47)
    assert content["schema_version"] == 1
    assert set(content["conventions"]) == {
        "counts", "grid", "resizing", "cut", "empty", "ignored", "averaging", "interval", "undefined",
    }  # fmt: skip
    json.dumps(content, allow_nan=False)


def test_two_classes_are_scored_by_the_foreground_several_by_their_mean():
    two = evaluate(random_scores(5)).to_json()
    assert two["mean_over"] == "the foreground class 'lesion'"
    assert two["per_image"] == two["per_class"]["lesion"]["per_image"]
    assert two["pooled"] == two["per_class"]["lesion"]["pooled"]
    three = evaluate(random_scores(5, 3), CROPS).to_json()
    assert "background included" in three["mean_over"]
    mean = np.mean([three["per_class"][name]["pooled"]["iou"]["value"] for name in CROPS.names])
    assert three["pooled"]["iou"]["value"] == pytest.approx(mean, abs=1e-15)


def test_all_background_finds_nothing_and_is_right_about_the_background():
    evaluation = evaluate(random_scores(6))
    blank = evaluation.trivial["all_background"]
    assert blank.answer == "every pixel is 'background'"
    assert [blank.pooled[name].value for name in MEASURES[:4]] == [0, 0, 0, 0]
    background = next(one for one in evaluation.per_class if one.name == "background")
    lesion = next(one for one in evaluation.per_class if one.name == "lesion")
    share = background.pixels_truth / (background.pixels_truth + lesion.pixels_truth)
    assert blank.pooled["accuracy"].value == share


def test_the_majority_class_is_that_of_the_training_part_where_it_is_given():
    scores = random_scores(3, 3)
    stated = evaluate(scores, CROPS, majority=(2,)).trivial["majority_class"]
    assert (stated.classes, stated.chosen_from) == (("weed",), "the training part")
    assert stated.answer == "every pixel is 'weed'"
    looked_up = evaluate(scores, CROPS).trivial["majority_class"]
    assert looked_up.chosen_from == "the scored truth"


def test_trivial_answers_score_as_if_they_had_been_predicted():
    rng = np.random.default_rng(1)
    truths = list(rng.integers(0, 3, (5, 9, 9), dtype=np.uint8))
    scores = [score_of(truth, truth, 3) for truth in truths]
    as_predicted = [score_of(truth, np.full_like(truth, 2), 3) for truth in truths]
    trivial = evaluate(scores, CROPS, majority=(2,)).trivial["majority_class"]
    predicted = evaluate(as_predicted, CROPS)
    assert (trivial.per_image, trivial.pooled) == (predicted.per_image, predicted.pooled)


def test_overlapping_classes_have_no_background():
    rng = np.random.default_rng(2)
    truths = list((rng.random((4, 8, 8, 2)) < [0.9, 0.2]).astype(np.uint8))
    evaluation = evaluate([score_of(truth, truth, 2) for truth in truths], OVERLAPPING)
    assert evaluation.trivial["all_background"].answer == "no class anywhere"
    assert evaluation.trivial["all_background"].pooled["recall"].value == 0
    assert evaluation.trivial["majority_class"].classes == ("cell",)
    assert evaluation.per_image["dice"].value == 1


def test_the_majority_of_exclusive_classes_is_one_of_overlapping_ones_those_above_half():
    assert majority_classes([5, 9, 9], 23, CROPS) == (1,)
    assert majority_classes([12, 11], [23, 23], OVERLAPPING) == (0,)
    assert majority_classes([1, 1], [23, 23], OVERLAPPING) == ()


def test_related_pictures_widen_the_interval():
    rng = np.random.default_rng(3)
    scores = []
    for car in range(5):
        good = rng.uniform(0.3, 0.9)
        for view in range(8):
            truth = np.ones((20, 20), np.uint8)
            found = (rng.random(truth.shape) < good).astype(np.uint8)
            scores.append(score_of(truth, found, 2, f"{car}_{view}", f"car{car}"))
    apart, together = evaluate(scores), evaluate(scores, groups=True)
    assert (apart.groups, together.groups) == (None, 5)
    for key in ("per_image", "pooled"):
        narrow, wide = getattr(apart, key)["dice"], getattr(together, key)["dice"]
        assert narrow.value == wide.value
        assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    assert "over 5 groups of related pictures" in together.conventions["interval"]


def test_one_picture_has_no_interval_and_says_so():
    content = evaluate(random_scores(1)).to_json()
    for key in ("per_image", "pooled"):
        score = content[key]["dice"]
        assert (score["low"], score["high"]) == (None, None)
        assert score["reason"] == "an interval needs at least two pictures"
    assert content["conventions"]["interval"] == "none: an interval needs at least two pictures"
    assert "Only one picture: no interval can be given." in content["notes"]


def test_what_is_not_defined_is_null_with_its_reason():
    truth, nothing = np.full((3, 3), IGNORE, np.uint8), np.zeros((3, 3), np.uint8)
    evaluation = evaluate([score_of(truth, nothing, 3)], CROPS)
    content = evaluation.to_json()
    assert content["per_image"]["dice"] == {
        "value": None, "low": None, "high": None, "reason": "no picture with a pixel that counts",
    }  # fmt: skip
    assert content["pictures"][0]["dice"] is None
    assert not any(math.isnan(n) for n in numbers(content))
    assert "1 picture with no pixel that counts: in no mean over pictures." in content["notes"]


def test_a_class_that_no_truth_shows_has_no_mean_over_pictures():
    truth = np.array([[0, 1]], np.uint8)
    content = evaluate([score_of(truth, np.array([[0, 2]], np.uint8), 3)] * 2, CROPS).to_json()
    weed = content["per_class"]["weed"]
    assert (weed["images"], weed["pixels_truth"], weed["pixels_predicted"]) == (0, 0, 2)
    assert weed["per_image"]["dice"]["reason"] == "no picture's truth shows this class"
    assert weed["pooled"]["dice"]["value"] == 0


def test_the_table_of_pictures_holds_scores_and_sizes():
    scores = random_scores(3, group=lambda i: f"g{i}")
    content = evaluate(scores).to_json()
    row = content["pictures"][1]
    assert list(row) == ["id", "group", *MEASURES, "size_truth", "size_prediction"]
    assert (row["id"], row["group"], row["size_truth"]) == ("p1", "g1", [12, 15])
    mean = math.fsum(one["iou"] for one in content["pictures"]) / 3
    assert content["per_image"]["iou"]["value"] == pytest.approx(mean, abs=1e-15)


def test_sizes_are_recorded_with_the_number_of_pairs_that_differ():
    counts = random_scores(1)[0].counts
    scores = [
        PictureScore("a", "", counts, (767, 1022), (256, 256)),
        PictureScore("b", "", counts, (256, 256), (256, 256)),
    ]
    assert evaluate(scores).to_json()["sizes"] == {
        "truth": {"smallest": [256, 256], "largest": [767, 1022]},
        "prediction": {"smallest": [256, 256], "largest": [256, 256]},
        "differing": 1,
    }


def test_the_worst_pictures_come_first():
    scores = random_scores(9)
    evaluation = evaluate(scores)
    ranked = evaluation.ranked()
    values = [evaluation.pictures[i].scores["dice"] for i in ranked]
    assert values == sorted(values)
    examples = evaluation.examples(2)
    assert [label for label, _ in examples] == ["worst", "worst", "median", "median", "best", "best"]
    assert [i for _, i in examples] == [ranked[0], ranked[1], ranked[3], ranked[4], ranked[8], ranked[7]]


@pytest.mark.parametrize("number", range(1, 8))
def test_no_picture_stands_twice_among_the_examples(number):
    examples = evaluate(random_scores(number)).examples(2)
    assert len({i for _, i in examples}) == len(examples) == min(number, 6)


def test_blank_truths_are_mentioned():
    blank = np.zeros((3, 3), np.uint8)
    notes = evaluate([*random_scores(2), score_of(blank, blank, 2)]).notes
    assert "1 picture with no foreground in the truth: the rule for empty masks decides." in notes


def missed_and_found(number):
    """Every tenth picture is missed altogether; the others are found."""
    full, blank = np.ones((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    return [score_of(full, blank if i % 10 == 0 else full, 2, f"p{i}") for i in range(number)]


def test_few_pictures_with_a_long_tail_are_warned_of_and_many_are_not():
    assert any("covers about" in note for note in evaluate(missed_and_found(10)).notes)
    assert not any("covers about" in note for note in evaluate(missed_and_found(200)).notes)


def test_the_order_of_the_pictures_does_not_move_a_value():
    scores = random_scores(30)
    forth, back = evaluate(scores), evaluate(scores[::-1])
    for key in ("per_image", "pooled"):
        assert [s.value for s in getattr(forth, key).values()] == [s.value for s in getattr(back, key).values()]


def test_the_same_counts_give_the_same_document_to_the_last_digit():
    scores = random_scores(30)
    assert json.dumps(evaluate(scores).to_json()) == json.dumps(evaluate(scores).to_json())


def test_thresholds_of_folds_are_listed():
    content = evaluate(random_scores(4), threshold=(0.4, 0.5)).to_json()
    assert content["threshold"] == [0.4, 0.5]
    assert "its fold's threshold (0.4, 0.5)" in content["conventions"]["cut"]


def test_remarks_handed_in_are_kept():
    assert evaluate(random_scores(2), notes=["Masks were stretched."]).notes[0] == "Masks were stretched."


def test_no_pictures_is_an_error():
    with pytest.raises(DataError, match="no pictures to score"):
        evaluate([])


def test_rows_of_the_table_can_be_taken_by_number_and_by_slice():
    rows = evaluate(random_scores(5)).pictures
    assert [row.id for row in rows[1:3]] == ["p1", "p2"]
    assert rows[-1].id == "p4"
    assert [row.id for row in rows] == [f"p{number}" for number in range(5)]
    with pytest.raises(IndexError):
        rows[5]


def test_the_smallest_and_the_largest_grid_are_told():
    small, large = np.ones((2, 3), np.uint8), np.ones((4, 5), np.uint8)
    sizes = evaluate([score_of(large, large, 2), score_of(small, small, 2)]).to_json()["sizes"]
    assert sizes["truth"] == {"smallest": [2, 3], "largest": [4, 5]}
    assert sizes["differing"] == 0


def test_what_meters_saw_stands_in_the_table_and_in_the_document():
    class Meter:
        name = "seen"

        def columns(self):
            return {"brightness": np.array([0.25, np.nan])}

        def to_json(self, groups):
            return {"pictures": 2, "groups": groups}

    content = evaluate(random_scores(2), meters=[Meter()]).to_json()
    assert content["seen"] == {"pictures": 2, "groups": None}
    assert [row["brightness"] for row in content["pictures"]] == [0.25, None]


def test_intervals_of_named_groups_do_not_hang_on_the_names():
    forth = evaluate(random_scores(12, group=lambda i: f"g{i // 3}"), groups=True)
    back = evaluate(random_scores(12, group=lambda i: f"{9 - i // 3} & more"), groups=True)
    assert forth.groups == back.groups == 4
    assert forth.per_image["dice"].low == pytest.approx(back.per_image["dice"].low, abs=1e-12)
    assert forth.pooled["dice"].high == pytest.approx(back.pooled["dice"].high, abs=1e-12)
