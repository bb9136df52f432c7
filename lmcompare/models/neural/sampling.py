"""The sampled softmax: a training loss whose normaliser is estimated from a few hundred ids.

Knows nothing of networks. Used in training only; every number that is reported is exactly
normalised.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lmcompare.interface import Ids
from lmcompare.models.neural.embedding import Rows, spread
from lmcompare.models.neural.softmax import softmax_loss


class NegativeSampler:
    """Draws the ids that stand for the whole vocabulary in one step.

    Each id `w` is drawn on its own with probability pi(w) = min(1, c * count(w)^0.75), where `c` makes the
    expected number drawn equal to `number` (Poisson sampling). So pi is known exactly, the frequent ids
    are always there, and sum of exp(s(w)) / pi(w) over the drawn estimates the normaliser without bias
    (Horvitz and Thompson 1952). `bos` is never drawn.
    """

    def __init__(self, counts: Ids, number: int, bos: int, device: torch.device | None = None) -> None:
        mass = (np.asarray(counts, dtype=np.float64) + 1.0) ** 0.75
        mass[bos] = 0.0
        self.drawing = torch.from_numpy(_inclusion(mass, number))
        self.inclusion = self.drawing if device is None else self.drawing.to(device)

    def draw(self) -> Tensor:
        """Ids of this step, increasing; from torch's global generator, which the trainer seeds each step.

        It is the processor's on every device, so the same ids are drawn.
        """
        drawn = torch.rand(len(self.drawing), dtype=torch.float64) < self.drawing
        return torch.nonzero(drawn)[:, 0].to(self.inclusion.device)

    def loss(self, hidden: Tensor, targets: Tensor, negatives: Tensor, rows: Rows, parts: int = 1) -> Tensor:
        """Mean estimated surprisal in nats of events that all have proper targets.

        The target's own term enters the normaliser exactly; where it was also drawn, the drawn copy is
        left out, so it is never counted twice.

        Args:
            hidden: `[n, width]`, or what `OutputMixture` makes.
            targets: `[n]`, none of them `bos`.
            negatives: ids drawn for this step, increasing.
            rows: holds at least the targets and the negatives.
            parts: softmaxes that are mixed; each has its normaliser estimated from the same negatives.
        """
        hidden, prior, targets = spread(hidden, targets, parts)
        places = rows.local(targets)
        true = (hidden.float() * F.embedding(places, rows.output)).sum(dim=1) + rows.bias[places]
        if not len(negatives):
            # The estimate is then the target's own term, so p is 1; drawing again would make pi another.
            return (true * 0).mean()
        drawn = rows.local(negatives)
        offset = rows.bias[drawn] - self.inclusion[negatives].log().float()
        column = torch.searchsorted(negatives, targets).clamp_(max=len(negatives) - 1)
        column = torch.where(negatives[column] == targets, column, -1)
        return softmax_loss(hidden, rows.output[drawn], offset, column, true, prior)


def _inclusion(mass: np.ndarray, number: int) -> np.ndarray:
    """min(1, c * mass) with c such that the sum is `number` (or 1 for all where there are fewer ids)."""
    if number >= np.count_nonzero(mass):
        return (mass > 0).astype(np.float64)
    certain = np.zeros(len(mass), dtype=bool)
    while True:
        c = (number - certain.sum()) / mass[~certain].sum()
        more = ~certain & (c * mass >= 1.0)
        if not more.any():
            return np.where(certain, 1.0, c * mass)
        certain |= more
