"""The recurrent cells written out place by place, as the papers have them; torch's fast kernels agree.

Knows nothing of layers or models. Each cell reads `[batch, time, in]` and returns what it puts out at
each place and its state after the last, exactly as torch's kernel of the same weights does.

The gates of a place come out of two linear maps, one of the input and one of the state, side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Maps(NamedTuple):
    """The two linear maps of one layer, biases included.

    Attributes:
        of_input: `[.., in]` to `[.., gates * width]`.
        of_state: `[.., width]` to `[.., gates * width]`.
    """

    of_input: Callable[[Tensor], Tensor]
    of_state: Callable[[Tensor], Tensor]


def elman(x: Tensor, state: tuple[Tensor, ...], maps: Maps) -> tuple[Tensor, tuple[Tensor, ...]]:
    """H = tanh(W x + U h + b) (Elman 1990)."""
    (hidden,) = state
    outputs = []
    for now in maps.of_input(x).unbind(1):
        hidden = torch.tanh(now + maps.of_state(hidden))
        outputs.append(hidden)
    return torch.stack(outputs, dim=1), (hidden,)


def gru(x: Tensor, state: tuple[Tensor, ...], maps: Maps) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Cho et al. (2014), equations 5 to 8; the reset gate stands after the matrix, as in Chung et al. (2014).

    r says how much of the state the new value may see, z how much of the old state stays.
    """
    (hidden,) = state
    outputs = []
    for now in maps.of_input(x).unbind(1):
        r_in, z_in, n_in = now.chunk(3, dim=1)
        r_state, z_state, n_state = maps.of_state(hidden).chunk(3, dim=1)
        r = torch.sigmoid(r_in + r_state)
        z = torch.sigmoid(z_in + z_state)
        new = torch.tanh(n_in + r * n_state)
        hidden = (1 - z) * new + z * hidden
        outputs.append(hidden)
    return torch.stack(outputs, dim=1), (hidden,)


def lstm(x: Tensor, state: tuple[Tensor, ...], maps: Maps) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000).

    The cell is a sum to which the input gate i adds and of which the forget gate f keeps a part; so its
    gradient flows back over many places unharmed. The output gate o says what of it is shown.
    """
    hidden, cell = state
    outputs = []
    for now in maps.of_input(x).unbind(1):
        i, f, g, o = (now + maps.of_state(hidden)).chunk(4, dim=1)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        outputs.append(hidden)
    return torch.stack(outputs, dim=1), (hidden, cell)
