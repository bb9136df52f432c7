"""The LSTM language model, in the order in which the data passes: vectors, layers, norm.

Knows nothing of documents, scoring or training. Zaremba et al. (2014) with the locked dropout of
Gal and Ghahramani (2016) and the tied table of Press and Wolf (2017). The norm after the last layer
(Ba et al. 2016) is ours: a memory cell's output stays well inside (-1, 1), and without the norm the
table must first grow before the softmax can be sharp, which costs a tenth of the perplexity here.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lmcompare.models.neural.dropout import locked_dropout
from lmcompare.models.neural.embedding import TiedEmbedding


class Memory(NamedTuple):
    """What each row remembers: `hidden` and `cell`, each `[layers, batch, width]`."""

    hidden: Tensor
    cell: Tensor


class LstmNetwork(nn.Module):
    """Embedding, `layers` LSTM layers of equal width, a norm, and the same embedding as output layer."""

    def __init__(self, size: int, bos: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout
        self.embedding = TiedEmbedding(size, width, bos)
        self.layers = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        for name, parameter in self.layers.named_parameters():
            if "weight_ih" in name:
                nn.init.xavier_uniform_(parameter)
            elif "weight_hh" in name:
                nn.init.orthogonal_(parameter)
            else:
                nn.init.zeros_(parameter)
            if "bias_ih" in name:
                # The forget gate (second quarter) starts open: Jozefowicz et al. 2015, section 2.2.
                nn.init.ones_(parameter.data[width : 2 * width])

    def fresh(self, batch: int) -> Memory:
        """The memory of rows that have read nothing: zeros."""
        zeros = next(self.layers.parameters()).new_zeros(len(self.layers), batch, self.width)
        return Memory(zeros, zeros.clone())

    def forward(self, vectors: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Read `[batch, time, width]`: the hidden vector after each place, and the memory after the last."""
        x = locked_dropout(vectors, self.dropout, self.training)
        hidden, cell = [], []
        for number, layer in enumerate(self.layers):
            x, (h, c) = layer(x, (memory.hidden[number, None], memory.cell[number, None]))
            hidden.append(h[0])
            cell.append(c[0])
            if number + 1 < len(self.layers):
                x = locked_dropout(x, self.dropout, self.training)
        x = locked_dropout(self.norm(x), self.dropout, self.training)
        return x, Memory(torch.stack(hidden), torch.stack(cell))

    def read(self, vectors: Tensor, begins: Tensor, carried: Memory | None) -> tuple[Tensor, Memory]:
        """One chunk of the training streams: as `forward`, no gradient flows into what was carried.

        `begins` marks where `bos` is read, `[batch, time]`. Inside a chunk `bos` is only a token, and the
        network learns to forget there; where it falls on a chunk's first place the memory is really
        zeroed, so that the exact fresh start of scoring is met in training too.
        """
        memory = self.fresh(len(vectors)) if carried is None else carried
        keep = (~begins[:, 0, None]).to(vectors.dtype)
        return self(vectors, Memory(memory.hidden.detach() * keep, memory.cell.detach() * keep))  # type: ignore[no-any-return]
