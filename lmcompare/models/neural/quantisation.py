"""A trained model with 8-bit weights, and what that costs in perplexity.

Knows nothing of files: a model is rounded after it was loaded, and a rounded model is not saved.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from lmcompare.errors import InputError
from lmcompare.interface import Ids
from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.model import NeuralModel
from lmcompare.models.neural.quantised import Int8Linear, Int8Recurrent

Model = TypeVar("Model", bound=NeuralModel[Any, Any])


@dataclass(frozen=True, slots=True)
class QuantisationCost:
    """One model before and after rounding, on the same text.

    Attributes:
        perplexity: of the model with float32 weights.
        int8_perplexity: of the same with 8-bit weights.
        size: bytes of all weights.
        int8_size: the same after rounding.
    """

    perplexity: float
    int8_perplexity: float
    size: int
    int8_size: int


def quantise(model: Model) -> Model:
    """A copy on the processor with 8-bit weights in all linear maps and in the tables; all else stays."""
    rounded = copy.copy(model)
    rounded.network = copy.deepcopy(model.network).cpu().requires_grad_(False)
    _replace(rounded.network)
    rounded.network.compile_steps()
    rounded.facts = {**model.facts, "int8": True}
    return rounded


def quantisation_cost(model: NeuralModel[Any, Any], documents: Sequence[Ids]) -> QuantisationCost:
    """What rounding costs and saves, measured on documents; `InputError` where they hold no event."""
    if not any(len(document) for document in documents):
        raise InputError("there is no text to measure the cost of 8-bit weights on")
    rounded = quantise(model)
    return QuantisationCost(
        _perplexity(model, documents),
        _perplexity(rounded, documents),
        _size(model.network),
        _size(rounded.network),
    )


def _perplexity(model: NeuralModel[Any, Any], documents: Sequence[Ids]) -> float:
    scores = model.score(documents)
    total = sum(float(part.sum()) for part in scores)
    return math.exp(-total / sum(len(part) for part in scores))


def _size(network: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def _replace(module: nn.Module) -> None:
    """Put rounded modules in the place of all linear maps, recurrent layers and tables below a module."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child.weight, child.bias))
        elif isinstance(child, nn.RNNBase):
            setattr(module, name, Int8Recurrent(child))
        elif isinstance(child, Embedding):
            child.round()
        else:
            _replace(child)
