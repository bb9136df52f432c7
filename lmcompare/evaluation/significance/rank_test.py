"""Wilcoxon's (1945) signed-rank test: whether one model is ahead in more units, and by more, than the other.

Each unit counts alike here, however long it is, so that a few long documents cannot decide. Knows
nothing of what the differences are of.
"""

from __future__ import annotations

import math

import numpy as np

from lmcompare.interface import Floats, Ids

EXACT = 50
"""With at most so many differences, no two of the same size, the distribution is counted out."""


def wilcoxon(values: Floats, impossible: Floats | None = None) -> float:
    """Two-sided p of the signed ranks of paired differences.

    Units without a difference are left out, as Wilcoxon did. Exact for up to `EXACT` units of which no two
    differ by as much; else the normal approximation, its variance corrected for ties.

    Args:
        values: the difference of each unit, `[units]`, finite.
        impossible: how many impossible events more one model has, per unit, `[units]`: they decide first.
    """
    zeros = np.zeros(len(values)) if impossible is None else impossible
    sign = np.where(zeros != 0, np.sign(zeros), np.sign(values))
    ranks, ties = _ranks(np.abs(zeros)[sign != 0], (values * sign)[sign != 0])
    number = len(ranks)
    if not number:
        return 1.0
    positive = float(ranks[sign[sign != 0] > 0].sum())
    mean = number * (number + 1) / 4
    if number <= EXACT and not np.any(ties > 1):
        return _exact(round(min(positive, 2 * mean - positive)), number)
    counts = ties.astype(np.float64)
    variance = number * (number + 1) * (2 * number + 1) / 24 - float((counts**3 - counts).sum()) / 48
    return math.erfc(abs(positive - mean) / math.sqrt(2 * variance))


def _ranks(first: Floats, second: Floats) -> tuple[Floats, Ids]:
    """Ranks by the first value and then the second, equal ones share their mean; and the sizes of ties."""
    order = np.lexsort((second, first))
    ordered = np.stack([first[order], second[order]], axis=1)
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    ties = np.diff(np.append(np.flatnonzero(new), len(order)))
    ends = np.cumsum(ties)
    ranks = np.empty(len(order))
    ranks[order] = np.repeat(ends - (ties - 1) / 2, ties)
    return ranks, ties


def _exact(smaller: int, number: int) -> float:
    """Twice the share of sign patterns whose positive ranks sum to at most `smaller`."""
    ways = np.zeros(number * (number + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, number + 1):
        ways[rank:] += ways[:-rank].copy()
    return min(1.0, 2 * float(ways[: smaller + 1].sum()) / 2.0**number)
