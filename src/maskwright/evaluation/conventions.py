"""Every convention of a score in words, as `evaluation.json` and the report print them."""

from maskwright.evaluation.grid import GRID, RESIZING, cut_in_words
from maskwright.images.classes import Classes
from maskwright.metrics.counts import Counts
from maskwright.metrics.intervals import DRAWS, SEED
from maskwright.metrics.measures import EMPTY_RULE, mean_over

_FEW = 100  # below this many pictures or groups the intervals are known to cover less than they say


def conventions(
    classes: Classes, threshold: float | tuple[float, ...] | None, *, groups: bool, number: int
) -> dict[str, str]:
    """Return a sentence for each choice that could move a score."""
    return {
        "counts": "pixels found, invented and missed are counted as whole numbers; every measure follows from them",
        "grid": GRID,
        "resizing": RESIZING,
        "cut": cut_in_words(classes, threshold),
        "empty": EMPTY_RULE,
        "ignored": _ignored(classes),
        "averaging": _averaging(classes),
        "interval": _interval(groups, number),
        "undefined": "null, with its reason; a picture in which no pixel counts is in no mean over pictures",
    }


def remarks(each: Counts, classes: Classes, number: int, *, groups: bool) -> tuple[str, ...]:
    """Return what a reader of these scores should know about these pictures."""
    notes = []
    pixels = each.pixels.sum(axis=-1)
    foreground = each.truth[:, 1:] if classes.exclusive else each.truth
    blank = int(((foreground.sum(axis=-1) == 0) & (pixels > 0)).sum())
    if blank:
        notes.append(f"{_number(blank, 'picture')} with no foreground in the truth: the rule for empty masks decides.")
    if unscored := int((pixels == 0).sum()):
        notes.append(f"{_number(unscored, 'picture')} with no pixel that counts: in no mean over pictures.")
    if number < _FEW:
        unit = "group" if groups else "picture"
        notes.append(
            f"Intervals over {_number(number, unit)}: with fewer than {_FEW}, and skewed scores, "
            "they cover somewhat less than 95 %."
            if number > 1 else f"Only one {unit}: no interval can be given."
        )  # fmt: skip
    return tuple(notes)


def _averaging(classes: Classes) -> str:
    over = mean_over(classes.names, exclusive=classes.exclusive)
    per_class = (
        "per_class: every picture" if classes.binary else "per_class: per_image over the pictures whose truth shows it"
    )
    return (
        f"per_image: each picture has its own score, each counts the same, their mean is taken; pooled: the pixels of "
        f"all pictures are counted together; both over {over}; {per_class}"
    )


def _ignored(classes: Classes) -> str:
    name = f" ('{classes.ignored}')" if classes.ignored else ""
    return f"pixels that the truth ignores{name} are in no count, whatever was predicted there"


def _interval(groups: bool, number: int) -> str:
    if number < 2:
        return f"none: an interval needs at least two {'groups' if groups else 'pictures'}"
    unit = "groups of related pictures" if groups else "pictures"
    mean = (
        f"cluster-robust t interval of the mean over pictures ({number} groups, {number - 1} degrees of freedom)"
        if groups
        else f"t interval of the mean over {number} pictures"
    )
    return (
        f"95 %; per_image: {mean}; pooled: expanded percentile bootstrap, {DRAWS} draws of {unit}, seed {SEED}; "
        "bounds are clipped to [0, 1]"
    )


def _number(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
