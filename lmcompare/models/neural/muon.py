"""Muon: matrices move by steps whose singular values are all about one.

Knows nothing of losses or of data. A gradient's few large singular values drown the many small ones;
made equal, all directions are learnt at the same pace (Jordan et al. 2024). What is no matrix inside the
network moves by AdamW.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmcompare.models.neural.optimiser import AdamW, is_inner_matrix

TABLES = ("position_vectors",)
"""Matrices whose rows are looked up, so that most of a gradient's rows may be nothing."""

COEFFICIENTS, ITERATIONS = (3.4445, -4.7750, 2.0315), 5
"""Of Jordan's quintic, which brings singular values from (0, 1] to about 0.7 to 1.2 in five rounds."""
RATE = 0.2
"""Root mean square of an AdamW step in units of its rate (Liu et al. 2025, section 2.2)."""


class Muon(AdamW):
    """Momentum, made orthogonal, for matrices inside the network; AdamW for all else.

    A step of shape `[m, n]` is multiplied by 0.2 sqrt(max(m, n)), so that its entries are as large as those
    of an AdamW step and the same learning rates serve (Liu et al. 2025, equation 4).
    """

    def __init__(
        self,
        network: nn.Module,
        lr: float,
        embedding_lr: float,
        weight_decay: float,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(network, lr, embedding_lr, weight_decay)
        self.momentum = momentum
        self.direction = {name: torch.zeros_like(p) for name, p in self.parameters.items() if _turns(name, p)}
        self.state["direction"] = self.direction

    def _adaptive(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.parameters.items() if not _turns(name, p)}

    def _move(self, name: str, value: Tensor, gradient: Tensor, lr: float, ids: Tensor | None) -> None:
        if name not in self.direction:
            super()._move(name, value, gradient, lr, ids)
            return
        direction = self.direction[name]
        direction.mul_(self.momentum).add_(gradient)
        ahead = gradient.add(direction, alpha=self.momentum)  # Nesterov's momentum
        value.sub_(orthogonal(ahead), alpha=lr * RATE * max(value.shape) ** 0.5)


def _turns(name: str, parameter: Tensor) -> bool:
    """Whether a parameter moves by orthogonal steps."""
    return is_inner_matrix(name, parameter) and parameter.ndim == 2 and name not in TABLES


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the same singular vectors, and singular values near 1, by Newton and Schulz's iteration.

    In float32: the matrices of a laptop's models are small, and the result is the same everywhere.
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x
