"""Sampling from back-off tables: exact draws from p(next | context), two binary searches a token.

Knows nothing of sampling rules: what changes the probabilities (`generation.rules`) needs them written out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lmcompare.interface import Ids
from lmcompare.models.ngram.tables import BackoffTables


def running_sums(tables: BackoffTables) -> NDArray[np.float64]:
    """The probabilities of each node and of its siblings before it, `[nodes]`; 8 bytes a node."""
    sums = np.exp(tables.logprobs, dtype=np.float64)
    sums[0] = 0
    np.cumsum(sums, out=sums)
    before = sums[tables.starts[:-1] - 1]  # what is summed up before the first child of each context
    sums[1:] -= np.repeat(before, np.diff(tables.starts))
    return sums


def sample(
    tables: BackoffTables,
    sums: NDArray[np.float64],
    nodes: Ids,
    length: int,
    seeds: Sequence[Sequence[int]],
    *,
    bos: int,
    eos: int,
) -> NDArray[np.int64]:
    """Tokens drawn one after the other, `[rows, length]`; at `eos` a row starts its next sentence.

    Args:
        tables: the model.
        sums: `running_sums(tables)`.
        nodes: the context of each row, `[rows]`.
        length: tokens of each row.
        seeds: of each row's own stream; a row's draws do not depend on the other rows.
        bos: id that opens each sentence.
        eos: id that ends it.
    """
    from lmcompare.models.ngram import sampling_kernels

    state = np.array(
        [np.random.SeedSequence(list(seed)).generate_state(1, np.uint64)[0] for seed in seeds],
        dtype=np.uint64,
    )
    out = np.empty((len(nodes), length), dtype=np.int64)
    reached = np.array(nodes, dtype=np.int64)
    sampling_kernels.sample(
        tables.words,
        tables.starts,
        tables.suffixes,
        sums,
        tables.order,
        eos,
        tables.opening(bos),
        reached,
        state,
        out,
    )
    return out
