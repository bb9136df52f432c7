"""Resampling of units: the bootstrap and the sign-flip permutation, for many columns at once.

Both are one matrix product: random weights `[resamples, units]` times values `[units, columns]`, in
chunks that fit a cache. All columns share the same draws, so what is compared is compared on the
same resamples. Knows nothing of what the values are.
"""

from __future__ import annotations

import numpy as np

from lmcompare.interface import Floats

CHUNK = 250_000
"""Random weights that exist at the same time: as many as stay in a cache."""


def bootstrap_sums(values: Floats, resamples: int, seed: int) -> Floats:
    """Column sums of `resamples` samples of as many units, drawn with replacement (Efron 1979).

    Args:
        values: `[units, columns]`, finite.
        resamples: number of samples.
        seed: the same seed gives the same draws for equal numbers of units.

    Returns:
        `[resamples, columns]`.
    """
    units = len(values)
    random = np.random.default_rng([seed, 0])
    sums = np.empty((resamples, values.shape[1]))
    rows = max(1, CHUNK // max(1, units))
    for first in range(0, resamples, rows):
        number = min(rows, resamples - first)
        drawn = random.integers(0, units, size=(number, units))
        drawn += np.arange(number)[:, None] * units
        counts = np.bincount(drawn.ravel(), minlength=number * units).reshape(number, units)
        sums[first : first + number] = counts.astype(np.float64) @ values
    return sums


def sign_flip_sums(values: Floats, resamples: int, seed: int) -> Floats:
    """Column sums after each unit's sign is kept or turned with equal chance (Fisher's randomisation).

    Args:
        values: `[units, columns]`, finite.
        resamples: number of random sign patterns.
        seed: the same seed gives the same signs for equal numbers of units.

    Returns:
        `[resamples, columns]`.
    """
    units = len(values)
    random = np.random.default_rng([seed, 1])
    sums = np.empty((resamples, values.shape[1]))
    total = values.sum(axis=0)
    rows = max(1, CHUNK // max(1, units))
    width = -(-units // 8)
    for first in range(0, resamples, rows):
        number = min(rows, resamples - first)
        packed = random.integers(0, 256, size=(number, width), dtype=np.uint8)
        kept = np.unpackbits(packed, axis=1, count=units)
        sums[first : first + number] = 2.0 * (kept.astype(np.float64) @ values) - total
    return sums


def interval(samples: Floats, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval; never interpolates, so that a bound may be infinite."""
    ordered = np.sort(samples)
    outside = (1 - level) / 2
    low = int(np.floor(outside * (len(ordered) - 1)))
    return float(ordered[low]), float(ordered[len(ordered) - 1 - low])
