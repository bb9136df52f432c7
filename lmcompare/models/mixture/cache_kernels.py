"""The compiled loops of a cache: numbering n-grams of a document, scores with slopes, distributions.

Knows flat arrays only (`cache.CacheModel` says what they mean). Imported when a cache is first used, since
it imports numba; each loop is compiled at its first call and kept on disk.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_LEAST = 1e-300  # what has decayed keeps a trace, so that no context's counts sum to zero


@njit(cache=True, nogil=True)
def number(tokens: Any, bounds: Any, order: int, size: int, numbers: Any) -> None:
    # numbers[k, i]: which n-gram of length k + 1 ends at place i, or -1 where the document is too short;
    # 1, 2, ... in order of first occurrence, all lengths together, anew in each document (0: no words).
    # A key is exact: number of the n-gram without its last word * size + last word.
    longest = 0
    for document in range(len(bounds) - 1):
        longest = max(longest, bounds[document + 1] - bounds[document])
    slots = 16
    while slots < 2 * order * longest:
        slots *= 2
    keys = np.full(slots, -1, dtype=np.int64)
    found = np.empty(slots, dtype=np.int32)
    for document in range(len(bounds) - 1):
        begin, end = bounds[document], bounds[document + 1]
        used = 16
        while used < 2 * order * (end - begin):
            used *= 2
        keys[:used] = -1
        fresh = 1
        for place in range(begin, end):
            for k in range(order):
                if place - k < begin:
                    numbers[k, place] = -1
                    continue
                prefix = numbers[k - 1, place - 1] if k else 0
                key = np.int64(prefix) * size + tokens[place]
                slot = np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & (
                    used - 1
                )
                while keys[slot] != key and keys[slot] >= 0:
                    slot = (slot + 1) & (used - 1)
                if keys[slot] < 0:
                    keys[slot] = key
                    found[slot] = fresh
                    fresh += 1
                numbers[k, place] = found[slot]


@njit(cache=True, nogil=True)
def known(numbers: Any, bounds: Any, longest: Any) -> None:
    # longest[i]: length of the longest n-gram that ends at i and stood before in its document (0: none).
    order, places = numbers.shape
    for document in range(len(bounds) - 1):
        newest = 0  # numbers rise with each n-gram that is new
        for place in range(bounds[document], bounds[document + 1]):
            longest[place] = 0
            highest = newest
            for k in range(order):
                gram = numbers[k, place]
                if gram > newest:
                    highest = max(highest, gram)
                elif gram >= 0:
                    longest[place] = k + 1
            newest = highest


@njit(cache=True, nogil=True)
def score(
    numbers: Any, bounds: Any, rates: Any, masses: Any, shares: Any, below: Any, slopes: Any, out: Any
) -> float:
    # out[i]: log p of the event at i (cache.CacheModel), with below[i] = log p under the model below.
    # Returns the sum of out. Where `slopes` has room, [3, order], it becomes the sum's slopes by log rate,
    # log mass and log share. Counts are kept as of the last time they were touched, and decay when read.
    order, places = numbers.shape
    sloping = len(slopes) > 0
    longest = 0
    for document in range(len(bounds) - 1):
        longest = max(longest, bounds[document + 1] - bounds[document])
    room = order * longest + 1
    value, value_slope = np.zeros(room), np.zeros(room)
    total, total_slope = np.zeros(room), np.zeros(room)
    kinds = np.zeros(room)
    touched, opened = np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int64)
    own = np.zeros((3, order))
    whole = 0.0
    for document in range(len(bounds) - 1):
        begin, end = bounds[document], bounds[document + 1]
        last = 0
        for place in range(begin, end):
            base = np.exp(below[place])
            added, kept = 0.0, 1.0
            own[:] = 0.0
            for k in range(order):
                if place - k < begin:
                    break
                gram = numbers[k, place]
                context = numbers[k - 1, place - 1] if k else 0
                last = max(last, gram)
                rate = rates[k]
                count, count_slope = 0.0, 0.0
                if value[gram] > 0:
                    age = place - touched[gram]
                    decay = max(np.exp(-rate * age), _LEAST)
                    count = value[gram] * decay
                    count_slope = value_slope[gram] * decay - age * count
                if kinds[context] > 0:
                    age = place - opened[context]
                    decay = max(np.exp(-rate * age), _LEAST)
                    sum_ = total[context] * decay
                    sum_slope = total_slope[context] * decay - age * sum_
                    free = masses[k] + shares[k] * kinds[context]
                    weight = sum_ / (sum_ + free)
                    ratio = count / sum_
                    if sloping:
                        before = added + kept * base
                        for j in range(k):
                            for kind in range(3):
                                own[kind, j] *= 1 - weight
                        gain = (ratio - before) / (sum_ + free)
                        ratio_slope = (count_slope - ratio * sum_slope) / sum_
                        own[0, k] = rate * (gain * (1 - weight) * sum_slope + weight * ratio_slope)
                        own[1, k] = -gain * weight * masses[k]
                        own[2, k] = -gain * weight * shares[k] * kinds[context]
                    added = weight * ratio + (1 - weight) * added
                    kept *= 1 - weight
                    total[context] = sum_ + 1
                    total_slope[context] = sum_slope
                else:
                    total[context] = 1.0
                    total_slope[context] = 0.0
                if value[gram] == 0:
                    kinds[context] += 1
                opened[context] = place
                value[gram] = count + 1
                value_slope[gram] = count_slope
                touched[gram] = place
            if added > 0:
                p = added + kept * base
                out[place] = np.log(p)
                if sloping:
                    for kind in range(3):
                        for k in range(order):
                            slopes[kind, k] += own[kind, k] / p
            else:  # nothing of this word was seen: the sum would lose what is below the smallest number
                out[place] = np.log(kept) + below[place]
                if sloping and base > 0:
                    for kind in range(3):
                        for k in range(order):
                            slopes[kind, k] += own[kind, k] / (kept * base)
            whole += out[place]
        value[: last + 1] = 0.0
        kinds[: last + 1] = 0.0
    return whole


@njit(cache=True, nogil=True)
def distributions(history: Any, rates: Any, masses: Any, shares: Any, out: Any) -> None:
    # out[r, w]: on entry log p(w | what row r has read) under the model below, on return under the cache.
    # history: [rows, n]. Finds for each place how much of the row's end stands before it.
    order = len(rates)
    rows, places = history.shape
    size = out.shape[1]
    counts = np.zeros((order, size))
    added = np.zeros(size)
    words = np.empty((order, places), dtype=np.int64)
    for row in range(rows):
        kinds = np.zeros(order, dtype=np.int64)
        totals = np.zeros(order)
        for place in range(places):
            word = history[row, place]
            for k in range(order):
                if k and (place < k or history[row, place - k] != history[row, places - k]):
                    break
                weight = max(np.exp(-rates[k] * (places - place)), _LEAST)
                if counts[k, word] == 0:
                    words[k, kinds[k]] = word
                    kinds[k] += 1
                counts[k, word] += weight
                totals[k] += weight
        kept = 1.0
        for k in range(order):
            if kinds[k] == 0:
                break
            free = masses[k] + shares[k] * kinds[k]
            weight = totals[k] / (totals[k] + free)
            kept *= 1 - weight
            for j in range(kinds[0]):  # words of a longer n-gram are words of the shorter ones
                added[words[0, j]] *= 1 - weight
            for j in range(kinds[k]):
                added[words[k, j]] += weight * counts[k, words[k, j]] / totals[k]
        scale = np.log(kept)
        for word in range(size):
            out[row, word] += scale
        for j in range(kinds[0]):
            word = words[0, j]
            out[row, word] = np.log(added[word] + np.exp(out[row, word]))
            added[word] = 0.0
        for k in range(order):
            for j in range(kinds[k]):
                counts[k, words[k, j]] = 0.0
