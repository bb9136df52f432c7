"""The seam: one question, asked of every autoregressive language model in the same way.

"Given what you have read, how likely is each next token?" Everything that lmcompare shows is
derived from the answers. This module knows numpy and nothing else: no torch, no files, no text.

Words used here. A *document* is one array of token ids with the tokenizer's `eos` at the end of
each sentence. An *event* is one prediction that is scored: each token, and each `eos`. `bos` is
conditioned on and never predicted: documents never contain it, and its probability is zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError

Policy = Literal["sentence", "document"]
Ids = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a tokenizer makes of one sentence.

    Attributes:
        ids: token ids, `[n]`, without `bos` and `eos`.
        offsets: UTF-8 byte offsets into the sentence, `[n + 1]`, not decreasing. Token `i` stands for the
            bytes `offsets[i]:offsets[i + 1]`; `offsets[0]` is 0 and `offsets[n]` is the sentence's length
            in bytes, so the tokens cover the original text exactly, white space included.
        places: where a tokenizer does not read a sentence as it stands, `[n]`: `ids[i]` is the token that
            stands at `places[i]` among the offsets. `None`: token `i` stands at `i`. See `spans`.
    """

    ids: Ids
    offsets: Ids
    places: Ids | None = None

    @property
    def spans(self) -> Ids:
        """First byte of each id and the one after its last, `[n, 2]`, whatever the order of reading."""
        bounds = np.stack([self.offsets[: len(self.ids)], self.offsets[1:]], axis=1)
        return bounds if self.places is None else bounds[self.places]


@runtime_checkable
class Tokenizer(Protocol):
    """Text to ids and back. Owned by the model: its ids are the model's event space.

    Attributes:
        kind: registry name ("byte", "char", "word", "bpe").
        size: number of ids, `bos` and `eos` included; ids run from 0 to `size - 1`.
        bos: id that every document is conditioned on; never predicted.
        eos: id that ends each sentence.
        unk: id of all that is not in the vocabulary, or `None` where nothing is unknown.
        lossy: why `decode(encode(s))` may differ from `s`, or "" where it never does.
        fingerprint: hex digest. Equal fingerprints mean equal event spaces: comparable token by token.
    """

    kind: str
    size: int
    bos: int
    eos: int
    unk: int | None
    lossy: str
    fingerprint: str

    def encode(self, sentence: str) -> Encoding:
        """Ids and byte offsets of one sentence; never emits `bos` or `eos`."""
        ...

    def encode_document(self, sentences: Sequence[str]) -> Ids:
        """All sentences as one array, each followed by `eos`: the form in which models read documents."""
        ...

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """Text of the ids; each `eos` becomes a line end, `bos` nothing, `unk` the sign "<unk>"."""
        ...

    def token(self, index: int) -> str:
        """How one id is shown to a person (a byte that is no character alone as `<0xE6>`, eos as `</s>`)."""
        ...

    def to_json(self) -> dict[str, Any]:
        """All that `text.tokenizers.from_json` needs to build it again, `kind` included."""
        ...


class State(Protocol):
    """What a batch of rows has read. `LanguageModel.step` spends it: do not use a state after stepping it."""

    def rows(self, index: Ids) -> State:
        """An independent state whose row `i` is a copy of row `index[i]`: copy, drop, repeat, reorder.

        Args:
            index: rows of this state, `[new_batch]`, repeats allowed.
        """
        ...


class LanguageModel(ABC):
    """An autoregressive language model. `start` and `step` make a model; the rest has defaults.

    Log-probabilities are natural. They are never clipped: an impossible event has `-inf`.

    Attributes:
        kind: registry name of the family ("ngram", "lstm", ...).
        tokenizer: the event space.
        context: how many tokens back the model can see; `None` is all of the document.
        policy: what is remembered at `eos`. A `"sentence"` model starts afresh there by itself, so that
            every family is fed the same arrays and scored on the same events.
        parameters: numbers that were estimated from data (weights; for an n-gram, probabilities and
            back-off weights); 0 where nobody can tell.
    """

    kind: str = "external"
    tokenizer: Tokenizer
    context: int | None
    policy: Policy
    parameters: int = 0

    @abstractmethod
    def start(self, batch: int) -> tuple[Floats, State]:
        """Log p(first token | bos), `[batch, size]`, and the state of rows that have read only `bos`."""

    @abstractmethod
    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """Each row reads one more token.

        Args:
            tokens: the token that each row reads, `[batch]`; may be `eos`, never `bos`.
            state: what the rows have read; spent by this call.

        Returns:
            log p(next token | all read so far), `[batch, size]`, and the new state.
        """

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """Log p of every event of every document given what came before it in its document.

        Args:
            documents: ids with `eos` at each sentence's end, one array a document; any may be empty.

        Returns:
            one float64 array a document, of the document's length.
        """
        return [_score_by_stepping(self, document) for document in documents]

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """Log p(next token | context), `[len(contexts), size]`, float64.

        Args:
            contexts: what each row has read since its document's start (`bos` is implied); may be empty.
        """
        rows = []
        for context in contexts:
            logprobs, state = self.start(1)
            for token in context:
                logprobs, state = self.step(np.array([token]), state)
            rows.append(logprobs[0])
        return np.stack(rows).astype(np.float64) if rows else np.zeros((0, self.tokenizer.size))

    def save(self, folder: Path) -> None:
        """Write the model as a new folder (safetensors + JSON + tokenizer), whole or not at all."""
        raise InputError(f"a model of kind {self.kind!r} cannot be saved", where=str(folder))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model that `save` wrote; raises `InputError` naming what is missing or damaged."""
        raise InputError("a model of this kind cannot be loaded", where=str(folder))


@runtime_checkable
class Reads(Protocol):
    """A model that reads many tokens at once: optional, a fast path of `start` and many a `step`."""

    def read(self, contexts: Sequence[Ids]) -> tuple[Floats, State]:
        """Rows that have read contexts of any lengths: what stepping them one by one would give.

        Args:
            contexts: what each row has read since its document's start, without `bos`; may be empty.

        Returns:
            log p(next token | context), `[len(contexts), size]`, and the state to go on with.
        """
        ...


@runtime_checkable
class Writes(Protocol):
    """A model that steps faster once it knows that it will write: optional."""

    def prepare_writing(self, rows: int, steps: int) -> None:
        """At most so many steps of so many rows will come. No answer may change by more than rounding."""
        ...


@runtime_checkable
class Samples(Protocol):
    """A model that draws from itself without writing distributions out: optional."""

    def sample(self, contexts: Sequence[Ids], length: int, seeds: Sequence[Sequence[int]]) -> Ids:
        """Exact draws from log p, `[len(contexts), length]`, on over `eos` as the model's policy says.

        A row's draws depend on its context and its seeds alone, and more of them begin with the fewer.

        Args:
            contexts: what each row has read since its document's start, without `bos`; may be empty.
            length: tokens drawn for each row.
            seeds: of each row's own random stream.
        """
        ...


@runtime_checkable
class CountsFlops(Protocol):
    """A model that knows how many floating-point operations a token takes: optional."""

    def flops(self, context: float) -> float:
        """Operations to read one token and predict the next, with `context` tokens before it on average."""
        ...


def flops_per_token(model: LanguageModel, context: float) -> float:
    """What the model says, or 0: a table that is looked up does not calculate."""
    return model.flops(context) if isinstance(model, CountsFlops) else 0.0


def _score_by_stepping(model: LanguageModel, document: Ids) -> Floats:
    scores = np.empty(len(document), dtype=np.float64)
    logprobs, state = model.start(1)
    for position, token in enumerate(document):
        scores[position] = logprobs[0, token]
        if position + 1 < len(document):
            logprobs, state = model.step(np.array([token]), state)
    return scores


def split_sentences(document: Ids, eos: int) -> list[Ids]:
    """The sentences of a document, each with its `eos`; a tail without one is a sentence of its own."""
    ends = np.flatnonzero(document == eos) + 1
    pieces = np.split(document, ends)
    return [piece for piece in pieces if len(piece)]
