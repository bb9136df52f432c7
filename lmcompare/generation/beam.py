"""Beam search: the few best prefixes of each length are kept, and all others are given up.

It may give up the beginning of the best continuation, so what it finds need not be the most probable one;
`exact` says whether it is. Knows nothing of how a model works: it uses only the seam.
"""

from __future__ import annotations

import numpy as np

from lmcompare.errors import InputError
from lmcompare.generation.search import Hypothesis, check_lengths, opened
from lmcompare.interface import Floats, Ids, LanguageModel


def beam_search(
    model: LanguageModel,
    prompt: Ids,
    size: int,
    *,
    max_tokens: int,
    length_normalisation: float = 0.0,
) -> list[Hypothesis]:
    """The complete continuations that a beam of `size` prefixes meets, the best first.

    A prefix followed by `eos` is complete where it is among the `size` best of its length; the `size` best
    others go on. With a size of 1 this is greedy decoding. The search ends when no prefix that is left can
    become better than the best complete one (Huang, Zhao & Ma 2017): log p only falls.

    Args:
        model: any language model.
        prompt: what was read before, without `bos`; may be empty.
        size: prefixes kept at each length.
        max_tokens: tokens of a continuation at most, `eos` included.
        length_normalisation: see `Hypothesis.score`: what the complete ones are ordered by.

    Returns:
        at least one: where nothing was complete by `max_tokens`, the prefixes that were left.
    """
    check_lengths(size=size, max_tokens=max_tokens)
    if length_normalisation < 0:
        remedy = "Give 0 for none, or up to 1"
        raise InputError(f"it is {length_normalisation}", where="length_normalisation", remedy=remedy)
    eos = model.tokenizer.eos
    logprobs, state = opened(model, prompt)
    written, totals = np.zeros((1, 0), dtype=np.int64), np.zeros(1)
    finished: list[Hypothesis] = []
    for place in range(max_tokens):
        scores = totals[:, None] + np.asarray(logprobs, dtype=np.float64)
        # Each row ends in one way, so among twice the size there are enough that go on.
        rows, tokens = _best(scores, 2 * size)
        values, ends = scores[rows, tokens], tokens == eos
        for rank in np.flatnonzero(ends[:size]):
            ids = np.append(written[rows[rank]], eos)
            finished.append(Hypothesis(ids, float(values[rank]), True))
        going = np.flatnonzero(~ends)[:size]
        if not len(going):
            break
        rows, tokens, totals = rows[going], tokens[going], values[going]
        written = np.concatenate([written[rows], tokens[:, None]], axis=1)
        best = max((each.score(length_normalisation) for each in finished), default=-np.inf)
        if place + 1 == max_tokens or best >= totals[0] / max_tokens**length_normalisation:
            break
        logprobs, state = model.step(tokens, state.rows(rows))
    if not finished:
        finished = [Hypothesis(row, float(total), False) for row, total in zip(written, totals, strict=True)]
    return sorted(finished, key=lambda each: -each.score(length_normalisation))


def _best(scores: Floats, count: int) -> tuple[Ids, Ids]:
    """Row and token of the largest scores, falling; of equals the first row, then the lowest id."""
    flat = scores.ravel()
    count = min(count, len(flat))
    least = np.partition(flat, len(flat) - count)[len(flat) - count]
    chosen = np.flatnonzero((flat >= least) & (flat > -np.inf))
    chosen = chosen[np.argsort(-flat[chosen], kind="stable")][:count]
    rows, tokens = np.divmod(chosen, scores.shape[1])
    return rows, tokens
