"""How shares of all orders become probabilities and back-off weights: interpolated, back-off, or scores.

Knows nothing of the method that made the shares. Below the single words, as one more order, stands a
distribution over all ids (`uniform` makes it), so that the first order is composed like all others. What is
pruned keeps nothing: its share is freed for the shorter context, which is what lmplz does.

Sources: Chen and Goodman, "An empirical study of smoothing techniques for language modeling", TR-10-98
(1998), section 2 (interpolation and back-off); Heafield et al., "Scalable modified Kneser-Ney language model
estimation" (2013), section 3 (unigrams, pruning).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.smoothing.method import Evidence, Floats, Method, OrderCounts, Shares
from lmcompare.models.ngram.tables import Estimates
from lmcompare.side_by_side import side_by_side

Contexts = NDArray[np.integer[Any]]
Rule = Callable[[Contexts, Floats, Floats, Floats], tuple[Floats, Floats]]
"""From contexts `[n]`, own shares `[n]`, freed shares `[contexts]` and the probabilities of the same endings
in the order below `[n]` to probabilities `[n]` and weights of the contexts `[contexts]`."""

_NOTHING_LEFT = 1e-12


def interpolated(prefixes: Contexts, own: Floats, freed: Floats, lower: Floats) -> tuple[Floats, Floats]:
    """p(w | h) = own(hw) + freed(h) p(w | h'); the weight is freed(h)."""
    return own + freed[prefixes] * lower, freed


def back_off(prefixes: Contexts, own: Floats, freed: Floats, lower: Floats) -> tuple[Floats, Floats]:
    """p(w | h) = own(hw) where that is not 0, else weight(h) p(w | h'), so that all sums to one.

    The weight is freed(h) / (1 - the sum of p(w | h') over what has a share of its own). Where that leaves
    nothing (every id was seen), what is freed has nowhere to go: the shares are scaled to sum to one.
    """
    seen = own > 0
    covered = np.bincount(prefixes, weights=np.where(seen, lower, 0), minlength=len(freed))
    left = 1 - covered
    open_ = left > _NOTHING_LEFT
    weight = np.divide(freed, left, out=np.zeros(len(freed)), where=open_)
    scale = np.where(open_, 1, 1 - freed)
    return np.where(seen, own / scale[prefixes], weight[prefixes] * lower), weight


def scores(alpha: float) -> Rule:
    """Stupid back-off: own(hw) where that is not 0, else alpha times the score of the shorter context."""

    def rule(prefixes: Contexts, own: Floats, freed: Floats, lower: Floats) -> tuple[Floats, Floats]:
        return np.where(own > 0, own, alpha * lower), np.full(len(freed), alpha)

    return rule


def compose(evidence: Evidence, method: Method, rule: Rule, threads: int = 1) -> Iterator[Estimates]:
    """Order by order, part by part, probabilities of all n-grams and weights of their contexts.

    An order's counts are taken from the method, so that they are dropped when that order is done.
    """
    below = evidence.below
    while method.orders:
        counts = method.orders.pop(0)
        every = np.empty(len(counts.counts) if counts.order < len(evidence.levels) else 0)
        estimated = partial(_estimated, evidence, method, rule, below)
        for part in side_by_side(estimated, counts.parts(), threads):
            yield part
            if len(every):
                every[part.grams] = part.probabilities
        below = every


def _estimated(
    evidence: Evidence, method: Method, rule: Rule, below: Floats, counts: OrderCounts
) -> Estimates:
    """Of a part of the n-grams of one order; `below` are the probabilities of all of the order below."""
    keep, level = evidence.keep[counts.order - 1], evidence.levels[counts.order - 1]
    own, freed = fractions(counts, method.shares(counts), keep[counts.grams])
    lower = below.take(level.suffixes[counts.grams]) if counts.order > 1 else below
    probabilities, weights = rule(counts.prefixes, own, freed, lower)
    return Estimates(counts.order, counts.grams, counts.contexts, probabilities, weights)


def fractions(counts: OrderCounts, shares: Shares, keep: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Shares as parts of one: of each n-gram `[n]`, and what each context frees `[contexts]`."""
    total = counts.per_context(shares.kept) + shares.freed
    kept, freed = shares.kept, shares.freed
    if not keep.all():
        freed = freed + counts.per_context(np.where(keep, 0, kept))
        kept = np.where(keep, kept, 0)
    weight = np.divide(freed, total, out=np.ones(len(total)), where=total > 0)
    total[total == 0] = 1
    return kept / total[counts.prefixes], weight


def normalised(evidence: Evidence, composed: Iterable[Estimates]) -> Iterator[Estimates]:
    """Scores and weights as `compose` gives them, divided so that each context's distribution sums to one.

    With Z(h) the sum of the scores after h: Z(h) = weight(h) Z(h') + sum of S(w | h) - weight(h) S(w | h')
    over the listed n-grams; p(w | h) = S(w | h) / Z(h), and the weight becomes weight(h) Z(h') / Z(h).
    """
    below, inherited = evidence.below, np.ones(1)
    for order, parts in itertools.groupby(composed, key=lambda part: part.order):
        level = evidence.levels[order - 1]
        every, totals = np.empty(len(level.words)), np.empty(len(inherited))
        for part in parts:
            scores, weights = part.probabilities, part.weights
            prefixes = level.prefixes[part.grams] - np.int32(part.contexts.start)
            lower = below[level.suffixes[part.grams]] if order > 1 else below
            more = np.bincount(prefixes, scores - weights[prefixes] * lower, minlength=len(weights))
            passed = weights * inherited[part.contexts]
            sums = passed + more
            every[part.grams], totals[part.contexts] = scores, sums
            yield replace(part, probabilities=scores / sums[prefixes], weights=passed / sums)
        below, inherited = every, totals[level.suffixes]


def uniform(counts: NDArray[np.int32], *, interpolate: bool, bos: int, unk: int | None) -> Floats:
    """The distribution below the single words, `[size]`: over all ids but `bos`.

    Without `interpolate` it is the unknown word's alone; where there is none, that of the ids that never
    occur; and where all do, uniform after all, since the mass has to go somewhere.
    """
    share = np.ones(len(counts))
    if not interpolate:
        share = (counts == 0).astype(np.float64)
        if unk is not None:
            share[:] = 0
            share[unk] = 1
    share[bos] = 0
    if not share.any():
        share[:] = 1
        share[bos] = 0
    return np.asarray(share / share.sum())
