import json

import numpy as np
import pytest
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from maskwright.evaluation.classical import RULES, ClassicalMeter, ClassicalRules, choose_rules, object_of
from maskwright.evaluation.classical_cuts import METHODS, clusters, reduced
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE, Classes
from maskwright.metrics.counts import stack
from maskwright.metrics.measures import summary
from support.pictures_in_memory import CROPS, LESION, OVERLAPPING

THREE = pytest.mark.parametrize("method", list(METHODS))


def disc(size=64, radius=18, at=(32, 30)):
    rows, columns = np.ogrid[:size, :size]
    return ((rows - at[0]) ** 2 + (columns - at[1]) ** 2 < radius**2).astype(np.uint8)


def painted(mask, colours, *, noise=6.0, seed=0, dtype=np.uint8):
    """A picture (H, W, C) that shows each class in its colour, with noise."""
    image = np.asarray(colours, float)[mask] + np.random.default_rng(seed).normal(
        0, noise, (*mask.shape, len(colours[0]))
    )
    return np.clip(image, 0, np.iinfo(dtype).max).astype(dtype)


def scored(pictures, classes=LESION, rules=None):
    meter = ClassicalMeter(classes, rules)
    for image, truth in pictures:
        meter.add(meter.measure(Seen("", "", image, truth, np.zeros_like(truth), None)))
    return meter


def dice(meter, exclusive=True):
    return {name: summary("dice", meter.counts_of(name), exclusive=exclusive).tolist() for name in meter.answers}


# --- two classes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inside", "outside", "rule"), [(60, 190, "darker"), (190, 60, "brighter")])
def test_an_object_of_another_shade_is_found_by_all_three(inside, outside, rule):
    pictures = [
        (painted(disc(at=(20 + k, 40)), [[outside] * 3, [inside] * 3], seed=k), disc(at=(20 + k, 40))) for k in range(4)
    ]

    rules = choose_rules(pictures, LESION)
    found = dice(scored(pictures, rules=rules))

    assert rules.object_is == dict.fromkeys(METHODS, rule) and rules.pictures == 4
    assert found.keys() == set(METHODS)
    assert min(min(values) for values in found.values()) > 0.97


def test_what_counts_is_what_training_shows_not_what_the_scored_truth_shows():
    mask = disc()
    dark, bright = (painted(mask, [[120] * 3, [shade] * 3]) for shade in (40, 200))
    meter = scored([(bright, mask)], rules=choose_rules([(dark, mask)], LESION))
    assert max(values[0] for values in dice(meter).values()) < 0.1
    assert "'lesion' is the darker region" in meter.answers["otsu"].answer
    assert meter.answers["otsu"].chosen_from == "1 training picture"


def test_without_training_pictures_the_region_that_touches_the_border_less_is_assumed():
    mask = disc()
    meter = scored([(painted(mask, [[120] * 3, [shade] * 3]), mask) for shade in (40, 200)])
    assert min(min(values) for values in dice(meter).values()) > 0.97
    assert meter.answers["kmeans"].chosen_from == "no training picture: assumed"
    assert RULES["inner"] in meter.answers["kmeans"].answer


def test_objects_that_fill_the_border_are_learnt_too():
    mask = 1 - disc()
    rules = choose_rules([(painted(mask, [[120] * 3, [40] * 3]), mask)], LESION)
    assert set(rules.object_is.values()) == {"darker"}


def test_the_rules_turn_regions_into_masks():
    bright = np.zeros((4, 4), bool)
    bright[1:3, 1:3] = True
    for rule, region in {"brighter": bright, "darker": ~bright, "inner": bright}.items():
        assert np.array_equal(object_of(bright, rule), region)
    assert np.array_equal(object_of(~bright, "inner"), bright)


@THREE
def test_a_constant_picture_is_all_background(method):
    for image in (np.full((40, 50, 3), 77, np.uint8), np.zeros((1, 1, 1), np.uint16)):
        region = METHODS[method](reduced(image))
        assert not region.any()
        assert all(not object_of(region, rule).any() for rule in RULES)


def test_a_picture_of_one_grey_in_two_colours_is_cut_by_colour_alone():
    image = np.zeros((20, 20, 2), np.uint8)
    image[:, :8, 0] = image[:, 8:, 1] = 100
    assert not METHODS["otsu"](reduced(image)).any()
    assert METHODS["kmeans"](reduced(image)).sum() in (160, 240)


@pytest.mark.parametrize(("bands", "dtype"), [(1, np.uint8), (3, np.uint16), (4, np.uint8), (7, np.uint16)])
def test_any_bands_and_sixteen_bits_will_do(bands, dtype):
    mask, full = disc(), np.iinfo(dtype).max
    image = painted(mask, [[0.2 * full] * bands, [0.7 * full] * bands], noise=0.02 * full, dtype=dtype)
    assert min(min(values) for values in dice(scored([(image, mask)])).values()) > 0.97


def test_the_answer_is_brought_to_the_grid_of_the_truth():
    truth = disc(512, 150, (256, 240))
    image = painted(truth, [[180] * 3, [50] * 3])[::4, ::2]  # squashed
    assert min(min(values) for values in dice(scored([(image, truth)])).values()) > 0.97


def test_ignored_pixels_count_nowhere():
    truth = disc()
    image = painted(truth, [[180] * 3, [50] * 3])
    truth[:30] = IGNORE
    meter = scored([(image, truth)])
    for method in METHODS:
        assert meter.counts_of(method).pixels.tolist() == [[34 * 64] * 2]


def test_what_is_kept_are_the_counts_of_each_picture_in_turn():
    meter = ClassicalMeter(LESION)
    pictures = [
        (painted(disc(at=(20 + k, 40)), [[190] * 3, [60] * 3], seed=k), disc(at=(20 + k, 40))) for k in range(3)
    ]
    each = [meter.measure(Seen("", "", image, truth, np.zeros_like(truth), None)) for image, truth in pictures]
    assert all(meter.counts_of(method).tp.shape == (0, 2) for method in METHODS)
    for measured in each:
        meter.add(measured)
    for method in METHODS:
        assert meter.counts_of(method) == stack([measured[method] for measured in each])
        assert len(meter.counts[method]) == 3 * 4 * 2


def test_pictures_are_reduced_to_256_pixels_a_side_and_small_ones_stay():
    rng = np.random.default_rng(0)
    assert reduced(rng.integers(0, 256, (1280, 1918, 3), dtype=np.uint8)).shape == (171, 256, 3)
    assert reduced(rng.integers(0, 256, (3, 2000, 1), dtype=np.uint8)).shape == (1, 256, 1)
    small = rng.integers(0, 65536, (200, 256, 2), dtype=np.uint16)
    assert np.allclose(reduced(small), small / 65535)


def test_a_mask_that_came_without_its_picture_takes_all_answers_away():
    mask = disc()
    image = painted(mask, [[180] * 3, [50] * 3])
    meter = scored([(image, mask), (None, mask), (image, mask)])
    assert meter.counts == meter.answers == {}
    assert set(meter.not_given.values()) == {"not every mask came with its picture"}


# --- the cuts -------------------------------------------------------------------------------------------------------


def test_otsu_is_that_of_scikit_image():
    grey = np.random.default_rng(0).beta(2, 5, (60, 70, 1)).astype(np.float32)
    assert np.array_equal(METHODS["otsu"](grey), grey[..., 0] > threshold_otsu(grey[..., 0]))


def test_the_watershed_meets_where_the_edge_is_steepest():
    ramp = np.concatenate([np.zeros(20), np.linspace(0, 0.3, 10), np.linspace(0.6, 1, 10), np.ones(20)])
    grey = np.tile(ramp, (30, 1))[..., None].astype(np.float32)
    found = METHODS["watershed"](grey)
    assert (found == found[0]).all()
    assert abs(int(found[0].argmax()) - 30) <= 1


def test_the_watershed_is_that_of_scikit_image_with_markers_from_the_extremes():
    grey = np.random.default_rng(0).random((40, 40, 1)).astype(np.float32)
    found = METHODS["watershed"](grey)
    bright = grey[..., 0] > threshold_otsu(grey[..., 0])
    assert found[grey[..., 0] >= grey[..., 0][bright].mean()].all()
    assert not found[grey[..., 0] <= grey[..., 0][~bright].mean()].any()
    assert watershed(np.zeros((2, 2)), np.array([[1, 0], [0, 2]])).min() == 1  # every pixel is in a basin


@pytest.mark.parametrize("number", [2, 3, 5])
def test_clusters_cost_no_more_than_those_of_scikit_learn(number):
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(number)
    middles = rng.random((number, 3))
    pixels = (middles[rng.integers(0, number, 3600)] + rng.normal(0, 0.03, (3600, 3))).astype(np.float32)

    found, centres = clusters(pixels.reshape(60, 60, 3), number)

    cost = ((pixels - centres[found.reshape(-1)]) ** 2).sum()
    theirs = KMeans(number, n_init=5, random_state=0).fit(pixels).inertia_
    assert cost <= 1.05 * theirs


def test_clusters_are_the_same_each_time_and_never_more_than_there_are_colours():
    colours = np.zeros((10, 10, 3), np.float32)
    colours[:5] = 1
    found, centres = clusters(colours, 4)
    assert centres.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert np.array_equal(found, colours[..., 0])
    assert np.array_equal(found, clusters(colours, 4)[0])


# --- several classes ------------------------------------------------------------------------------------------------


def stripes():
    return np.repeat(np.arange(3, dtype=np.uint8), 20)[:, None].repeat(60, axis=1)


def test_several_classes_are_told_by_their_mean_colours():
    shades = [[200, 180, 150], [30, 120, 40], [90, 20, 160]]
    pictures = [
        (painted(np.roll(stripes(), 7 * k, axis=0), shades, seed=k), np.roll(stripes(), 7 * k, axis=0))
        for k in range(3)
    ]

    rules = choose_rules(pictures[:1], CROPS)
    meter = scored(pictures, CROPS, rules)

    assert np.allclose(rules.colours * 255, shades, atol=2)
    assert list(meter.counts) == ["kmeans"] and min(dice(meter)["kmeans"]) > 0.98
    assert meter.not_given.keys() == {"otsu", "watershed"}
    assert meter.answers["kmeans"].chosen_from == "1 training picture"


def test_a_class_that_training_never_shows_is_never_given():
    mask = np.minimum(stripes(), 1)
    rules = choose_rules([(painted(mask, [[200, 0], [0, 200]]), mask)], CROPS)
    assert np.isnan(rules.colours[2]).all()
    meter = scored([(painted(stripes(), [[200, 0], [0, 200], [100, 100]]), stripes())], CROPS, rules)
    assert meter.counts_of("kmeans").predicted[0, 2] == 0


def test_a_constant_picture_of_several_classes_is_background():
    rules = ClassicalRules(1, {}, np.array([[0.0], [0.5], [1.0]], np.float32))
    meter = scored([(np.full((60, 60, 1), 255, np.uint8), stripes())], CROPS, rules)
    assert meter.counts_of("kmeans").predicted.tolist() == [[3600, 0, 0]]


def test_what_is_not_given_says_why():
    image, mask = np.zeros((60, 60, 3), np.uint8), stripes()
    nothing = scored([(image, mask)], CROPS)
    assert nothing.counts == {}
    assert nothing.not_given["kmeans"] == "without training pictures nobody knows the colours of the classes"
    overlapping = scored([(image, np.zeros((60, 60, 2), np.uint8))], OVERLAPPING, choose_rules([], OVERLAPPING))
    assert overlapping.counts == {} and overlapping.not_given.keys() == set(METHODS)


def test_the_summary_is_answers_in_words():
    for meter in (ClassicalMeter(LESION), ClassicalMeter(CROPS)):
        told = meter.to_json(None)
        assert json.loads(json.dumps(told)) == told
        assert {*told["answers"], *told["not_given"]} == set(METHODS)
    assert ClassicalMeter(LESION).to_json(None)["answers"]["otsu"] == {
        "answer": "Otsu's threshold on grey (similarity) on the picture reduced to at most 256 pixels a side; "
        "'lesion' is the region that touches the picture's border less",
        "chosen_from": "no training picture: assumed",
    }
    assert ClassicalMeter(LESION).columns() == {}


def test_no_more_than_forty_training_pictures_are_looked_at():
    taken = []

    def pictures():
        for k in range(100):
            taken.append(k)
            yield painted(disc(), [[180] * 3, [50] * 3], seed=k), disc()

    assert choose_rules(pictures(), Classes(("background", "x"))).pictures == len(taken) == 40


def test_real_lesions_are_found_in_part(real_data):
    from maskwright.data.read import read_dataset

    dataset = read_dataset(real_data / "isic" / "test")
    pictures = [(dataset.read_image(row), dataset.read_mask(row)) for row in range(12)]
    rules = choose_rules(pictures[:6], dataset.classes)
    assert rules.object_is == dict.fromkeys(METHODS, "darker")  # lesions are darker than skin
    assert all(np.mean(values) > 0.3 for values in dice(scored(pictures[6:], dataset.classes, rules)).values())
