"""From a recipe's words on the network to the network itself: the encoder that `auto` stands for, the knobs.

Torch is imported inside functions.
"""

from typing import TYPE_CHECKING, Any

from maskwright.recipe import ModelOptions, Recipe

if TYPE_CHECKING:
    from torch import nn

    from maskwright.models.build import NetworkFacts

CPU_ENCODER = "mobilenetv2_035"
GPU_ENCODER = "mobilenetv2_100"
CPU_DECODER = (64, 32, 24, 16)  # with CPU_ENCODER: as good as the network's own, in less time (docs/performance.md)
_KNOBS = (
    "decoder_channels", "filters", "blocks", "downsampling", "batch_norm", "encoder_depth", "attention", "atrous",
    "initialisation",
)  # fmt: skip


def network_from(
    recipe: Recipe, encoder: str, weights: str, *, bands: int, num_outputs: int, load: bool = True
) -> "tuple[nn.Module, NetworkFacts]":
    """Build a recipe's network over this encoder, its first weights a function of the seed alone.

    load: False leaves out pretrained weights. Raises ConfigError or MaskwrightError as `build_network`, and
    ConfigError for a phase that says something of an encoder where the network has none.
    """
    import torch

    from maskwright.models.build import build_network
    from maskwright.training.steps import check_phases

    options = recipe.model
    torch.manual_seed(recipe.training.seed)
    network, facts = build_network(
        options.name,
        encoder=encoder,
        weights=weights,
        in_channels=bands,
        num_outputs=num_outputs,
        padding=options.padding,
        non_commercial=options.non_commercial,
        load=load,
        **knobs_of(options),
    )
    check_phases(network, recipe.training.phases)
    return network, facts


def knobs_of(options: ModelOptions) -> dict[str, Any]:
    """Return what a recipe sets of a network's knobs; `auto` is left out."""
    knobs = {name: value for name in _KNOBS if (value := getattr(options, name)) != "auto"}
    return {**knobs, "dropout": options.dropout, "auxiliary": options.auxiliary > 0}


def with_decoder(recipe: Recipe, decoder: tuple[int, ...] | None) -> Recipe:
    """Return the recipe with these channels of the decoder, or as it is."""
    if decoder is None:
        return recipe
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"decoder_channels": decoder})})


def usual_decoder(options: ModelOptions, encoder: str) -> tuple[int, ...] | None:
    """Return the channels that `auto` stands for with this encoder; None for the network's own, or those stated."""
    free = options.decoder_channels == "auto" and options.encoder_depth == "auto"
    return CPU_DECODER if free and options.name == "unet" and encoder == CPU_ENCODER else None


def usual_encoder(name: str, device: str) -> tuple[str, str]:
    """Return the encoder that `auto` stands for in this network, and why. Raises ConfigError for an unknown network."""
    from maskwright.models.build import base_of
    from maskwright.models.encoders import VGG

    base = base_of(name)
    if base == "none":
        return "none", "this network has no encoder of another's making"
    if base == "vgg":
        return VGG, "the network's own"
    return (CPU_ENCODER if device == "cpu" else GPU_ENCODER), f"a small encoder that trains in minutes on {device}"
