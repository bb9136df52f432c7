"""The training loss of a wide softmax, a few events at a time: values and gradients in one pass.

Knows nothing of networks or vocabularies. A slice's logits are made, used for the loss and for the
gradients, and dropped while they are still in the processor's cache; held for all events at once
they would be the largest thing in training, and most of its time would be waiting for memory.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lmcompare.models.neural.placement import is_processor

SLICE, GPU_SLICE = 1 << 19, 1 << 26
"""Logits of one slice: 2 MiB of float32, unless the vocabulary is so wide that a slice needs more; 256 MiB on
a GPU, where a product must be large to be worth its start."""
FEWEST_EVENTS = 256
"""Events of one slice: each slice adds to the whole gradient of the weights, so it must be worth it."""


class SlicedSoftmax(torch.autograd.Function):
    """Mean of `log Z - s(target)` over events, with `s = hidden @ weight.T + bias`.

    Two uses. Exact (`true` is `None`): the target is column `columns[i]` and `Z` sums all columns.
    Estimated: the target's own score is `true[i]`, `Z` sums the columns and `exp(true[i])`, and column
    `columns[i]`, where it is not negative, is left out, because it is the target drawn once more.

    The gradient of an event's loss with respect to its scores is the softmax minus one at the target.

    With `prior` an event is `k` rows that stand side by side, one for each softmax of a mixture, and
    `prior` holds the natural log of the softmaxes' weights. Its loss is -log of the sum of weight times
    probability, and each row's gradient is that of its softmax alone times the share that the softmax has
    in the event's probability.
    """

    @staticmethod
    def forward(
        context: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        columns: Tensor,
        true: Tensor | None,
        prior: Tensor | None,
    ) -> Tensor:
        """A scalar.

        Args:
            context: of autograd.
            hidden: `[n, width]`.
            weight: `[columns, width]`.
            bias: `[columns]`.
            columns: `[n]`.
            true: `[n]` or `None`.
            prior: `[n / k, k]` or `None`.
        """
        parts = 1 if prior is None else prior.shape[1]
        events = len(hidden) // parts
        matrix = weight.to(hidden.dtype)
        d_hidden = torch.empty_like(hidden)
        d_weight, d_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        d_true = None if true is None else torch.empty_like(true)
        d_prior = None if prior is None else torch.empty_like(prior)
        total = torch.zeros((), dtype=torch.float64, device=hidden.device)
        held = SLICE if is_processor(hidden.device) else GPU_SLICE
        size = parts * max(FEWEST_EVENTS // parts, held // (parts * len(weight)), 1)
        for begin in range(0, len(hidden), size):
            part = slice(begin, begin + size)
            h, column = hidden[part], columns[part]
            scores = torch.mm(h, matrix.T).to(bias.dtype).add_(bias)
            if true is None or d_true is None:
                norm = scores.logsumexp(dim=1)
                surprisal = norm - scores.gather(1, column[:, None])[:, 0]
                scores.sub_(norm[:, None]).exp_()
                scores[torch.arange(len(h), device=h.device), column] -= 1
            else:
                again = torch.nonzero(column >= 0)[:, 0]
                scores[again, column[again]] = -torch.inf
                norm = torch.logaddexp(scores.logsumexp(dim=1), true[part])
                surprisal = norm - true[part]
                scores.sub_(norm[:, None]).exp_()
                d_true[part] = ((true[part] - norm).exp() - 1) / events
            if prior is None or d_prior is None:
                total += surprisal.sum()
            else:
                own = slice(begin // parts, begin // parts + len(h) // parts)
                joint = prior[own] - surprisal.view(-1, parts)
                log_probability = joint.logsumexp(dim=1, keepdim=True)
                total -= log_probability.sum()
                share = (joint - log_probability).exp()
                d_prior[own] = -share
                scores.mul_(share.view(-1, 1))
                if d_true is not None:
                    d_true[part] *= share.view(-1)
            d_bias += scores.sum(dim=0)
            small = scores.to(hidden.dtype)
            d_hidden[part] = torch.mm(small, matrix)
            d_weight += torch.mm(small.T, h)
        d_prior = None if d_prior is None else d_prior / events
        context.save_for_backward(d_hidden / events, d_weight / events, d_bias / events, d_true, d_prior)
        return (total / events).to(bias.dtype)

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of hidden, weight, bias, (columns,) true, prior."""
        d_hidden, d_weight, d_bias, d_true, d_prior = context.saved_tensors
        of_true = None if d_true is None else d_true * upstream
        of_prior = None if d_prior is None else d_prior * upstream
        return d_hidden * upstream, d_weight * upstream, d_bias * upstream, None, of_true, of_prior


def softmax_loss(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor,
    columns: Tensor,
    true: Tensor | None = None,
    prior: Tensor | None = None,
) -> Tensor:
    """See `SlicedSoftmax`."""
    loss: Tensor = SlicedSoftmax.apply(hidden, weight, bias, columns, true, prior)  # type: ignore[no-untyped-call]
    return loss
