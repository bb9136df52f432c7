"""The compiled loops of a linear mixture: a round of EM, and weights that move along a document.

Knows flat arrays only. Imported when a mixture is first used, since it imports numba; each loop is compiled
at its first call and kept on disk.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def expect(odds: Any, bins: Any, weights: Any, shares: Any) -> float:
    # One round of EM's expectation. odds [n, members]: each member's probability of the event, events scaled
    # as one likes; bins [n]; weights and shares [bins, members]. Shares become each member's posterior summed
    # over the events of each bin. Returns the sum of log(weights . odds).
    shares[:] = 0.0
    events, members = odds.shape
    whole = 0.0
    for event in range(events):
        own = weights[bins[event]]
        p = 0.0
        for member in range(members):
            p += own[member] * odds[event, member]
        if p > 0:
            whole += np.log(p)
            for member in range(members):
                shares[bins[event], member] += own[member] * odds[event, member] / p
    return whole


@njit(cache=True, nogil=True)
def combine(logprobs: Any, weights: Any) -> Any:
    # log of the weighted sum of probabilities of one event: logprobs and weights [members].
    top = -np.inf
    for member in range(len(weights)):
        if weights[member] > 0:
            top = max(top, logprobs[member])
    if top == -np.inf:
        return top
    p = 0.0
    for member in range(len(weights)):
        p += weights[member] * np.exp(logprobs[member] - top)
    return top + np.log(p)


@njit(cache=True, nogil=True)
def move(logprobs: Any, trained: Any, bayes: bool, rate: float, weights: Any) -> None:
    # The weights [members] after an event with log p [members] (adaptation.py says how).
    whole = combine(logprobs, weights)
    if whole == -np.inf:
        return
    for member in range(len(weights)):
        posterior = weights[member] * np.exp(logprobs[member] - whole)
        if bayes:
            weights[member] = (1 - rate) * posterior + rate * trained[member]
        else:
            weights[member] = (1 - rate) * weights[member] + rate * posterior


@njit(cache=True, nogil=True)
def mix(logprobs: Any, bins: Any, weights: Any, out: Any) -> None:
    # out[i]: log p of the event at i, with the weights of its bin, [bins, members].
    for event in range(len(out)):
        out[event] = combine(logprobs[event], weights[bins[event]])


@njit(cache=True, nogil=True)
def adapt(
    logprobs: Any, bins: Any, bounds: Any, trained: Any, bayes: bool, rate: float, out: Any, ends: Any
) -> None:
    # out[i]: log p of the event at i; in each document the weights begin as trained, [bins, members].
    # ends: the weights at each document's end, [documents, bins, members].
    for document in range(len(bounds) - 1):
        weights = ends[document]
        weights[:] = trained
        for event in range(bounds[document], bounds[document + 1]):
            out[event] = combine(logprobs[event], weights[bins[event]])
            move(logprobs[event], trained[bins[event]], bayes, rate, weights[bins[event]])
