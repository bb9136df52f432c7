"""The training text as contiguous streams: which tokens a step reads, from the seed alone.

Knows nothing of networks. Step `n` of a training is a pure function of the documents, the options
and the seed, so a killed training finds its place again by its step number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.errors import InputError
from lmcompare.interface import Ids


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one step reads.

    Attributes:
        inputs: `[batch, time]`; `bos` where a document, or a fresh start, begins.
        targets: the tokens that follow, `[batch, time]`; a target `bos` is no event.
        before: the tokens that stand left of `inputs`, `[batch, lookback - 1]`; `bos` where there are none.
        first: whether this is an epoch's first chunk, before which nothing is carried.
    """

    inputs: Ids
    targets: Ids
    before: Ids
    first: bool


class Streams:
    """All documents, each after `bos`, in an order shuffled per epoch, cut into `batch` equal streams.

    At a share `restart` of the sentence ends inside documents (drawn anew per epoch, always the same
    number) a `bos` is inserted: "start afresh here". A model that met `bos` only before a document's
    first sentence would not know how to read a sentence alone, which is what policy `sentence` asks.

    Attributes:
        rows: streams side by side; fewer than `batch` where there is little text.
        steps_per_epoch: chunks in one pass; the last may be shorter.
    """

    def __init__(
        self,
        documents: Sequence[Ids],
        *,
        bos: int,
        eos: int,
        batch: int,
        length: int,
        restart: float,
        seed: int,
        lookback: int = 1,
    ) -> None:
        self.documents = [np.asarray(document) for document in documents if len(document)]
        if not self.documents:
            raise InputError(
                "there is no training text", where="split train", remedy="Give a corpus with text in train"
            )
        self.bos, self.eos, self.length, self.seed, self.lookback = bos, eos, length, seed, lookback
        inner = sum(int(np.count_nonzero(document[:-1] == eos)) for document in self.documents)
        self.restarts = round(restart * inner)
        total = sum(len(document) + 1 for document in self.documents) + self.restarts
        self.rows = max(1, min(batch, total // (length + 1)))
        self.columns = -(-total // self.rows)
        self.steps_per_epoch = max(1, -(-(self.columns - 1) // length))
        self._epoch = -1
        self._text: Ids = np.zeros((0, 0), dtype=np.int64)

    def chunk(self, step: int) -> Chunk:
        """What step `step` (from 0) reads."""
        epoch, number = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._text = epoch, self._lay_out(epoch)
        begin = number * self.length
        end = min(begin + self.length, self.columns - 1)
        inputs = np.ascontiguousarray(self._text[:, begin:end])
        targets = np.ascontiguousarray(self._text[:, begin + 1 : end + 1])
        before = np.full((self.rows, self.lookback - 1), self.bos)
        known = min(begin, self.lookback - 1)
        before[:, self.lookback - 1 - known :] = self._text[:, begin - known : begin]
        return Chunk(inputs, targets, before, number == 0)

    def _lay_out(self, epoch: int) -> Ids:
        """The epoch's text, `[rows, columns]`; what is missing at the end is filled up from the start."""
        random = np.random.default_rng([self.seed, epoch])
        pieces = []
        for index in random.permutation(len(self.documents)):
            pieces += [np.array([self.bos]), self.documents[index]]
        text = np.concatenate(pieces).astype(np.int64)
        if self.restarts:
            inner = np.flatnonzero((text[:-1] == self.eos) & (text[1:] != self.bos)) + 1
            chosen = np.sort(random.choice(inner, self.restarts, replace=False))
            text = np.insert(text, chosen, self.bos)
        laid: Ids = np.resize(text, (self.rows, self.columns))
        return laid

    def counts(self, size: int) -> Ids:
        """How often each id occurs in the documents, `[size]`."""
        return sum((np.bincount(d, minlength=size) for d in self.documents), np.zeros(size, dtype=np.int64))
