"""Weights as 8-bit integers with one scale a row: a quarter of the memory to read for each token.

Knows nothing of models. Writing text one token at a time, a processor waits for weights, not for sums: a
matrix is read once for each token. (torch.ao.quantization is announced to be removed, and torch's own
product with 8-bit weights is many times slower than with floats on a processor; so this is our own.)
Only weights are rounded, half a step of 1/127 of a row's largest one; what flows stays float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEW = 8
"""Rows for which a matrix is read in a compiled loop; for more, torch's product of matrices is faster."""
BLOCK = 1024


def few_rows(x: Tensor, values: Tensor, scale: Tensor | None = None) -> Tensor:
    """`x @ (values * scale).T` in a compiled loop, `[..., in]` to `[..., out]`, for at most `FEW` rows."""
    # Numba takes a second to import, and no one who trains needs it.
    from lmcompare.models.neural import compiled_loops

    flat = x.reshape(-1, x.shape[-1]).contiguous()
    out = flat.new_empty(len(flat), len(values))
    scale = torch.ones(len(values)) if scale is None else scale
    compiled_loops.few_rows(flat.numpy(), values.numpy(), scale.numpy(), out.numpy())
    return out.view(*x.shape[:-1], len(values))


class Int8Matrix(nn.Module):
    """A matrix `[out, in]` as int8, row `i` times `scale[i]`."""

    values: Tensor
    scale: Tensor

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        scale = matrix.detach().abs().amax(dim=1).clamp(min=torch.finfo(torch.float32).tiny) / 127
        self.register_buffer("values", (matrix.detach() / scale[:, None]).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        """`x @ matrix.T`, `[..., in]` to `[..., out]`."""
        flat = x.reshape(-1, x.shape[-1])
        if len(flat) <= FEW:
            return few_rows(x, self.values, self.scale)
        out = flat.new_empty(len(flat), len(self.values))
        for begin in range(0, len(self.values), BLOCK):
            part = slice(begin, begin + BLOCK)
            out[:, part] = torch.mm(flat, self.values[part].float().T)
        out *= self.scale
        return out.view(*x.shape[:-1], len(self.values))

    def rows(self, ids: Tensor) -> Tensor:
        """Rows of the matrix as floats, `[...]` to `[..., in]`."""
        return F.embedding(ids, self.values).float() * self.scale[ids][..., None]


class Int8Linear(nn.Module):
    """A linear map with such a matrix; stands in for `nn.Linear`."""

    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.matrix = Int8Matrix(weight)
        self.register_buffer("bias", None if bias is None else bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """`[..., in]` to `[..., out]`."""
        product: Tensor = self.matrix(x)
        return product if self.bias is None else product + self.bias


class Int8Recurrent(nn.Module):
    """The two linear maps of a recurrent layer; stands in for `nn.LSTM` and its like."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.of_input = Int8Linear(layer.weight_ih_l0, layer.bias_ih_l0)
        self.of_state = Int8Linear(layer.weight_hh_l0, layer.bias_hh_l0)
