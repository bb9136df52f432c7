"""The truth as a model: a synthetic language's own distribution, asked through the same seam as all others.

Its log-probabilities are exact, so its row is the floor that no model can pass, and the laws hold for it.
After a token that the language cannot say, everything is equally probable until the sentence's end. Knows
nothing of how a language works (`text.synthetic`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer, split_sentences
from lmcompare.registry import Progress, Training
from lmcompare.text.synthetic.options import process_of
from lmcompare.text.synthetic.parts import Parts
from lmcompare.text.synthetic.process import ROWS, Array, Index, Process
from lmcompare.text.tokenizers import from_json

_REMEDY = "Take the tokenizer whose tokens are its symbols: word, or char for text without spaces"


@dataclass
class _Read:
    """What the process has read, whether it can have said that, and what may come next."""

    state: Array
    possible: Index
    next: Array

    def rows(self, index: Ids) -> _Read:
        return _Read(self.state[index], self.possible[index], self.next[index])


class SourceModel(LanguageModel):
    """The distribution that a text was drawn from, over the tokens of a tokenizer.

    Args:
        source: the language as plain values (`Corpus.source`).
        tokenizer: each symbol of the language is one token of it; two symbols may not be the same one.

    Attributes:
        process: the language.
        token_of: the token of each symbol, and `eos`, `[symbols + 1]`.
    """

    kind = "source"
    context = None
    parameters = 0

    def __init__(self, source: dict[str, Any], tokenizer: Tokenizer) -> None:
        self.source, self.tokenizer = source, tokenizer
        self.process: Process = process_of(source)
        by_document = isinstance(self.process, Parts) and self.process.by_document
        self.policy = "document" if by_document else "sentence"
        self.token_of = tokens_of(self.process, tokenizer)
        self._symbol_of = np.full(tokenizer.size, -1)
        self._symbol_of[self.token_of] = np.arange(len(self.token_of))

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        return self._answer(self.process.begin(batch), np.ones(batch, dtype=np.int64))

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`."""
        assert isinstance(state, _Read)
        return self._answer(*self._read(np.asarray(tokens), state))

    def _read(self, tokens: Ids, read: _Read) -> tuple[Array, Index]:
        symbols, end = self._symbol_of[tokens], len(self.token_of) - 1
        rows = np.arange(len(tokens))
        possible = (read.possible > 0) & (symbols >= 0) & (read.next[rows, symbols] > 0)
        state, ended = read.state.copy(), tokens == self.tokenizer.eos
        on = np.flatnonzero(possible & (symbols != end))
        if len(on):
            state[on] = self.process.advance(state[on], symbols[on])
        closed, broken = np.flatnonzero(possible & ended), np.flatnonzero(~possible & ended)
        if len(closed):
            state[closed] = self.process.finish(state[closed])
        if len(broken):
            state[broken] = self.process.begin(len(broken))
        return state, (possible | ended).astype(np.int64)

    def _answer(self, state: Array, possible: Index) -> tuple[Floats, _Read]:
        found = np.where(possible[:, None] > 0, self.process.probabilities(state), 1 / len(self.token_of))
        logprobs = np.full((len(state), self.tokenizer.size), -np.inf)
        with np.errstate(divide="ignore"):
            logprobs[:, self.token_of] = np.log(found)
        return logprobs, _Read(state, possible, found)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`: all sentences (or documents, where these keep a part) side by side."""
        eos = self.tokenizer.eos
        alone = self.policy == "sentence"
        pieces = [split_sentences(np.asarray(d), eos) if alone else [np.asarray(d)] for d in documents]
        flat = [piece for document in pieces for piece in document]
        sizes = np.array([len(piece) for piece in flat], dtype=np.int64)
        found = np.empty(int(sizes.sum()))
        starts, order = np.cumsum(sizes) - sizes, np.argsort(-sizes, kind="stable")
        ids = np.concatenate([np.zeros(0, dtype=np.int64), *flat]).astype(np.int64)
        for first in range(0, len(order), ROWS):
            rows = order[first : first + ROWS]
            rows = rows[sizes[rows] > 0]
            logprobs, state = self.start(len(rows))
            for place in range(int(sizes[rows[0]]) if len(rows) else 0):
                on = np.flatnonzero(sizes[rows] > place)
                if len(on) < len(rows):
                    rows, logprobs, state = rows[on], logprobs[on], state.rows(on)
                tokens = ids[starts[rows] + place]
                found[starts[rows] + place] = logprobs[np.arange(len(rows)), tokens]
                logprobs, state = self.step(tokens, state)
        ends = np.cumsum([len(document) for document in documents])[:-1]
        return [np.asarray(part) for part in np.split(found, ends)] if len(documents) else []

    def can_say(self, documents: Sequence[Ids], most: int = 50) -> bool:
        """Whether the first documents have a probability: no, where tokens are not the symbols."""
        return all(np.isfinite(scores).all() for scores in self.score(documents[:most]))

    def kinds(self, state: State) -> Index:
        """The kind of each token after what was read, a place in `process.kinds` or -1, `[rows, size]`."""
        assert isinstance(state, _Read)
        found = np.full((len(state.state), self.tokenizer.size), -1)
        found[:, self.token_of] = self.process.kinds_of(state.state)
        return found

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`."""
        files.save_model(folder, self.kind, {"source": self.source}, {}, self.tokenizer.to_json())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        saved = files.load_model(folder, cls.kind)
        if not isinstance(saved.config.get("source"), dict):
            raise InputError("model.json names no source", where=str(folder))
        return cls(saved.config["source"], from_json(saved.tokenizer))


def tokens_of(process: Process, tokenizer: Tokenizer) -> Index:
    """The token of each symbol, then `eos`; raises `InputError` where tokens are not the symbols."""
    found = []
    for symbol in process.symbols:
        ids = tokenizer.encode(symbol).ids
        if len(ids) != 1:
            what = f"{symbol!r} of the language is {len(ids)} tokens of a {tokenizer.kind} tokenizer"
            raise InputError(what, where="tokenizer", remedy=_REMEDY)
        found.append(int(ids[0]))
    if len(set(found)) < len(found):
        what = "two symbols of the language are the same token"
        raise InputError(what, where="tokenizer", remedy="Give it a larger vocabulary, or more training text")
    return np.array([*found, tokenizer.eos], dtype=np.int64)


class SourceOptions(BaseModel):
    """Nothing can be set: the corpus says what its source is."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Source:
    name = "source"
    summary = "the distribution that a synthetic corpus was drawn from: the floor of all models"
    options: type[BaseModel] = SourceOptions

    def train(self, job: Training) -> LanguageModel:
        """Nothing is learnt."""
        if job.source is None:
            remedy = "Take this kind with a corpus that `lmcompare corpus list` shows as synthetic"
            raise InputError("nobody knows what this text was drawn from", where="source", remedy=remedy)
        job.progress(Progress("train", 1, 1))
        model = SourceModel(dict(job.source), job.tokenizer)
        if not model.can_say(job.valid):
            what = f"the tokens of a {job.tokenizer.kind} tokenizer are not the symbols of the language"
            raise InputError(what, where="tokenizer", remedy=_REMEDY)
        return model

    def load(self, folder: Path) -> LanguageModel:
        """See `registry.Family`."""
        return SourceModel.load(folder)


SOURCE = _Source()
