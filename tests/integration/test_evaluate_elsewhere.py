"""Scoring masks that another program made, as a user does, on real pictures: side by side with scikit-learn."""

import json

import numpy as np
import pytest
from PIL import Image

from maskwright.data.read import read_dataset
from maskwright.images.classes import IGNORE
from maskwright.runs.evaluate_masks import evaluate_predictions
from maskwright.runs.measuring import Measures
from support.masks_elsewhere import random_masks, write_pair
from support.program import check_document, run_program

SOME = 5
STATED = {
    "carvana": "two classes, GIF",
    "pets": "trimap with a border that counts in nothing",
    "sandstone": "four colours",
}


def spoilt(mask, rng):
    """Return a prediction: the truth shifted, with a class forgotten in a corner; nothing is ignored in it."""
    made = np.where(mask == IGNORE, 0, mask).astype(np.uint8)
    made = np.roll(made, (rng.integers(-9, 10), rng.integers(-9, 10)), axis=(0, 1))
    made[: made.shape[0] // 5, : made.shape[1] // 3] = 0
    return made


@pytest.fixture(scope="module", params=STATED)
def elsewhere(request, real_data, tmp_path_factory):
    """A real set, its truths, and predictions of them saved as class numbers under the pictures' names."""
    folder = tmp_path_factory.mktemp(request.param)
    dataset = read_dataset(real_data / request.param)
    dataset = dataset.select(range(min(SOME, len(dataset))))
    rng = np.random.default_rng(0)
    truths = [dataset.read_mask(row) for row in range(len(dataset))]
    made = [spoilt(truth, rng) for truth in truths]
    for sample, mask in zip(dataset, made, strict=True):
        Image.fromarray(mask).save(folder / f"{sample.image.stem}.png")
    return folder, dataset, truths, made


def test_a_real_set_scores_what_scikit_learn_says(elsewhere):
    from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

    folder, dataset, truths, made = elsewhere
    scores = evaluate_predictions(folder, dataset, measures=Measures(counts_only=True))
    kept = [truth != IGNORE for truth in truths]
    pairs = [(t[keep], m[keep]) for t, m, keep in zip(truths, made, kept, strict=True)]
    everything = tuple(np.concatenate(side) for side in zip(*pairs, strict=True))
    theirs = {"dice": f1_score, "iou": jaccard_score, "precision": precision_score, "recall": recall_score}
    for name, score in theirs.items():

        def of(pair, score=score):
            if dataset.classes.binary:
                return score(*pair)
            return score(*pair, labels=np.unique(pair[0]), average="macro", zero_division=0)

        assert scores.per_image[name].value == pytest.approx(np.mean([of(pair) for pair in pairs]), abs=1e-9)
        assert scores.pooled[name].value == pytest.approx(of(everything), abs=1e-9)
    assert scores.pooled["accuracy"].value == pytest.approx(accuracy_score(*everything), abs=1e-9)


def test_the_confusion_of_a_real_set_is_scikit_learns(elsewhere):
    from sklearn.metrics import confusion_matrix

    folder, dataset, truths, made = elsewhere
    table = evaluate_predictions(folder, dataset).details["confusion"]["table"]
    kept = [truth != IGNORE for truth in truths]
    expected = sum(
        confusion_matrix(t[keep], m[keep], labels=range(len(dataset.classes.names)))
        for t, m, keep in zip(truths, made, kept, strict=True)
    )
    assert table == expected.tolist()


def test_the_program_scores_two_folders_and_leaves_its_files(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(6))
    done = run_program("evaluate", "--predictions", predictions, "--truth", truth, "-o", tmp_path / "out", "--json")
    document = check_document(done.stdout, "evaluate")
    assert document["images"] == 6
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["per_image"] == document["per_image"]
    assert (tmp_path / "out" / "pictures.csv").read_text().count("\n") == 7
    text = run_program("evaluate", "--predictions", predictions, "--truth", truth, "-q").stdout
    assert "boundary IoU" in text
    assert "predictions made elsewhere" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give a RUN"),
        (("run", "--predictions", "x", "--truth", "y"), "not both"),
        (("--predictions", "x"), "--truth"),
        (("run", "--truth", "y"), "--predictions"),
        (("run", "--probabilities"), "--predictions"),
        (("run", "--encoding", "index"), "evaluate RUN DATA"),
        (("--predictions", "x", "--truth", "y", "--runtime", "openvino"), "not run"),
    ],
)
def test_what_does_not_belong_together_is_refused(arguments, said):
    done = run_program("evaluate", *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_a_folder_that_is_not_there_is_named(tmp_path):
    predictions, truth = write_pair(tmp_path, random_masks(2))
    done = run_program("evaluate", "--predictions", predictions, "--truth", tmp_path / "truht")
    assert done.returncode == 1
    assert f"did you mean {truth}" in " ".join(done.stderr.split())
