"""The transformer behind the seam: the same in stepping and scoring, whichever way it reads.

With a window, the model reads at most `window` tokens (`bos` counts). When the window is full it drops the
oldest `stride` tokens, reads the rest again from scratch with positions from 0, and goes on. So windows
begin at every multiple of `stride`, each event is scored once, and except at a document's start it
sees more than `window - stride` and at most `window` tokens. With a memory there is no window: each layer
looks back over the last `memory` places, which are read once and never again. Knows nothing of training.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.models.neural.cache import Cache
from lmcompare.models.neural.chunks import Piece, cut_out, pieces
from lmcompare.models.neural.looking import attention_maps
from lmcompare.models.neural.model import Block, NeuralModel
from lmcompare.models.neural.options import TransformerOptions
from lmcompare.models.neural.placement import array_of, is_processor, placed
from lmcompare.models.neural.transformer import TransformerNetwork
from lmcompare.models.windowed import Windowed

PAIRS_AT_ONCE = 1 << 25
"""Places and heads times places looked at that are held together: 128 MiB of float32. A fused kernel, as it
is used on a GPU, holds none of them."""
CHUNK = 64
"""Places beyond the memory for which a cache has room, at least."""


@dataclass
class TransformerState:
    """What a batch of rows has read.

    Attributes:
        tokens: what stands in each row's window, `[batch, window]`; with a memory nothing, `[batch, 0]`.
        recent: the last tokens that may be seen, `[batch, lookback - 1]`, for the vectors of n-grams.
        cache: keys and values of the places.
    """

    tokens: Ids
    recent: Ids
    cache: Cache

    def rows(self, index: Ids) -> TransformerState:
        """See `State.rows`."""
        index = np.asarray(index, dtype=np.int64)
        return TransformerState(self.tokens[index], self.recent[index], self.cache.rows(index))


class TransformerModel(NeuralModel[TransformerNetwork, TransformerOptions]):
    """A transformer language model with a sliding window or a memory."""

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
        self.memory = options.memory
        # Each layer looks `memory` places further back than the one above it, vectors over their n-grams.
        reach = options.layers * self.memory + network.lookback
        self.context = reach if self.memory else options.window

    @classmethod
    def build(cls, options: Any, size: int, bos: int) -> TransformerNetwork:
        """See `NeuralModel.build`."""
        return TransformerNetwork(size, bos, options)

    def first_hidden(self, batch: int) -> tuple[Tensor, State]:
        """See `NeuralModel.first_hidden`."""
        return self.next_hidden(np.full(batch, self.tokenizer.bos), self._empty(batch))

    def next_hidden(self, tokens: Ids, state: State) -> tuple[Tensor, State]:
        """See `NeuralModel.next_hidden`."""
        assert isinstance(state, TransformerState)
        cache = state.cache
        if self.memory:
            cache.keep_last(self.memory, 1)
        else:
            full = np.flatnonzero(cache.lengths == self.options.window)
            if len(full):
                self._read_again(full, state)
            state.tokens[np.arange(len(tokens)), cache.lengths] = tokens
        hidden = self.network(self.vectors(tokens[:, None], state.recent), cache)
        if state.recent.shape[1]:
            state.recent = np.concatenate([state.recent[:, 1:], tokens[:, None]], axis=1)
        return hidden[:, 0], state

    @torch.inference_mode()
    def read(self, contexts: Sequence[Ids]) -> tuple[Floats, State]:
        """See `NeuralModel.read`."""
        inputs = self._checked_inputs(contexts)
        state = self._empty(len(inputs))
        logprobs = np.empty((len(inputs), self.tokenizer.size))
        for rows, hidden, cache in (
            self._ends_of_memory(inputs) if self.memory else self._last_windows(inputs)
        ):
            logprobs[rows] = self._logprobs(hidden)
            state.cache.put(rows, cache)
        if self.memory:
            state.recent = self._recent(inputs, self.network.lookback - 1)
        else:
            self._set_window(state, np.arange(len(inputs)), inputs)
        return logprobs, state

    def flops(self, context: float) -> float:
        """See `NeuralModel.flops`; attention compares with, and adds up, each place that it sees."""
        seen = context if self.options.reach is None else min(context, self.options.reach)
        return super().flops(context) + 4.0 * self.options.layers * self.options.width * seen

    def windowed(self, window: int, stride: int) -> LanguageModel:
        """See `models.windowed.HasWindows`: longer windows than in training where places are relative."""
        if self.memory:
            return Windowed(self, window, stride)
        trained = self.options.window
        if window > trained and self.options.positions in ("learned", "sinusoidal"):
            what = f"the model has {self.options.positions} positions up to {trained}, not {window}"
            raise InputError(what, where="window", remedy=f"Give a window of at most {trained}")
        changed = copy.copy(self)
        changed.options = self.options.model_copy(update={"window": window, "stride": stride})
        changed.context = window
        return changed

    @torch.inference_mode()
    def attention(self, sentence: Ids) -> Floats:
        """See `models.inside.HasAttention`; at most as many places as the window has."""
        inputs = self._inputs(np.asarray(sentence)[:-1])
        self._check(inputs)
        if not self.memory and len(inputs) > self.options.window:
            what = f"there are {len(inputs)} places to look at, the model reads {self.options.window} at once"
            raise InputError(what, remedy="Give a shorter sentence")
        maps, _ = attention_maps(self.network, self.vectors(inputs[None]))
        return array_of(maps.double())

    def context_lengths(self, length: int) -> Ids:
        """See `NeuralModel.context_lengths`. `bos` is in the window and is not counted."""
        places = np.arange(length)
        if self.memory:
            return np.minimum(places, self.context or 0)
        number = self._window_of(places)
        return places - number * self.options.slide + (number > 0)

    def _empty(self, batch: int) -> TransformerState:
        """The state of rows that have read nothing, not even `bos`."""
        recent = np.full((batch, self.network.lookback - 1), self.tokenizer.bos)
        tokens = np.zeros((batch, 0 if self.memory else self.options.window), dtype=np.int64)
        room = self.memory + self._chunk if self.memory else self.options.window
        return TransformerState(tokens, recent, self.network.empty(batch, room))

    def _read_again(self, full: Ids, state: TransformerState) -> None:
        """Rows whose window is full: drop the oldest tokens, read the others from scratch."""
        kept = state.tokens[full, self.options.slide :]
        cache = self.network.empty(len(full), self.options.window)
        if kept.shape[1]:
            self.network(self.vectors(kept), cache)
        state.cache.put(full, cache)
        self._set_window(state, full, list(kept))

    def _set_window(self, state: TransformerState, rows: Ids, windows: Sequence[Ids]) -> None:
        """What stands in the windows of some rows: the last of `windows`, as far as the cache holds them."""
        held = [
            window[len(window) - state.cache.lengths[row] :]
            for row, window in zip(rows, windows, strict=True)
        ]
        state.tokens[rows] = cut_out(held, np.zeros(len(held), dtype=np.int64), self.options.window, 0)
        state.recent[rows] = self._recent(held, self.network.lookback - 1)

    def _window_of(self, places: Ids) -> Ids:
        """Number of the window in which the event after input `places` is scored."""
        beyond = np.maximum(places - self.options.window + 1, 0)
        return -(-beyond // self.options.slide)

    def _hidden(self, inputs: list[Ids], last: bool) -> Iterator[Block]:
        """All windows of all rows, or all that the rows read piece by piece."""
        if self.memory:
            for piece, hidden, _ in self._pieces(inputs, ends=False):
                nothing = np.zeros(len(piece.rows), dtype=np.int64)
                yield Block(piece.rows, nothing + piece.begin, nothing, piece.stop, hidden)
            return
        window, stride = self.options.window, self.options.slide
        for rows, number, begin, tokens, stop in self._windows(inputs, last):
            skip = np.where(number > 0, window - stride, 0)
            yield Block(rows, begin, skip, stop, self.network(self.vectors(tokens)))

    def _windows(self, inputs: Sequence[Ids], last: bool) -> Iterator[tuple[Ids, Ids, Ids, Ids, Ids]]:
        """Windows, sorted by length and padded at the right: rows, numbers, begins, tokens, stops.

        With `last` only the window in which each row's last event is scored.
        """
        lengths = np.array([len(row) for row in inputs], dtype=np.int64)
        windows = np.where(lengths > 0, self._window_of(np.maximum(lengths - 1, 0)) + 1, 0)
        rows = np.repeat(np.arange(len(inputs)), windows)
        number = np.arange(len(rows)) - np.repeat(np.cumsum(windows) - windows, windows)
        if last:
            final = number == windows[rows] - 1
            rows, number = rows[final], number[final]
        begin = number * self.options.slide
        stop = np.minimum(lengths[rows] - begin, self.options.window)
        order = np.argsort(-stop, kind="stable")
        first = 0
        while first < len(order):
            time = int(stop[order[first]])
            together = self.tokens_at_once // time
            if is_processor(self.device):
                together = min(together, PAIRS_AT_ONCE // (self.options.heads * time * time))
            batch = order[first : first + max(1, together)]
            first += len(batch)
            chosen = [inputs[row] for row in rows[batch]]
            yield (
                rows[batch],
                number[batch],
                begin[batch],
                cut_out(chosen, begin[batch], time, 0),
                stop[batch],
            )

    def _last_windows(self, inputs: Sequence[Ids]) -> Iterator[tuple[Ids, Tensor, Cache]]:
        """Rows, the hidden vector after each one's last place, and the cache of their windows."""
        for rows, _, _, tokens, stop in self._windows(inputs, last=True):
            cache = self.network.empty(len(rows), self.options.window)
            hidden = self.network(self.vectors(tokens), cache)
            cache.lengths = cache.positions = stop
            last = placed(np.arange(len(rows)), self.device), placed(stop - 1, self.device)
            yield rows, hidden[last], cache

    @property
    def _chunk(self) -> int:
        """Places that are read together with a memory: as many as it has, or a few more."""
        return max(CHUNK, self.memory)

    def _pieces(self, inputs: Sequence[Ids], ends: bool) -> Iterator[tuple[Piece, Tensor, Cache]]:
        """Each piece with its hidden vectors and the cache after its last column."""
        cache = self.network.empty(0, self.memory + self._chunk)
        settings: dict[str, Any] = {
            "lookback": self.network.lookback,
            "bos": self.tokenizer.bos,
            "ends": ends,
        }
        for piece in pieces(inputs, tokens=self.tokens_at_once, longest=self._chunk, **settings):
            rows = len(piece.rows)
            # The rows that go on are the first ones.
            cache = cache.rows(np.arange(rows)) if piece.begin else self.network.empty(rows, cache.room)
            cache.keep_last(self.memory, piece.tokens.shape[1])
            yield piece, self.network(self.vectors(piece.tokens, piece.before), cache), cache

    def _ends_of_memory(self, inputs: Sequence[Ids]) -> Iterator[tuple[Ids, Tensor, Cache]]:
        """Rows, the hidden vector after each one's last place, and their cache."""
        for piece, hidden, cache in self._pieces(inputs, ends=True):
            ended = np.flatnonzero(np.array([len(inputs[row]) for row in piece.rows]) == piece.end)
            if len(ended):
                yield piece.rows[ended], hidden[placed(ended, self.device), -1], cache.rows(ended)
