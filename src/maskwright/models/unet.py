"""A U-Net over any encoder: contracting features, a decoder with skips, one convolution to logits.

The decoder's blocks are segmentation-models-pytorch's. With one block fewer than the encoder has stages, the
decoder ends at half the picture's size and the logits are enlarged bilinearly: on two cores the last block costs
as much as the rest of the decoder and adds little.
"""

from collections.abc import Sequence
from typing import cast

import torch.nn.functional as F
from segmentation_models_pytorch.base.initialization import initialize_decoder, initialize_head
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn


class Unet(nn.Module):
    """encoder: gives features at strides 1, 2, 4, ... and names their channels in `out_channels`."""

    def __init__(
        self,
        encoder: nn.Module,
        *,
        num_outputs: int,
        decoder_channels: Sequence[int],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        channels = cast(Sequence[int], encoder.out_channels)
        self.decoder = UnetDecoder(channels, decoder_channels, n_blocks=len(decoder_channels))
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(decoder_channels[-1], num_outputs, 3, padding=1)
        initialize_decoder(self.decoder)
        initialize_head(self.head)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, H, W) float, normalised -> logits (N, K, H, W). H and W are multiples of the deepest stride."""
        logits = self.head(self.dropout(self.decoder(self.encoder(image))))
        if logits.shape[2:] == image.shape[2:]:
            return cast(Tensor, logits)
        return F.interpolate(logits, size=image.shape[2:], mode="bilinear", align_corners=False)
