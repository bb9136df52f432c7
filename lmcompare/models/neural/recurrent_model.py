"""The recurrent networks behind the seam: memory is carried through the whole document, exactly.

Knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, State
from lmcompare.models.inside import LayerActivity
from lmcompare.models.neural.chunks import Piece, pieces
from lmcompare.models.neural.looking import recurrent_activity
from lmcompare.models.neural.model import Block, NeuralModel
from lmcompare.models.neural.options import GruOptions, LstmOptions, RecurrentOptions, RnnOptions
from lmcompare.models.neural.placement import placed
from lmcompare.models.neural.recurrent import Memory, RecurrentNetwork


@dataclass
class RecurrentState:
    """What a batch of rows has read, as the network remembers it.

    Attributes:
        memory: of each layer.
        recent: the last tokens read, `[batch, lookback - 1]`, for the vectors of n-grams.
    """

    memory: Memory
    recent: Ids

    def rows(self, index: Ids) -> RecurrentState:
        """See `State.rows`."""
        index = np.asarray(index, dtype=np.int64)
        memory = tuple(part.index_select(0, placed(index, part.device)) for part in self.memory)
        return RecurrentState(memory, self.recent[index])


class RecurrentModel(NeuralModel[RecurrentNetwork, RecurrentOptions]):
    """A recurrent language model. Fresh rows have zero memory and read `bos`."""

    cell: ClassVar[Literal["elman", "gru", "lstm"]]

    @classmethod
    def build(cls, options: Any, size: int, bos: int) -> RecurrentNetwork:
        """See `NeuralModel.build`."""
        return RecurrentNetwork(size, bos, options, cls.cell)

    def first_hidden(self, batch: int) -> tuple[Tensor, State]:
        """See `NeuralModel.first_hidden`."""
        bos = self.tokenizer.bos
        before = np.full((batch, self.network.lookback - 1), bos)
        nothing = RecurrentState(self.network.fresh(batch, self.device), before)
        return self.next_hidden(np.full(batch, bos), nothing)

    def next_hidden(self, tokens: Ids, state: State) -> tuple[Tensor, State]:
        """See `NeuralModel.next_hidden`."""
        assert isinstance(state, RecurrentState)
        hidden, memory = self.network(self.vectors(tokens[:, None], state.recent), state.memory)
        recent = state.recent
        if recent.shape[1]:
            recent = np.concatenate([recent[:, 1:], tokens[:, None]], axis=1)
        return hidden[:, 0], RecurrentState(memory, recent)

    @torch.inference_mode()
    def read(self, contexts: Sequence[Ids]) -> tuple[Floats, State]:
        """See `NeuralModel.read`."""
        inputs = self._checked_inputs(contexts)
        memory = self.network.fresh(len(inputs), self.device)
        logprobs = np.empty((len(inputs), self.tokenizer.size))
        for piece, hidden, after in self._chunks(inputs, ends=True):
            ended = np.flatnonzero(np.array([len(inputs[row]) for row in piece.rows]) == piece.end)
            if len(ended):
                rows, here = placed(piece.rows[ended], self.device), placed(ended, self.device)
                logprobs[piece.rows[ended]] = self._logprobs(hidden[here, -1])
                for whole, part in zip(memory, after, strict=True):
                    whole[rows] = part[here]
        return logprobs, RecurrentState(memory, self._recent(inputs, self.network.lookback - 1))

    @torch.inference_mode()
    def activity(self, documents: Sequence[Ids]) -> list[LayerActivity]:
        """See `models.inside.HasActivity`."""
        inputs = self._checked_inputs([document[:-1] for document in documents if len(document)])
        if not inputs:
            raise InputError("there is no text to look at the units on")
        return recurrent_activity(self.network, [self.vectors(row[None])[0] for row in inputs])[0]

    def context_lengths(self, length: int) -> Ids:
        """See `NeuralModel.context_lengths`: all that stands before."""
        return np.arange(length)

    def _hidden(self, inputs: list[Ids], last: bool) -> Iterator[Block]:
        for piece, hidden, _ in self._chunks(inputs):
            nothing = np.zeros(len(piece.rows), dtype=np.int64)
            yield Block(piece.rows, nothing + piece.begin, nothing, piece.stop, hidden)

    def _chunks(self, inputs: list[Ids], ends: bool = False) -> Iterator[tuple[Piece, Tensor, Memory]]:
        """Each piece with its hidden vectors and the memory after its last column."""
        memory: Memory = ()
        bos, lookback = self.tokenizer.bos, self.network.lookback
        at_once = self.tokens_at_once
        settings: dict[str, Any] = {"tokens": at_once, "longest": at_once, "ends": ends}
        for piece in pieces(inputs, lookback=lookback, bos=bos, **settings):
            rows = len(piece.rows)
            # The rows that go on are the first ones.
            memory = (
                tuple(part[:rows] for part in memory)
                if piece.begin
                else self.network.fresh(rows, self.device)
            )
            hidden, memory = self.network(self.vectors(piece.tokens, piece.before), memory)
            yield piece, hidden, memory


class RnnModel(RecurrentModel):
    """A language model of Elman's cells."""

    kind, cell, options_class = "rnn", "elman", RnnOptions


class GruModel(RecurrentModel):
    """A language model of gated recurrent units."""

    kind, cell, options_class = "gru", "gru", GruOptions


class LstmModel(RecurrentModel):
    """An LSTM language model."""

    kind, cell, options_class = "lstm", "lstm", LstmOptions
