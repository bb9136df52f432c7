"""The compiled loops over whole tables: probabilities after shorter contexts, and endings.

Knows flat arrays only (see `tables.BackoffTables`). Imported when it is first needed, since it imports numba.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import Any

from numba import njit

from lmcompare.models.ngram.kernels import child_of


@njit(cache=True, nogil=True)
def shorter(
    words: Any, logprobs: Any, starts: Any, backoffs: Any, suffixes: Any, first: int, last: int, out: Any
) -> None:
    # out: for each child of the contexts first to last - 1, none of which is the root, log p(its last word |
    # the longest known ending of the context). Sums have the terms of `kernels.walk`, in its order.
    begin = starts[first]
    for context in range(first, last):
        for node in range(starts[context], starts[context + 1]):
            backoff, at = 0.0, suffixes[context]
            found = child_of(words, starts, at, words[node])
            while found < 0:
                backoff += backoffs[at]
                at = suffixes[at]
                found = child_of(words, starts, at, words[node])
            out[node - begin] = backoff + logprobs[found]


@njit(cache=True, nogil=True)
def endings(words: Any, starts: Any, out: Any) -> None:
    # out: the longest known context that ends like each context. A context's parent stands before it.
    out[0] = 0
    for parent in range(len(out)):
        for node in range(starts[parent], min(starts[parent + 1], len(out))):
            if parent == 0:
                out[node] = 0
                continue
            at = out[parent]
            found = child_of(words, starts, at, words[node])
            while found < 0:
                at = out[at]
                found = child_of(words, starts, at, words[node])
            out[node] = found
