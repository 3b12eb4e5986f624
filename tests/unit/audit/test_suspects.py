"""Which masks are suspect, given what is typical of a model and a set."""

import json

import numpy as np
import pytest

from maskwright.audit.disagreement import Disagreement, Dispute
from maskwright.audit.suspects import REPORTED, Opinion, rank, suspect_findings
from maskwright.images.classes import Classes

CLASSES = Classes(("background", "cat", "dog"))


def dispute(
    radius: float, kind: str = "missing", confidence: float = 0.95, labelled: int = 0, seen: int = 1
) -> Dispute:
    return Dispute(kind, (10, 20, 30, 40), confidence, radius, 3 * radius**2, 1.0, labelled, seen)


def opinion(name: str, *disputes: Dispute, model: str = "folds") -> Opinion:
    return Opinion(name, f"masks/{name}.png", model, Disagreement(disputes, 0.8))


def a_set(typical: float, kind: str = "missing", count: int = 40, model: str = "folds") -> list[Opinion]:
    """Return opinions of a model whose largest dispute in a picture is about `typical`."""
    rng = np.random.default_rng(0)
    radii = typical * rng.uniform(0.5, 1.5, count)
    return [opinion(f"{model}-{n}", dispute(float(radius), kind), model=model) for n, radius in enumerate(radii)]


def test_what_no_other_picture_has_is_suspect() -> None:
    (found,) = suspect_findings([*a_set(0.01), opinion("odd", dispute(0.12))], CLASSES)
    assert (found.kind, found.level, found.sample, found.where) == ("suspect-label", "warning", "odd", "masks/odd.png")
    assert found.evidence["score"] > 0.7 and found.evidence["model"] == "folds"
    assert found.evidence["objects"][0]["box"] == [10, 20, 30, 40]
    assert found.evidence["objects"][0]["kind"] == "missing"
    assert "an object that the model sees is not in the mask" in found.what
    assert json.loads(json.dumps(found.to_json())) == found.to_json()


def test_a_poor_model_accuses_nobody_of_what_it_always_says() -> None:
    assert suspect_findings([*a_set(0.12), opinion("odd", dispute(0.12))], CLASSES) == ()


def test_a_model_that_often_misses_objects_is_still_believed_when_it_sees_one() -> None:
    opinions = [*a_set(0.12, kind="extra"), opinion("odd", dispute(0.12, "missing"))]
    assert [found.sample for found in suspect_findings(opinions, CLASSES)] == ["odd"]


def test_each_model_is_compared_with_its_own_disputes() -> None:
    opinions = [*a_set(0.01, model="good"), *a_set(0.12, model="poor"), opinion("odd", dispute(0.12), model="good")]
    assert [found.sample for found in suspect_findings(opinions, CLASSES)] == ["odd"]


def test_a_dispute_of_a_pixel_is_not_suspect_even_where_all_other_masks_are_agreed_on() -> None:
    agreed = [opinion(str(n)) for n in range(40)]
    assert suspect_findings([*agreed, opinion("odd", dispute(0.01))], CLASSES) == ()


def test_a_wrong_class_is_told_by_its_names() -> None:
    odd = opinion("odd", dispute(0.1, "wrong-class", labelled=1, seen=2))
    (found,) = suspect_findings([*a_set(0.01), odd], CLASSES)
    assert "the mask says cat, the model dog" in found.what
    assert (found.evidence["objects"][0]["mask"], found.evidence["objects"][0]["model"]) == ("cat", "dog")


def test_the_most_suspect_comes_first_and_every_mask_has_a_score() -> None:
    ranked = rank([*a_set(0.01), opinion("odd", dispute(0.12)), opinion("odder", dispute(0.2)), opinion("agreed")])
    assert [one.opinion.sample for one in ranked[:2]] == ["odder", "odd"]
    assert len(ranked) == 43 and all(0 <= one.score <= 1 for one in ranked)
    assert ranked[1].score >= REPORTED > ranked[2].score


def test_no_opinions_give_no_findings() -> None:
    assert suspect_findings([], CLASSES) == ()


@pytest.mark.parametrize("confidence", [0.35, 0.95])
def test_the_surer_the_model_the_more_suspect_the_mask(confidence: float) -> None:
    (*_, low) = sorted(one.score for one in rank([*a_set(0.01), opinion("odd", dispute(0.05, confidence=confidence))]))
    assert (low >= REPORTED) == (confidence > 0.9)
