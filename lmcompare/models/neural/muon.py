"""Muon: matrices move by steps whose singular values are all about one.

Knows nothing of losses or of data. A gradient's few large singular values drown the many small ones;
made equal, all directions are learnt at the same pace (Jordan et al. 2024). What is no matrix inside the
network moves by AdamW.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmcompare.models.neural.optimiser import AdamW, is_inner_matrix

COEFFICIENTS, ITERATIONS = (3.4445, -4.7750, 2.0315), 5
"""Of Jordan's quintic, which brings singular values from (0, 1] to about 0.7 to 1.2 in five rounds."""
LARGE, WIDE = 256, 2
"""Rows from which on bfloat16 pays; sides from whose ratio on products of the small side alone pay."""
RATE = 0.2
"""Root mean square of an AdamW step in units of its rate (Liu et al. 2025, section 2.2)."""


class Muon(AdamW):
    """Momentum, made orthogonal, for matrices inside the network; AdamW for all else.

    The matrix that gives queries, keys and values moves as one: three steps of its parts were no better
    (1.894 against 1.887 nats on Tiny Shakespeare after 270 steps).

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
        *,
        bfloat16: bool = False,
    ) -> None:
        super().__init__(network, lr, embedding_lr, weight_decay)
        self.momentum, self.bfloat16 = momentum, bfloat16
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
        value.sub_(orthogonal(ahead, bfloat16=self.bfloat16), alpha=lr * RATE * max(value.shape) ** 0.5)


def _turns(name: str, parameter: Tensor) -> bool:
    """Whether a parameter moves by orthogonal steps."""
    return is_inner_matrix(name, parameter) and parameter.ndim == 2


def orthogonal(matrix: Tensor, *, bfloat16: bool = False) -> Tensor:
    """A matrix with the same singular vectors, and singular values near 1, by Newton and Schulz's iteration.

    Args:
        matrix: `[m, n]`.
        bfloat16: whether large matrices are multiplied in bfloat16, whose rounding the iteration bears.
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x.to(torch.bfloat16 if bfloat16 and len(x) >= LARGE else torch.float32).contiguous()
    x = x / (x.norm() + 1e-7)
    square = x @ x.T
    if x.shape[1] < WIDE * x.shape[0] or x.dtype == torch.bfloat16:
        for number in range(ITERATIONS):
            square = x @ x.T if number else square
            x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    else:
        # Every round multiplies by a polynomial of x x'; these commute, so the small factors go first.
        factors = None
        for _ in range(ITERATIONS):
            factor = torch.addmm(square, square, square, beta=b, alpha=c)
            factor.diagonal().add_(a)
            factors = factor if factors is None else factor @ factors
            square = factor @ (square @ factor)
        assert factors is not None
        x = factors @ x
    return (x.T if tall else x).to(matrix.dtype)
