"""What a set's mask files mean: looked at, compared with a legend beside them and with known sets, else guessed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maskwright.data.encoding import guess_encoding
from maskwright.data.guess import Guess
from maskwright.data.legend import find_legend
from maskwright.data.looks import Look, look_at
from maskwright.data.options import merged
from maskwright.data.public.known import Known, recognise
from maskwright.data.several_files import Labels, guess_several
from maskwright.data.threads import in_threads, spread
from maskwright.errors import DataError
from maskwright.images.classes import Classes
from maskwright.images.masks import MaskEncoding
from maskwright.recipe import DataOptions

SAMPLE = 24  # masks looked at to guess the encoding
WIDE_SAMPLE = 200  # masks looked at to find all classes, where there are more than two


@dataclass(frozen=True)
class MaskFiles:
    """images, masks: relative paths; a picture may have no mask. layout, class_names, labels: as paired.

    others: further files of the folder, of which one may be a legend.
    """

    images: tuple[str, ...]
    masks: tuple[tuple[str, ...], ...]
    layout: str
    class_names: tuple[str, ...]
    labels: Labels
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Meaning:
    """guess: encoding, classes and notes. labels: per-class only. known: the public set that this is."""

    guess: Guess
    labels: Labels = ()
    known: Known | None = None


def find_meaning(root: Path, files: MaskFiles, stated: DataOptions) -> Meaning:
    """Find out how masks hold classes; what is stated is not guessed. Raises DataError where they fit no encoding."""
    masks = [mask for row in files.masks for mask in row]
    if not masks:
        names = stated.classes or ("background", "foreground")
        return Meaning(Guess(MaskEncoding("binary", ((0, 0), (255, 1))), Classes(names), None, ()))
    if files.layout != "single":
        guess, labels = guess_several(root, files.masks, files.labels, files.class_names, files.layout, stated)
        known = recognise(files.images, masks, (), stated)
        return Meaning(replace(guess, notes=(*_said(known), *guess.notes)), labels, known)
    paths = [root / mask for mask in masks]
    looks = look_at_some(spread(paths, SAMPLE))
    known = recognise(files.images, masks, looks, stated)
    options, notes = _filled_in(root, files.others, looks, stated, known)
    guess = guess_encoding(looks, options)
    if len(guess.classes.names) > 2 and len(paths) > SAMPLE and options.values is None:
        guess = guess_encoding(look_at_some(spread(paths, WIDE_SAMPLE)), options)
    if known is not None and len(known.colours) == len(guess.classes.names):
        guess = replace(guess, classes=replace(guess.classes, colours=known.colours))
    return Meaning(replace(guess, notes=(*notes, *guess.notes)), (), known)


def _filled_in(
    root: Path, others: Sequence[str], looks: Sequence[Look], stated: DataOptions, known: Known | None
) -> tuple[DataOptions, tuple[str, ...]]:
    """Return what is stated, filled in by a legend beside the masks, or by what is known of a public set."""
    notes = _said(known)
    if stated.classes is None and stated.values is None and stated.ignore is None and stated.encoding is None:
        legend = find_legend(root, others, looks)
        notes = (*notes, legend.note) if legend is not None else notes
        if legend is not None and legend.values:
            return merged(DataOptions.model_validate({"values": legend.values}), stated), notes
    return (merged(known.options, stated) if known is not None else stated), notes


def _said(known: Known | None) -> tuple[str, ...]:
    return (known.note,) if known is not None else ()


def look_at_some(paths: Sequence[Path]) -> list[Look]:
    """Look at these masks; unreadable ones are passed over here, and found by `check`."""
    results = list(in_threads(_look_or_error, paths))
    looks = [result for result in results if isinstance(result, Look)]
    if not looks:
        raise next(result for result in results if isinstance(result, DataError))
    return looks


def _look_or_error(path: Path) -> Look | DataError:
    try:
        return look_at(path)
    except DataError as error:
        return error
