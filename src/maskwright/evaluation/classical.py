"""What classical methods score, which cost nothing: Otsu's threshold, k-means on colour, watershed from edges.

They cut a picture into regions and do not know which region is the object. That is never looked up in the scored
truth: it is learnt from some training pictures, or assumed.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.evaluation.classical_cuts import METHODS, SIDE, Floats, Region, clusters, nearest, reduced
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import Classes
from maskwright.images.sizes import resize_labels
from maskwright.metrics.counts import Counts, count
from maskwright.metrics.measures import summary

LEARN_FROM = 40  # training pictures at most
INNER = "inner"
RULES = {
    "darker": "the darker region",
    "brighter": "the brighter region",
    INNER: "the region that touches the picture's border less",
}
WHAT = {
    "otsu": "Otsu's threshold on grey (similarity)",
    "kmeans": "k-means on colour (similarity)",
    "watershed": "watershed over Sobel's edges from the surely dark and the surely bright (discontinuity)",
}
_AT = f"on the picture reduced to at most {SIDE} pixels a side"
_UNLEARNT = "no training picture: assumed"


@dataclass(frozen=True, eq=False)
class ClassicalRules:
    """Which region is the object.

    pictures: from how many training pictures that was learnt. object_is: method -> a key of `RULES`, for two classes.
    colours: (K, C) mean colour of each class in [0, 1], NaN for one that no picture shows; None for two classes.
    """

    pictures: int
    object_is: Mapping[str, str]
    colours: Floats | None = None


@dataclass(frozen=True)
class ClassicalAnswer:
    """A method in words. chosen_from: where it was looked up which region is the object."""

    answer: str
    chosen_from: str


UNLEARNT = ClassicalRules(0, dict.fromkeys(METHODS, INNER))


def choose_rules(pictures: Iterable[tuple[NDArray[Any], NDArray[Any]]], classes: Classes) -> ClassicalRules:
    """Learn from up to 40 training pictures, image (H, W, C) with its truth of any size, what the object looks like.

    Two classes: for each method the rule with the best mean Dice, of equals the first of darker, brighter, inner.
    Several exclusive classes: their mean colours. Overlapping ones have no classical answer: nothing is learnt.
    """
    if not classes.exclusive:
        return UNLEARNT
    looks = []
    for image, truth in islice(pictures, LEARN_FROM):
        small = reduced(image)
        looks.append((small, resize_labels(truth, (small.shape[0], small.shape[1]))))
    if not looks:
        return UNLEARNT
    if not classes.binary:
        return ClassicalRules(len(looks), {}, _mean_colours(looks, len(classes.names)))
    return ClassicalRules(len(looks), {method: _best_rule(method, looks) for method in METHODS})


def _best_rule(method: str, looks: Sequence[tuple[Floats, NDArray[Any]]]) -> str:
    totals = dict.fromkeys(RULES, 0.0)
    for small, truth in looks:
        bright = METHODS[method](small)
        for rule in RULES:
            dice = float(summary("dice", count(truth, object_of(bright, rule), 2), exclusive=True))
            totals[rule] += 0.0 if np.isnan(dice) else dice
    return max(totals, key=lambda rule: totals[rule])


def _mean_colours(looks: Sequence[tuple[Floats, NDArray[Any]]], size: int) -> Floats:
    """Return the mean colour of each class over all pixels of all pictures, NaN for one that is never shown."""
    sums, times = np.zeros((size, looks[0][0].shape[2])), np.zeros(size)
    for small, truth in looks:
        for k in range(size):
            here = truth == k
            times[k] += np.count_nonzero(here)
            sums[k] += small[here].sum(axis=0, dtype=np.float64)
    return np.where(times[:, None] > 0, sums / np.maximum(times, 1)[:, None], np.nan).astype(np.float32)


def object_of(bright: Region, rule: str) -> NDArray[np.uint8]:
    """Return the mask (h, w) that a rule makes of the brighter region; a picture of one region is all background."""
    if not bright.any() or bright.all():
        return np.zeros(bright.shape, np.uint8)
    border = np.concatenate([bright[0], bright[-1], bright[1:-1, 0], bright[1:-1, -1]])
    is_bright = 2 * np.count_nonzero(border) <= border.size if rule == INNER else rule == "brighter"
    return (bright if is_bright else ~bright).view(np.uint8)


class ClassicalMeter:
    """Scores the classical answers picture by picture.

    answers: method -> what it is. not_given: method -> why not. counts: method -> (N * 4 * K) numbers in a row, those
    of all pictures so far as `Counts.as_array` has them; `counts_of` gives them back.
    """

    name = "classical"

    def __init__(self, classes: Classes, rules: ClassicalRules | None = None, *, learnt_in: str = "") -> None:
        self.classes, self.rules = classes, rules or UNLEARNT
        self.answers, self.not_given = _offered(classes, self.rules, learnt_in)
        self.counts: dict[str, array[int]] = {method: array("q") for method in self.answers}

    def measure(self, seen: Seen) -> dict[str, Counts] | None:
        """Return the counts of each method on the truth's grid; None where there is no picture."""
        if seen.image is None:
            return None
        if not self.answers:
            return {}
        small, size = reduced(seen.image), (int(seen.truth.shape[0]), int(seen.truth.shape[1]))
        masks = {method: resize_labels(self.answer(method, small), size) for method in self.answers}
        return {method: count(seen.truth, mask, len(self.classes.names)) for method, mask in masks.items()}

    def answer(self, method: str, small: Floats) -> NDArray[np.uint8]:
        """Return the mask (h, w) of a reduced picture."""
        if self.classes.binary:
            return object_of(METHODS[method](small), self.rules.object_is[method])
        return _by_colour(small, self.rules.colours)

    def add(self, measured: dict[str, Counts] | None) -> None:
        """Keep the counts of a picture. One without a picture takes all answers away: they are of all, or of none."""
        if measured is None:
            self.not_given |= dict.fromkeys(self.answers, "not every mask came with its picture")
            self.answers, self.counts = {}, {}
        for method in self.answers:
            self.counts[method].frombytes((measured or {})[method].as_array().tobytes())

    def counts_of(self, method: str) -> Counts:
        """Return the counts (N, K) of all pictures so far. Only of a method in `answers`."""
        return Counts.from_array(np.array(self.counts[method], np.int64).reshape(-1, 4, len(self.classes.names)))

    def columns(self) -> Mapping[str, NDArray[np.float64]]:
        """Return nothing: the answers are shown as a whole."""
        return {}

    def to_json(self, groups: Sequence[str] | None) -> dict[str, Any]:
        """Return {answers: method -> {answer, chosen_from}, not_given: method -> why}; scores follow from counts."""
        told = {name: {"answer": one.answer, "chosen_from": one.chosen_from} for name, one in self.answers.items()}
        return {"answers": told, "not_given": dict(self.not_given)}


def _offered(
    classes: Classes, rules: ClassicalRules, learnt_in: str
) -> tuple[dict[str, ClassicalAnswer], dict[str, str]]:
    """Return the answers that there are for these classes, and why others are not given."""
    if not classes.exclusive:
        return {}, dict.fromkeys(METHODS, "regions exclude each other, these classes do not")
    learnt = f"{rules.pictures} training picture{'' if rules.pictures == 1 else 's'}"
    if learnt_in:  # folds: each picture is in some training part
        learnt = f"{rules.pictures} of {learnt_in}, which are scored too"
    if classes.binary:
        known = learnt if rules.pictures else _UNLEARNT
        said = {m: f"{WHAT[m]} {_AT}; '{classes.names[1]}' is {RULES[rules.object_is[m]]}" for m in METHODS}
        return {method: ClassicalAnswer(text, known) for method, text in said.items()}, {}
    two = "it cuts a picture in two, and there are more classes"
    missing = {method: two for method in METHODS if method != "kmeans"}
    if rules.colours is None:
        return {}, missing | {"kmeans": "without training pictures nobody knows the colours of the classes"}
    text = f"{WHAT['kmeans']} {_AT}, {len(classes.names)} clusters; each is the class of the nearest mean colour"
    return {"kmeans": ClassicalAnswer(text, learnt)}, missing


def _by_colour(small: Floats, colours: Floats | None) -> NDArray[np.uint8]:
    """Return the mask (h, w) that k-means makes with the classes' mean colours; constant pictures are background."""
    found, centres = clusters(small, 0 if colours is None else len(colours))
    if colours is None or len(centres) < 2:
        return np.zeros(small.shape[:2], np.uint8)
    known = np.flatnonzero(~np.isnan(colours).any(axis=1))
    if not known.size:
        return np.zeros(small.shape[:2], np.uint8)
    classes = known[nearest(centres, colours[known])].astype(np.uint8)
    return classes[found]
