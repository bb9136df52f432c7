"""A cache's decay and trust, fitted on text that was not trained on.

Knows nothing of how a cache is queried: it sees n-grams as numbers, and what the model below says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lmcompare.interface import Floats
from lmcompare.models.mixture.cache import Recall

BOUNDS = {"rates": (1e-7, 1.0), "masses": (1e-3, 1e6), "shares": (1e-3, 1e3)}
ITERATIONS = 100


def fit(
    numbers: Any,
    bounds: Any,
    below: Floats,
    start: Recall,
    rates: Floats | None,
    tell: Callable[[int, float], None] = lambda iteration, loss: None,
) -> Recall:
    """The recall that makes the text most likely: L-BFGS on the logarithms of all numbers, exact slopes.

    Args:
        numbers: `CacheModel.numbers` of the text, `[order, n]`.
        bounds: where each document starts.
        below: log p of each event under the model below, `[n]`.
        start: where to begin.
        rates: rates that are not fitted but given.
        tell: called after each iteration with its number and the mean surprisal in nats.
    """
    from scipy.optimize import minimize

    from lmcompare.models.mixture import cache_kernels as kernels

    order = len(start.rates)
    possible = np.isfinite(below).all()
    if not numbers.shape[1] or not possible:
        return start if rates is None else Recall(rates, start.masses, start.shares)
    limits = np.log([BOUNDS[name] for name in ("rates", "masses", "shares") for _ in range(order)])
    beginning = np.log(np.concatenate([start.rates, start.masses, start.shares]))
    if rates is not None:
        beginning[:order] = np.log(np.maximum(rates, np.finfo(float).tiny))
        limits[:order] = beginning[:order, None]
    out = np.empty(numbers.shape[1])
    done = 0

    def surprisal(logs: Floats) -> tuple[float, Floats]:
        own, masses, shares = np.exp(logs).reshape(3, order)
        slopes = np.zeros((3, order))
        total = kernels.score(numbers, bounds, own, masses, shares, below, slopes, out)
        return -total / len(out), -slopes.ravel() / len(out)

    def after(intermediate_result: Any) -> None:
        nonlocal done
        done += 1
        tell(done, float(intermediate_result.fun))

    found: Any = minimize(  # type: ignore[call-overload]
        surprisal,
        np.clip(beginning, *limits.T),
        jac=True,
        method="L-BFGS-B",
        bounds=limits,
        callback=after,
        options={"maxiter": ITERATIONS, "ftol": 1e-9, "gtol": 1e-7},
    )
    fitted = np.exp(found.x).reshape(3, order)
    return Recall(fitted[0] if rates is None else rates, fitted[1], fitted[2])
