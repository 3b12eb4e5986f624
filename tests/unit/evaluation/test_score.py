import threading
import time
import weakref

import numpy as np
import pytest

from maskwright.errors import DataError, ShapeError
from maskwright.evaluation.grid import cut, cut_in_words
from maskwright.evaluation.score import load_pictures, score_pictures
from maskwright.metrics.counts import Counts, count
from support.pictures_in_memory import CROPS, LESION, OVERLAPPING, Pictures, one_hot, random_truths


def perfect(image):
    return image[..., 0][None].astype(np.float32)


def test_a_perfect_model_misses_nothing():
    dataset = Pictures(LESION, random_truths(5))
    for score in score_pictures(dataset, range(5), perfect, threshold=0.5):
        assert score.counts.fp.tolist() == score.counts.fn.tolist() == [0, 0]


def test_only_the_named_pictures_are_read_and_scored_in_that_order():
    dataset = Pictures(LESION, random_truths(9))
    scores = score_pictures(dataset, np.array([7, 2, 4]), perfect, threshold=0.5)
    assert [(score.id, score.group) for score in scores] == [("p7", "g2"), ("p2", "g0"), ("p4", "g1")]
    assert sorted(dataset.reads) == [2, 4, 7]


def test_scores_are_taken_on_the_grid_of_the_mask():
    image = np.zeros((4, 4, 1), np.uint8)
    truth = np.zeros((30, 50), np.uint8)
    truth[:, 25:] = 1
    probabilities = np.repeat([[0.0, 0.0, 1.0, 1.0]], 4, axis=0)[None].astype(np.float32)
    (score,) = score_pictures(Pictures(LESION, [truth], [image]), [0], lambda _: probabilities, threshold=0.5)
    assert score.size_truth == (30, 50)
    assert score.size_prediction == (4, 4)
    assert score.counts == Counts([750, 750], [0, 0], [0, 0], [1500, 1500])  # cut in between, not in blocks of 12


def test_resizing_then_cutting_equals_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    probabilities = rng.random((1, 16, 16), dtype=np.float32)
    truth = rng.integers(0, 2, (41, 67), dtype=np.uint8)
    dataset = Pictures(LESION, [truth], [np.zeros((16, 16, 3), np.uint8)])
    (score,) = score_pictures(dataset, [0], lambda _: probabilities, threshold=0.4)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(probabilities)[None], (41, 67), mode="bilinear")
    assert score.counts == count(truth, (theirs[0, 0].numpy() > 0.4).astype(np.uint8), 2)


def test_the_cut_is_above_the_threshold_not_at_it():
    probabilities = np.array([[[0.25, 0.5, 0.75]]], np.float32)
    assert cut(probabilities, LESION, 0.5).tolist() == [[0, 0, 1]]
    assert cut(probabilities, LESION, None).tolist() == [[0, 0, 1]]
    assert cut(probabilities, LESION, 0.2).tolist() == [[1, 1, 1]]


def test_several_classes_take_the_most_probable_the_first_of_equals():
    probabilities = np.random.default_rng(1).random((3, 20, 30), dtype=np.float32)
    probabilities[:, 0] = 1 / 3
    assert np.array_equal(cut(probabilities, CROPS, None), probabilities.argmax(axis=0))


def test_overlapping_classes_are_cut_each_by_itself():
    truths = random_truths(2, shape=(8, 9, 2))
    dataset = Pictures(OVERLAPPING, truths, truths)
    scores = score_pictures(dataset, range(2), lambda image: np.moveaxis(image, -1, 0).astype(float), threshold=0.3)
    assert [score.counts for score in scores] == [count(truth, truth, 2) for truth in truths]


def test_ignored_pixels_are_in_no_count():
    truths = random_truths(1, 3, ignored=0.3)
    dataset = Pictures(CROPS, truths)
    (score,) = score_pictures(dataset, [0], lambda image: one_hot(image[..., 0], 3), threshold=None)
    assert score.counts.pixels.tolist() == [(truths[0] != 255).sum()] * 3
    assert score.counts.fp.sum() == score.counts.fn.sum() == 0


def test_progress_is_reported_for_each_picture():
    steps = []
    score_pictures(Pictures(LESION, random_truths(3)), range(3), perfect, threshold=0.5, progress=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("score", n, 3) for n in (1, 2, 3)]


def test_pictures_can_be_read_otherwise():
    truths = random_truths(2)
    dataset = Pictures(LESION, truths)
    read = [np.stack([truth] * 3, axis=-1)[::2, ::2] for truth in truths]
    scores = score_pictures(dataset, range(2), perfect, threshold=0.5, read_image=read.__getitem__)
    assert [score.size_prediction for score in scores] == [(12, 16)] * 2
    assert dataset.reads == []


def test_only_a_few_pictures_are_read_ahead_and_in_order():
    dataset = Pictures(LESION, random_truths(40))
    for taken, loaded in enumerate(load_pictures(dataset, range(40))):
        assert loaded.id == f"p{taken}"
        assert len(dataset.reads) <= taken + 4


def test_of_the_pictures_that_wait_to_be_measured_few_keep_their_probabilities():
    dataset = Pictures(CROPS, random_truths(12, 3))
    alive, most = weakref.WeakValueDictionary(), []

    class Slow:
        name = "slow"

        def measure(self, seen):
            time.sleep(0.02)

        def add(self, measured):
            pass

    def predict(image):
        probabilities = np.full((3, *image.shape[:2]), 1 / 3, np.float32)
        alive[len(most)] = probabilities
        most.append(len(alive))
        return probabilities

    score_pictures(dataset, range(12), predict, threshold=None, meters=[Slow()])
    assert max(most) <= 3


def test_an_error_of_reading_comes_out_at_its_place_and_ends_it():
    dataset = Pictures(LESION, random_truths(40))
    threads = threading.active_count()

    def read(index):
        if index == 3:
            raise DataError("The third is broken.")
        return dataset.read_image(index)

    pictures = load_pictures(dataset, range(40), read)
    assert [next(pictures).id for _ in range(3)] == ["p0", "p1", "p2"]
    with pytest.raises(DataError, match="third"):
        next(pictures)
    assert len(dataset.reads) < 10
    assert threading.active_count() == threads


def test_too_many_channels_are_named_with_the_picture():
    with pytest.raises(ShapeError) as error:
        score_pictures(Pictures(LESION, random_truths(1)), [0], lambda i: one_hot(i[..., 0], 2), threshold=0.5)
    assert error.value.what == "Scoring wants probabilities (1, H, W) for 2 classes; got (2, 24, 32)."
    assert error.value.where == "p0"


@pytest.mark.parametrize(("wrong", "seen"), [(-3.5, "from -3.5 to"), (np.nan, "from nan to nan"), (7, "to 7")])
def test_what_is_no_probability_is_refused(wrong, seen):
    def model(image):
        return np.where(np.arange(32) == 3, np.float32(wrong), perfect(image))

    with pytest.raises(DataError, match=f"are no probabilities: they go .*{seen}"):
        score_pictures(Pictures(LESION, random_truths(1)), [0], model, threshold=0.5)


def test_a_truth_with_an_unknown_value_is_named_with_the_picture():
    truths = random_truths(2)
    truths[1][5, 6] = 9
    pictures = [np.zeros((24, 32, 1), np.uint8)] * 2
    with pytest.raises(DataError) as error:
        score_pictures(Pictures(LESION, truths, pictures), range(2), perfect, threshold=0.5)
    assert error.value.where == "p1, first at row 5, column 6"


def test_the_cut_is_said_in_words():
    assert cut_in_words(LESION, 0.47) == "'lesion' where its probability is above 0.47"
    assert cut_in_words(LESION, (0.4, 0.5)) == "'lesion' where its probability is above its fold's threshold (0.4, 0.5)"
    assert cut_in_words(CROPS, None) == "each pixel gets its most probable class"
    assert cut_in_words(OVERLAPPING, None) == "each class where its probability is above 0.5"


def test_real_masks_score_as_scikit_learn_scores_them(real_data):
    from PIL import Image
    from sklearn.metrics import f1_score, jaccard_score

    paths = sorted((real_data / "isic" / "test" / "masks").glob("*.png"))[:3]
    truths = [(np.asarray(Image.open(path)) > 127).astype(np.uint8) for path in paths]
    images = [np.asarray(Image.open(path.parents[1] / "images" / f"{path.stem[:-13]}.jpg")) for path in paths]

    def darkness(image):
        return 1 - image.mean(axis=2, dtype=np.float32)[None] / 255

    from maskwright.images.resize import resize_float
    from maskwright.metrics.measures import summary

    scores = score_pictures(Pictures(LESION, truths, images), range(3), darkness, threshold=0.45)
    for score, truth, image in zip(scores, truths, images, strict=True):
        assert score.size_truth == truth.shape != score.size_prediction
        mask = resize_float(darkness(image), truth.shape)[0] > np.float32(0.45)
        ours = [float(summary(name, score.counts, exclusive=True)) for name in ("dice", "iou")]
        theirs = [measure(truth.reshape(-1), mask.reshape(-1)) for measure in (f1_score, jaccard_score)]
        assert ours == pytest.approx(theirs, abs=1e-12)
