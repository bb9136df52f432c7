"""The events of held-out text, each with the n-grams and contexts that its probability is made of.

Knows counted n-grams, not how they are smoothed: methods that fit parameters gather their counts along
these chains once, and then each evaluation of a likelihood is a few array operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.counts import Level, Stream

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Step:
    """One order's part in the events whose context of that length is known and was continued.

    Attributes:
        events: their numbers, `[k]`.
        contexts: the context's number in its order, `[k]`.
        grams: the n-gram's number in its order, or -1 where it was never seen, `[k]`.
    """

    events: Numbers
    contexts: Numbers
    grams: Numbers

    def gather(self, values: NDArray[np.number], keep: NDArray[np.bool_] | None = None) -> Floats:
        """Each event's value of the n-gram; 0 where it was never seen or is not kept."""
        inside = np.maximum(self.grams, 0)
        seen = self.grams >= 0
        if keep is not None:
            seen &= keep[inside]
        return np.where(seen, values[inside], 0).astype(np.float64)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Events: the probability of each below the single words `[events]`, and one step an order."""

    lowest: Floats
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Portions:
    """One order's numbers for the events of its `Step`: p = (kept + freed * p of the order below) / total."""

    kept: Floats
    freed: Floats
    total: Floats


def locate(levels: Sequence[Level], stream: Stream, below: Floats) -> HeldOut:
    """The chains of the events of a stream, but for those that no parameters can make possible.

    These are events whose word was never seen, where `below` has no probability for it either.
    """
    size = len(below)
    places = np.flatnonzero(stream.offsets)  # where the events stand in the stream
    words = stream.ids[places].astype(np.int64)
    events = np.arange(len(places))
    steps = [Step(events, np.zeros(len(places), dtype=np.int64), words)]
    numbers = stream.ids.astype(np.int64)  # of the n-gram that ends at each place, -1 where it is not known
    for n, level in enumerate(levels[1:], 2):
        contexts = np.where(stream.offsets[places] >= n - 1, numbers[places - 1], -1)
        followed = np.zeros(len(levels[n - 2].words) + 1, dtype=bool)  # the last entry is for -1
        followed[level.prefixes] = True
        known = np.flatnonzero(followed[contexts])
        keys = level.prefixes.astype(np.int64) * size + level.words
        wanted = contexts[known] * size + words[known]
        found = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        grams = np.where(keys[found] == wanted, found, -1) if len(keys) else np.full(len(known), -1)
        steps.append(Step(known, contexts[known], grams))
        numbers = np.full(len(stream.ids), -1, dtype=np.int64)
        numbers[places[known]] = grams
    possible = (below[words] > 0) | (levels[0].counts[words] > 0)
    return HeldOut(below[words[possible]], [_part(step, possible) for step in steps])


def _part(step: Step, chosen: NDArray[np.bool_]) -> Step:
    """The step of the chosen events, which are numbered anew."""
    inside = chosen[step.events]
    numbers = np.cumsum(chosen) - 1
    return Step(numbers[step.events[inside]], step.contexts[inside], step.grams[inside])


def probabilities(held_out: HeldOut, portions: Sequence[Portions]) -> list[Floats]:
    """P of each event by n-grams of up to 0, 1, 2, ... words, `orders + 1` arrays `[events]`."""
    found = [held_out.lowest]
    for step, part in zip(held_out.steps, portions, strict=True):
        p = found[-1].copy()
        p[step.events] = (part.kept + part.freed * p[step.events]) / part.total
        found.append(p)
    return found


def log_likelihood(held_out: HeldOut, portions: Sequence[Portions]) -> tuple[float, list[Portions]]:
    """Mean natural log p of the events, and its derivatives by every entry of `portions`.

    The recursion p_n = (kept + freed p_{n-1}) / total is run upwards, then the chain rule downwards.
    """
    by_order = probabilities(held_out, portions)
    slope = 1 / (by_order[-1] * len(by_order[-1]))
    slopes: list[Portions] = []
    for step, part, lower, p in zip(
        held_out.steps[::-1], portions[::-1], by_order[-2::-1], by_order[:0:-1], strict=True
    ):
        here = slope[step.events] / part.total
        slopes.append(Portions(here, here * lower[step.events], -here * p[step.events]))
        slope[step.events] = here * part.freed
    return float(np.log(by_order[-1]).mean()), slopes[::-1]
