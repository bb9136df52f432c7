"""The compiled product of a few vectors with a matrix of 8-bit integers.

Knows flat arrays only. Imported when a rounded model is first asked for a token.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath=True)
def few_rows(x: Any, values: Any, scale: Any, out: Any) -> None:
    """`out[i, j]` is row `i` of `x` times row `j` of `values`, times `scale[j]`."""
    # Each row of the matrix is read once for all rows of x.
    for row in range(len(values)):
        for place in range(len(x)):
            total = np.float32(0)
            for column in range(x.shape[1]):
                total += x[place, column] * np.float32(values[row, column])
            out[place, row] = total * scale[row]
