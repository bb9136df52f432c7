"""The families of networks with a memory at test time as the registry knows them.

Knows that the member comes first and is then tuned with its memory on the validation text. Knows nothing of
torch until a model is trained or loaded.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from lmcompare.interface import LanguageModel
from lmcompare.models.mixture.memory_options import (
    DynamicOptions,
    MemoryOptions,
    NeighbourOptions,
    NeuralCacheOptions,
)
from lmcompare.registry import Training


@dataclass(frozen=True)
class MemoryFamily:
    """A network and a memory.

    Attributes:
        name: registry name.
        summary: one line for people.
        options: what may be set.
        module: has the functions `train(job, options, member)` and `load(folder)`.
    """

    name: str
    summary: str
    options: type[MemoryOptions] | type[BaseModel]
    module: str

    def train(self, job: Training) -> LanguageModel:
        """See `registry.Family.train`. A named member comes with the job; any other is trained here."""
        from lmcompare.models.mixture.members import find_member

        options: Any = self.options.model_validate(job.options.model_dump())
        trained: LanguageModel = self._module().train(
            job, options, find_member(job, "member", options.member)
        )
        return trained

    def load(self, folder: Path) -> LanguageModel:
        """See `registry.Family.load`."""
        loaded: LanguageModel = self._module().load(folder)
        return loaded

    def _module(self) -> Any:
        return importlib.import_module(self.module)


NEURAL_CACHE = MemoryFamily(
    "neural-cache",
    "neural cache: what followed like places of this document, beside a network",
    NeuralCacheOptions,
    "lmcompare.models.neural.neural_cache",
)
DYNAMIC = MemoryFamily(
    "dynamic",
    "dynamic evaluation: a network whose weights go on learning in each document",
    DynamicOptions,
    "lmcompare.models.neural.dynamic",
)
KNN = MemoryFamily(
    "knn",
    "nearest neighbours: what followed like places of the training text, beside a network",
    NeighbourOptions,
    "lmcompare.models.neural.neighbour_model",
)
