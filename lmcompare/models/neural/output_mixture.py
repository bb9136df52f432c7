"""The mixture of softmaxes: several readings of one place, each with a distribution of its own.

Knows nothing of the table that predicts. The log-probabilities of one softmax are a matrix of rank
`width`; a mixture of them has no such bound (Yang et al. 2018, section 2.3).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class OutputMixture(nn.Module):
    """From one hidden vector to `parts` of them and the logits of their weights (Yang et al. 2018, eq. 3).

    Both lie side by side in one vector of `parts * width + parts` numbers, so that what lies between
    the network and the output table is one tensor in every case; `apart` takes it to pieces.
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.latent = nn.Linear(width, parts * width, bias=False)
        self.prior = nn.Linear(width, parts, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """`[..., width]` to `[..., parts * width + parts]`."""
        return torch.cat([torch.tanh(self.latent(hidden)), self.prior(hidden)], dim=-1)


def apart(hidden: Tensor, parts: int) -> tuple[Tensor, Tensor]:
    """Vectors of the parts, `[..., parts, width]`, and natural log of their weights, `[..., parts]`."""
    vectors, prior = hidden[..., :-parts], hidden[..., -parts:]
    return vectors.view(*vectors.shape[:-1], parts, -1), torch.log_softmax(
        prior.to(torch.promote_types(prior.dtype, torch.float32)), dim=-1
    )
