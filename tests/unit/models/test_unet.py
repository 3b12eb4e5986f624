"""The U-Net's decoder is that of segmentation-models-pytorch, in our own file."""

import pytest
import torch
from segmentation_models_pytorch.base.initialization import initialize_decoder
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder as TheirDecoder

from maskwright.models.plain import PlainEncoder
from maskwright.models.unet import Unet, UnetDecoder

ENCODER = (3, 16, 16, 24, 32, 40)


@pytest.mark.parametrize("channels", [(32, 24, 16, 16), (32, 24, 16, 16, 16)])
@pytest.mark.parametrize("attention", [None, "scse"])
def test_it_answers_as_theirs_does_with_the_same_weights(channels: tuple[int, ...], attention: str | None) -> None:
    theirs = TheirDecoder(ENCODER, channels, n_blocks=len(channels), attention_type=attention)
    ours = UnetDecoder(ENCODER, channels, attention)
    given = theirs.state_dict()
    ours.load_state_dict({name: given[name] for name in ours.state_dict()})
    unused = {name.rpartition("attention1")[0] for name in set(given) - set(ours.state_dict())}
    assert unused <= {"blocks.4."}  # theirs makes an attention for a skip that is not there
    drawn = torch.Generator().manual_seed(0)
    features = [torch.randn(2, c, 64 >> at, 96 >> at, generator=drawn) for at, c in enumerate(ENCODER)]
    assert torch.equal(ours(features), theirs(features))


def test_its_first_weights_are_drawn_as_theirs() -> None:
    torch.manual_seed(0)
    network = Unet(PlainEncoder(3), num_outputs=1, decoder_channels=(64, 48, 32, 16))
    theirs = TheirDecoder([3, *PlainEncoder(3).out_channels[1:]], (64, 48, 32, 16), n_blocks=4)
    initialize_decoder(theirs)
    for (name, found), expected in zip(network.decoder.named_parameters(), theirs.parameters(), strict=True):
        if found.ndim == 4:
            assert found.abs().max().item() == pytest.approx(expected.abs().max().item(), rel=0.02), name
    assert torch.count_nonzero(network.get_parameter("head.bias")) == 0
