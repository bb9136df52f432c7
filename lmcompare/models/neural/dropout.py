"""Locked dropout, the one regulariser that both networks share.

Knows nothing of what is dropped. One draw a row and unit instead of one a place: it is what works
for recurrent layers, and drawing is no longer the slowest part of a small transformer's step.
"""

from __future__ import annotations

import torch
from torch import Tensor


def locked_dropout(x: Tensor, share: float, training: bool) -> Tensor:
    """Drop the same units at every place of a row (variational dropout, Gal and Ghahramani 2016)."""
    if not training or share == 0:
        return x
    keep = torch.rand(x.shape[0], 1, x.shape[2], device=x.device) >= share
    return x * (keep.to(x.dtype) / (1 - share))
