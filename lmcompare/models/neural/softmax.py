"""The training loss of a wide softmax, a few events at a time: values and gradients in one pass.

Knows nothing of networks or vocabularies. A slice's logits are made, used for the loss and for the
gradients, and dropped while they are still in the processor's cache; held for all events at once
they would be the largest thing in training, and most of its time would be waiting for memory.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

SLICE = 1 << 19
"""Logits of one slice: 2 MiB of float32, unless the vocabulary is so wide that a slice needs more."""
FEWEST_EVENTS = 256
"""Events of one slice: each slice adds to the whole gradient of the weights, so it must be worth it."""


class SlicedSoftmax(torch.autograd.Function):
    """Mean of `log Z - s(target)` over events, with `s = hidden @ weight.T + bias`.

    Two uses. Exact (`true` is `None`): the target is column `columns[i]` and `Z` sums all columns.
    Estimated: the target's own score is `true[i]`, `Z` sums the columns and `exp(true[i])`, and column
    `columns[i]`, where it is not negative, is left out, because it is the target drawn once more.

    The gradient of an event's loss with respect to its scores is the softmax minus one at the target.
    """

    @staticmethod
    def forward(
        context: Any, hidden: Tensor, weight: Tensor, bias: Tensor, columns: Tensor, true: Tensor | None
    ) -> Tensor:
        """Args: hidden `[n, width]`, weight `[k, width]`, bias `[k]`, columns `[n]`, true `[n]`; a scalar."""
        events = len(hidden)
        matrix = weight.to(hidden.dtype)
        d_hidden = torch.empty_like(hidden)
        d_weight, d_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        d_true = None if true is None else torch.empty_like(true)
        total = torch.zeros((), dtype=torch.float64)
        size = max(FEWEST_EVENTS, SLICE // len(weight))
        for begin in range(0, events, size):
            part = slice(begin, begin + size)
            h, column = hidden[part], columns[part]
            scores = torch.mm(h, matrix.T).to(bias.dtype).add_(bias)
            if true is None or d_true is None:
                norm = scores.logsumexp(dim=1)
                total += (norm - scores.gather(1, column[:, None])[:, 0]).sum()
                scores.sub_(norm[:, None]).exp_()
                scores[torch.arange(len(h)), column] -= 1
            else:
                again = torch.nonzero(column >= 0)[:, 0]
                scores[again, column[again]] = -torch.inf
                norm = torch.logaddexp(scores.logsumexp(dim=1), true[part])
                total += (norm - true[part]).sum()
                scores.sub_(norm[:, None]).exp_()
                d_true[part] = ((true[part] - norm).exp() - 1) / events
            d_bias += scores.sum(dim=0)
            small = scores.to(hidden.dtype)
            d_hidden[part] = torch.mm(small, matrix)
            d_weight += torch.mm(small.T, h)
        context.save_for_backward(d_hidden / events, d_weight / events, d_bias / events, d_true)
        return (total / events).to(bias.dtype)

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of hidden, weight, bias, (columns,) true."""
        d_hidden, d_weight, d_bias, d_true = context.saved_tensors
        above = None if d_true is None else d_true * upstream
        return d_hidden * upstream, d_weight * upstream, d_bias * upstream, None, above


def softmax_loss(
    hidden: Tensor, weight: Tensor, bias: Tensor, columns: Tensor, true: Tensor | None = None
) -> Tensor:
    """See `SlicedSoftmax`."""
    loss: Tensor = SlicedSoftmax.apply(hidden, weight, bias, columns, true)  # type: ignore[no-untyped-call]
    return loss
