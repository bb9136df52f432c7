"""Corrections for how many tests were made. Knows nothing of what was tested."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down correction: the chance of any false alarm among all tests stays below p."""
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(
        np.minimum(1.0, np.asarray(p, dtype=np.float64)[order] * np.arange(len(p), 0, -1))
    )
    return [float(value) for value in corrected]
