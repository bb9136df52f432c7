"""The compiled loops: reading text, stepping from context to context, writing out whole distributions.

Knows flat arrays only (see `tables.BackoffTables`). Imported when a model is first asked for a score, since
it imports numba; each loop is compiled at its first call and kept on disk.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_BLOCK = 1024
_NONE, _ONE = np.uint32(0), np.uint32(1)


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
def read(
    words: Any,
    logprobs: Any,
    starts: Any,
    backoffs: Any,
    order: int,
    eos: Any,
    opening: Any,
    tokens: Any,
    bounds: Any,
    scores: Any,
    matched: Any,
) -> None:
    # What `walk` says of rows that all start a sentence, bit for bit, in half its time: a block of tokens is
    # looked up order by order, so that no look-up has to wait for the one before it, nor for a guess of the
    # processor. Every integer array is uint32, which spares each index the question if it is negative.
    # chain[n, 1 + i]: the node of the n-gram that ends at token i of the block, 0 where there is none.
    chain = np.zeros((order + 1, 1 + _BLOCK), dtype=np.uint32)
    low, size = np.empty(_BLOCK, dtype=np.uint32), np.empty(_BLOCK, dtype=np.uint32)
    for row in range(len(bounds) - 1):
        chain[:, 0] = 0
        chain[1, 0] = opening
        for first in range(bounds[row], bounds[row + 1], _BLOCK):
            last = min(first + _BLOCK, bounds[row + 1])
            text, found, score = tokens[first:last], matched[first:last], scores[first:last]
            for i in range(len(text)):
                chain[1, 1 + i] = opening if text[i] == eos else _ONE + text[i]
                score[i], found[i] = 0.0, 0
            for n in range(2, order + 1):
                children(words, starts, chain[n - 1], text, low, size, chain[n])
            for n in range(order - 1, 0, -1):  # from the longest context to the shortest, as `walk` adds
                for i in range(len(text)):
                    if_new = chain[n + 1, 1 + i] if found[i] == 0 else found[i]
                    score[i] += backoffs[chain[n, i] if if_new == 0 else _NONE]
                    found[i] = if_new
            for i in range(len(text)):
                found[i] = found[i] if found[i] > 0 else _ONE + text[i]
                score[i] += logprobs[found[i]]
            chain[:, 0] = chain[:, len(text)]


@njit(cache=True, nogil=True)
def children(words: Any, starts: Any, nodes: Any, text: Any, low: Any, size: Any, found: Any) -> None:
    # found[1 + i]: the child of nodes[i] by text[i], 0 where there is none. All searches halve in step: the
    # child lies among the `size[i]` nodes from low[i] on. It is at most word + 1 places from the first
    # child, since the words before it differ and are smaller: frequent words, whose ids are small, are near.
    longest = _NONE
    for i in range(len(text)):
        low[i] = starts[nodes[i]]
        size[i] = min(starts[nodes[i] + _ONE] - low[i], text[i] + _ONE) if nodes[i] > 0 else _NONE
        low[i] = low[i] if size[i] > 0 else _NONE
        longest = max(longest, size[i])
    while longest > 1:
        for i in range(len(text)):
            half = size[i] >> _ONE
            low[i] += half if words[low[i] + half] <= text[i] else _NONE
            size[i] -= half
        longest -= longest >> _ONE
    for i in range(len(text)):
        found[1 + i] = low[i] if (size[i] > 0) & (words[low[i]] == text[i]) else _NONE


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
    # Every row begins as the single words', and is then written over where longer n-grams are known.
    # words: uint32, since a signed index would have to be asked whether it is negative.
    chain = np.empty(order, dtype=np.int64)
    before = np.empty(order, dtype=np.float64)
    single = logprobs[1 : 1 + out.shape[1]]
    for row in range(len(nodes)):
        node, backoff, depth, values = nodes[row], 0.0, 0, out[row]
        while node != 0:
            chain[depth] = node
            before[depth] = backoff
            backoff += backoffs[node]
            node = suffixes[node]
            depth += 1
        for word in range(len(single)):
            values[word] = backoff + single[word]
        for level in range(depth - 1, -1, -1):
            backoff = before[level]
            first, last = starts[chain[level]], starts[chain[level] + 1]
            known, own = words[first:last], logprobs[first:last]
            for child in range(len(known)):
                values[known[child]] = backoff + own[child]
