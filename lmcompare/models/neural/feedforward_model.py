"""The feed-forward n-gram network behind the seam: each event sees the last n - 1 tokens of its document.

Knows nothing of training. Before a document's first token stands `bos`, n - 1 times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lmcompare.interface import Floats, Ids, State, Tokenizer
from lmcompare.models.neural.chunks import pieces
from lmcompare.models.neural.feedforward import FeedForwardNetwork
from lmcompare.models.neural.model import Block, NeuralModel
from lmcompare.models.neural.options import FeedForwardOptions
from lmcompare.models.neural.placement import placed


@dataclass
class HistoryState:
    """What a batch of rows has read: the last tokens, `[batch, order - 1]`."""

    tokens: Ids

    def rows(self, index: Ids) -> HistoryState:
        """See `State.rows`."""
        return HistoryState(self.tokens[np.asarray(index, dtype=np.int64)])


class FeedForwardModel(NeuralModel[FeedForwardNetwork, FeedForwardOptions]):
    """A feed-forward n-gram language model."""

    kind = "feedforward"
    options_class = FeedForwardOptions

    def __init__(
        self,
        network: FeedForwardNetwork,
        tokenizer: Tokenizer,
        options: FeedForwardOptions,
        facts: dict[str, Any],
    ) -> None:
        super().__init__(network, tokenizer, options, facts)
        self.context = options.order - 1

    @classmethod
    def build(cls, options: Any, size: int, bos: int) -> FeedForwardNetwork:
        """See `NeuralModel.build`."""
        return FeedForwardNetwork(size, bos, options)

    def first_hidden(self, batch: int) -> tuple[Tensor, State]:
        """See `NeuralModel.first_hidden`."""
        return self._look(np.full((batch, self.network.lookback), self.tokenizer.bos))

    def next_hidden(self, tokens: Ids, state: State) -> tuple[Tensor, State]:
        """See `NeuralModel.next_hidden`."""
        assert isinstance(state, HistoryState)
        return self._look(np.concatenate([state.tokens[:, 1:], tokens[:, None]], axis=1))

    @torch.inference_mode()
    def read(self, contexts: Sequence[Ids]) -> tuple[Floats, State]:
        """See `NeuralModel.read`."""
        hidden, state = self._look(self._recent(self._checked_inputs(contexts), self.network.lookback))
        return self._logprobs(hidden), state

    def context_lengths(self, length: int) -> Ids:
        """See `NeuralModel.context_lengths`."""
        return np.minimum(np.arange(length), self.options.order - 1)

    def _look(self, tokens: Ids) -> tuple[Tensor, State]:
        vectors = self.embedding(placed(tokens.astype(np.int64), self.device))
        hidden = self.network(vectors[:, None] if self.network.lookback > 1 else vectors)
        return hidden[:, 0], HistoryState(tokens)

    def _hidden(self, inputs: list[Ids], last: bool) -> Iterator[Block]:
        settings: dict[str, Any] = {"lookback": self.network.lookback, "bos": self.tokenizer.bos}
        for piece in pieces(inputs, tokens=self.tokens_at_once, longest=self.tokens_at_once, **settings):
            nothing = np.zeros(len(piece.rows), dtype=np.int64)
            hidden = self.network(self.vectors(piece.tokens, piece.before))
            yield Block(piece.rows, nothing + piece.begin, nothing, piece.stop, hidden)
