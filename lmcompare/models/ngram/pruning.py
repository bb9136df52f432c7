"""Relative-entropy pruning: n-grams without which a model predicts almost the same are left out.

Knows tables, not text. Removing one n-gram (h, w) changes the distribution after h alone, in closed form:

    D = -p(h) (p(w|h) [log p(w|h') + log a'(h) - log p(w|h)] + left(h) [log a'(h) - log a(h)])

with h' the context without its first word, a and a' the back-off weights before and after, and left(h) the
probability of all words that are not listed after h. An n-gram goes where the perplexity would rise by less
than the threshold, exp(D) - 1 < threshold, unless a longer one that begins with it stays. Every candidate is
judged by the model as it was; then the weights are made anew, so that every context sums to one again.

The p(h) that a model itself implies is wrong for Kneser-Ney: its shorter orders say how many words came
before, not how often (Chelba et al. 2010). On WikiText-2, order 5, pruned to 285,000 n-grams, modified
Kneser-Ney so has perplexity 278.5, more than Katz with 273.1. A model that is pruned where it is trained uses
the text's own frequencies of h: then 252,000 n-grams have 263.9 (Katz, 341,000: 273.5).

Sources: Stolcke, "Entropy-based pruning of backoff language models" (1998); Chelba, Brants, Neveitt and Xu,
"Study on interaction between entropy pruning and Kneser-Ney smoothing" (2010).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.models.ngram.counts import Level
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.tables import BackoffTables
from lmcompare.models.ngram.weights import Mass, endings, mass, parts

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NOTHING_LEFT = 1e-9


def pruned(model: NgramModel, threshold: float) -> NgramModel:
    """The model without the n-grams whose loss raises its perplexity by less than the threshold, each alone.

    A Kneser-Ney model is better pruned where it is trained, with the option `entropy_prune`.

    Args:
        model: any n-gram model, one that was read from an ARPA file too.
        threshold: the relative rise of perplexity, such as 1e-8.
    """
    tokenizer = model.tokenizer
    tables = prune_tables(model.tables, threshold, bos=tokenizer.bos, eos=tokenizer.eos)
    settings = {**model.settings, "entropy_prune": threshold}
    settings.pop("quantise", None)
    return NgramModel(tokenizer, tables, settings, model.notes)


def prune_tables(
    tables: BackoffTables, threshold: float, *, bos: int, eos: int, histories: Floats | None = None
) -> BackoffTables:
    """Tables without the n-grams that matter less than the threshold.

    Args:
        tables: the model.
        threshold: the relative rise of perplexity, not negative; 0 takes nothing away.
        bos: id that opens each sentence.
        eos: id that ends it.
        histories: p(h) of each context, `[contexts]`; by default what the model implies.
    """
    if not 0 <= threshold <= 1:
        what = f"the pruning threshold is {threshold:g}, not a number from 0 to 1"
        raise InputError(what, remedy="Give one such as 1e-8")
    histories = history_probabilities(tables, bos=bos, eos=eos) if histories is None else histories
    keep = np.ones(len(tables.words), dtype=bool)
    freed = np.empty(len(tables.backoffs))
    for order in range(tables.order, 1, -1):
        for part in parts(tables, order - 1):
            split = mass(tables, part.start, part.stop)
            lost = relative_entropies(split, histories[part])
            kept = ~(np.expm1(lost) < threshold)
            if order < tables.order:
                kept |= _begun(tables, keep, split.grams)
            freed[part] = split.weights * split.left + split.sum_over(np.where(kept, 0.0, split.own))
            keep[split.grams] = kept
    return _without(tables, keep, freed)


def relative_entropies(split: Mass, histories: Floats) -> Floats:
    """D of each n-gram, alone, in nats, `[n]`; `histories` is p(h) of the contexts, `[contexts]`."""
    weights, left = split.weights[split.parents], split.left[split.parents]
    unlisted = weights * left
    with np.errstate(divide="ignore", invalid="ignore"):
        after = (unlisted + split.own) / (left + split.lower)
        itself = split.own * (np.log(split.lower) + np.log(after) - np.log(split.own))
        others = unlisted * (np.log(after) - np.log(weights))
    gained = np.where(split.own > 0, itself, 0.0) + np.where(unlisted > 0, others, 0.0)
    lost: Floats = np.maximum(-histories[split.parents] * gained, 0.0)
    return lost


def history_probabilities(tables: BackoffTables, *, bos: int, eos: int) -> Floats:
    """p(h) of each context by the chain rule, `[contexts]`; a sentence starts as often as one ends."""
    logs = np.zeros(len(tables.backoffs))
    parents = tables.parents
    for order in range(1, tables.order):
        first, last = map(int, tables.levels[order : order + 2])
        own = tables.logprobs[first:last].astype(np.float64)
        if order == 1:
            own[bos] = own[eos]
        logs[first:last] = logs[parents[first:last]] + own
    return np.exp(logs)


def history_frequencies(levels: Sequence[Level], tables: BackoffTables, keep: Sequence[Mask]) -> Floats:
    """How often the text had each context, as a share of its events, `[contexts]`.

    Args:
        levels: the counted n-grams.
        tables: made of those of them that `keep` says, order by order.
        keep: `[n]` of each order.
    """
    found = np.ones(len(tables.backoffs))
    events = int(levels[0].counts.sum(dtype=np.int64))
    for order, (level, mask) in enumerate(zip(levels[:-1], keep, strict=False), 1):
        found[slice(*map(int, tables.levels[order : order + 2]))] = level.counts[mask] / events
    if len(levels) > 1 and len(opened := np.flatnonzero(levels[1].opens)):
        found[1 + levels[1].prefixes[opened[0]]] = levels[1].counts[opened].sum() / events
    return found


def _begun(tables: BackoffTables, keep: Mask, contexts: slice) -> Mask:
    """Whether anything that begins with each of some contexts is kept."""
    starts = tables.starts[contexts.start : contexts.stop + 1]
    kept = np.concatenate([[0], np.cumsum(keep[starts[0] : starts[-1]])])
    return np.asarray(np.diff(kept[starts - starts[0]]) > 0)


def _without(tables: BackoffTables, keep: Mask, freed: Floats) -> BackoffTables:
    """The kept n-grams, with back-off weights that give what each context frees to its other words.

    Args:
        tables: the model.
        keep: of each node; whatever an n-gram begins with is kept with it.
        freed: the probability of all words that are not listed after a context any more, `[contexts]`.
    """
    keep_context = keep[: len(tables.backoffs)]
    kept_before = np.zeros(len(keep) + 1, dtype=np.int32)
    np.cumsum(keep, out=kept_before[1:])
    starts = np.ones(np.count_nonzero(keep_context) + 1, dtype=np.int32)
    starts[1:] += np.cumsum(np.diff(kept_before[tables.starts])[keep_context], dtype=np.int32)
    words, backoffs = tables.words[keep], tables.backoffs[keep_context]
    found = BackoffTables(
        words=words,
        logprobs=tables.logprobs[keep],
        starts=starts,
        backoffs=backoffs,
        suffixes=endings(words, starts, len(backoffs)),
        levels=kept_before[tables.levels].astype(np.int64),
    )
    if np.all(keep):
        return found
    freed = freed[keep_context]
    for order in range(2, found.order + 1):  # the shorter contexts first: the longer ones back off to them
        for part in parts(found, order - 1):
            left = mass(found, part.start, part.stop).left
            weights = np.divide(freed[part], left, out=np.ones(len(left)), where=left > _NOTHING_LEFT)
            with np.errstate(divide="ignore"):
                backoffs[part] = np.log(weights)
    return found
