"""The compiled loops of the unbounded model: what was seen of each event, and how it becomes a probability.

Knows flat arrays only (see `unbounded.UnboundedModel`). An event's evidence is a list of rows, from the
empty context to the longest one seen: [order, run, count, total, ones, twos, more]. A row says: the n-gram
of this order that ends with the event has this adjusted count; those with the same context have adjusted
counts that sum to `total`, of so many the count is 1, 2, 3 or more. A row with a run stands for `run` orders
from this one on whose contexts occur at the same places: there all counts are 1.
`index` is (symbols, suffixes, firsts, lcp, kinds, follow). `discounts` is [alone, order, count]: `alone` is 1
where only one word was seen after the context; the last order stands for all above.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from lmcompare.models.ngram.suffix_kernels import descend, repeat_at, same_until, settle
from lmcompare.models.ngram.unbounded import ALWAYS, FIELDS


@njit(cache=True, nogil=True)
def adjusted(index: Any, low: int, high: int, top: bool) -> int:
    # The adjusted count of the n-gram at suffixes[low:high]; `top`: it is as long as n-grams may be.
    symbols, suffixes, _, lcp, kinds, _ = index
    if top or high - low < 2 or symbols[suffixes[low]] < 0:
        return high - low
    return int(kinds[repeat_at(lcp, low, high)])


@njit(cache=True, nogil=True)
def collect(
    index: Any, order: int, word: int, state: Any, used: int, below: Any, reached: int, rows: Any
) -> int:
    # Fills `rows` with the evidence for `word` after the contexts state[:used], of which the first `reached`
    # go on with it, as `descend` found; returns how many rows.
    symbols, suffixes, firsts, lcp, _, follow = index
    rows[0, 0], rows[0, 1] = 1, 1
    rows[0, 2] = adjusted(index, firsts[word], firsts[word + 1], order == 1)
    rows[0, 3:] = follow[0]
    size = 1
    for k in range(1, used):
        length, low, high = state[k]
        top = length + 1 == order
        first, last = symbols[suffixes[low] + length], symbols[suffixes[high - 1] + length]
        if last < 0:
            break  # nothing goes on here, nor after a longer context
        run = length - state[k - 1, 0] - 1
        size += run > 0
        row = rows[size]
        row[0], row[1], row[2] = length + 1, 1, 0
        if first == last:
            count = adjusted(index, low, high, top)
            row[2] = count if k < reached else 0
            row[3], row[4], row[5], row[6] = count, count == 1, count == 2, count > 2
        else:
            if k < reached:
                row[2] = adjusted(index, below[k, 0], below[k, 1], top)
            row[3:] = follow[repeat_at(lcp, low, high)]
        if run > 0:
            different = row[4] + row[5] + row[6]
            before = rows[size - 1]
            before[0], before[1], before[2] = length + 1 - run, run, k < reached
            before[3], before[4], before[5], before[6] = different, different, 0, 0
        size += 1
    return size


@njit(cache=True, nogil=True)
def run_weight(first: int, run: int, discounts: Any) -> float:
    # The product of the discounts of count 1 over `run` orders from `first` on; discounts: [order, count].
    last = len(discounts) - 1
    weight = 1.0
    while run > 0 and first < last:
        weight *= discounts[first, 1]
        first, run = first + 1, run - 1
    return float(weight * discounts[last, 1] ** run)


@njit(cache=True, nogil=True)
def level(row: Any, discounts: Any) -> Any:
    # (a, b): the row's order makes a + b p of the probability p in the order below. Interpolated modified
    # Kneser-Ney: a = (count - D) / total, b = the sum of all D / total. Many orders alike: b is the product.
    those = discounts[int(row[4] + row[5] + row[6] == 1)]
    if row[1] > 1:
        weight = run_weight(row[0], row[1], those)
        return row[2] * (1 - weight) / row[3], weight
    discount = those[min(row[0], len(those) - 1)]
    freed = discount[1] * row[4] + discount[2] * row[5] + discount[3] * row[6]
    return (row[2] - discount[min(row[2], 3)]) / row[3], freed / row[3]


@njit(cache=True, nogil=True)
def open_row(index: Any, bos: int, order: int, state: Any) -> int:
    # The contexts after `bos` alone; returns how many.
    _, suffixes, firsts, _, _, _ = index
    state[0, 0], state[0, 1], state[0, 2] = 0, 0, len(suffixes)
    if order == 1:
        return 1
    state[1, 0], state[1, 1], state[1, 2] = 1, firsts[bos], firsts[bos + 1]
    return 2


@njit(cache=True, nogil=True)
def read(
    index: Any,
    order: int,
    bos: int,
    eos: int,
    discounts: Any,
    uniform: float,
    tokens: Any,
    bounds: Any,
    states: Any,
    sizes: Any,
    scores: Any,
    starts: Any,
    evidence: Any,
) -> int:
    # Row r reads tokens[bounds[r]:bounds[r + 1]] with the contexts states[r, :sizes[r]], and leaves there
    # those that it ends with; at `eos` it starts afresh. scores: log p of each token. The rows of token i's
    # evidence are evidence[starts[i]:starts[i + 1]], where there is room. Returns how many rows all have.
    symbols, suffixes, firsts, _, _, _ = index
    room = states.shape[1]
    below, rows = np.empty((room, 2), dtype=np.int64), np.empty((2 * room, FIELDS), dtype=np.int64)
    total = 0
    for r in range(len(sizes)):
        state, used = states[r], sizes[r]
        for place in range(bounds[r], bounds[r + 1]):
            word = tokens[place]
            reached = descend(symbols, suffixes, firsts, word, state, used, below)
            size = collect(index, order, word, state, used, below, reached, rows)
            probability = lowest = uniform
            for k in range(size):
                own, passed = level(rows[k], discounts)
                probability = own + passed * probability
                if k == 0:
                    lowest = probability
            scores[place] = np.log((1 - ALWAYS) * probability + ALWAYS * lowest)
            if total + size <= len(evidence):
                evidence[total : total + size] = rows[:size]
            total += size
            if len(starts) > 0:
                starts[place + 1] = total
            if word == eos:
                used = open_row(index, bos, order, state)
            else:
                used = settle(state, below, reached, order - 1)
        sizes[r] = used
    return total


@njit(cache=True, nogil=True)
def likelihood(evidence: Any, starts: Any, discounts: Any, uniform: float, slope: Any) -> float:
    # The sum of log p over the events; `slope` becomes its derivative by each discount, but for `ALWAYS`.
    last = discounts.shape[1] - 1
    slope[:] = 0
    most = total = 0.0
    for event in range(len(starts) - 1):
        most = max(most, starts[event + 1] - starts[event])
    under, factors = np.empty(int(most)), np.empty(int(most))
    for event in range(len(starts) - 1):
        first, size = starts[event], starts[event + 1] - starts[event]
        probability = uniform
        for k in range(size):
            own, factors[k] = level(evidence[first + k], discounts)
            under[k] = probability
            probability = own + factors[k] * probability
        lowest = under[1] if size > 1 else probability
        probability = (1 - ALWAYS) * probability + ALWAYS * lowest
        total += np.log(probability)
        share = 1 / probability
        for k in range(size - 1, -1, -1):
            order, run, count, below, ones, twos, more = evidence[first + k]
            alone = int(ones + twos + more == 1)
            if run > 1:
                change = share * factors[k] * (under[k] - count / below)
                for one in range(order, order + run):
                    if one >= last:
                        slope[alone, last, 1] += change * (order + run - one) / discounts[alone, last, 1]
                        break
                    slope[alone, one, 1] += change / discounts[alone, one, 1]
            else:
                line = slope[alone, min(order, last)]
                if count > 0:
                    line[min(count, 3)] -= share / below
                line[1] += share * under[k] * ones / below
                line[2] += share * under[k] * twos / below
                line[3] += share * under[k] * more / below
            share *= factors[k]
    return total


@njit(cache=True, nogil=True)
def distributions(
    index: Any, order: int, discounts: Any, unigrams: Any, states: Any, sizes: Any, out: Any
) -> None:
    # out[r, w]: p(w | the contexts states[r, :sizes[r]]); unigrams: p(w) in the empty context.
    symbols, suffixes, _, lcp, _, follow = index
    row = np.empty(FIELDS, dtype=np.int64)
    for r in range(len(sizes)):
        out[r] = 0
        weight = 1.0
        for k in range(sizes[r] - 1, 0, -1):
            length, low, high = states[r, k]
            top = length + 1 == order
            if symbols[suffixes[high - 1] + length] < 0:
                continue
            row[0], row[1], row[2] = length + 1, 1, 0
            if symbols[suffixes[low] + length] == symbols[suffixes[high - 1] + length]:
                count = adjusted(index, low, high, top)
                row[3], row[4], row[5], row[6] = count, count == 1, count == 2, count > 2
            else:
                row[3:] = follow[repeat_at(lcp, low, high)]
            total, different = row[3], row[4] + row[5] + row[6]
            those = discounts[int(different == 1)]
            discount = those[min(length + 1, len(those) - 1)]
            _, passed = level(row, discounts)
            run = length - states[r, k - 1, 0] - 1
            alike = run_weight(length + 1 - run, run, those)
            evenly = passed * (1 - alike) / different
            while low < high:
                word, first = symbols[suffixes[low] + length], low
                low = same_until(symbols, suffixes, low, high, length)
                if word >= 0:
                    count = adjusted(index, first, low, top)
                    out[r, word] += weight * ((count - discount[min(count, 3)]) / total + evenly)
            weight *= passed * alike
        out[r] = (1 - ALWAYS) * out[r] + ((1 - ALWAYS) * weight + ALWAYS) * unigrams
