"""AdamW with a learning rate that rises, then falls; of the embedding table only used rows move.

Knows nothing of losses or of data. All of its state is plain tensors under parameter names, so a
checkpoint can hold it exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lmcompare.models.neural.embedding import Rows

BETAS = (0.9, 0.99)
EPSILON = 1e-8


def learning_rate(step: int, total: int, warmup: float) -> float:
    """Share of the highest rate at step `step` (from 0) of `total`.

    It rises in a line over the first `warmup` share of the steps and then falls to 1 % as half a cosine
    (Loshchilov and Hutter 2017, equation 5, without restarts).
    """
    rise = round(warmup * total)
    if step < rise:
        return (step + 1) / rise
    fall = (step - rise) / max(1, total - rise)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall))


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    Matrices inside the network decay; the embedding table and vectors do not. When the table's
    gradient is known for some rows only, only these rows and their moments move, and each row counts
    its own steps for Adam's bias correction.
    """

    def __init__(self, network: nn.Module, lr: float, embedding_lr: float, weight_decay: float) -> None:
        self.parameters = dict(network.named_parameters())
        self.lr, self.embedding_lr, self.weight_decay = lr, embedding_lr, weight_decay
        self.mean = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.square = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.count = {
            name: torch.zeros(len(p) if name.startswith("embedding.") else 1)
            for name, p in self.parameters.items()
        }

    @torch.no_grad()
    def step(self, scale: float, rows: Rows | None = None) -> None:
        """Move every parameter that has a gradient, then forget the gradients.

        Args:
            scale: share of the highest learning rate, from `learning_rate`.
            rows: parts of the embedding tables whose gradients stand in their leaves.
        """
        for name, p in self.parameters.items():
            if p.grad is not None:
                matrix = p.ndim > 1 and not name.startswith("embedding.")
                lr = scale * (self.lr if matrix else self.embedding_lr)
                if matrix:
                    p.mul_(1 - lr * self.weight_decay)
                self.count[name] += 1
                correction = _correction(self.count[name], p)
                _move(p, p.grad, self.mean[name], self.square[name], lr, correction)
                p.grad = None
        for name, ids, leaf in rows.leaves() if rows is not None else []:
            p, gradient = self.parameters[name], leaf.grad
            if gradient is None:
                continue
            count = self.count[name][ids] + 1
            self.count[name][ids] = count
            mean, square = self.mean[name][ids], self.square[name][ids]
            value = leaf.detach()
            _move(value, gradient, mean, square, scale * self.embedding_lr, _correction(count, value))
            self.mean[name][ids], self.square[name][ids], p[ids] = mean, square, value

    def arrays(self) -> dict[str, Tensor]:
        """All of the state, by name."""
        parts = {"mean": self.mean, "square": self.square, "count": self.count}
        return {f"{part}.{name}": tensor for part, of in parts.items() for name, tensor in of.items()}


def clip_gradients(gradients: Iterable[Tensor], largest: float) -> float:
    """Scale all gradients so that their common norm is at most `largest` (0: leave them); the old norm."""
    kept = list(gradients)
    norm = float(torch.stack([gradient.norm() for gradient in kept]).norm())
    if largest and norm > largest:
        for gradient in kept:
            gradient.mul_(largest / norm)
    return norm


def _correction(count: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Adam's two bias corrections (Kingma and Ba 2015, section 3), shaped to fit a parameter's rows."""
    count = count.view([-1] + [1] * (like.ndim - 1))
    return 1 - BETAS[0] ** count, (1 - BETAS[1] ** count).sqrt()


def _move(
    p: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, lr: float, correction: tuple[Tensor, Tensor]
) -> None:
    mean.lerp_(gradient, 1 - BETAS[0])
    square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    p.sub_((square.sqrt() / correction[1]).add_(EPSILON).reciprocal_().mul_(mean).mul_(lr / correction[0]))
