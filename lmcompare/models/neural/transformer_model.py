"""The transformer behind the seam: a window that slides in strides, the same in stepping and scoring.

The model reads at most `window` tokens (`bos` counts). When the window is full it drops the oldest
`stride` tokens, reads the rest again from scratch with positions from 0, and goes on. So windows
begin at every multiple of `stride`, each event is scored once, and except at a document's start it
sees more than `window - stride` and at most `window` tokens. Knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lmcompare.interface import Floats, Ids, State, Tokenizer
from lmcompare.models.neural.model import TOKENS_AT_ONCE, Block, NeuralModel
from lmcompare.models.neural.options import TransformerOptions
from lmcompare.models.neural.transformer import Cache, TransformerNetwork


@dataclass
class WindowState:
    """What a batch of rows has read: the tokens in the window, `[batch, t]`, and their keys and values."""

    tokens: Tensor
    cache: Cache

    def rows(self, index: Ids) -> WindowState:
        """See `State.rows`."""
        chosen = torch.from_numpy(np.asarray(index, dtype=np.int64))
        cache = Cache(
            [keys.index_select(0, chosen) for keys in self.cache.keys],
            [values.index_select(0, chosen) for values in self.cache.values],
            self.cache.length,
        )
        return WindowState(self.tokens.index_select(0, chosen), cache)


class TransformerModel(NeuralModel[TransformerNetwork, TransformerOptions]):
    """A transformer language model with a sliding window."""

    kind = "transformer"
    options_class = TransformerOptions

    def __init__(
        self,
        network: TransformerNetwork,
        tokenizer: Tokenizer,
        options: TransformerOptions,
        facts: dict[str, Any],
    ) -> None:
        super().__init__(network, tokenizer, options, facts)
        self.context = options.window

    @staticmethod
    def build(options: Any, size: int, bos: int) -> TransformerNetwork:
        """See `NeuralModel.build`."""
        return TransformerNetwork(
            size, bos, options.width, options.layers, options.heads, options.window, options.dropout
        )

    @torch.inference_mode()
    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        tokens = torch.full((batch, 1), self.tokenizer.bos)
        cache = self.network.empty(batch)
        hidden = self.network(self.embedding(tokens), cache)
        return self._logprobs(hidden[:, 0]), WindowState(tokens, cache)

    @torch.inference_mode()
    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`."""
        assert isinstance(state, WindowState)
        self._check(np.asarray(tokens))
        cache = state.cache
        read = state.tokens
        if cache.length == self.options.window:
            read = read[:, self.options.slide :]
            cache.length = 0
            self.network(self.embedding(read), cache)
        new = torch.from_numpy(np.asarray(tokens).astype(np.int64))[:, None]
        hidden = self.network(self.embedding(new), cache)
        return self._logprobs(hidden[:, 0]), WindowState(torch.cat([read, new], dim=1), cache)

    def context_lengths(self, length: int) -> Ids:
        """See `NeuralModel.context_lengths`. `bos` is in the window and is not counted."""
        places = np.arange(length)
        number = self._window_of(places)
        return places - number * self.options.slide + (number > 0)

    def _window_of(self, places: Ids) -> Ids:
        """Number of the window in which the event after input `places` is scored."""
        beyond = np.maximum(places - self.options.window + 1, 0)
        return -(-beyond // self.options.slide)

    def _hidden(self, inputs: list[Ids], last: bool) -> Iterator[Block]:
        """All windows of all rows, sorted by length and padded at the right, where no event looks."""
        window, stride = self.options.window, self.options.slide
        lengths = np.array([len(row) for row in inputs], dtype=np.int64)
        windows = np.where(lengths > 0, self._window_of(np.maximum(lengths - 1, 0)) + 1, 0)
        rows = np.repeat(np.arange(len(inputs)), windows)
        number = np.arange(len(rows)) - np.repeat(np.cumsum(windows) - windows, windows)
        if last:
            final = number == windows[rows] - 1
            rows, number = rows[final], number[final]
        begin = number * stride
        stop = np.minimum(lengths[rows] - begin, window)
        skip = np.where(number > 0, window - stride, 0)
        order = np.argsort(-stop, kind="stable")
        first = 0
        while first < len(order):
            time = int(stop[order[first]])
            batch = order[first : first + max(1, TOKENS_AT_ONCE // time)]
            first += len(batch)
            tokens = np.zeros((len(batch), time), dtype=np.int64)
            for place, item in enumerate(batch):
                tokens[place, : stop[item]] = inputs[rows[item]][begin[item] : begin[item] + time]
            hidden = self.network(self.embedding(torch.from_numpy(tokens)))
            yield Block(rows[batch], begin[batch], skip[batch], stop[batch], hidden)
