"""Any model, made to forget at `eos`: the matched column of every comparison.

A model that reads on over sentence ends knows more than one that does not. Wrapped, it is given
each sentence as a document of its own, so that all families see the same context. Knows nothing of
how the inner model works: it uses only the seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.interface import Floats, Ids, LanguageModel, State, split_sentences


@dataclass
class _Groups:
    """Rows that started at different times cannot share an inner state: one group for each start."""

    groups: list[tuple[State, Ids]]
    batch: int

    def rows(self, index: Ids) -> _Groups:
        index = np.asarray(index)
        kept: list[tuple[State, Ids]] = []
        for state, members in self.groups:
            place = np.full(self.batch, -1)
            place[members] = np.arange(len(members))
            targets = np.flatnonzero(place[index] >= 0)
            if len(targets):
                kept.append((state.rows(place[index[targets]]), targets))
        return _Groups(kept, len(index))


class SentencePolicy(LanguageModel):
    """`model` with policy `sentence`: after each `eos` it has read nothing but `bos`."""

    policy = "sentence"

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.kind = model.kind
        self.tokenizer = model.tokenizer
        self.context = model.context
        self.parameters = model.parameters

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        logprobs, state = self.model.start(batch)
        return logprobs, _Groups([(state, np.arange(batch))], batch)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`; rows that read `eos` start afresh."""
        assert isinstance(state, _Groups)
        tokens = np.asarray(tokens)
        out = np.empty((state.batch, self.tokenizer.size))
        groups: list[tuple[State, Ids]] = []
        for inner, members in state.groups:
            on = np.flatnonzero(tokens[members] != self.tokenizer.eos)
            if len(on):
                inner = inner if len(on) == len(members) else inner.rows(on)
                out[members[on]], inner = self.model.step(tokens[members[on]], inner)
                groups.append((inner, members[on]))
        fresh = np.flatnonzero(tokens == self.tokenizer.eos)
        if len(fresh):
            out[fresh], inner = self.model.start(len(fresh))
            groups.append((inner, fresh))
        return out, _Groups(groups, state.batch)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`: each sentence is scored as a document of its own."""
        pieces = [split_sentences(document, self.tokenizer.eos) for document in documents]
        scores = iter(self.model.score([piece for document in pieces for piece in document]))
        empty = np.zeros(0)
        return [np.concatenate([empty, *(next(scores) for _ in document)]) for document in pieces]

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`: only what stands after the last `eos` is seen."""
        tails = []
        for context in contexts:
            ends = np.flatnonzero(np.asarray(context) == self.tokenizer.eos)
            tails.append(np.asarray(context)[ends[-1] + 1 :] if len(ends) else np.asarray(context))
        return self.model.next_logprobs(tails)


def forget_at_eos(model: LanguageModel) -> LanguageModel:
    """The same model with policy `sentence` (itself, if it has that policy already)."""
    return model if model.policy == "sentence" else SentencePolicy(model)
