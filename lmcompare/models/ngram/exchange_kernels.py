"""The compiled loop of the exchange algorithm: a sweep over words, each moving to its best class.

Knows flat arrays only (see `exchange`); imports numba, is compiled at its first call and kept on disk.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _gather(row: int, starts: Any, others: Any, counts: Any, found: Any, sums: Any, touched: Any) -> Any:
    # Adds up a word's neighbours by class. Returns how many classes were touched, its count by itself.
    number, own = 0, 0
    for place in range(starts[row], starts[row + 1]):
        if others[place] == row:
            own = counts[place]
            continue
        group = found[others[place]]
        if sums[group] == 0:
            touched[number] = group
            number += 1
        sums[group] += counts[place]
    return number, own


@njit(cache=True, nogil=True)
def _gain(row: Any, extra: int, table: Any, gains: Any) -> None:
    # gains[k] += f(row[k] + extra) - f(row[k]) with f(n) = n log n, which `table` has for small n.
    for group in range(len(row)):
        count = row[group]
        if count + extra < len(table):
            gains[group] += table[count + extra] - table[count]
        else:
            gains[group] += (count + extra) * np.log(count + extra)
            if count > 0:
                gains[group] -= count * np.log(count)


@njit(cache=True, nogil=True)
def _put(
    group: int, sign: int, after: Any, before: Any, own: int, counts: Any, turned: Any, sides: Any
) -> None:
    # Adds a word to a class (sign 1) or takes it out (-1). after, before: classes beside it and how often.
    sums, touched, number = after
    for place in range(number):
        other = touched[place]
        counts[group, other] += sign * sums[other]
        turned[other, group] += sign * sums[other]
    sums, touched, number = before
    for place in range(number):
        other = touched[place]
        counts[other, group] += sign * sums[other]
        turned[group, other] += sign * sums[other]
    counts[group, group] += sign * own
    turned[group, group] += sign * own
    left, right, to_left, to_right = sides
    left[group] += sign * to_left
    right[group] += sign * to_right


@njit(cache=True, nogil=True)
def _pair(count: int, extra: int) -> float:
    before = count * np.log(count) if count > 0 else 0.0
    return (count + extra) * np.log(count + extra) - before if count + extra > 0 else 0.0


@njit(cache=True, nogil=True)
def sweep(
    words: Any,
    found: Any,
    after_starts: Any,
    after_others: Any,
    after_counts: Any,
    before_starts: Any,
    before_others: Any,
    before_counts: Any,
    word_left: Any,
    word_right: Any,
    counts: Any,
    turned: Any,
    left: Any,
    right: Any,
    first: int,
) -> int:
    # Moves each word in turn to its best class from `first` on; returns how many moved.
    # Of the arguments, found and the four after the words' own sums (exchange.tabulate) are kept up to date.
    classes = len(left)
    table = np.empty(1 << 16)
    table[0] = 0.0
    for count in range(1, len(table)):
        table[count] = count * np.log(count)
    after_sums, before_sums = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    after_touched, before_touched = np.empty(classes, np.int64), np.empty(classes, np.int64)
    gains = np.empty(classes)
    moved = 0
    for word in words:
        follow, own = _gather(
            word, after_starts, after_others, after_counts, found, after_sums, after_touched
        )
        precede, _ = _gather(
            word, before_starts, before_others, before_counts, found, before_sums, before_touched
        )
        after = (after_sums, after_touched, follow)
        before = (before_sums, before_touched, precede)
        sides = (left, right, word_left[word], word_right[word])
        home = found[word]
        _put(home, -1, after, before, own, counts, turned, sides)
        gains[:] = 0.0
        for place in range(follow):
            other = after_touched[place]
            _gain(turned[other], after_sums[other], table, gains)
        for place in range(precede):
            other = before_touched[place]
            _gain(counts[other], before_sums[other], table, gains)
        best = home
        for group in range(first, classes):
            inside = counts[group, group]
            # The word's neighbours of its own class and itself meet in one place of the table.
            gains[group] -= _pair(inside, after_sums[group]) + _pair(inside, before_sums[group])
            gains[group] += _pair(inside, after_sums[group] + before_sums[group] + own)
            gains[group] -= _pair(left[group], word_left[word]) + _pair(right[group], word_right[word])
        for group in range(first, classes):
            if gains[group] > gains[best] + 1e-9 * (1.0 + abs(gains[best])):
                best = group
        _put(best, 1, after, before, own, counts, turned, sides)
        if best != home:
            found[word] = best
            moved += 1
        for place in range(follow):
            after_sums[after_touched[place]] = 0
        for place in range(precede):
            before_sums[before_touched[place]] = 0
    return moved
