"""The LSTM behind the seam: memory is carried through the whole document, exactly.

Knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lmcompare.interface import Floats, Ids, State
from lmcompare.models.neural.model import TOKENS_AT_ONCE, Block, NeuralModel, longest_first
from lmcompare.models.neural.options import LstmOptions
from lmcompare.models.neural.recurrent import LstmNetwork, Memory

ROWS = 128


@dataclass
class LstmState:
    """What a batch of rows has read, as the network remembers it."""

    memory: Memory

    def rows(self, index: Ids) -> LstmState:
        """See `State.rows`."""
        chosen = torch.from_numpy(np.asarray(index, dtype=np.int64))
        hidden, cell = self.memory
        return LstmState(Memory(hidden.index_select(1, chosen), cell.index_select(1, chosen)))


class LstmModel(NeuralModel[LstmNetwork, LstmOptions]):
    """An LSTM language model. Fresh rows have zero memory and read `bos`."""

    kind = "lstm"
    options_class = LstmOptions

    @staticmethod
    def build(options: Any, size: int, bos: int) -> LstmNetwork:
        """See `NeuralModel.build`."""
        return LstmNetwork(size, bos, options.width, options.layers, options.dropout)

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        return self._read(np.full(batch, self.tokenizer.bos), self.network.fresh(batch))

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`."""
        assert isinstance(state, LstmState)
        self._check(np.asarray(tokens))
        return self._read(np.asarray(tokens), state.memory)

    def context_lengths(self, length: int) -> Ids:
        """See `NeuralModel.context_lengths`: all that stands before."""
        return np.arange(length)

    @torch.inference_mode()
    def _read(self, tokens: Ids, memory: Memory) -> tuple[Floats, State]:
        vectors = self.embedding(torch.from_numpy(tokens.astype(np.int64))[:, None])
        hidden, memory = self.network(vectors, memory)
        return self._logprobs(hidden[:, 0]), LstmState(memory)

    def _hidden(self, inputs: list[Ids], last: bool) -> Iterator[Block]:
        """Rows of like length are read side by side, a chunk of time after the other; ended rows leave."""
        order, lengths = longest_first(inputs)
        for first in range(0, len(order), ROWS):
            rows = order[first : first + ROWS]
            memory, begin = self.network.fresh(len(rows)), 0
            while len(rows):
                time = min(max(1, TOKENS_AT_ONCE // len(rows)), int(lengths[rows[0]]) - begin)
                tokens = np.zeros((len(rows), time), dtype=np.int64)
                stop = np.minimum(lengths[rows] - begin, time)
                for place, row in enumerate(rows):
                    tokens[place, : stop[place]] = inputs[row][begin : begin + time]
                hidden, memory = self.network(self.embedding(torch.from_numpy(tokens)), memory)
                yield Block(
                    rows, np.full(len(rows), begin), np.zeros(len(rows), dtype=np.int64), stop, hidden
                )
                begin += time
                # Longest first: the rows that go on are the first ones.
                going = int(np.count_nonzero(lengths[rows] > begin))
                rows = rows[:going]
                memory = Memory(memory.hidden[:, :going].contiguous(), memory.cell[:, :going].contiguous())
