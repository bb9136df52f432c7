"""Vectors of hashed n-grams: what a place's last few tokens say together, in one look.

Knows nothing of the vector of the token itself, to which these are added. A network of one or two
layers learns from them at once what it would else spend its layers on; the price is a table a length,
of which a training step uses few rows. (Hashing: Weinberger et al. 2009; vectors of character n-grams
found so: Bojanowski et al. 2017, section 3.2; added to the input: Pagnoni et al. 2024, section 3.2.1.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MULTIPLIER, SHIFT = 0x2545F4914F6CDD1D, 29
"""An odd multiplier (that of Marsaglia's xorshift*) and a shift: they spread nearby ids over a table."""


class UsedRows(NamedTuple):
    """Rows of one table that one training step uses.

    Attributes:
        ids: which rows, increasing, `[n]`.
        vectors: their values, `[n, width]`, a leaf that gathers gradients.
        places: for each n-gram of the step its row among these, `[...]`.
    """

    ids: Tensor
    vectors: Tensor
    places: Tensor


class NgramEmbedding(nn.Module):
    """One table `[rows, width]` for each length of n-gram; zeros at first, so that nothing is said.

    Attributes:
        lengths: of the n-grams.
        lookback: tokens of history that are needed at each place: the greatest length.
        dropout: share of n-grams that say nothing in training, as one that was never seen says nothing.
    """

    def __init__(self, lengths: Sequence[int], rows: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.lengths, self.rows, self.lookback = tuple(lengths), rows, max(lengths)
        tables = {str(length): nn.Parameter(torch.zeros(rows, width)) for length in lengths}
        self.tables = nn.ParameterDict(tables)

    def rows_of(self, histories: Tensor, length: int) -> Tensor:
        """The row of the n-gram of this length that ends each history, `[..., lookback]` to `[...]`."""
        code = torch.full_like(histories[..., 0], length)
        for place in range(length):
            # Integers of 64 bits wrap around: the same rows on every machine.
            code = (code ^ (histories[..., place - length] + 1)) * MULTIPLIER
            code = code ^ (code >> SHIFT)
        return code % self.rows

    def forward(self, histories: Tensor, used: dict[str, UsedRows] | None = None) -> Tensor:
        """Sum of the n-grams' vectors, `[..., lookback]` to `[..., width]`.

        Args:
            histories: the last tokens at each place.
            used: what `take` made of the same histories, in training.
        """
        vectors = []
        for length in self.lengths:
            name = str(length)
            if used is None:
                found = F.embedding(self.rows_of(histories, length), self.tables[name])
            else:
                found = F.embedding(used[name].places, used[name].vectors)
            if self.training and self.dropout:
                # Not scaled up: what is left out is what an unseen n-gram lacks, not a unit among many.
                kept = torch.rand(found.shape[:-1], device=found.device) >= self.dropout
                found = found * kept[..., None].to(found.dtype)
            vectors.append(found)
        return torch.stack(vectors).sum(dim=0)

    def take(self, histories: Tensor) -> dict[str, UsedRows]:
        """The rows that histories use, by the table's name."""
        used = {}
        for length in self.lengths:
            name = str(length)
            rows, places = torch.unique(self.rows_of(histories, length), return_inverse=True)
            used[name] = UsedRows(rows, self.tables[name].detach()[rows].requires_grad_(), places)
        return used
