"""A network's weights that follow a text: how far each one moves, and how fast it falls back.

Knows nothing of documents. A weight's gradient is divided by its usual size in training text and a damping.
With little damping a surprising gradient moves every weight about equally far; with much, this is plain
gradient descent, and only the fall back goes by the usual size.

Source: Krause, Kahembwe, Murray and Renals, "Dynamic evaluation of neural sequence models" (2018), section
5. Their epsilon is `damping * mean`, their learning rate is `rate * (1 + damping)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lmcompare.models.neural.network import Network

Weights = dict[str, Tensor]
TOGETHER = 1 << 16
"""Weights that are moved at once: few enough to stay in the processor's cache between two operations."""


@dataclass(frozen=True)
class Pace:
    """How the weights move.

    Attributes:
        trained: where they start and fall back to; never changed.
        steps: what a gradient is multiplied by, one tensor for each weight that moves.
        falls: share of the way back to the trained weights that each move takes, likewise, 0 to 1.
    """

    trained: Weights
    steps: Weights
    falls: Weights

    @classmethod
    def of(cls, trained: Weights, usual: Weights, rate: float, decay: float, damping: float) -> Pace:
        """Steps of rate (1 + damping) / (usual + damping mean), and falls of min(1, decay usual / mean).

        A weight with the mean usual gradient so moves equally far whatever the damping.

        Args:
            trained: see above.
            usual: root of the mean squared gradient in training text; `mean` is that of all weights.
            rate: see `DynamicOptions`.
            decay: see `DynamicOptions`.
            damping: see `DynamicOptions`; above 0, since some weights may have no gradient in training text.
        """
        mean = sum(float(each.sum()) for each in usual.values()) / sum(map(torch.numel, usual.values()))
        mean = mean or 1.0
        steps = {name: rate * (1 + damping) / (each + damping * mean) for name, each in usual.items()}
        falls = {name: (each * (decay / mean)).clamp_(max=1.0) for name, each in usual.items()}
        return cls(trained, steps, falls)

    def move(self, weights: Weights, gradients: Mapping[str, Tensor], *, own: bool) -> Weights:
        """The weights after a move: new tensors or, if they are the caller's `own`, in place."""
        moved = dict(weights)
        for name, step in self.steps.items():
            new = moved[name] = weights[name] if own else weights[name].clone()
            rows = max(1, TOGETHER * len(new) // new.numel())
            used = (new, self.trained[name], self.falls[name], step, gradients[name])
            for mine, home, fall, pace, slope in zip(
                *(torch.split(each, rows) for each in used), strict=True
            ):
                mine.lerp_(home, fall).addcmul_(pace, slope, value=-1.0)
        return moved


def wear(network: Network, weights: Weights) -> None:
    """Let a network work with other weights: its parameters become these tensors, nothing is copied."""
    for name, parameter in network.named_parameters():
        parameter.data = weights[name]


def gradients_of(
    network: Network, names: Iterable[str], loss: Tensor, vectors: Tensor | None = None
) -> Weights:
    """Gradients of a loss by the named parameters, and by vectors under the name ""; else zeros."""
    chosen = {**dict(network.named_parameters()), **({} if vectors is None else {"": vectors})}
    wanted = [*names, *([] if vectors is None else [""])]
    found = torch.autograd.grad(
        loss, [chosen[name] for name in wanted], allow_unused=True, materialize_grads=True
    )
    return dict(zip(wanted, found, strict=True))
