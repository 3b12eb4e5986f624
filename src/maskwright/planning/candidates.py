"""The set-ups that a plan chooses from where the recipe leaves the network open.

A table, so that another measurement changes lines of it and no code. Never imports torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from maskwright.planning.plan import LEAST_STEPS
from maskwright.recipe import Recipe


@dataclass(frozen=True)
class Candidate:
    """A network at a size.

    decoder_channels: None for the network's usual ones. finer: at the next larger size than pictures and masks ask for.
    enough: steps of the optimizer from which on it is preferred to what stands before it in the table.
    """

    name: str
    encoder: str
    decoder_channels: tuple[int, ...] | None
    finer: bool
    enough: int = LEAST_STEPS


# From what costs least to what is worth most when it has its steps: first the encoder, then the decoder, then the size.
CANDIDATES = (
    Candidate("small", "mobilenetv2_035", (64, 32, 24, 16), finer=False),
    Candidate("small, finer", "mobilenetv2_035", (64, 32, 24, 16), finer=True),
    Candidate("medium", "mobilenetv2_035", None, finer=False),
    Candidate("medium, finer", "mobilenetv2_035", None, finer=True),
    Candidate("large", "mobilenetv2_100", None, finer=False),
    Candidate("large, finer", "mobilenetv2_100", None, finer=True),
)


def open_to_choice(recipe: Recipe) -> bool:
    """Return whether a recipe leaves network, encoder and weights to the plan."""
    model = recipe.model
    return model.name == "unet" and model.encoder == "auto" and model.weights == "auto" and model.dropout == 0


def candidates_for(recipe: Recipe) -> tuple[Candidate, ...]:
    """Return what a recipe leaves to choose from: a stated size or decoder is kept. Empty where nothing is open."""
    if not open_to_choice(recipe):
        return ()
    sized, decoder = recipe.model.size != "auto", recipe.model.decoder_channels != "auto"
    return tuple(
        one for one in CANDIDATES if not (sized and one.finer) and not (decoder and one.decoder_channels is not None)
    )


def best_first(choices: Sequence[tuple[Candidate, int]]) -> list[int]:
    """Order candidates in the table's order, given with the steps that fit: positions, the best first.

    Those that get enough steps come first, the last of the table before the others; of those that do not, the one that
    gets the largest share of its own.
    """

    def worth(at: int) -> tuple[float, int]:
        one, steps = choices[at]
        return (1.0, at) if steps >= one.enough else (steps / one.enough, -at)

    return sorted(range(len(choices)), key=worth, reverse=True)
