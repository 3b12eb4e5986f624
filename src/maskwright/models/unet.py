"""A U-Net over any encoder: contracting features, a decoder with skips, one convolution to logits.

The decoder's blocks are segmentation-models-pytorch's. With one block fewer than the encoder has stages, the
decoder ends at half the picture's size and the logits are enlarged bilinearly: on two cores the last block costs
as much as the rest of the decoder and adds little.
"""

from collections.abc import Sequence
from typing import cast

from segmentation_models_pytorch.base.initialization import initialize_decoder, initialize_head
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn

from maskwright.models.any_size import AnySize, enlarged


class Unet(AnySize):
    """encoder: gives features at strides 1, 2, 4, ... and names their channels in `out_channels`."""

    def __init__(
        self,
        encoder: nn.Module,
        *,
        num_outputs: int,
        decoder_channels: Sequence[int],
        dropout: float = 0.0,
        attention: str | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        channels = cast(Sequence[int], encoder.out_channels)
        self.stride = 2 ** (len(channels) - 1)
        self.decoder = UnetDecoder(channels, decoder_channels, n_blocks=len(decoder_channels), attention_type=attention)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(decoder_channels[-1], num_outputs, 3, padding=1)
        initialize_decoder(self.decoder)
        initialize_head(self.head)

    def compute(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, H, W)."""
        return enlarged(self.head(self.dropout(self.decoder(self.encoder(image)))), image)
