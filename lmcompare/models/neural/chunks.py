"""Documents side by side, chunk after chunk: in which order a network that carries its state scores them.

Knows nothing of networks. Rows of like length are read together; a row that has ended leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.interface import Ids

ROWS = 128
"""Rows that are read side by side at most."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk of some rows.

    Attributes:
        rows: which rows, longest first, `[b]`; after a group's first piece a prefix of the rows before.
        begin: the place in its row where the chunk begins, the same for all; 0 is a group's first piece.
        tokens: what is read, `[b, time]`; beyond a row's end 0.
        before: what stands left of it, `[b, lookback - 1]`; beyond a row's start `bos`.
        stop: column after each row's last token in this chunk, `[b]`.
    """

    rows: Ids
    begin: int
    tokens: Ids
    before: Ids
    stop: Ids

    @property
    def end(self) -> int:
        """The place after its last column."""
        return self.begin + int(self.tokens.shape[1])


def pieces(
    inputs: Sequence[Ids], *, tokens: int, longest: int, lookback: int, bos: int, ends: bool = False
) -> Iterator[Piece]:
    """All rows, group by group, each group chunk after chunk.

    Args:
        inputs: what each row reads; empty rows are left out.
        tokens: of one piece, at most (but at least one a row).
        longest: columns of one piece, at most.
        lookback: tokens of history that are needed at each place, its own included.
        bos: what stands before a row's first token.
        ends: whether a piece also ends where a row ends, so that the state after its last token is met.
    """
    lengths = np.array([len(row) for row in inputs], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    for first in range(0, len(order), ROWS):
        rows, begin = order[first : first + ROWS], 0
        while len(rows):
            time = min(max(1, tokens // len(rows)), longest, int(lengths[rows[0]]) - begin)
            if ends:
                time = min(time, int(lengths[rows[-1]]) - begin)
            chosen = [inputs[row] for row in rows]
            yield Piece(
                rows,
                begin,
                cut_out(chosen, np.full(len(rows), begin), time, 0),
                cut_out(chosen, np.full(len(rows), begin - lookback + 1), lookback - 1, bos),
                np.minimum(lengths[rows] - begin, time),
            )
            begin += time
            rows = rows[: int(np.count_nonzero(lengths[rows] > begin))]


def cut_out(rows: Sequence[Ids], begin: Ids, time: int, fill: int) -> Ids:
    """Columns `begin[i]` to `begin[i] + time` of each row, `[len(rows), time]`; `fill` outside of the row."""
    found = np.full((len(rows), time), fill, dtype=np.int64)
    for place, (row, start) in enumerate(zip(rows, begin.tolist(), strict=True)):
        inside = max(0, start)
        part = row[inside : max(0, start + time)]
        found[place, inside - start : inside - start + len(part)] = part
    return found
