"""Training in bfloat16 with float32 weights: a working copy that is rounded anew at every step.

Knows nothing of losses. The optimiser moves the float32 weights; the copy multiplies (and keeps all
that flows between layers) in bfloat16 and hands its gradients back. The embedding table stays out:
a step uses few of its rows, and takes these from the float32 table.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn


class WorkingCopy:
    """A bfloat16 copy of all of a network but its embedding."""

    def __init__(self, network: nn.Module) -> None:
        memo = {id(network.embedding): None}
        self.copy: Any = copy.deepcopy(network, memo)
        self.copy.bfloat16()
        self.pairs = [
            (parameter, self.copy.get_parameter(name))
            for name, parameter in network.named_parameters()
            if not name.startswith("embedding.")
        ]

    def fetch(self) -> Any:
        """The copy, in training mode, with the network's present weights rounded to bfloat16."""
        self.copy.train()
        with torch.no_grad():
            for parameter, rounded in self.pairs:
                rounded.copy_(parameter)
        return self.copy

    def return_gradients(self) -> None:
        """Give the copy's gradients to the network's parameters, as float32."""
        for parameter, rounded in self.pairs:
            assert rounded.grad is not None
            parameter.grad = rounded.grad.float()
            rounded.grad = None


def can_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for products in bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported()) or bool(torch.cpu._is_amx_tile_supported())
