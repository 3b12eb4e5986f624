"""How classes are written into the masks: guessed from a sample of them, or built from what is stated.

Every guess comes with a sentence that says what was seen. A mask met later that does not fit is an error where it is
decoded (`images/masks.py`), never read as something else.
"""

from collections.abc import Sequence
from dataclasses import replace

from maskwright.data.coloured import guess_colours
from maskwright.data.greys import forms_of_grey, guess_greys
from maskwright.data.guess import Guess, cannot_ignore, used_palette
from maskwright.data.looks import Look
from maskwright.data.stated import from_values, with_names
from maskwright.errors import DataError
from maskwright.recipe import DataOptions


def guess_encoding(looks: Sequence[Look], options: DataOptions) -> Guess:
    """Guess how single mask files encode classes; what `options` states is not guessed.

    looks: of a sample of the masks, at least one. Raises DataError where the masks fit no encoding, or not the
    stated one.
    """
    if all(look.only_alpha for look in looks):
        raise DataError(
            "The masks have one colour throughout and only their transparency varies.",
            where=str(looks[0].path),
            fix="save the transparency as a grey picture and use that as the mask",
        )
    coloured = options.encoding == "colour" or (
        options.encoding is None and (_coloured(looks) or _states_colours(options))
    )
    if options.values is not None:
        guess = from_values(looks, options, coloured=coloured)
        return guess if coloured else replace(guess, notes=(*guess.notes, *forms_of_grey(looks)))
    if coloured and options.ignore is not None:
        raise cannot_ignore("colour-coded masks", str(looks[0].path.parent))
    guess = guess_colours(looks) if coloured else guess_greys(looks, options)
    return with_names(guess, options)


def _coloured(looks: Sequence[Look]) -> bool:
    """Whether colours say what is what: the files are coloured, or their palettes contradict each other."""
    return any(look.colours for look in looks) or used_palette(looks) == {}


def _states_colours(options: DataOptions) -> bool:
    """Whether `values` gives colours: triples that name a number again, as no lists of grey values do."""
    triples = [value for value in (options.values or {}).values() if isinstance(value, tuple)]
    numbers = [number for triple in triples for number in triple]
    return all(len(triple) == 3 for triple in triples) and len(set(numbers)) < len(numbers)
