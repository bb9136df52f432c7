"""Probabilities given the nearest context tokens, the farthest dropped first: estimated, kept, looked up.

Knows numbers only: which distances the context's tokens stand at is not its business (`skip`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lmcompare.interface import Floats
from lmcompare.models.ngram.smoothing import discounts_from

FALLBACK = (0.5, 1.0, 1.5)
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class SkipLevel:
    """Probabilities given k tokens. Contexts are numbered 0, 1, ... in the order of their keys.

    Attributes:
        contexts: key of each context: number of the context without its farthest token, at the level below,
            times the number of ids, plus that token; sorted, `[contexts]`. For k = 0 there is one, key 0.
        starts: entries of context c are `starts[c]:starts[c + 1]`, `[contexts + 1]`.
        words: the token that followed, rising within a context, `[entries]`.
        logprobs: natural log p(word | context), `[entries]`, float32. For k = 0 there is one for each id.
        backoffs: natural log of the weight of the context without its farthest token, `[contexts]`, float32.
        size: number of ids.
    """

    contexts: Numbers
    starts: Numbers
    words: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    backoffs: NDArray[np.float32]
    size: int

    ARRAYS: ClassVar = ("contexts", "counts", "words", "logprobs", "backoffs")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file must hold."""
        counts = np.diff(self.starts).astype(np.int32)
        values = (self.contexts, counts, self.words, self.logprobs, self.backoffs)
        return dict(zip(self.ARRAYS, values, strict=True))

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], size: int) -> SkipLevel:
        """The level that `arrays` described."""
        starts = np.concatenate([[0], np.cumsum(arrays["counts"], dtype=np.int64)])
        return cls(arrays["contexts"], starts, arrays["words"], arrays["logprobs"], arrays["backoffs"], size)

    @cached_property
    def keys(self) -> Numbers:
        """Number of the context * size + word of each entry; sorted."""
        owners = np.repeat(np.arange(len(self.contexts), dtype=np.int64), np.diff(self.starts))
        return owners * self.size + self.words

    def contexts_after(self, below: Numbers, tokens: Numbers, size: int) -> Numbers:
        """Number of each context that adds a token to one of the level below; -1 where it was not seen."""
        return _find(self.contexts, np.where(below < 0, -1, below * size + tokens))


def estimate(contexts: Numbers, tokens: Numbers, size: int, bos: int) -> tuple[list[SkipLevel], list[str]]:
    """Interpolated modified Kneser-Ney: probabilities given no token, the nearest, the two nearest, ...

    At the highest level an entry counts as often as it occurs; below, in how many contexts of one more token
    it occurs. Nothing stands before `bos`: a context ends there, and its entries keep their plain counts.

    Args:
        contexts: the context tokens of every event, the nearest first, `[k, n]`.
        tokens: the events, `[n]`.
        size: number of ids.
        bos: id that is never an event.

    Returns:
        the levels, and what a user should be told.
    """
    numbers = [np.zeros(len(tokens), dtype=np.int64)]  # each event's context at each level, or -1
    known = [np.zeros(1, dtype=np.int64)]
    goes_on = np.ones(len(tokens), dtype=bool)
    for row in contexts:
        keys, ranks = _rank(np.where(goes_on, numbers[-1] * size + row, -1))
        numbers.append(ranks)
        known.append(keys)
        goes_on = goes_on & (row != bos)
    entries = [_rank(np.where(number < 0, -1, number * size + tokens)) for number in numbers]
    levels: list[SkipLevel] = []
    notes: list[str] = []
    below = np.full(size, 1 / max(size - 1, 1))  # p(word) of each entry at the level below
    below[bos] = 0.0
    for k, (keys, ranks) in enumerate(entries):
        counts = np.bincount(ranks[ranks >= 0], minlength=len(keys))
        if k < len(contexts):
            upper, upper_ranks = entries[k + 1]
            owner = np.empty(len(upper), dtype=np.int64)
            owner[upper_ranks[upper_ranks >= 0]] = ranks[upper_ranks >= 0]
            kinds = np.bincount(owner, minlength=len(keys))
            opens = known[k][keys // size] % size == bos if k else np.zeros(len(keys), dtype=bool)
            counts = np.where(opens, counts, kinds)
        discounts = discounts_from(np.bincount(np.minimum(counts, 5), minlength=6)[1:5].tolist())
        if discounts is None:
            notes.append(f"the discounts of {k} context tokens cannot be estimated; 0.5, 1 and 1.5 are used")
        taken = np.array([0.0, *(discounts or FALLBACK)])[np.minimum(counts, 3)]
        owners, words = keys // size, (keys % size).astype(np.int32)
        totals = np.bincount(owners, counts, len(known[k]))
        weights = np.bincount(owners, taken, len(known[k])) / totals
        own = (counts - taken) / totals[owners]
        if k == 0:
            p = weights[0] * below
            p[words] += own
            words = np.arange(size, dtype=np.int32)
            starts = np.array([0, size])
        else:
            before = known[k][owners] // size  # the context without its farthest token
            place = before * size + words if k == 1 else _find(levels[-1].keys, before * size + words)
            p = own + weights[owners] * below[place]
            starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(known[k])))])
        below = p
        with np.errstate(divide="ignore"):  # log 0 is -inf, and is meant
            logs = np.log(p).astype(np.float32), np.log(weights).astype(np.float32)
        levels.append(SkipLevel(known[k], starts, words, *logs, size))
    return levels, notes


def look_up(
    levels: Sequence[SkipLevel], contexts: Numbers, tokens: Numbers, size: int
) -> tuple[Floats, Numbers]:
    """Log p of each event given its context tokens, and 1 and how many of these it was given, `[n]` each."""
    numbers = [np.zeros(len(tokens), dtype=np.int64)]
    for level, row in zip(levels[1:], contexts, strict=True):
        numbers.append(level.contexts_after(numbers[-1], row, size))
    scores = np.zeros(len(tokens))
    matched = np.ones(len(tokens), dtype=np.int64)
    open_ = np.arange(len(tokens))
    for k in range(len(levels) - 1, 0, -1):
        level, own = levels[k], numbers[k][open_]
        place = _find(level.keys, np.where(own < 0, -1, own * size + tokens[open_]))
        hit = place >= 0
        scores[open_[hit]] += level.logprobs[place[hit]]
        matched[open_[hit]] = k + 1
        open_, own = open_[~hit], own[~hit]
        scores[open_[own >= 0]] += level.backoffs[own[own >= 0]]
    scores[open_] += levels[0].logprobs[tokens[open_]]
    return scores, matched


def _rank(keys: Numbers) -> tuple[Numbers, Numbers]:
    """The different keys in rising order, and the rank of each; a key of -1 has none, and the rank -1."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(keys)] & (ordered >= 0)
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[order] = np.cumsum(fresh) - 1
    return ordered[fresh], ranks


def _find(keys: Numbers, wanted: Numbers) -> Numbers:
    """Where each wanted key stands among sorted keys, or -1."""
    places = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    return np.where(keys[places] == wanted, places, -1) if len(keys) else np.full(len(wanted), -1)
