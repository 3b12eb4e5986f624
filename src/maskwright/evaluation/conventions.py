"""Every convention of a score in words, as `evaluation.json` and the report print them."""

from collections.abc import Mapping

from maskwright.evaluation.grid import GRID, RESIZING, RESIZING_OF_MASKS, cut_in_words
from maskwright.images.classes import Classes
from maskwright.metrics.counts import Counts
from maskwright.metrics.coverage import coverage_warning
from maskwright.metrics.measures import EMPTY_RULE, mean_over


def conventions(
    classes: Classes, threshold: float | tuple[float, ...] | None, *, groups: bool, number: int, masks: bool = False
) -> dict[str, str]:
    """Return a sentence for each choice that could move a score. masks: the predictions were masks."""
    return {
        "counts": "pixels found, invented and missed are counted as whole numbers; every measure follows from them",
        "grid": GRID,
        "resizing": RESIZING_OF_MASKS if masks else RESIZING,
        "cut": "masks as they were given" if masks else cut_in_words(classes, threshold),
        "empty": EMPTY_RULE,
        "ignored": _ignored(classes),
        "averaging": _averaging(classes),
        "interval": _interval(groups, number),
        "undefined": "null, with its reason; a picture in which no pixel counts is in no mean over pictures",
    }


def remarks(
    each: Counts, classes: Classes, number: int, covered: Mapping[str, float | None], *, groups: bool
) -> tuple[str, ...]:
    """Return what a reader of these scores should know about these pictures.

    number: of pictures or groups that intervals are over. covered: how often the interval of a mean or pooled score
    holds the truth; None where that is 0.95 as it says.
    """
    notes = []
    pixels = each.pixels.sum(axis=-1)
    foreground = each.truth[:, 1:] if classes.exclusive else each.truth
    blank = int(((foreground.sum(axis=-1) == 0) & (pixels > 0)).sum())
    if blank:
        notes.append(f"{_number(blank, 'picture')} with no foreground in the truth: the rule for empty masks decides.")
    if unscored := int((pixels == 0).sum()):
        notes.append(f"{_number(unscored, 'picture')} with no pixel that counts: in no mean over pictures.")
    unit = "group" if groups else "picture"
    if number < 2:
        notes.append(f"Only one {unit}: no interval can be given.")
    notes += [
        f"{name}: {coverage_warning(number, unit, share)}." for name, share in covered.items() if share is not None
    ]
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
    return (
        f"95 %, over {number} {unit}: t over the jackknife's standard error, moved outwards on the side of the long "
        "tail (an Edgeworth correction for skewness); where all scores are equal, by the rule of three; bounds are "
        "clipped to [0, 1]"
    )


def _number(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
