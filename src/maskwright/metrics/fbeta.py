"""F-beta, which weighs precision against recall, from the same counts and with the same empty rule as Dice.

F-beta is the Dice of weighted counts: misses and false alarms count unequally. So every rule of Dice holds for it.
"""

from fractions import Fraction

from maskwright.metrics.counts import Counts
from maskwright.metrics.measures import Floats, dice, summary

BETA2 = 0.3  # of salient objects: precision weighs more (Achanta et al. 2009, CVPR)


def f_beta(counts: Counts, beta2: float = BETA2) -> Floats:
    """Return (1 + b) tp / ((1 + b) tp + b fn + fp) for each class, (..., K), with b = beta squared; b = 1 is Dice.

    beta2: positive; taken as the nearest fraction with a denominator up to 1000, so that counts stay whole.
    """
    return dice(weighted(counts, beta2))


def weighted(counts: Counts, beta2: float = BETA2) -> Counts:
    """Return counts whose Dice is the F-beta of these; a class shown or predicted in one is so in the other."""
    beta = Fraction(beta2).limit_denominator(1000)
    n, d = beta.numerator, beta.denominator
    return Counts((n + d) * counts.tp, 2 * d * counts.fp, 2 * n * counts.fn, (2 * n + 2 * d) * counts.pixels)


def chosen_measure(name: str, counts: Counts, *, exclusive: bool) -> Floats:
    """Return `measures.summary`, which knows every measure but "f_beta", or the same of "f_beta"."""
    if name == "f_beta":
        return summary("dice", weighted(counts), exclusive=exclusive)
    return summary(name, counts, exclusive=exclusive)
