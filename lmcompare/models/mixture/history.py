"""What the rows of a batch have read, token by token: for models that look at all of a document.

All rows of a state have read equally many tokens, so they are one rectangle. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.interface import Ids


@dataclass
class History:
    """Tokens of each row in order: `tokens[:, :length]`; the columns after them are room to grow.

    Attributes:
        tokens: `[batch, room]`, int32.
        length: tokens that each row has read.
    """

    tokens: NDArray[np.int32]
    length: int = 0

    @classmethod
    def empty(cls, batch: int) -> History:
        """Rows that have read nothing."""
        return cls(np.zeros((batch, 16), dtype=np.int32))

    @property
    def read(self) -> NDArray[np.int32]:
        """What was read, `[batch, length]`; a view."""
        return self.tokens[:, : self.length]

    def append(self, tokens: Ids) -> History:
        """The rows after one more token each, `[batch]`; this history is spent."""
        room = self.tokens.shape[1]
        if self.length == room:
            self.tokens = np.concatenate([self.tokens, np.zeros_like(self.tokens)], axis=1)
        self.tokens[:, self.length] = tokens
        return History(self.tokens, self.length + 1)

    def rows(self, index: Ids) -> History:
        """See `State.rows`."""
        return History(self.tokens[index], self.length)


def join(documents: Sequence[Ids]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Documents as one array, and where each starts, then its length, `[documents + 1]`."""
    bounds = np.concatenate([[0], np.cumsum([len(document) for document in documents])]).astype(np.int64)
    parts: list[NDArray[Any]] = [np.asarray(document, dtype=np.int32) for document in documents]
    return np.concatenate([np.zeros(0, dtype=np.int32), *parts]), bounds


def apart(flat: NDArray[Any], bounds: NDArray[np.int64]) -> list[NDArray[Any]]:
    """The reverse of `join`: one array a document."""
    return np.split(flat, bounds[1:-1]) if len(bounds) > 1 else []
