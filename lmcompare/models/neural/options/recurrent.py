"""What may be set for the recurrent families: Elman's network, gated units, long short-term memory.

Knows nothing of torch: an experiment file is checked without importing it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from lmcompare.models.neural.options.training import Count, NgramEmbeddingOptions, Share, described

LSTM_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"width": 64, "layers": 1, "batch": 16, "length": 32, "epochs": 3.0, "lr": 0.01},
    "laptop": {
        "width": 256,
        "layers": 1,
        "dropout": 0.25,
        "batch": 64,
        "length": 35,
        "lr": 0.008,
        "sampled_softmax": 1000,
    },
    "awd-lstm": {
        "width": 400,
        "hidden_width": 1150,
        "layers": 3,
        "dropout": 0.4,
        "dropout_input": 0.65,
        "dropout_hidden": 0.2,
        "embedding_dropout": 0.1,
        "weight_drop": 0.5,
        "ar": 2.0,
        "tar": 1.0,
        "norm": False,
        "batch": 80,
        "length": 70,
        "clip": 0.25,
        "optimiser": "sgd",
        "lr": 10.0,
        "weight_decay": 1.2e-6,
        "schedule": "constant",
        "warmup": 0.0,
        "averaging": 5,
        "epochs": 750.0,
        "evaluations": 750,
        "patience": 0,
        "restart": 0.0,
        "sampled_softmax": 0,
    },
}
"""Of "awd-lstm": what Merity et al. 2018 tell in section 5 for WikiText-2, but for lr, which is 30 there.
Here the vectors that are read are multiplied by the root of the width, and so are their gradients: in 258
steps of a small copy, of 3, 10 and 30, 10 learnt fastest and 30 swung up and down. Their lengths vary from
step to step and their decay is of all weights. The whole training, which takes a processor weeks, has not
been run."""


class RecurrentOptions(NgramEmbeddingOptions):
    """A recurrent network of any cell.

    Attributes:
        width: size of the embedding and of each layer.
        layers: number of layers.
        hidden_width: size of all layers but the last, where it is to be another (`None`: as `width`).
        dropout_input: share of units dropped of what enters the first layer (`None`: as `dropout`).
        dropout_hidden: the same between layers (`None`: as `dropout`).
        dropout_output: the same of what leaves the last layer (`None`: as `dropout`).
        weight_drop: share of the hidden-to-hidden weights left out of a training step (Merity et al. 2018,
            section 3).
        ar: weight of the penalty on large activations (Merity et al. 2017, equation 6).
        tar: weight of the penalty on activations that change fast (Merity et al. 2017, equation 7).
        norm: whether a norm stands after the last layer.
        kernel: "torch" runs torch's fast cell, "written" the one that is written out in cells.py; they agree.
    """

    width: Count = 256
    layers: Count = 1
    hidden_width: Count | None = None
    dropout_input: Share | None = None
    dropout_hidden: Share | None = None
    dropout_output: Share | None = None
    weight_drop: Share = 0.0
    ar: float = Field(0.0, ge=0)
    tar: float = Field(0.0, ge=0)
    norm: bool = True
    kernel: Literal["torch", "written"] = "torch"

    def dropped(self, share: float | None) -> float:
        """One of the three shares, or `dropout` where it is not set."""
        return self.dropout if share is None else share

    @property
    def widths(self) -> list[int]:
        """Size of each layer."""
        return [self.hidden_width or self.width] * (self.layers - 1) + [self.width]


class RnnOptions(RecurrentOptions):
    """Elman's simple recurrent network (Elman 1990)."""

    lr: float = Field(0.002, gt=0)
    embedding_lr: float | None = Field(0.004, gt=0)


class GruOptions(RecurrentOptions):
    """A network of gated recurrent units (Cho et al. 2014)."""


class LstmOptions(RecurrentOptions):
    """A long short-term memory network (Hochreiter and Schmidhuber 1997; Gers et al. 2000)."""

    presets: ClassVar = LSTM_PRESETS

    preset: Literal["nano", "laptop", "awd-lstm"] | None = Field(None, description=described(LSTM_PRESETS))
