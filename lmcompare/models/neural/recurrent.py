"""The recurrent language models, in the order in which the data passes: vectors, layers, norm.

Knows nothing of documents, scoring or training. Mikolov et al. (2010) for Elman's cell, Zaremba et al.
(2014) for the LSTM, with the locked dropout of Gal and Ghahramani (2016), the dropped weights and the
activation penalties of Merity et al. (2018). The norm after the last layer (Ba et al. 2016) is ours: a
memory cell's output stays well inside (-1, 1), and without the norm the table must first grow before
the softmax can be sharp, which costs a tenth of the perplexity here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmcompare.models.neural import cells
from lmcompare.models.neural.dropout import locked_dropout
from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.network import Carried, Network, Reading
from lmcompare.models.neural.options import RecurrentOptions
from lmcompare.models.neural.output_mixture import OutputMixture
from lmcompare.models.neural.placement import CPU, is_processor
from lmcompare.models.neural.quantised import Int8Recurrent

Memory = Carried
"""What each row remembers: each layer's state, `[batch, width]`; an LSTM layer has two, hidden and cell."""


@dataclass(frozen=True)
class Cell:
    """One sort of recurrent unit.

    Attributes:
        layer: torch's module, which holds the weights of one layer.
        kernel: torch's fast function.
        written: the same, written out.
        states: tensors that one layer remembers.
    """

    layer: Callable[..., nn.RNNBase]
    kernel: Callable[..., Any]
    written: Callable[..., tuple[Tensor, Carried]]
    states: int


CELLS = {
    "elman": Cell(nn.RNN, torch.rnn_tanh, cells.elman, 1),
    "gru": Cell(nn.GRU, torch.gru, cells.gru, 1),
    "lstm": Cell(nn.LSTM, torch.lstm, cells.lstm, 2),
}


class RecurrentNetwork(Network):
    """Embedding, recurrent layers, a norm, and the output table; by default the embedding's own."""

    carries = True

    def __init__(
        self, size: int, bos: int, options: RecurrentOptions, cell: Literal["elman", "gru", "lstm"]
    ) -> None:
        super().__init__()
        self.options, self.cell = options, CELLS[cell]
        self.embedding = Embedding(size, options.width, bos, options)
        self.lookback = self.embedding.lookback
        sizes = [options.width, *options.widths]
        make = self.cell.layer
        self.layers = nn.ModuleList(
            make(below, width, batch_first=True) for below, width in zip(sizes, options.widths, strict=False)
        )
        self.norm: nn.Module = nn.LayerNorm(options.width, bias=False) if options.norm else nn.Identity()
        for name, parameter in self.layers.named_parameters():
            if "weight_ih" in name:
                nn.init.xavier_uniform_(parameter)
            elif "weight_hh" in name:
                nn.init.orthogonal_(parameter)
            else:
                nn.init.zeros_(parameter)
            if "bias_ih" in name and cell == "lstm":
                # The forget gate (second quarter) starts open: Jozefowicz et al. 2015, section 2.2.
                quarter = len(parameter) // 4
                nn.init.ones_(parameter.data[quarter : 2 * quarter])
        parts = options.softmaxes
        self.mixture = OutputMixture(options.width, parts) if parts > 1 else nn.Identity()

    def fresh(self, batch: int, device: torch.device = CPU, dtype: torch.dtype = torch.float32) -> Memory:
        """The memory of rows that have read nothing: zeros."""
        new = partial(torch.zeros, dtype=dtype, device=device)
        return tuple(new(batch, width) for width in self.options.widths for _ in range(self.cell.states))

    def forward(self, vectors: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Read `[batch, time, width]`: the hidden vector after each place, and the memory after the last."""
        raw, memory = self._layers(vectors, memory)
        return self.mixture(self._leave(raw)[0]), memory

    def read(self, vectors: Tensor, begins: Tensor, carried: Memory) -> Reading:
        """See `Network.read`: as `forward`, no gradient flows into what was carried.

        Inside a chunk `bos` is only a token, and the network learns to forget there; where it falls on a
        chunk's first place the memory is really zeroed, so that the exact fresh start of scoring is met
        in training too.
        """
        keep = (~begins[:, 0, None]).to(vectors.dtype)
        memory = carried or self.fresh(len(vectors), vectors.device, vectors.dtype)
        memory = tuple(part.detach() * keep for part in memory)
        raw, memory = self._layers(vectors, memory)
        hidden, dropped = self._leave(raw)
        return Reading(self.mixture(hidden), memory, self._penalty(raw, dropped))

    def _layers(self, vectors: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """What the last layer puts out, and the memory after the last place."""
        dropped, states = self.options.dropped, self.cell.states
        x = locked_dropout(vectors, dropped(self.options.dropout_input), self.training)
        after: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            if number:
                x = locked_dropout(x, dropped(self.options.dropout_hidden), self.training)
            x, new = self._layer(layer, x, memory[number * states : (number + 1) * states])
            after += new
        return x, tuple(after)

    def _layer(self, layer: Any, x: Tensor, state: Memory) -> tuple[Tensor, Memory]:
        if isinstance(layer, Int8Recurrent):
            return self.cell.written(x, state, cells.Maps(layer.of_input, layer.of_state))
        recurrent = layer.weight_hh_l0
        if self.options.weight_drop:
            # One mask for the whole chunk: the same connections are missing at every place.
            recurrent = F.dropout(recurrent, self.options.weight_drop, self.training)
        of_input, of_state = (layer.weight_ih_l0, layer.bias_ih_l0), (recurrent, layer.bias_hh_l0)
        if self.options.kernel == "written":
            maps = cells.Maps(lambda x: F.linear(x, *of_input), lambda h: F.linear(h, *of_state))
            return self.cell.written(x, state, maps)
        weights = [of_input[0], of_state[0], of_input[1], of_state[1]]
        given = tuple(part[None] for part in state)
        # With biases, one layer, no dropout of torch's own, one way, the batch first.
        # On a GPU there is no way back through a layer that only scores: dynamic evaluation needs one.
        trains = self.training or (not is_processor(x.device) and torch.is_grad_enabled())
        settings = (True, 1, 0.0, trains, False, True)
        out, *new = self.cell.kernel(x, given if len(given) > 1 else given[0], weights, *settings)
        return out, tuple(part[0] for part in new)

    def _leave(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """What leaves the network, and what the last layer put out without the units dropped there."""
        normed: Tensor = self.norm(raw)
        share = self.options.dropped(self.options.dropout_output)
        if not (self.options.ar and self.training):
            return locked_dropout(normed, share, self.training), raw
        kept = locked_dropout(torch.ones_like(normed[:, :1]), share, self.training)
        return normed * kept, raw * kept

    def _penalty(self, raw: Tensor, dropped: Tensor) -> Tensor | None:
        """Activation and temporal activation regularisation (Merity et al. 2017, equations 6 and 7).

        Both are of what the last layer puts out, before the norm: after it every size would be the same.
        """
        ar, tar = self.options.ar, self.options.tar
        if not ar and not tar:
            return None
        precise = torch.promote_types(raw.dtype, torch.float32)
        penalty = ar * dropped.to(precise).square().mean()
        if raw.shape[1] > 1:
            penalty = penalty + tar * (raw[:, 1:] - raw[:, :-1]).to(precise).square().mean()
        return penalty
