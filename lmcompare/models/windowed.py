"""Any model that reads on over a document, made to see a window of it: the price of a bounded context.

Wrapped, a model reads at most `window` tokens after `bos`. When it has read as many it forgets all,
reads the last `window - stride` of them again, and goes on: windows begin at every multiple of `stride`,
each event is scored once, and beyond the first window it sees more than `window - stride` and at most
`window` tokens. Knows nothing of how the inner model works: it uses only the seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State


@runtime_checkable
class HasWindows(Protocol):
    """A model that slides windows by itself and can be given others: optional."""

    def windowed(self, window: int, stride: int) -> LanguageModel:
        """The same weights with these windows; raises `InputError` where the model cannot have them."""
        ...


@runtime_checkable
class HasOrders(Protocol):
    """A model whose shorter contexts have estimates of their own: optional."""

    def limited(self, context: int) -> LanguageModel:
        """The model as it answers a reader of the last `context` tokens."""
        ...


def windowed(model: LanguageModel, window: int, stride: int | None = None) -> LanguageModel:
    """The model with windows of `window` tokens that move on by `stride` (half the window if not given).

    A model that forgets at `eos`, or that never looks back further than `window`, is given back as it is.

    Raises:
        InputError: a stride that is not between 1 and the window.
    """
    stride = max(1, window // 2) if stride is None else stride
    if not 1 <= stride <= window:
        what = f"a stride of {stride} tokens does not fit a window of {window}"
        raise InputError(what, where="stride", remedy="Give a stride from 1 to the window")
    if isinstance(model, HasWindows):
        return model.windowed(window, stride)
    if model.policy == "sentence" or (model.context is not None and model.context <= window):
        return model
    return Windowed(model, window, stride)


@dataclass
class _Window:
    """What the rows have read since their window began; rows of one state have read equally many tokens."""

    inner: State
    tokens: Ids
    read: int

    def rows(self, index: Ids) -> _Window:
        index = np.asarray(index)
        return _Window(self.inner.rows(index), self.tokens[index], self.read)


class Windowed(LanguageModel):
    """`model` with windows; see the head of this module."""

    def __init__(self, model: LanguageModel, window: int, stride: int) -> None:
        self.model, self.window, self.stride = model, window, stride
        self.kind, self.tokenizer = model.kind, model.tokenizer
        self.policy, self.parameters = model.policy, model.parameters
        self.context = window

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        logprobs, inner = self.model.start(batch)
        return logprobs, _Window(inner, np.zeros((batch, self.window), dtype=np.int64), 0)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`; a row whose window is full begins the next one."""
        assert isinstance(state, _Window)
        inner, held, read = state.inner, state.tokens, state.read
        if read == self.window:
            read -= self.stride
            held[:, :read] = held[:, self.stride :].copy()
            _, inner = self.model.start(len(held))
            for place in range(read):
                _, inner = self.model.step(held[:, place], inner)
        held[:, read] = tokens
        logprobs, inner = self.model.step(np.asarray(tokens), inner)
        return logprobs, _Window(inner, held, read + 1)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`: each window is scored as a document of its own."""
        pieces: list[Ids] = []
        tails: list[int] = []
        counts = []
        for document in documents:
            numbers = self._window_of(np.arange(len(document)))
            windows = int(numbers[-1]) + 1 if len(document) else 0
            for number in range(windows):
                begin = number * self.stride
                pieces.append(np.asarray(document)[begin : begin + self.window + 1])
                tails.append(self.window + 1 - self.stride if number else 0)
            counts.append(windows)
        scored = [part[tail:] for part, tail in zip(self.model.score(pieces), tails, strict=True)]
        ends = np.cumsum([0, *counts])
        nothing = np.zeros(0)
        return [np.concatenate([nothing, *scored[a:b]]) for a, b in zip(ends[:-1], ends[1:], strict=True)]

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        begins = [int(self._window_of(np.array([len(context)]))[0]) * self.stride for context in contexts]
        return self.model.next_logprobs(
            [np.asarray(context)[begin:] for context, begin in zip(contexts, begins, strict=True)]
        )

    def context_lengths(self, length: int) -> Ids:
        """How many tokens each event of a document of `length` events can see, `[length]`."""
        places = np.arange(length)
        return places - self._window_of(places) * self.stride

    def _window_of(self, places: Ids) -> Ids:
        """Number of the window in which the event at each place is scored."""
        number: Ids = -(-np.maximum(places - self.window, 0) // self.stride)
        return number
