"""Interpolated modified Kneser-Ney: from counts to probabilities and back-off weights.

Knows counts of n-grams (`counts.Level`), nothing of text or of how a model is queried.

Sources: Chen and Goodman, "An empirical study of smoothing techniques for language modeling" (1999),
section 3 and equation 26; Heafield et al., "Scalable modified Kneser-Ney language model estimation"
(2013), sections 3 and 5, for the adjusted counts at a sentence's start, the unigrams and pruning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.models.ngram.counts import Level, Stream
from lmcompare.models.ngram.tables import BackoffTables, flatten

FALLBACK = (0.5, 1.0, 1.5)
Counts = NDArray[np.int64]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How counts become probabilities.

    Attributes:
        prune: for each order, n-grams that occur so often or less are left out; the first is 0, none falls.
        interpolate_unigrams: mix single words with the uniform distribution; otherwise that mass is the
            unknown word's alone.
        last_raw: count the last n-gram of each order (in lmplz's order) by its occurrences instead of its
            adjusted count when discounts are estimated. A fault of lmplz (kpu/kenlm, issue 405).
        fallback: use the discounts 0.5, 1, 1.5 where the counts do not yield any; otherwise refuse.
    """

    prune: tuple[int, ...] = ()
    interpolate_unigrams: bool = True
    last_raw: bool = False
    fallback: bool = True

    def threshold(self, order: int) -> int:
        """The pruning threshold of an order; the last one given stands for all orders above."""
        return self.prune[min(order, len(self.prune)) - 1] if self.prune else 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A smoothed model: its tables, the discounts of each order, and what a user should be told."""

    tables: BackoffTables
    discounts: list[tuple[float, float, float]]
    notes: list[str]


def adjusted_counts(levels: Sequence[Level]) -> list[Counts]:
    """For each order, in how many contexts to the left an n-gram occurs.

    The highest order keeps its plain counts, and so does what begins with `bos`: nothing stands before it.
    """
    adjusted = []
    for level, above in zip(levels, levels[1:], strict=False):
        kinds = np.bincount(above.suffixes, minlength=len(level.words))
        adjusted.append(np.where(level.opens, level.counts, kinds))
    return [*adjusted, levels[-1].counts]


def discounts_from(counts_of_counts: Sequence[int]) -> tuple[float, float, float] | None:
    """D1, D2, D3+ (Chen and Goodman, equation 26) from n1 to n4; `None` where they are not usable."""
    n1, n2, n3, n4 = (float(n) for n in counts_of_counts)
    if not (n1 and n2 and n3):
        return None
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    usable = all(0 <= discount <= number for number, discount in enumerate(found, 1))
    return found if usable else None


def estimate(
    levels: Sequence[Level], stream: Stream, smoothing: Smoothing, *, bos: int, eos: int, unk: int | None
) -> Estimate:
    """Probabilities and back-off weights of all n-grams.

    Errors: `InputError` where a discount cannot be estimated and `smoothing.fallback` is off.
    """
    adjusted = adjusted_counts(levels)
    chosen: list[tuple[float, float, float]] = []
    notes: list[str] = []
    corrections = _last_grams(levels, stream, adjusted, eos) if smoothing.last_raw else {}
    for order, counts in enumerate(adjusted, 1):
        of_counts = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
        for wrong, right in corrections.get(order, []):
            of_counts[wrong - 1 : wrong] -= 1
            of_counts[right - 1 : right] += 1
        found = discounts_from(of_counts.tolist())
        if found is None and len(counts):
            found = FALLBACK
            what = f"the discounts of order {order} cannot be estimated: too few n-grams occur 1, 2, 3 times"
            if not smoothing.fallback:
                raise InputError(what, remedy='Set fallback = "auto", or train on more text')
            notes.append(f"{what}; 0.5, 1 and 1.5 are used")
        chosen.append(found or FALLBACK)

    probabilities, backoffs = [_unigrams(adjusted[0], chosen[0], smoothing, bos, unk)], []
    kept = [np.ones(len(levels[0].words), dtype=bool)]
    for order in range(2, len(levels) + 1):
        level, counts = levels[order - 1], adjusted[order - 1]
        keep = level.counts > smoothing.threshold(order)
        discount = np.array([0.0, *chosen[order - 1]])
        below = len(levels[order - 2].words)
        total = np.bincount(level.prefixes, weights=counts, minlength=below)
        seen = np.where(keep, counts, 0)
        taken = discount[np.minimum(seen, 3)]
        # What is pruned gives all its mass to the order below, what is kept gives its discount.
        freed = np.bincount(level.prefixes, weights=taken + (counts - seen), minlength=below)
        weight = np.divide(freed, total, out=np.ones(below), where=total > 0)
        own = (seen - taken) / total[level.prefixes]
        probabilities.append(own + weight[level.prefixes] * probabilities[-1][level.suffixes])
        backoffs.append(weight)
        kept.append(keep)
    with np.errstate(divide="ignore"):  # log 0 is -inf, and is meant
        tables = flatten(levels, kept, [np.log(p) for p in probabilities], [np.log(w) for w in backoffs])
    return Estimate(tables, chosen, notes)


def _unigrams(
    counts: Counts, chosen: tuple[float, float, float], smoothing: Smoothing, bos: int, unk: int | None
) -> Probabilities:
    discount = np.array([0.0, *chosen])
    taken = discount[np.minimum(counts, 3)]
    total = counts.sum()
    freed = taken.sum() / total
    share = np.ones(len(counts))
    if not smoothing.interpolate_unigrams:
        share = (counts == 0).astype(np.float64)
        if unk is not None:
            share[:] = 0
            share[unk] = 1
    share[bos] = 0
    if not share.any():  # every id was seen and none is unknown: the mass still has to go somewhere
        share[:] = 1
        share[bos] = 0
    return np.asarray((counts - taken) / total + freed * share / share.sum())


def _last_grams(
    levels: Sequence[Level], stream: Stream, adjusted: Sequence[Counts], eos: int
) -> dict[int, list[tuple[int, int]]]:
    """For each order below the highest, (adjusted, raw) count of the n-gram that lmplz outputs last.

    lmplz numbers words by first occurrence (`bos`, then `eos`, before all words) and sorts n-grams by last
    word, then by the word before it, and so on; the last of each order is found from right to left.
    """
    size = len(levels[0].words)
    firsts = np.zeros(size, dtype=np.int64)
    opened = stream.offsets > 0
    events = stream.ids[opened]
    firsts[events[::-1]] = np.arange(len(events), 0, -1)  # the earliest occurrence is written last
    firsts[eos] = 0
    places = np.flatnonzero(opened)
    found: dict[int, list[tuple[int, int]]] = {}
    for order in range(1, len(levels)):
        words = stream.ids[places - (order - 1)]
        ranks = np.where(stream.offsets[places] == order - 1, -1, firsts[words])
        places = places[ranks == ranks.max()]
        number = _number_at(levels, stream, int(places[0]), order)
        found[order] = [(int(adjusted[order - 1][number]), int(levels[order - 1].counts[number]))]
        if stream.offsets[places[0]] == order - 1:
            break  # the last n-gram begins with bos: no longer one is pending
    return found


def _number_at(levels: Sequence[Level], stream: Stream, place: int, order: int) -> int:
    """The number of the n-gram of `order` that ends at a place of the stream."""
    number = int(stream.ids[place - order + 1])
    for n in range(2, order + 1):
        level = levels[n - 1]
        first, last = np.searchsorted(level.prefixes, [number, number + 1])
        word = stream.ids[place - order + n]
        number = int(first + np.searchsorted(level.words[first:last], word))
    return number
