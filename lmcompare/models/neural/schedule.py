"""The learning rate over a training: it rises, and then stays or falls.

Knows nothing of what moves by it, nor whether a training is measured in steps or in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

LAST = 0.01
"""Share of the highest rate at the end of those that fall."""


@dataclass(frozen=True)
class Schedule:
    """How the rate goes.

    Attributes:
        shape: after the rise: "cosine" falls as half a cosine (Loshchilov and Hutter 2017, equation 5,
            without restarts), "linear" in a line, "trapezoid" stays and then falls in a line (Zhai et al.
            2022), "constant" stays.
        warmup: share of the training in which it rises in a line.
        cooldown: share of the training at whose end a "trapezoid" falls.
    """

    shape: Literal["cosine", "linear", "trapezoid", "constant"] = "cosine"
    warmup: float = 0.05
    cooldown: float = 0.2

    def at(self, done: float, total: float, one: float = 1.0) -> float:
        """Share of the highest rate for the step that begins when `done` of `total` is done.

        Args:
            done: steps or seconds so far, from 0.
            total: steps or seconds in all.
            one: what one step takes of it, so that the first step of the rise is not lost.
        """
        steps, rise = done / one, round(self.warmup * total / one)
        if steps < rise:
            return (steps + 1) / rise
        begin, end = float(rise), total / one
        if self.shape == "constant":
            return 1.0
        if self.shape == "trapezoid":
            begin = max(begin, end * (1 - self.cooldown))
        fallen = min(1.0, max(0.0, (steps - begin) / max(1.0, end - begin)))
        kept = 0.5 * (1 + math.cos(math.pi * fallen)) if self.shape == "cosine" else 1 - fallen
        return LAST + (1 - LAST) * kept
