"""How a transformer tells places apart: rotary angles, sinusoids, distances.

Knows nothing of attention, which uses them. Learned positions are a table and need no code.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rotary_angles(positions: Tensor, head: int, base: float = 10_000.0) -> Tensor:
    """Cosine and sine of position times frequency (Su et al. 2021, equation 15).

    Args:
        positions: any numbers, `[...]`.
        head: dimensions of one attention head, even.
        base: the longest wavelength is nearly 2 pi times this.

    Returns:
        `[..., 2, head / 2]`, computed in float64.
    """
    dimensions = torch.arange(0, head, 2, dtype=torch.float64, device=positions.device)
    angle = positions.double()[..., None] * base ** (-dimensions / head)
    return torch.stack([angle.cos(), angle.sin()], dim=-2).float()


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn each pair of dimensions `(i, i + head / 2)` of `[..., time, head]` by the place's angles."""
    cos, sin = turn[..., 0, :].to(x.dtype), turn[..., 1, :].to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def sinusoids(positions: int, width: int) -> Tensor:
    """A sine and a cosine of each wavelength, `[positions, width]` (Vaswani et al. 2017, section 3.5)."""
    angles = rotary_angles(torch.arange(positions), width + width % 2)
    return torch.stack([angles[:, 1], angles[:, 0]], dim=2).flatten(1)[:, :width]


def distance_slopes(heads: int) -> Tensor:
    """By how much each head disfavours a place for each step of distance, `[heads]`.

    A geometric sequence from 2^(-8 / heads) to 2^-8 (Press et al. 2022, section 3): some heads
    look near, some far.
    """
    return 2.0 ** (-8.0 / heads * torch.arange(1, heads + 1))
