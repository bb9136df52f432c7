"""Averages of the weights over many steps, which are often better than the last ones.

Knows nothing of losses, and not when an average is begun.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

EVERY = 8
"""Steps between two looks at the weights: they move little in between, and a look reads all of them."""


class Average:
    """A mean of all weights since it was begun, or one that forgets.

    Attributes:
        decay: share of the past that is kept each step (an exponential moving average; until it has seen
            1 / (1 - decay) steps it is their plain mean, so that the first weights count no more than
            others); 1 forgets nothing (Polyak and Juditsky 1992).
        looks: how often the weights were looked at; 0: the average is not begun.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.parameters = dict(network.named_parameters())
        self.keep = decay**EVERY
        self.weights = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.looks = torch.zeros(1, dtype=torch.int64)

    @torch.no_grad()
    def look(self, step: int) -> None:
        """Take in the weights after step `step`, if it is one that counts."""
        if step % EVERY:
            return
        self.looks += 1
        share = max(1 - self.keep, 1 / int(self.looks))
        for name, p in self.parameters.items():
            self.weights[name].lerp_(p, share)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """In the block the network has the averaged weights, if there are any."""
        if not int(self.looks):
            yield
            return
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for name, p in self.parameters.items():
            p.data, self.weights[name] = self.weights[name], p.data

    def arrays(self) -> dict[str, Tensor]:
        """All of the state, by name."""
        return {"looks": self.looks} | {f"weights.{name}": each for name, each in self.weights.items()}
