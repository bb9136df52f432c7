"""95 % intervals of a difference: percentile, bias-corrected and accelerated, and over seeds as well.

Knows nothing of models: it is handed bootstrap samples. The samples may be infinite; no bound is
interpolated, so that a bound may be infinite too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from lmcompare.evaluation.resampling import interval
from lmcompare.interface import Floats

LEVEL = 0.95
POWER = 0.8


@dataclass(frozen=True, slots=True)
class Chance:
    """One source of chance in a difference: the variance that it adds, and how well that is known.

    Attributes:
        variance: of the difference, through this source.
        freedom: degrees of freedom of its estimate.
    """

    variance: float
    freedom: int


def bca(samples: Floats, value: float, without: Floats) -> tuple[float, float] | None:
    """The bias-corrected and accelerated interval; `None` where it is not defined.

    Efron 1987, "Better bootstrap confidence intervals"; DiCiccio & Efron 1996; as in Efron & Tibshirani
    1993, equations 14.10 (bounds), 14.14 (bias) and 14.15 (acceleration, by the jackknife).
    Not defined where no sample lies on one side of the value, or where it is infinite without some unit.

    Args:
        samples: bootstrap samples of the statistic, `[resamples]`.
        value: the statistic.
        without: the statistic with one unit left out, `[units]`.
    """
    if not math.isfinite(value) or not np.all(np.isfinite(without)):
        return None
    ordered = np.sort(samples)
    below = np.searchsorted(ordered, value, "left") + np.searchsorted(ordered, value, "right")
    bias = float(ndtri(below / (2 * len(ordered))))
    pulls = without.mean() - without
    spread = float((pulls**2).sum())
    if not math.isfinite(bias):
        return None
    skew = float((pulls**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    bounds = []
    for outside in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        z = bias + float(ndtri(outside))
        if skew * z >= 1:
            return None
        bounds.append(float(ndtr(bias + z / (1 - skew * z))))
    last = len(ordered) - 1
    low, high = (math.floor(bounds[0] * last), math.ceil(bounds[1] * last))
    return float(ordered[low]), float(ordered[high])


def seed_draws(seeds: int, resamples: int, random: np.random.Generator) -> Floats:
    """How much each seed weighs in each sample, `[resamples, seeds]`; rows sum to one.

    Seeds are drawn with replacement. The mean of so few draws varies too little, by (seeds - 1) / seeds,
    so what a draw departs from equal weights by is stretched by the root of the inverse (Rao & Wu 1988,
    "Resampling inference with complex survey data").
    """
    if seeds < 2:
        return np.ones((resamples, seeds))
    drawn = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds
    weights: Floats = 1 / seeds + (drawn - 1 / seeds) * math.sqrt(seeds / (seeds - 1))
    return weights


def over_seeds(samples: Floats, value: float, chances: Sequence[Chance]) -> tuple[float, float]:
    """The interval over texts and seeds: percentiles of samples of both, wider as few seeds tell less.

    Percentiles take the seen spread for the true one. Of three seeds that is far from sure, so both
    halves are stretched by Student's t over the normal quantile, with Satterthwaite's (1946) degrees of
    freedom of the summed variances.

    Args:
        samples: of units and seeds together, `[resamples]`.
        value: the difference.
        chances: of the units, and of the seeds of either model.
    """
    total = sum(chance.variance for chance in chances)
    low, high = interval(samples, LEVEL)
    if not total > 0 or not math.isfinite(low) or not math.isfinite(high):
        return low, high
    freedom = total**2 / sum(chance.variance**2 / chance.freedom for chance in chances)
    tail = (1 + LEVEL) / 2
    stretch = float(stdtrit(freedom, tail) / ndtri(tail))
    return value - (value - low) * stretch, value + (high - value) * stretch


def detectable(sd: float, tests: int) -> float:
    """The smallest true difference that the test finds in 8 of 10 texts of this size.

    (z(1 - 0.05 / (2 tests)) + z(0.8)) sd: two-sided, at Holm's first and strictest step, by the normal
    approximation (Cohen 1988, chapter 2; Card et al. 2020, "With little power comes great responsibility").

    Args:
        sd: standard error of the difference.
        tests: how many pairs are corrected for together.
    """
    return float(ndtri(1 - (1 - LEVEL) / (2 * max(1, tests))) + ndtri(POWER)) * sd
