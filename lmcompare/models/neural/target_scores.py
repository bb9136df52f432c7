"""Log p of one column each under a wide softmax, exact, in pieces that stay in the processor's cache.

Knows nothing of networks or training. The table is read a block of columns at a time for many events; between
blocks are kept each event's largest score so far and, in float64, the sum of exp of all scores less it.
"""

from __future__ import annotations

import torch
from torch import Tensor

EVENTS = 512
COLUMNS = 1024
"""Scores of one block: 2 MiB of float32."""


def target_scores(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Natural log p of each event's target, `[n]` float64.

    Args:
        hidden: `[n, width]`.
        weight: `[columns, width]`.
        bias: `[columns]`; -inf for columns that are impossible.
        targets: `[n]`.
    """
    found = [
        _few(hidden[a : a + EVENTS], weight, bias, targets[a : a + EVENTS])
        for a in range(0, len(hidden), EVENTS)
    ]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)


def _few(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    # The least number and not -inf: a block may be impossible as a whole, and -inf less -inf is no number.
    top = hidden.new_full((len(hidden),), torch.finfo(hidden.dtype).min)
    total = torch.zeros(len(hidden), dtype=torch.float64, device=hidden.device)
    chosen = torch.zeros_like(total)
    for begin in range(0, len(weight), COLUMNS):
        part = slice(begin, begin + COLUMNS)
        scores = torch.addmm(bias[part], hidden, weight[part].T)
        here = torch.nonzero((targets >= begin) & (targets < begin + COLUMNS))[:, 0]
        chosen[here] = scores[here, targets[here] - begin].double()
        higher = torch.maximum(top, scores.amax(dim=1))
        total *= (top - higher).double().exp()
        total += scores.sub_(higher[:, None]).exp_().sum(dim=1).double()
        top = higher
    return chosen - top.double() - total.log()
