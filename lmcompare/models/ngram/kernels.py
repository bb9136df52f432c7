"""The two compiled loops: walking through text, and writing out whole distributions.

Knows flat arrays only (see `tables.BackoffTables`). Imported when a model is first asked for a score, since
it imports numba; each loop is compiled at its first call and kept on disk.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def child_of(words: Any, starts: Any, node: int, word: int) -> Any:
    # The child of `node` by `word`, or -1. The root has every word for a child, in order.
    if node == 0:
        return 1 + word
    low, end = starts[node], starts[node + 1]
    high = end
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    if low < end and words[low] == word:
        return low
    return -1


@njit(cache=True, nogil=True)
def walk(
    words: Any,
    logprobs: Any,
    starts: Any,
    backoffs: Any,
    suffixes: Any,
    eos: int,
    opening: int,
    tokens: Any,
    bounds: Any,
    nodes: Any,
    scores: Any,
    matched: Any,
) -> None:
    # Row r reads tokens[bounds[r]:bounds[r + 1]] from nodes[r] on, and leaves there the node that it ends in.
    # scores: log p of each token. matched: the node whose probability was used (order: tables.orders_of).
    contexts = len(backoffs)
    for row in range(len(nodes)):
        node = nodes[row]
        for place in range(bounds[row], bounds[row + 1]):
            word = tokens[place]
            backoff = 0.0
            child = child_of(words, starts, node, word)
            while child < 0:
                backoff += backoffs[node]
                node = suffixes[node]
                child = child_of(words, starts, node, word)
            scores[place] = backoff + logprobs[child]
            matched[place] = child
            if word == eos:
                node = opening
            elif child < contexts:
                node = child
            elif node == 0:  # a model of order 1 remembers nothing
                node = 0
            else:
                child = -1  # an n-gram of the highest order: what is left of it without its first word
                while child < 0:
                    node = suffixes[node]
                    child = child_of(words, starts, node, word)
                node = child
        nodes[row] = node


@njit(cache=True, nogil=True)
def distributions(
    words: Any, logprobs: Any, starts: Any, backoffs: Any, suffixes: Any, order: int, nodes: Any, out: Any
) -> None:
    # out[r, w]: log p(w | what nodes[r] stands for). Sums have the terms of `walk`, in its order: same bits.
    chain = np.empty(order, dtype=np.int64)
    before = np.empty(order, dtype=np.float64)
    size = out.shape[1]
    for row in range(len(nodes)):
        node, backoff, depth = nodes[row], 0.0, 0
        while node != 0:
            chain[depth] = node
            before[depth] = backoff
            backoff += backoffs[node]
            node = suffixes[node]
            depth += 1
        for word in range(size):
            out[row, word] = backoff + logprobs[1 + word]
        for level in range(depth - 1, -1, -1):
            backoff = before[level]
            for child in range(starts[chain[level]], starts[chain[level] + 1]):
                out[row, words[child]] = backoff + logprobs[child]
