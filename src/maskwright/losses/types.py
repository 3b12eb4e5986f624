"""What a loss takes and gives."""

from collections.abc import Callable

from torch import Tensor

# loss(logits, target) -> scalar >= 0.
# logits: (N, K, H, W) float of any precision. target: (N, H, W) integer with a class index or IGNORE, or, for
# overlapping classes, (N, K, H, W) with 0, 1 or IGNORE.
PixelLoss = Callable[[Tensor, Tensor], Tensor]

# What a network returns in training: logits, or with an auxiliary head (logits, presence), presence (N, K) float.
Output = Tensor | tuple[Tensor, Tensor]

# As PixelLoss, on all that the network returned.
Loss = Callable[[Output, Tensor], Tensor]
