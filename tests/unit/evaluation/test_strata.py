import json
import math

import numpy as np
import pytest
from scipy import stats

from maskwright.evaluation.facts import FACTS
from maskwright.evaluation.rank_tests import kruskal_wallis, ranks, spearman
from maskwright.evaluation.strata import LEAST, POINTS, SHOWN, score_against, split_columns
from maskwright.evaluation.strata_words import WORDINGS
from maskwright.metrics.intervals import mean_interval


def against(scores, numbers=None, words=None, groups=None):
    content = score_against(np.asarray(scores, float), numbers=numbers or {}, words=words or {}, groups=groups)
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    return content


def only(content):
    (factor,) = content["factors"]
    return factor


# --- what is there --------------------------------------------------------------------------------------------------


def test_numbers_are_cut_into_thirds_with_their_mean_scores_and_intervals():
    x = np.arange(30.0)[::-1]
    y = np.linspace(0.9, 0.3, 30) + 0.01 * np.cos(np.arange(30))

    factor = only(against(y, {"age": x}))

    assert [(one["low"], one["high"], one["pictures"]) for one in factor["bins"]] == [
        (0, 9, 10),
        (10, 19, 10),
        (20, 29, 10),
    ]
    assert factor["bins"][0]["score"] == mean_interval(y[20:]).to_json()
    assert factor["points"][0] == pytest.approx([0, y[29]], rel=1e-5)


@pytest.mark.parametrize(("pictures", "bins"), [(9, None), (10, [5, 5]), (14, [7, 7]), (15, [5, 5, 5])])
def test_few_pictures_make_few_bins(pictures, bins):
    found = against(np.linspace(0, 1, pictures), {"age": np.arange(pictures)})
    if bins is None:
        assert found["left_out"] == [{"name": "age", "why": "fewer than 10 pictures"}]
    else:
        assert [one["pictures"] for one in only(found)["bins"]] == bins


@pytest.mark.parametrize("seed", range(20))
def test_equal_numbers_stay_together_and_no_bin_is_small(seed):
    rng = np.random.default_rng(seed)
    x = np.floor(rng.exponential(2, rng.integers(10, 60)))
    bins = only(against(rng.random(x.size), {"objects": x}))["bins"]
    assert sum(one["pictures"] for one in bins) == x.size and len(bins) <= 3
    assert all(one["pictures"] >= LEAST for one in bins)
    assert all(one["high"] < other["low"] for one, other in zip(bins, bins[1:], strict=False))


def test_the_points_of_many_pictures_are_thinned_from_end_to_end():
    points = only(against(np.full(5000, 0.5), {"age": np.arange(5000)}))["points"]
    assert len(points) == POINTS and points[0] == [0, 0.5] and points[-1] == [4999, 0.5]


def test_pictures_without_a_score_or_without_the_number_are_left_out():
    scores, x = np.linspace(0, 1, 20), np.arange(20.0)
    scores[3], x[7] = np.nan, np.nan
    factor = only(against(scores, {"age": x}))
    assert factor["pictures"] == 18 == len(factor["points"])


def test_words_come_worst_first_and_rare_ones_are_pooled():
    words = ["B"] * 4 + ["A"] * 5 + ["C", "D", "D"] + [""] * 3
    scores = [0.9] * 4 + [0.5] * 5 + [0.3, 0.6, 0.6] + [0.0] * 3

    factor = only(against(scores, words={"site": words}))

    assert [(one["value"], one["pictures"], one["score"]["value"]) for one in factor["values"]] == [
        ("A", 5, 0.5), ("B", 4, 0.9),
    ]  # fmt: skip
    assert (factor["others"]["pictures"], factor["others"]["score"]["value"]) == (3, 0.5)
    assert factor["pictures"] == 12


def test_of_many_words_the_worst_are_shown_and_the_rest_is_pooled():
    words = [f"w{k:02}" for k in range(20) for _ in range(3)]
    factor = only(against(np.linspace(1, 0, 60), words={"site": words}))
    assert [one["value"] for one in factor["values"]] == [f"w{k:02}" for k in range(19, 19 - SHOWN, -1)]
    assert factor["others"]["pictures"] == 3 * (20 - SHOWN)


def test_what_says_nothing_is_left_out_with_the_reason():
    found = against(
        np.linspace(0, 1, 12),
        {"same": np.full(12, 3.0), "unknown": np.full(12, np.nan)},
        {"file": [f"p{i}" for i in range(12)], "scanner": ["A"] * 12, "empty": [""] * 12},
    )
    assert {one["name"]: one["why"] for one in found["left_out"]} == {
        "same": "the same in all pictures",
        "unknown": "fewer than 10 pictures",
        "file": "fewer than two values that 3 pictures have",
        "scanner": "the same in all pictures",
        "empty": "no picture",
    }
    assert found["factors"] == found["said"] == []


def test_what_says_the_same_as_an_earlier_factor_is_left_out():
    side = np.random.default_rng(0).uniform(1, 9, 30)
    sites = ["A", "B", "C"] * 10
    words = {"group": sites, "patient": [f"patient {site}" for site in sites]}
    found = against(np.linspace(0, 1, 30), {"object_side": side, "object_share": side**2}, words)
    assert [one["name"] for one in found["factors"]] == ["object_side", "group"]
    assert [one["why"] for one in found["left_out"]] == [
        "orders the pictures as 'object_side' does", "the same as 'group'",
    ]  # fmt: skip


def test_columns_of_a_manifest_are_numbers_where_nearly_all_of_them_parse():
    numbers, words = split_columns({
        "age": ("40", "", "3.5", "1e2"), "flag": ("0", "1", "0", "1"), "site": ("7", "8", "x", "9"),
        "group": ("1", "2", "3", "4"), "brightness": ("low", "high", "", ""), "odd": ("1", "2", "3", "nan"),
    })  # fmt: skip
    assert numbers.keys() == {"age", "odd"}
    assert np.array_equal(numbers["age"], [40, np.nan, 3.5, 100], equal_nan=True)
    assert words.keys() == {"flag", "site", "group", "brightness (manifest)"}


def test_a_column_of_numbers_written_as_text_is_held_against_the_score_as_numbers():
    ages = [str(age) for age in range(40)]
    assert only(against(np.linspace(0, 1, 40), words={"age": ages}))["kind"] == "number"


# --- what is said ---------------------------------------------------------------------------------------------------


def test_a_real_effect_of_size_is_said_with_both_ends():
    rng = np.random.default_rng(0)
    side = rng.uniform(10, 100, 99)
    scores = np.clip(0.6 + 0.003 * side + rng.normal(0, 0.03, 99), 0, 1)

    found = against(scores, {"object_side": side, "brightness": rng.random(99)}, {"site": rng.choice(list("AB"), 99)})

    low, _, high = found["factors"][0]["bins"]
    assert found["said"] == [
        f"small objects: Dice {low['score']['value']:.2f} in the third of pictures with the smallest objects "
        f"(up to {low['high']:.0f} px across), {high['score']['value']:.2f} in the third of pictures with the largest "
        f"objects (from {high['low']:.0f} px across)"
    ]
    assert [one["matters"] for one in found["factors"]] == [True, False, False]


def test_the_worse_end_is_named_first():
    x = np.linspace(0, 1, 60)
    (said,) = against(0.9 - 0.3 * x, {"brightness": x})["said"]
    assert said.startswith(
        "bright pictures: Dice 0.65 in the third of pictures with the brightest views (from mean grey"
    )


def test_a_word_that_matters_is_said_with_its_worst_and_best_value():
    rng = np.random.default_rng(0)
    words = rng.choice(["north", "south"], 60)
    scores = np.where(words == "north", 0.9, 0.7) + rng.normal(0, 0.02, 60)
    (said,) = against(scores, words={"site": words.tolist()})["said"]
    north = (words == "north").sum()
    assert said == f"'site': Dice 0.70 in the {60 - north} pictures of 'south', 0.90 in the {north} of 'north'"


def test_what_is_certain_but_negligible_is_not_said():
    x = np.arange(100.0)
    factor = only(against(0.9 + 0.00001 * x, {"age": x}))
    assert factor["p_adjusted"] < 1e-10 and not factor["matters"]


def test_of_factors_that_go_together_only_the_stronger_is_said():
    rng = np.random.default_rng(0)
    side = rng.uniform(10, 100, 90)
    found = against(side / 120, {"object_side": side, "foreground": side + rng.normal(0, 5, 90)})
    assert [one["matters"] for one in found["factors"]] == [True, True]
    assert len(found["said"]) == 1 and found["said"][0].startswith("small objects")


@pytest.mark.parametrize("grouped", [False, True])
def test_noise_is_hardly_ever_spoken_of(grouped):
    rng = np.random.default_rng(1)
    spoken = 0
    for _ in range(200):
        group = np.repeat(np.arange(20), 3) if grouped else np.arange(60)
        scores = np.clip(0.85 + rng.normal(0, 0.1, 60)[group] + rng.normal(0, 0.03, 60), 0, 1)  # groups differ
        numbers = {f"n{k}": rng.random(60)[group] if k % 2 else np.round(4 * rng.random(60)) for k in range(6)}
        words = {"site": rng.choice(list("ABC"), 60)[group].tolist(), "tag": rng.choice(list("DEFGH"), 60).tolist()}
        groups = [f"g{one}" for one in group] if grouped else None
        spoken += bool(score_against(scores, numbers=numbers, words=words, groups=groups)["said"])
    assert spoken <= 10  # about four are expected


def test_related_pictures_do_not_count_as_many():
    group = np.repeat(np.arange(12), 20)
    rng = np.random.default_rng(5)
    scores, age = rng.uniform(0.5, 1, 12)[group], rng.uniform(20, 80, 12)[group]
    groups = [f"g{one}" for one in group]

    alone, related = only(against(scores, {"age": age})), only(against(scores, {"age": age}, groups=groups))

    assert related["p"] == pytest.approx(stats.spearmanr(scores[::20], age[::20]).pvalue)
    assert alone["p"] < related["p"] / 10
    assert related["bins"][0]["score"] == mean_interval(scores[age <= related["bins"][0]["high"]],
                                                        [g for g, a in zip(groups, age, strict=True)
                                                         if a <= related["bins"][0]["high"]]).to_json()  # fmt: skip


def test_groups_themselves_are_tested_over_their_pictures():
    groups = [f"g{k // 6}" for k in range(24)]
    scores = np.repeat([0.9, 0.5, 0.9, 0.9], 6) + 0.01 * np.sin(np.arange(24))
    found = against(scores, words={"group": groups}, groups=groups)
    assert found["said"][0].startswith("'group': Dice 0.50 in the 6 pictures of 'g1'")


def test_few_groups_are_tested_for_nothing():
    groups = [f"g{k // 10}" for k in range(60)]
    factor = only(against(np.linspace(0, 1, 60), {"age": np.arange(60)}, groups=groups))
    assert factor["p"] is None and factor["p_adjusted"] is None and not factor["matters"]


# --- the tests themselves -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_tests_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    x, y = np.round(rng.normal(size=40), 1), np.round(rng.normal(size=40), 1)
    kinds = rng.integers(0, 4, 40)
    assert np.array_equal(ranks(x), stats.rankdata(x))
    assert spearman(x, y) == pytest.approx(tuple(stats.spearmanr(x, y)))
    assert kruskal_wallis(x, kinds) == pytest.approx(stats.kruskal(*(x[kinds == k] for k in range(4))).pvalue)


def test_what_is_constant_cannot_be_tested():
    assert spearman(np.ones(9), np.arange(9.0)) is None
    assert kruskal_wallis(np.ones(9), np.arange(9) % 3) is None
    assert spearman(np.arange(9.0), -np.arange(9.0)) == (-1, 0)


def test_p_values_are_adjusted_for_the_number_of_factors():
    rng = np.random.default_rng(0)
    factors = against(rng.random(30), {f"n{k}": rng.random(30) for k in range(4)})["factors"]
    least = min(factors, key=lambda one: one["p"])
    assert least["p_adjusted"] == pytest.approx(min(1, 4 * least["p"]))
    assert all(one["p_adjusted"] >= one["p"] for one in factors)


def test_every_fact_has_its_words():
    assert WORDINGS.keys() == FACTS.keys()
    assert all(math.isfinite(len(one.text(0.0314))) for one in WORDINGS.values())
