"""The tied embedding: one table that turns ids into vectors, and vectors into log-probabilities.

Knows nothing of what stands between the two (recurrent layers, attention). The row of `bos` is
read but never predicted: its logit is -inf before the softmax, in training and in scoring.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmcompare.models.neural.softmax import softmax_loss

CHUNK = 1 << 22
"""Logits that are held at once when scoring: 16 MiB of float32, whatever the vocabulary."""


class Rows(NamedTuple):
    """The part of the table that one training step uses, as leaves that gather gradients.

    Attributes:
        ids: which rows, increasing, `[n]`.
        weight: their vectors, `[n, width]`.
        bias: their output biases, `[n]`.
    """

    ids: Tensor
    weight: Tensor
    bias: Tensor

    def local(self, tokens: Tensor) -> Tensor:
        """Places of tokens among `ids`, of the same shape."""
        return torch.searchsorted(self.ids, tokens)


class TiedEmbedding(nn.Module):
    """One vector and one output bias an id (Press and Wolf 2017; Inan et al. 2017).

    Inputs are multiplied by the square root of the width (Vaswani et al. 2017, section 3.4), so that the
    small values that suit the softmax also enter the network at unit scale.
    """

    mask: Tensor

    def __init__(self, size: int, width: int, bos: int) -> None:
        super().__init__()
        self.size, self.width, self.bos = size, width, bos
        self.weight = nn.Parameter(torch.randn(size, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(size))
        mask = torch.zeros(size)
        mask[bos] = -torch.inf
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Vectors of ids: `[...]` to `[..., width]`."""
        vectors: Tensor = self.scale(F.embedding(tokens, self.weight))
        return vectors

    def scale(self, vectors: Tensor) -> Tensor:
        """Rows of the table as they enter the network."""
        scaled: Tensor = vectors * self.width**0.5
        return scaled

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of all ids, `[..., size]`; that of `bos` is -inf."""
        logits: Tensor = F.linear(hidden, self.weight, self.bias + self.mask)
        return logits

    def logprobs(self, hidden: Tensor) -> Tensor:
        """Natural log p of all ids, `[..., size]`."""
        return torch.log_softmax(self.logits(hidden).float(), dim=-1)

    def target_logprobs(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Natural log p of one id each, `[n]` float64, exact; logits are made a few rows at a time."""
        rows = max(1, CHUNK // self.size)
        parts = []
        for begin in range(0, len(targets), rows):
            logits = self.logits(hidden[begin : begin + rows])
            chosen = logits.gather(1, targets[begin : begin + rows, None])[:, 0]
            # The difference in float64: a target far below the maximum keeps its digits.
            parts.append(chosen.double() - logits.logsumexp(dim=1).double())
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Mean surprisal of the events `[n]` in nats; a target `bos` is no event and is left out."""
        events = targets != self.bos
        return softmax_loss(hidden[events], self.weight, self.bias + self.mask, targets[events])

    def take(self, ids: Tensor) -> Rows:
        """Leaves for some rows of the table: their gradients have the size of the rows, not of the table."""
        weight = self.weight.detach()[ids].requires_grad_()
        return Rows(ids, weight, self.bias.detach()[ids].requires_grad_())
