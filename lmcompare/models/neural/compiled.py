"""A transformer's blocks as compiled loops, for writing text: one token of a few rows at a time.

Knows nothing of models. For one token a network of a few layers is thousands of small sums, and most of
its time goes into some hundred calls; here all blocks are one. It computes what `transformer.Block` does,
from the same weights, and the laws (score equals stepping) hold one against the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lmcompare.models.neural.cache import Cache
from lmcompare.models.neural.options import TransformerOptions
from lmcompare.models.neural.positions import distance_slopes
from lmcompare.models.neural.quantised import Int8Linear

Arrays = np.ndarray[Any, Any]
EVERYWHERE = 1 << 60
"""More places than any text has."""


class CompiledBlocks:
    """The weights of all blocks, those of one sort in one array, and the call that runs them.

    The blocks themselves go on with views of these arrays, so nothing is held twice, and what is written
    into their parameters is seen here.
    """

    def __init__(self, blocks: nn.ModuleList, options: TransformerOptions) -> None:
        # Numba takes a second to import, and no one who trains needs it.
        from lmcompare.models.neural import compiled_loops

        self._run = compiled_loops.blocks
        width, head = options.width, options.width // options.heads
        every: list[Any] = list(blocks)
        parts: list[Callable[[Any], nn.Module]] = [
            lambda block: block.attention.qkv,
            lambda block: block.attention.out,
            lambda block: block.feed_forward.up,
            lambda block: block.feed_forward.down,
        ]
        self.maps = tuple(array for part in parts for array in _maps([part(block) for block in every]))
        before = [block.attention_norm for block in every], [block.feed_forward_norm for block in every]
        self.norms = tuple(array for norms in before for array in _gains(norms, width))
        heads = [block.attention.q_norm for block in every], [block.attention.k_norm for block in every]
        self._place = _place(blocks)
        self.head_norms = tuple(_gains(norms, head)[0] for norms in heads)
        activations = ("gelu", "gelu-tanh", "relu2", "swiglu")
        self.choices = (
            options.norm == "rms",
            options.norm_place == "pre",
            options.positions == "rotary",
            options.qk_norm,
            activations.index(options.activation),
        )
        self.epsilon = options.norm_epsilon
        slopes = distance_slopes(options.heads) * (options.positions == "alibi")
        self.slopes: Arrays = slopes.numpy()
        self.reach = EVERYWHERE if options.reach is None else options.reach

    def holds(self, blocks: nn.ModuleList) -> bool:
        """Whether these are the blocks' own weights: no more after the network was copied or moved."""
        return self._place == _place(blocks)

    def __call__(self, x: Tensor, turn: Tensor | None, cache: Cache) -> Tensor:
        """What leaves the last block, `[batch, width]`; keys and values are added to the cache.

        Args:
            x: what enters the first block, `[batch, width]`.
            turn: rotary angles, `[batch or 1, 1, 1, 2, head / 2]`, or `None`.
            cache: of rows that may have read unequally many tokens.
        """
        rows = len(x)
        angles = torch.zeros(1, 2, 1) if turn is None else turn.flatten(0, 2)
        found = self._run(
            x.contiguous().numpy(),
            self.maps,
            self.norms,
            self.head_norms,
            cache.keys.numpy(),
            cache.values.numpy(),
            np.ascontiguousarray(cache.lengths),
            angles.expand(rows, *angles.shape[1:]).contiguous().numpy(),
            self.slopes,
            self.reach,
            self.choices,
            self.epsilon,
        )
        return torch.from_numpy(found)


def _maps(modules: list[nn.Module]) -> tuple[Arrays, Arrays, Arrays]:
    """Matrices `[layers, out, in]`, the scales of their rows and the biases, `[layers, out]`."""
    if all(isinstance(module, Int8Linear) for module in modules):
        matrices: list[Any] = [module.matrix for module in modules]
        values = torch.stack([matrix.values for matrix in matrices])
        scale = torch.stack([matrix.scale for matrix in matrices])
        for matrix, view in zip(matrices, values, strict=True):
            matrix.values = view
    else:
        values = torch.stack([module.weight.detach() for module in modules])  # type: ignore[operator]
        scale = torch.ones(values.shape[:2])
        for module, view in zip(modules, values, strict=True):
            module.weight.data = view
    return values.numpy(), scale.numpy(), _stacked(modules, "bias", torch.zeros(values.shape[1]))


def _stacked(modules: Sequence[nn.Module], name: str, otherwise: Tensor) -> Arrays:
    """A vector of each module, `[layers, n]`; the modules go on with views of it."""
    given = [getattr(module, name, None) for module in modules]
    stack = torch.stack([otherwise if each is None else each.detach() for each in given])
    for each, view in zip(given, stack, strict=True):
        if each is not None:
            each.data = view
    return stack.numpy()


def _place(blocks: nn.ModuleList) -> int:
    """Where the first matrix stands in memory."""
    first: Any = blocks[0]
    qkv = first.attention.qkv
    weight: Tensor = qkv.matrix.values if isinstance(qkv, Int8Linear) else qkv.weight
    return weight.data_ptr()


def _gains(norms: list[Any], size: int) -> tuple[Arrays, Arrays]:
    """Gains and biases of norms, `[layers, size]`: 1 and 0 where there are none."""
    return _stacked(norms, "weight", torch.ones(size)), _stacked(norms, "bias", torch.zeros(size))
