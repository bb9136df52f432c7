"""Exact search: the most probable complete continuation, proven, by depth-first branch and bound.

A prefix's log p only falls as it grows, so once some complete continuation is known, every prefix that is
no more probable can be given up with all that begins with it: what is left at the end is the optimum
(Stahlberg & Byrne 2019, algorithm 1). Knows nothing of how a model works: it uses only the seam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmcompare.generation.search import Hypothesis, check_lengths, opened
from lmcompare.interface import Floats, Ids, LanguageModel, State

TOGETHER = 32
"""Siblings that are read in one step: more waste some reading where the first of them raises the bar."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """What an exact search found.

    Attributes:
        best: the most probable complete continuation met; `None`: none was met.
        proven: whether no other of at most `max_tokens` tokens is more probable.
        longer: whether some prefix of `max_tokens` tokens is still more probable than `best`, so that a more
            probable continuation might be longer than was looked at.
        nodes: prefixes that the model read.
    """

    best: Hypothesis | None
    proven: bool
    longer: bool
    nodes: int


@dataclass
class _Siblings:
    """Prefixes with the same parent, falling; `children` are those of the prefix `row`, falling too."""

    written: Ids
    totals: Floats
    logprobs: Floats
    state: State
    row: int = -1
    children: Ids | None = None


def exact_search(
    model: LanguageModel,
    prompt: Ids,
    *,
    max_tokens: int,
    node_limit: int = 20_000,
    bound: Hypothesis | None = None,
) -> Optimum:
    """The most probable continuation that ends with `eos` within `max_tokens` tokens.

    Args:
        model: any language model.
        prompt: what was read before, without `bos`; may be empty.
        max_tokens: tokens of a continuation at most, `eos` included.
        node_limit: prefixes that may be read; where they do not suffice, `proven` is false.
        bound: a complete continuation that is known, such as a beam's best: the better it is, the fewer
            prefixes are read. The optimum is the same.
    """
    check_lengths(max_tokens=max_tokens, node_limit=node_limit)
    eos = model.tokenizer.eos
    best = bound if bound is not None and bound.complete else None
    bar = -np.inf if best is None else best.logprob
    beyond, nodes = -np.inf, 0
    logprobs, state = opened(model, prompt)
    stack = [_Siblings(np.zeros((1, 0), dtype=np.int64), np.zeros(1), np.asarray(logprobs), state)]
    while stack:
        level = stack[-1]
        if level.children is None or not len(level.children):
            level.row += 1
            if level.row == len(level.totals) or level.totals[level.row] <= bar:
                stack.pop()  # those that follow are less probable still
                continue
            scores = level.totals[level.row] + level.logprobs[level.row].astype(np.float64)
            if scores[eos] > bar:
                best = Hypothesis(np.append(level.written[level.row], eos), float(scores[eos]), True)
                bar = best.logprob
            scores[eos] = -np.inf
            if level.written.shape[1] + 2 > max_tokens:  # one more token, and no room for `eos`
                beyond = max(beyond, float(scores.max()))
                level.children = None
                continue
            better = np.flatnonzero(scores > bar)
            level.children = better[np.argsort(-scores[better], kind="stable")]
            continue
        tokens, level.children = level.children[:TOGETHER], level.children[TOGETHER:]
        totals = level.totals[level.row] + level.logprobs[level.row, tokens].astype(np.float64)
        tokens, totals = tokens[totals > bar], totals[totals > bar]
        if not len(tokens):
            level.children = None
            continue
        if nodes + len(tokens) > node_limit:
            return Optimum(best, False, bool(beyond > bar), nodes)
        nodes += len(tokens)
        parent = np.full(len(tokens), level.row)
        logprobs, state = model.step(tokens, level.state.rows(parent))
        written = np.concatenate([level.written[parent], tokens[:, None]], axis=1)
        stack.append(_Siblings(written, totals, np.asarray(logprobs), state))
    return Optimum(best, True, bool(beyond > bar), nodes)
