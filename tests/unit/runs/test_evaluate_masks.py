import csv
import json

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import ConfigError, DataError
from maskwright.recipe import DataOptions
from maskwright.runs.evaluate_masks import evaluate_predictions
from maskwright.runs.measuring import Measures
from support.masks_elsewhere import random_masks, write_masks, write_pair

COUNTS = Measures(counts_only=True)


def test_masks_elsewhere_score_what_scikit_learn_says(tmp_path):
    from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

    pairs = random_masks(6)
    scores = evaluate_predictions(*write_pair(tmp_path, pairs), measures=COUNTS)
    theirs = {
        "dice": f1_score, "iou": jaccard_score, "precision": precision_score, "recall": recall_score,
        "accuracy": accuracy_score,
    }  # fmt: skip
    for name, score in theirs.items():
        each = [score(truth.ravel(), made.ravel()) for truth, made in pairs]
        assert scores.per_image[name].value == pytest.approx(np.mean(each), abs=1e-9)
        pooled = score(*(np.concatenate([pair[at].ravel() for pair in pairs]) for at in (0, 1)))
        assert scores.pooled[name].value == pytest.approx(pooled, abs=1e-9)


def test_several_classes_are_scored_class_by_class(tmp_path):
    from sklearn.metrics import f1_score

    pairs = random_masks(6, 4)
    scores = evaluate_predictions(*write_pair(tmp_path, pairs), measures=COUNTS)
    truth, made = (np.concatenate([pair[at].ravel() for pair in pairs]) for at in (0, 1))
    for k, value in enumerate(f1_score(truth, made, average=None)):
        assert scores.per_class[k].pooled["dice"].value == pytest.approx(value, abs=1e-9)


def test_perfect_masks_score_one_in_everything(tmp_path):
    pairs = [(truth, truth) for truth, _ in random_masks(5)]
    scores = evaluate_predictions(*write_pair(tmp_path, pairs))
    assert {score.value for score in scores.per_image.values()} == {1.0}
    boundary = scores.details["boundary"]["per_image"]
    assert boundary["boundary_iou"]["value"] == boundary["boundary_f1"]["value"] == 1
    assert boundary["hd95"]["value"] == boundary["assd"]["value"] == 0


def test_a_missing_prediction_is_an_error_that_names_it(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(4))
    (predictions / "ac.png").unlink()
    with pytest.raises(DataError, match="1 of 4 pictures have no prediction: ac"):
        evaluate_predictions(predictions, truth)


def test_masks_of_another_size_are_resized_and_it_is_said(tmp_path):
    pairs = random_masks(4)
    write_masks(tmp_path / "truth", [truth for truth, _ in pairs], factor=255)
    write_masks(tmp_path / "made", [made[::5, ::5] for _, made in pairs])
    whole = evaluate_predictions(*write_pair(tmp_path / "whole", pairs), measures=COUNTS)
    scores = evaluate_predictions(tmp_path / "made", tmp_path / "truth", measures=COUNTS)
    assert scores.per_image == whole.per_image
    assert any("another size" in note for note in scores.notes)
    assert scores.pictures[0].size_prediction == (8, 10)


def test_a_few_masks_of_another_aspect_are_an_error(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(6))
    write_masks(predictions, [np.zeros((40, 80), np.uint8)], names=["ab"])
    with pytest.raises(DataError, match="1 of 6 predictions have another aspect") as error:
        evaluate_predictions(predictions, truth)
    assert error.value.where == "ab"


def test_a_whole_set_of_another_aspect_was_stretched_and_it_is_said(tmp_path):
    pairs = random_masks(4)
    write_masks(tmp_path / "truth", [truth for truth, _ in pairs], factor=255)
    write_masks(tmp_path / "made", [made[:, ::5] for _, made in pairs])
    scores = evaluate_predictions(tmp_path / "made", tmp_path / "truth", measures=COUNTS)
    assert any("stretched" in note for note in scores.notes)


def test_maps_of_probabilities_are_cut_where_it_is_said(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(3))
    write_masks(predictions, [np.where(made > 0, 150, 60).astype(np.uint8) for _, made in random_masks(3)])
    at = lambda cut: evaluate_predictions(predictions, truth, probabilities=True, threshold=cut)  # noqa: E731
    assert at(0.7).per_image["recall"].value == 0
    assert at(0.1).per_image["recall"].value == 1
    assert at(None).threshold == 0.5
    assert at(None).details["calibration"]["ece"] > 0


def test_a_threshold_without_probabilities_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="not cut"):
        evaluate_predictions(*write_pair(tmp_path, random_masks(2)), threshold=0.4)


def test_saliency_without_probabilities_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="need maps"):
        evaluate_predictions(*write_pair(tmp_path, random_masks(2)), measures=Measures(saliency=True))


def test_distances_come_in_the_units_of_the_pixel_size(tmp_path):
    truth = np.zeros((40, 50), np.uint8)
    truth[10:20, 10:20] = 1
    predictions, folder = write_pair(tmp_path, [(truth, np.roll(truth, 3, axis=1))] * 3)
    scores = evaluate_predictions(predictions, folder, measures=Measures(pixel_size="0.5 um"))
    assert scores.details["boundary"]["unit"] == "um"
    assert scores.details["boundary"]["per_image"]["hd95"]["value"] == 3
    assert scores.details["boundary"]["per_image"]["hd95_physical"]["value"] == 1.5


@pytest.mark.parametrize("text", ["0.5", "um", "-1 um", "0 um", "1 um 2", "1e400 um"])
def test_a_pixel_size_that_is_no_length_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match="no length"):
        evaluate_predictions(*write_pair(tmp_path, random_masks(2)), measures=Measures(pixel_size=text))


def test_another_persons_masks_are_compared_with_the_truth(tmp_path):
    pairs = random_masks(4)
    predictions, truth = write_pair(tmp_path, pairs)
    write_masks(tmp_path / "second", [truth for truth, _ in pairs[:3]], names=["aa", "ab", "ac"], factor=255)
    scores = evaluate_predictions(predictions, truth, measures=Measures(annotators=(tmp_path / "second",)))
    agreement = scores.details["agreement"]
    assert agreement["people"]["dice"]["value"] == 1
    assert agreement["pictures"] == 3


def test_groups_are_followed_where_they_are_stated(tmp_path):

    pairs = random_masks(12)
    names = [f"p{number // 3}_{number % 3}" for number in range(12)]
    predictions, truth = write_pair(tmp_path, pairs, names=names)
    scores = evaluate_predictions(predictions, truth, options=DataOptions(group=r"^(p\d+)_"), measures=COUNTS)
    assert scores.groups == 4


def test_what_is_written_is_what_was_scored(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(8))
    scores = evaluate_predictions(predictions, truth, output=tmp_path / "out")
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert content == scores.to_json()
    assert content["data"]["folder"] == "truth"
    with open(tmp_path / "out" / "pictures.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [row.id for row in scores.pictures]
    assert [float(row["dice"]) for row in rows] == [row.scores["dice"] for row in scores.pictures]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "data:image" in page


def test_names_that_a_spreadsheet_would_compute_are_made_safe(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(2), names=["=1+1", "b"])
    evaluate_predictions(predictions, truth, output=tmp_path / "out")
    assert not any(line.startswith("=") for line in (tmp_path / "out" / "pictures.csv").read_text().splitlines())


def test_a_runs_folder_is_not_written_into(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.yaml").write_text("name: x")
    with pytest.raises(ConfigError, match="is a run"):
        evaluate_predictions(*write_pair(tmp_path, random_masks(2)), output=tmp_path / "run")


def test_the_order_of_names_changes_no_score(tmp_path):
    pairs = random_masks(5)
    forth = evaluate_predictions(*write_pair(tmp_path / "a", pairs), measures=COUNTS)
    back = evaluate_predictions(*write_pair(tmp_path / "b", pairs[::-1]), measures=COUNTS)
    assert forth.per_image["dice"].value == back.per_image["dice"].value
    assert forth.pooled["iou"].value == back.pooled["iou"].value


def test_a_truth_with_pictures_brings_the_classical_answers(tmp_path):
    pairs = random_masks(3)
    write_masks(tmp_path / "set" / "masks", [truth for truth, _ in pairs], factor=255)
    write_masks(tmp_path / "set" / "images", [np.stack([truth * 200] * 3, axis=2) for truth, _ in pairs])
    write_masks(tmp_path / "made", [made for _, made in pairs])
    scores = evaluate_predictions(tmp_path / "made", tmp_path / "set")
    assert {"otsu", "kmeans", "watershed"} <= set(scores.trivial)


def test_a_picture_that_cannot_be_read_names_its_file(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(3))
    Image.new("L", (3, 3)).save(truth / "ab.png")
    (truth / "ab.png").write_bytes((truth / "ab.png").read_bytes()[:30])
    with pytest.raises(DataError) as error:
        evaluate_predictions(predictions, truth)
    assert "ab.png" in error.value.where


def test_rows_and_columns_exchanged_are_an_error(tmp_path):
    pairs = random_masks(4)
    write_masks(tmp_path / "truth", [truth for truth, _ in pairs], factor=255)
    write_masks(tmp_path / "made", [made.T.copy() for _, made in pairs])
    with pytest.raises(DataError, match="exchanged"):
        evaluate_predictions(tmp_path / "made", tmp_path / "truth")


def test_the_rules_say_that_masks_were_taken_as_they_are(tmp_path):
    rules = evaluate_predictions(*write_pair(tmp_path, random_masks(2)), measures=COUNTS).conventions
    assert rules["cut"] == "masks as they were given"
    assert "nearest" in rules["resizing"]


def test_masks_without_pictures_carry_no_fingerprint_of_data(tmp_path):
    assert "fingerprint" not in evaluate_predictions(*write_pair(tmp_path, random_masks(2)), measures=COUNTS).data


def test_pictures_in_which_nothing_counts_are_in_no_number_of_an_interval(tmp_path):
    pairs = random_masks(8)
    for truth, _ in pairs[:5]:
        truth[:] = 255
    write_masks(tmp_path / "truth", [truth for truth, _ in pairs])
    write_masks(tmp_path / "made", [made for _, made in pairs])
    options = DataOptions(ignore=255)
    scores = evaluate_predictions(tmp_path / "made", tmp_path / "truth", options=options, measures=COUNTS)
    assert "over 3 pictures" in scores.conventions["interval"]


def test_a_very_long_and_narrow_picture_is_measured_too(tmp_path):
    truth = np.zeros((8, 5000), np.uint8)
    truth[:, 1000:3000] = 1
    write_masks(tmp_path / "set" / "masks", [truth] * 2, factor=255)
    write_masks(tmp_path / "set" / "images", [np.stack([truth * 200] * 3, axis=2)] * 2)
    write_masks(tmp_path / "made", [truth] * 2)
    scores = evaluate_predictions(tmp_path / "made", tmp_path / "set")
    assert scores.per_image["dice"].value == 1
    assert scores.pictures.columns["brightness"][0] > 0


def test_a_value_that_was_guessed_to_count_in_nothing_is_told(tmp_path):
    pairs = random_masks(6)
    for truth, _ in pairs:
        truth[:3] = 255
    write_masks(tmp_path / "truth", [truth for truth, _ in pairs])
    write_masks(tmp_path / "made", [made for _, made in pairs])
    scores = evaluate_predictions(tmp_path / "made", tmp_path / "truth", measures=COUNTS)
    assert any("value 255 was guessed to count in nothing" in note for note in scores.notes)
