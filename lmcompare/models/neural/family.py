"""The neural families as the registry knows them: name, summary, options, and where the model is.

Knows nothing of torch until a model is trained or loaded.
"""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from lmcompare.interface import LanguageModel
from lmcompare.models.neural import device
from lmcompare.models.neural.options import (
    FeedForwardOptions,
    GruOptions,
    LstmOptions,
    RnnOptions,
    TransformerOptions,
)
from lmcompare.registry import Training


@dataclass(frozen=True)
class NeuralFamily:
    """A family whose model class is imported when it is first used.

    Attributes:
        name: registry name.
        summary: one line for people.
        options: what may be set.
        model: "module:class" of the model behind the seam.
    """

    name: str
    summary: str
    options: type[BaseModel]
    model: str

    def train(self, job: Training) -> LanguageModel:
        """See `registry.Family.train`."""
        from lmcompare.models.neural.training import train

        return train(job, self._model_class())

    def find_lr(self, job: Training) -> Any:
        """What learning rates do to the loss: a `lr_finder.Sweep`; nothing of the training is kept."""
        from lmcompare.models.neural.lr_finder import find_lr

        return find_lr(job, self._model_class())

    def load(self, folder: Path, *, compiled: bool | None = None, int8: bool = False) -> LanguageModel:
        """See `registry.Family.load`.

        Args:
            folder: what `LanguageModel.save` wrote.
            compiled: step in compiled loops: the same numbers but for rounding, several times faster for a
                few rows. `True`: from now on; `None`: once the model writes a few long texts; `False`: never.
            int8: round the weights to 8 bits and step in compiled loops; `quantisation_cost` tells the price.
        """
        # What is compiled is the processor's.
        with device.on("cpu") if int8 or compiled else contextlib.nullcontext():
            model: Any = self._model_class().load(folder)
        if int8:
            from lmcompare.models.neural.quantisation import quantise

            model = quantise(model)
        elif compiled:
            model.network.compile_steps()
        model.compiles = compiled is not False
        loaded: LanguageModel = model
        return loaded

    def _model_class(self) -> Any:
        module, _, name = self.model.partition(":")
        return getattr(importlib.import_module(module), name)


FEEDFORWARD = NeuralFamily(
    "feedforward",
    "feed-forward n-gram network: a hidden layer over the vectors of the last tokens",
    FeedForwardOptions,
    "lmcompare.models.neural.feedforward_model:FeedForwardModel",
)
RNN = NeuralFamily(
    "rnn",
    "Elman's simple recurrent network, tied embedding, locked dropout",
    RnnOptions,
    "lmcompare.models.neural.recurrent_model:RnnModel",
)
GRU = NeuralFamily(
    "gru",
    "network of gated recurrent units, tied embedding, locked dropout",
    GruOptions,
    "lmcompare.models.neural.recurrent_model:GruModel",
)
LSTM = NeuralFamily(
    "lstm",
    "long short-term memory network, tied embedding, locked dropout",
    LstmOptions,
    "lmcompare.models.neural.recurrent_model:LstmModel",
)
TRANSFORMER = NeuralFamily(
    "transformer",
    "decoder-only transformer, rotary positions, tied embedding",
    TransformerOptions,
    "lmcompare.models.neural.transformer_model:TransformerModel",
)
