"""The compiled loop of sampling: one token after the other, without a distribution ever being written out.

Knows flat arrays only (see `tables.BackoffTables`). Imported when a model first samples.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lmcompare.models.ngram.kernels import child_of

_MOST_TRIES = 100_000


@njit(cache=True, nogil=True)
def uniform(state: Any, row: int) -> Any:
    # SplitMix64 (Steele, Lea and Flood 2014): 53 bits from a counter, a stream a row.
    state[row] += np.uint64(0x9E3779B97F4A7C15)
    z = state[row]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.float64(z >> np.uint64(11)) * 2.0**-53


@njit(cache=True, nogil=True)
def drawn_child(sums: Any, first: int, last: int, level: float) -> int:
    # The first of the siblings whose running sum is above `level`.
    low, high = first, last - 1
    while low < high:
        middle = (low + high) >> 1
        if sums[middle] > level:
            high = middle
        else:
            low = middle + 1
    return low


@njit(cache=True, nogil=True)
def sample(
    words: Any,
    starts: Any,
    suffixes: Any,
    sums: Any,
    order: int,
    eos: int,
    opening: int,
    nodes: Any,
    state: Any,
    out: Any,
) -> None:
    # out[r]: tokens drawn one after the other from nodes[r] on, from p itself. What a context lists is drawn
    # by its running sums; with the rest of its mass the shorter context draws, until it draws what the longer
    # one does not list: p(w | shorter) over the words that are not listed, which is what backing off means.
    contexts = len(suffixes)
    chain = np.empty(order + 1, dtype=np.int64)
    for row in range(len(nodes)):
        node = nodes[row]
        for place in range(out.shape[1]):
            chain[0], level, tries = node, 0, 0
            while True:
                here = chain[level]
                first, last = starts[here], starts[here + 1]
                mass = sums[last - 1] if last > first else 0.0
                draw = uniform(state, row)
                tries += 1
                if here == 0:
                    draw *= mass
                elif draw >= mass:
                    if tries > _MOST_TRIES:  # rounding left a trace of mass that no word has
                        level = 0
                        continue
                    level += 1
                    chain[level] = suffixes[here]
                    continue
                word = words[drawn_child(sums, first, last, draw)]
                while level > 0 and child_of(words, starts, chain[level - 1], word) < 0:
                    level -= 1
                if level == 0:
                    break
            out[row, place] = word
            if word == eos:
                node = opening
                continue
            child = child_of(words, starts, node, word)
            while child < 0 or (child >= contexts and node != 0):
                node = suffixes[node]
                child = child_of(words, starts, node, word)
            node = child if child < contexts else 0
        nodes[row] = node
