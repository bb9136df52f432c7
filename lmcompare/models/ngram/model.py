"""An n-gram model behind the seam: back-off tables and the tokenizer whose ids they hold.

Knows nothing of how the tables were estimated (`smoothing`) or where they were read (`arpa`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.models.ngram import sampling
from lmcompare.models.ngram.quantised import NAMES, QuantisedTables, quantise, shift
from lmcompare.models.ngram.tables import BackoffTables


@dataclass(frozen=True)
class NgramState:
    """The context of each row as a node of the tables, `[batch]`."""

    nodes: NDArray[np.int64]

    def rows(self, index: Ids) -> NgramState:
        """See `State.rows`."""
        return NgramState(self.nodes[index])


class NgramModel(LanguageModel):
    """A back-off n-gram model; forgets at `eos`.

    Args:
        tokenizer: the event space; the tables hold its ids.
        tables: probabilities and back-off weights.
        settings: how the model came about, for people (kept in the model folder).
        notes: what a user should be told about it, such as discounts that could not be estimated.
        codes: what is saved in place of the tables, which were made of it.
    """

    kind = "ngram"
    policy = "sentence"

    def __init__(
        self,
        tokenizer: Tokenizer,
        tables: BackoffTables,
        settings: Mapping[str, Any] | None = None,
        notes: Sequence[str] = (),
        codes: QuantisedTables | None = None,
    ) -> None:
        if tables.size != tokenizer.size:
            raise InputError(f"the tokenizer has {tokenizer.size} ids, the n-gram tables have {tables.size}")
        self.tokenizer, self.tables, self.codes = tokenizer, tables, codes
        self.settings, self.notes = dict(settings or {}), list(notes)
        self.context = tables.order - 1
        self.parameters = tables.numbers

    @property
    def order(self) -> int:
        """Length of the longest n-gram."""
        return self.tables.order

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        nodes = np.full(batch, self._opening, dtype=np.int64)
        return self.tables.distributions(nodes), NgramState(nodes)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`; a row that reads `eos` starts its next sentence."""
        read = cast(NgramState, state).nodes
        _, _, nodes = self._walk(np.asarray(tokens), np.arange(len(tokens) + 1), read)
        return self.tables.distributions(nodes), NgramState(nodes)

    def read(self, contexts: Sequence[Ids]) -> tuple[Floats, State]:
        """See `Reads`: only the last `order - 1` tokens of a context are looked at."""
        nodes = self._reached(contexts)
        return self.tables.distributions(nodes), NgramState(nodes)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`."""
        scores, _, bounds = self._read(documents)
        return np.split(scores, bounds[1:-1]) if documents else []

    def matched_order(self, documents: Sequence[Ids]) -> list[NDArray[np.int8]]:
        """Length of the n-gram whose probability each event was given, one array a document."""
        _, matched, bounds = self._read(documents)
        return np.split(self.tables.orders_of(matched), bounds[1:-1]) if documents else []

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        return self.tables.distributions(self._reached(contexts))

    def sample(self, contexts: Sequence[Ids], length: int, seeds: Sequence[Sequence[int]]) -> Ids:
        """Draws from the model itself, `[len(contexts), length]`, without writing distributions out.

        Args:
            contexts: what each row has read, as for `next_logprobs`.
            length: tokens drawn for each row; it reads on over `eos`.
            seeds: of each row's own random stream.
        """
        bos, eos = self.tokenizer.bos, self.tokenizer.eos
        nodes = self._reached(contexts)
        return sampling.sample(self.tables, self._sums, nodes, length, seeds, bos=bos, eos=eos)

    @cached_property
    def _sums(self) -> NDArray[np.float64]:
        return sampling.running_sums(self.tables)

    def _reached(self, contexts: Sequence[Ids]) -> NDArray[np.int64]:
        """The context in the tables in which each row stands."""
        seen = self.order - 1
        tails = [np.asarray(context)[max(0, len(context) - seen) :] for context in contexts]
        tokens, bounds = _join(tails)
        # What stands before `seen` tokens cannot be seen: neither can the start of their sentence.
        nodes = np.where(np.diff(bounds) < seen, self._opening, 0)
        return self._walk(tokens, bounds, nodes)[2]

    def limited(self, context: int) -> NgramModel:
        """The same estimates for a reader of the last `context` tokens (`bos` counts): its lower orders."""
        return NgramModel(self.tokenizer, self.tables.limited(context + 1), self.settings, self.notes)

    def quantised(self) -> NgramModel:
        """The model with eight bits a number: a third of the size on disk, and slightly other scores.

        How far they are others is told in its notes: no text is needed for that.
        """
        codes = quantise(self.tables)
        tables = codes.tables()
        mean, largest = shift(self.tables.logprobs, tables.logprobs)
        notes = [
            *self.notes,
            f"quantise = 8 moves log10 p of listed n-grams by {mean:.2g} on average, {largest:.2g} at most",
        ]
        return NgramModel(self.tokenizer, tables, {**self.settings, "quantise": 8}, notes, codes)

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`."""
        tables = self.tables
        arrays = {
            "words": _narrow(tables.words),
            "logprobs": tables.logprobs,
            "children": _narrow(np.diff(tables.starts)),
            "backoffs": tables.backoffs,
            "suffixes": _narrow(tables.suffixes),
            "levels": tables.levels,
        }
        arrays = arrays if self.codes is None else self.codes.arrays()
        config = {"order": self.order, "settings": self.settings, "notes": self.notes}
        files.save_model(folder, self.kind, config, arrays, self.tokenizer.to_json())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        from lmcompare.text.tokenizers import from_json

        saved = files.load_model(folder, cls.kind)
        quantised = "probability_codes" in saved.arrays
        names = NAMES if quantised else ("words", "logprobs", "children", "backoffs", "suffixes", "levels")
        missing = [name for name in names if name not in saved.arrays]
        if missing:
            raise InputError(f"weights.safetensors lacks {', '.join(missing)}", where=str(folder))
        arrays = {name: saved.arrays[name] for name in names}
        codes = QuantisedTables(**arrays) if quantised else None
        fault = "" if codes is None else codes.faults()
        if not fault:
            tables = _tables(**arrays) if codes is None else codes.tables()
            fault = tables.faults()
        if fault:
            raise InputError(f"weights.safetensors is damaged: {fault}", where=str(folder))
        settings, notes = saved.config.get("settings"), saved.config.get("notes", ())
        return cls(from_json(saved.tokenizer), tables, settings, notes, codes)

    @property
    def _opening(self) -> int:
        return self.tables.opening(self.tokenizer.bos)

    def _walk(
        self, tokens: Ids, bounds: Ids, nodes: Ids
    ) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
        return self.tables.walk(tokens, bounds, nodes, bos=self.tokenizer.bos, eos=self.tokenizer.eos)

    def _read(self, documents: Sequence[Ids]) -> tuple[Floats, NDArray[np.uint32], NDArray[np.int64]]:
        tokens, bounds = _join(documents)
        tokenizer = self.tokenizer
        scores, matched = self.tables.read(tokens, bounds, bos=tokenizer.bos, eos=tokenizer.eos)
        return scores, matched, bounds


def _tables(
    words: NDArray[Any],
    logprobs: NDArray[np.float32],
    children: NDArray[Any],
    backoffs: NDArray[np.float32],
    suffixes: NDArray[Any],
    levels: NDArray[Any],
) -> BackoffTables:
    """The tables that were saved under these names."""
    return BackoffTables(
        words=words.astype(np.int32),
        logprobs=logprobs,
        starts=np.concatenate([np.zeros(1, np.int32), np.cumsum(children, dtype=np.int32)]) + np.int32(1),
        backoffs=backoffs,
        suffixes=suffixes.astype(np.int32),
        levels=levels.astype(np.int64),
    )


def _join(documents: Sequence[Ids]) -> tuple[Ids, NDArray[np.int64]]:
    """Documents as one array, and where each starts, then its length."""
    bounds = np.concatenate([[0], np.cumsum([len(document) for document in documents])]).astype(np.int64)
    parts = [np.asarray(document) for document in documents if len(document)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32), bounds


def _narrow(values: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """The same numbers, none negative, at the smallest width that holds them."""
    top = int(values.max()) if len(values) else 0
    width = np.uint8 if top < 2**8 else np.uint16 if top < 2**16 else np.uint32
    return values.view(width) if values.dtype == np.int32 and width is np.uint32 else values.astype(width)
