"""How weights move by their gradients: AdamW, plain descent; of the embedding table only used rows move.

Knows nothing of losses or of data. All state is plain tensors under parameter names, so a checkpoint can
hold it exactly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lmcompare.models.neural.embedding import Rows

BETAS = (0.9, 0.99)
EPSILON = 1e-8
TABLES = ("embedding.", "position_vectors", "mixture.prior.")
"""How names begin of matrices whose rows are vectors of their own: of tokens, places, a mixture's parts."""


class Optimiser(ABC):
    """What all have in common: which rate and decay a parameter has, and whole tables against used rows.

    Matrices inside the network decay; the embedding table and vectors do not. When the table's gradient is
    known for some rows only, only these rows and their state move.

    Attributes:
        parameters: of the network, by name.
        state: tensors that the next step needs, by their part and the parameter's name.
    """

    def __init__(self, network: nn.Module, lr: float, embedding_lr: float, weight_decay: float) -> None:
        self.parameters = dict(network.named_parameters())
        self.lr, self.embedding_lr, self.weight_decay = lr, embedding_lr, weight_decay
        self.state: dict[str, dict[str, Tensor]] = {}

    @abstractmethod
    def _move(self, name: str, value: Tensor, gradient: Tensor, lr: float, ids: Tensor | None) -> None:
        """Move one parameter in place; with `ids`, `value` and `gradient` are only these rows of it."""

    @torch.no_grad()
    def step(self, scale: float, rows: Rows | None = None) -> None:
        """Move every parameter that has a gradient, then forget the gradients.

        Args:
            scale: share of the highest learning rate, from `Schedule`.
            rows: parts of the embedding tables whose gradients stand in their leaves.
        """
        for name, p in self.parameters.items():
            if p.grad is not None:
                matrix = is_inner_matrix(name, p)
                lr = scale * (self.lr if matrix else self.embedding_lr)
                if matrix:
                    p.mul_(1 - lr * self.weight_decay)
                self._move(name, p, p.grad, lr, None)
                p.grad = None
        for name, ids, leaf in rows.leaves() if rows is not None else []:
            if leaf.grad is not None:
                value = leaf.detach()
                self._move(name, value, leaf.grad, scale * self.embedding_lr, ids)
                self.parameters[name][ids] = value

    def arrays(self) -> dict[str, Tensor]:
        """All of the state, by name."""
        return {f"{part}.{name}": tensor for part, of in self.state.items() for name, tensor in of.items()}


class AdamW(Optimiser):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    Each row of the embedding table counts its own steps for Adam's bias correction.
    """

    def __init__(self, network: nn.Module, lr: float, embedding_lr: float, weight_decay: float) -> None:
        super().__init__(network, lr, embedding_lr, weight_decay)
        of = self._adaptive()
        self.mean = {name: torch.zeros_like(p) for name, p in of.items()}
        self.square = {name: torch.zeros_like(p) for name, p in of.items()}
        self.count = {
            name: torch.zeros(len(p) if name.startswith("embedding.") else 1, device=p.device)
            for name, p in of.items()
        }
        self.state = {"mean": self.mean, "square": self.square, "count": self.count}

    def _adaptive(self) -> dict[str, nn.Parameter]:
        """The parameters that move in this way."""
        return self.parameters

    def _move(self, name: str, value: Tensor, gradient: Tensor, lr: float, ids: Tensor | None) -> None:
        if ids is None:
            count = self.count[name].add_(1)
            move_adaptively(value, gradient, self.mean[name], self.square[name], lr, count)
            return
        count = self.count[name][ids] + 1
        self.count[name][ids] = count
        mean, square = self.mean[name][ids], self.square[name][ids]
        move_adaptively(value, gradient, mean, square, lr, count)
        self.mean[name][ids], self.square[name][ids] = mean, square


class Descent(Optimiser):
    """Plain gradient descent, with momentum where that is not 0 (Sutskever et al. 2013, equation 1).

    Without momentum there is no state.
    """

    def __init__(
        self, network: nn.Module, lr: float, embedding_lr: float, weight_decay: float, momentum: float = 0.0
    ) -> None:
        super().__init__(network, lr, embedding_lr, weight_decay)
        self.momentum = momentum
        if momentum:
            zeros = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
            self.state = {"direction": zeros}

    def _move(self, name: str, value: Tensor, gradient: Tensor, lr: float, ids: Tensor | None) -> None:
        if self.momentum:
            kept = self.state["direction"][name]
            direction = kept if ids is None else kept[ids]
            direction.mul_(self.momentum).add_(gradient)
            if ids is not None:
                kept[ids] = direction
            gradient = direction
        value.sub_(gradient, alpha=lr)


def is_inner_matrix(name: str, parameter: Tensor) -> bool:
    """Whether a parameter is a matrix inside the network, not one of the tables at its ends."""
    return parameter.ndim > 1 and not name.startswith(TABLES)


def clip_gradients(gradients: Iterable[Tensor], largest: float) -> float:
    """Scale all gradients so that their common norm is at most `largest` (0: leave them); the old norm."""
    kept = list(gradients)
    norm = float(torch.stack([gradient.norm() for gradient in kept]).norm()) if kept else 0.0
    if largest and norm > largest:
        for gradient in kept:
            gradient.mul_(largest / norm)
    return norm


def move_adaptively(
    p: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, lr: float, count: Tensor
) -> None:
    """One step of Adam in place; `count` has this step in it, one number or one a row.

    The two bias corrections: Kingma and Ba 2015, section 3.
    """
    mean.lerp_(gradient, 1 - BETAS[0])
    square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    count = count.view([-1] + [1] * (p.ndim - 1))
    first, second = 1 - BETAS[0] ** count, (1 - BETAS[1] ** count).sqrt()
    p.sub_((square.sqrt() / second).add_(EPSILON).reciprocal_().mul_(mean).mul_(lr / first))
