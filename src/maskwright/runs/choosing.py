"""From a recipe's words, or a candidate's, to a network with its first weights and the precision that it trains in.

Torch is imported inside functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskwright.errors import ConfigError, DataError, MaskwrightError
from maskwright.planning.candidates import Candidate
from maskwright.progress import Step
from maskwright.recipe import Recipe
from maskwright.runs.networks import network_from, usual_decoder, usual_encoder, with_decoder
from maskwright.runs.work import Work

if TYPE_CHECKING:
    import torch
    from torch import nn

    from maskwright.models.build import NetworkFacts


@dataclass(frozen=True)
class Choice:
    """A network and how it was settled. decoder_channels: where `auto` became others than the network's own.

    why: in words.
    """

    encoder: str
    weights: str
    network: "nn.Module"
    facts: "NetworkFacts"
    why: str
    decoder_channels: tuple[int, ...] | None = None


def choose_network(work: Work) -> Choice:
    """Settle encoder and weights as the recipe says; weights that cannot be fetched are done without if that may be.

    Raises ConfigError, DataError or MaskwrightError.
    """
    if work.like is not None:
        like = work.like
        network, facts = build(work, like.encoder, like.weights, decoder=like.decoder_channels)
        return Choice(like.encoder, like.weights, network, facts, "as in the first fold", like.decoder_channels)
    options = work.recipe.model
    encoder, weights = options.encoder, options.weights
    why = "stated"
    if encoder == "auto":
        encoder, why = usual_encoder(options.name, work.device)
    decoder = usual_decoder(options, encoder)
    if weights != "auto":
        network, facts = build(work, encoder, weights, decoder=decoder)
        if weights == "none" and _freezes(work.recipe):
            said = "the encoder's weights are random, and a phase keeps them as they are"
            work.progress(Step("plan", text=f"note   {said}: --set training.phases.0.encoder=trained"))
            why = f"{why}; {said}"
        return Choice(encoder, weights, network, facts, why, decoder)
    weights = usual_weights(encoder)
    try:
        network, facts = build(work, encoder, weights, decoder=decoder)
    except MaskwrightError as error:
        if isinstance(error, ConfigError | DataError) or _freezes(work.recipe):
            raise
        return _from_scratch(work, encoder, why, weights, error, decoder)
    return Choice(encoder, weights, network, facts, why, decoder)


def choose_candidate(work: Work, ranked: Sequence[Candidate]) -> tuple[Choice, Candidate]:
    """Build the first of the candidates whose weights can be had; if none can, the last one, from scratch."""
    for one in ranked:
        weights = usual_weights(one.encoder)
        try:
            network, facts = build(work, one.encoder, weights, decoder=one.decoder_channels)
        except MaskwrightError as error:
            if isinstance(error, ConfigError | DataError):
                raise
            if one is ranked[-1]:
                return _from_scratch(work, one.encoder, "", weights, error, one.decoder_channels), one
            continue
        break
    return Choice(one.encoder, weights, network, facts, "", one.decoder_channels), one


def choose_unloaded(work: Work) -> Choice:
    """Return the network that `choose_network` would settle on, with random weights: nothing is fetched."""
    options = work.recipe.model
    encoder, why = options.encoder, "stated"
    if encoder == "auto":
        encoder, why = usual_encoder(options.name, work.device)
    weights = usual_weights(encoder) if options.weights == "auto" else options.weights
    decoder = usual_decoder(options, encoder)
    network, facts = build(work, encoder, weights, decoder=decoder, load=False)
    return Choice(encoder, weights, network, facts, why, decoder)


def weights_at_hand(encoder: str, weights: str) -> bool:
    """Return whether an encoder's weights are there without fetching anything. Raises as `find_weights`."""
    from maskwright.models.weights import at_hand, find_weights

    return weights == "none" or at_hand(find_weights(encoder, weights, non_commercial=True))


def usual_weights(encoder: str) -> str:
    """Return the weights that `auto` stands for with an encoder."""
    from maskwright.models.keras_weights import ALPHAS

    return "none" if encoder == "none" else "keras" if encoder in ALPHAS else "imagenet"


def build(
    work: Work, encoder: str, weights: str, *, decoder: tuple[int, ...] | None = None, load: bool = True
) -> "tuple[nn.Module, NetworkFacts]":
    """Build the recipe's network over this encoder for these classes; decoder: in place of the recipe's."""
    dataset, recipe = work.dataset, with_decoder(work.recipe, decoder)
    return network_from(
        recipe, encoder, weights, bands=dataset.bands, num_outputs=dataset.classes.num_outputs, load=load
    )


def choose_precision(
    work: Work, network: "nn.Module", device: "torch.device", shape: tuple[int, int, int, int]
) -> tuple[str, float, str]:
    """Probe the precision, or take an earlier fold's: (precision, seconds of a step, reason)."""
    from maskwright.training.precision import probe

    if work.like is not None:
        pixels = work.like.batch_size * work.like.size[0] * work.like.size[1]
        seconds = work.like.step_seconds * shape[0] * shape[2] * shape[3] / pixels
        return work.like.precision, seconds, "as in the first fold"
    import torch

    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    speed = probe(network, shape, device, precision=work.recipe.training.precision)
    if len(speed.seconds) == 1:
        return speed.precision, speed.step_seconds, "stated"
    ratio = speed.seconds["fp32"] / speed.seconds["bf16"]
    why = f"probed on this machine: a step takes {ratio:.1f} times as long in fp32 as in bf16"
    return speed.precision, speed.step_seconds, why


def _freezes(recipe: Recipe) -> bool:
    """Whether some phase trains only what stands on the encoder: with random weights that is never meant."""
    return any(phase.encoder == "frozen" for phase in recipe.training.phases)


def _from_scratch(
    work: Work,
    encoder: str,
    why: str,
    weights: str,
    error: MaskwrightError,
    decoder: tuple[int, ...] | None = None,
) -> Choice:
    """Build with random weights, and say why."""
    why += f"; trained from scratch, since the {weights} weights could not be fetched ({error.what})"
    work.progress(Step("plan", text=f"note   no pretrained weights: {error.what} {error.fix}"))
    network, facts = build(work, encoder, "none", decoder=decoder)
    return Choice(encoder, "none", network, facts, why.removeprefix("; "), decoder)
