"""Weights that move while a document is read, from what was read of it so far and nothing else.

"online": with w the weights and r each member's share in the probability of the event just read (its
posterior), w becomes (1 - rate) w + rate r: one step of EM on the recent past. "bayes": w becomes
(1 - rate) r + rate v, with v the trained weights: the posterior that the member speaks now, where it may
change with probability `rate` at each event (Herbster and Warmuth, "Tracking the best expert", 1998). With
rate 0 that is the static Bayesian mixture, in which one member has written the whole document. Knows nothing
of models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lmcompare.interface import Floats

RATES = (0.0, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Adaptation:
    """How weights move.

    Attributes:
        bayes: posterior of the members, or else online EM.
        rate: how fast old evidence is forgotten, 0 to 1.
    """

    bayes: bool
    rate: float

    def read(self, logprobs: Any, bins: Any, bounds: Any, trained: Floats) -> tuple[Floats, Floats]:
        """Read documents, each with weights that begin as trained.

        Args:
            logprobs: natural log p of each event under each member, `[n, members]`.
            bins: the bin of each event, `[n]`.
            bounds: where each document starts, then `n`.
            trained: weights of each bin, `[bins, members]`.

        Returns:
            log p of each event `[n]`, and the weights at each document's end `[documents, bins, members]`.
        """
        from lmcompare.models.mixture import kernels

        out = np.empty(len(logprobs))
        ends = np.empty((len(bounds) - 1, *trained.shape))
        logprobs = np.ascontiguousarray(logprobs, dtype=np.float64)
        kernels.adapt(logprobs, bins, bounds, trained, self.bayes, self.rate, out, ends)
        return out, ends

    def move(self, logprobs: Floats, bins: Any, trained: Floats, weights: Floats) -> None:
        """Each row has read an event: change its weights in place.

        Args:
            logprobs: natural log p of that event under each member, `[rows, members]`.
            bins: the bin of each row's event, `[rows]`.
            trained: weights of each bin, `[bins, members]`.
            weights: each row's weights, `[rows, bins, members]`.
        """
        from lmcompare.models.mixture import kernels

        for row, place in enumerate(bins):
            kernels.move(logprobs[row], trained[place], self.bayes, self.rate, weights[row, place])


def choose(bayes: bool, logprobs: Any, bins: Any, bounds: Any, trained: Floats) -> Adaptation:
    """The rate of `RATES` that makes a text most likely."""
    tried = [Adaptation(bayes, rate) for rate in RATES]
    return max(tried, key=lambda each: float(each.read(logprobs, bins, bounds, trained)[0].sum()))
