"""The compiled loops over a suffix array: searching, reading on word by word, repeats and their neighbours.

Knows flat arrays only (see `suffix_array.SuffixArray`). Imported when an index is first asked something,
since it imports numba; each loop is compiled at its first call and kept on disk.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def same_until(symbols: Any, suffixes: Any, low: int, high: int, depth: int) -> int:
    # Where, before `high`, suffixes stop to have at `depth` what suffix `low` has there. Often soon: gallop.
    word, stride = symbols[suffixes[low] + depth], 1
    while low + stride < high and symbols[suffixes[low + stride] + depth] == word:
        low, stride = low + stride, stride << 1
    last = min(low + stride, high)
    low += 1
    while low < last:
        middle = (low + last) >> 1
        if symbols[suffixes[middle] + depth] == word:
            low = middle + 1
        else:
            last = middle
    return low


@njit(cache=True, nogil=True)
def narrow(symbols: Any, suffixes: Any, low: int, high: int, depth: int, word: int) -> Any:
    # Of suffixes[low:high], which agree in their first `depth` symbols, those that go on with `word`.
    last = high
    while low < last:
        middle = (low + last) >> 1
        if symbols[suffixes[middle] + depth] < word:
            low = middle + 1
        else:
            last = middle
    if low == high or symbols[suffixes[low] + depth] != word:
        return low, low
    return low, same_until(symbols, suffixes, low, high, depth)


@njit(cache=True, nogil=True)
def find(symbols: Any, suffixes: Any, firsts: Any, grams: Any, bounds: Any, lows: Any, highs: Any) -> None:
    # lows[g] to highs[g]: the suffixes that begin with grams[bounds[g]:bounds[g + 1]].
    for gram in range(len(lows)):
        low = high = 0
        for place in range(bounds[gram], bounds[gram + 1]):
            word, depth = grams[place], place - bounds[gram]
            if depth > 0:
                low, high = narrow(symbols, suffixes, low, high, depth, word)
            elif 0 <= word < len(firsts) - 1:
                low, high = firsts[word], firsts[word + 1]
            if low == high:
                break
        lows[gram], highs[gram] = low, high


@njit(cache=True, nogil=True)
def descend(symbols: Any, suffixes: Any, firsts: Any, word: int, state: Any, used: int, below: Any) -> int:
    # What was read ends with the contexts state[:used], the shorter before the longer, each as
    # (length, low, high), the empty one first. below[k]: the part of context k that goes on with `word`.
    # Returns how many contexts do.
    below[0, 0], below[0, 1] = firsts[word], firsts[word + 1]
    if below[0, 0] == below[0, 1]:
        return 0
    for k in range(1, used):
        low, high = narrow(symbols, suffixes, state[k, 1], state[k, 2], state[k, 0], word)
        if low == high:
            return k
        below[k, 0], below[k, 1] = low, high
    return used


@njit(cache=True, nogil=True)
def settle(state: Any, below: Any, reached: int, limit: int) -> int:
    # Makes of state[:reached] and what `descend` found the contexts after the word; returns how many.
    # Of two that occur at the same places the longer stands for both, unless there is a limit of length.
    while limit >= 0 and reached > 0 and state[reached - 1, 0] >= limit:
        reached -= 1
    for k in range(reached - 1, -1, -1):
        state[k + 1, 0], state[k + 1, 1], state[k + 1, 2] = state[k, 0] + 1, below[k, 0], below[k, 1]
    if limit >= 0:
        return reached + 1
    kept = 0
    for k in range(1, reached + 1):
        if kept == 0 or state[kept, 2] - state[kept, 1] != state[k, 2] - state[k, 1]:
            kept += 1
        state[kept, 0], state[kept, 1], state[kept, 2] = state[k, 0], state[k, 1], state[k, 2]
    return kept + 1


@njit(cache=True, nogil=True)
def match(
    symbols: Any,
    suffixes: Any,
    firsts: Any,
    bos: int,
    eos: int,
    tokens: Any,
    bounds: Any,
    room: int,
    out: Any,
) -> None:
    # out[i]: length of the longest n-gram that ends with tokens[i] and occurs; rows are opened by `bos`,
    # and so is what follows an `eos`.
    state, below = np.zeros((room, 3), dtype=np.int64), np.zeros((room, 2), dtype=np.int64)
    state[0, 2] = len(suffixes)
    state[1, 0] = 1
    for row in range(len(bounds) - 1):
        opened = True
        used = 1
        for place in range(bounds[row], bounds[row + 1]):
            if opened:
                state[1, 0], state[1, 1], state[1, 2] = 1, firsts[bos], firsts[bos + 1]
                used = 2
            word, reached = tokens[place], 0
            if 0 <= word < len(firsts) - 1:
                reached = descend(symbols, suffixes, firsts, word, state, used, below)
            out[place] = state[reached - 1, 0] + 1 if reached > 0 else 0
            used = settle(state, below, reached, -1)
            opened = word == eos


@njit(cache=True, nogil=True)
def common_prefixes(symbols: Any, suffixes: Any, lcp: Any) -> None:
    # lcp[i]: how many first symbols suffix i and the one before it share; -1 at both ends, [n + 1].
    # Kasai et al. (2001): the suffix one place on shares at least one less.
    n = len(suffixes)
    before = np.empty(n, dtype=np.int32)
    before[suffixes[0]] = -1
    for i in range(1, n):
        before[suffixes[i]] = suffixes[i - 1]
    shared = 0
    for place in range(n):
        other = before[place]
        if other < 0:
            before[place] = -1
            shared = 0
            continue
        if shared == 0 and symbols[place] == symbols[other]:
            shared = 1  # -1 for -1 too: both are opened by bos
        while (
            shared > 0 and symbols[place + shared] >= 0 and symbols[place + shared] == symbols[other + shared]
        ):
            shared += 1
        before[place] = shared
        shared = max(shared - 1, 0)
    for i in range(n):
        lcp[i] = before[suffixes[i]]
    lcp[n] = -1


@njit(cache=True, nogil=True)
def repeat_at(lcp: Any, low: int, high: int) -> int:
    # The index under which statistics of suffixes[low:high], two or more that share more than those around
    # them, are kept: no two such ranges have the same (Abouelhoda, Kurtz and Ohlebusch 2004).
    return low if lcp[low] >= lcp[high] else high - 1


@njit(cache=True, nogil=True)
def repeats(
    symbols: Any, suffixes: Any, lcp: Any, size: int, order: int, kinds: Any, follow: Any, tallies: Any
) -> Any:
    # Visits each repeated n-gram that different words follow (a node of the suffix tree), children first.
    # kinds[id]: how many different words stand before it.
    # follow[id]: over the words w after it, the sum of the adjusted counts of the n-gram with w, and for how
    #   many w that count is 1, 2, 3 or more.
    # tallies[l, c]: how many different n-grams of length l have adjusted count c (1 to 4), l < len(tallies).
    # The adjusted count is the number of occurrences for what begins with bos, or has length `order`
    # (0: no limit), and else the number of different words before.
    # Words before are counted as Hui (1992) counts colours: all occurrences, less one where the next
    # occurrence of the same colour meets the last. Returns the number of nodes.
    n = len(suffixes)
    latest = np.full(size + 1, -1, dtype=np.int64)
    room = 2
    for i in range(n):
        room = max(room, lcp[i] + 2)
    depths, lows = np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int64)
    doubles, sums = np.zeros(room, dtype=np.int64), np.zeros((room, 4), dtype=np.int64)
    top = nodes = 0
    for i in range(n):
        place = suffixes[i]
        right = max(lcp[i + 1], 0)
        if right > depths[top]:
            top += 1
            depths[top], lows[top], doubles[top] = right, i, 0
            sums[top] = 0
        opens = symbols[place] < 0
        if not opens:
            colour = symbols[place - 1] + 1  # 0: bos
            if latest[colour] >= 0:
                first, last = 0, top
                while first < last:
                    middle = (first + last + 1) >> 1
                    if lows[middle] <= latest[colour]:
                        first = middle
                    else:
                        last = middle - 1
                doubles[first] += 1
            latest[colour] = i
        length = depths[top] + 1
        while length < len(tallies) and (symbols[place + length - 1] >= 0 or length == 1):
            tallies[length, 1] += not (opens and length == 1)
            length += 1
        if symbols[place + depths[top]] >= 0:
            sums[top, 0] += 1
            sums[top, 1] += 1
        while depths[top] > right:
            low, depth, occurrences = lows[top], depths[top], i + 1 - lows[top]
            opens = symbols[suffixes[low]] < 0
            different = occurrences if opens else occurrences - doubles[top]
            node = repeat_at(lcp, low, i + 1)
            kinds[node] = different
            follow[node] = sums[top]
            nodes += 1
            if depths[top - 1] < right:  # its parent was not open yet, and begins where it does
                depths[top] = right
                sums[top] = 0
            else:
                top -= 1
                doubles[top] += doubles[top + 1]
            parent = depths[top]
            if not (opens and parent == 0):
                adjusted = occurrences if order == parent + 1 else different
                sums[top, 0] += adjusted
                sums[top, min(adjusted, 3)] += 1
            for length in range(parent + 1, min(depth + 1, len(tallies))):
                if not (opens and length == 1):
                    adjusted = occurrences if order == length else different
                    if adjusted <= 4:
                        tallies[length, adjusted] += 1
    follow[0] = sums[0]
    return nodes
