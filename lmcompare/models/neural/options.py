"""What may be set for a neural model, with defaults that work; checked before anything is computed.

Knows nothing of torch: an experiment file is checked without importing it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=1)]


class TrainingOptions(BaseModel):
    """What both families share: how a network is trained.

    Attributes:
        dropout: share of units dropped in training, on what enters and leaves each layer.
        lr: highest learning rate of the matrices inside the network.
        embedding_lr: the same for the tied embedding table and all vectors (`None`: as `lr`).
        weight_decay: decoupled decay of matrices; the embedding table and vectors are not decayed.
        batch: streams read side by side.
        length: tokens of each stream in one step (truncated back-propagation; the transformer's window).
        epochs: passes over the training text, parts allowed.
        steps: number of optimiser steps; where given, it rules and `epochs` is not used.
        warmup: share of all steps in which the learning rate rises from 0; then it falls as a cosine.
        clip: largest norm of the gradient; 0 never clips.
        evaluations: validations over the whole training, evenly spaced; the last stands after the last step.
        patience: stop after so many validations without improvement; 0 never stops early.
        valid_tokens: validation text used on the way, at most (the reported scores use all of it).
        checkpoint_every: steps between checkpoints; one is also written after each 20 seconds.
        sampled_softmax: expected number of negatives shared by a step's events, in training only. Where the
            vocabulary has no more ids than that, or with 0, the softmax is exact. Evaluation is always exact.
        restart: share of sentence ends after which the training text starts afresh with `bos`, so that
            the model also learns to read a sentence with nothing before it.
        precision: of matrix products in training. "auto" takes bfloat16 where the processor has
            instructions for it. Weights, and all scoring, are float32.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dropout: float = Field(0.15, ge=0, lt=1)
    lr: float = Field(0.004, gt=0)
    embedding_lr: float | None = Field(None, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    batch: Count = 16
    length: Count = 64
    epochs: float = Field(6.0, gt=0)
    steps: Count | None = None
    warmup: float = Field(0.05, ge=0, le=1)
    clip: float = Field(1.0, ge=0)
    evaluations: Count = 6
    patience: int = Field(3, ge=0)
    valid_tokens: Count = 50_000
    checkpoint_every: Count = 1000
    sampled_softmax: int = Field(500, ge=0)
    restart: float = Field(0.1, ge=0, le=1)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


class LstmOptions(TrainingOptions):
    """A long short-term memory network.

    Attributes:
        width: size of the embedding and of each layer.
        layers: number of layers.
    """

    width: Count = 256
    layers: Count = 1


class TransformerOptions(TrainingOptions):
    """A decoder-only transformer.

    Attributes:
        width: size of the residual stream.
        layers: number of blocks.
        heads: attention heads of a block; each has `width / heads` dimensions, an even number.
        window: tokens that the model reads at most (its context).
        stride: tokens dropped when the window is full (`None`: half the window); at most half of it.
    """

    width: Count = 128
    layers: Count = 2
    heads: Count = 2
    window: int = Field(64, ge=2)
    stride: Count | None = None
    lr: float = Field(0.005, gt=0)
    embedding_lr: float | None = Field(0.008, gt=0)
    dropout: float = Field(0.05, ge=0, lt=1)

    @model_validator(mode="after")
    def _fits(self) -> TransformerOptions:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must be an even multiple of heads {self.heads}")
        if self.stride is not None and 2 * self.stride > self.window:
            raise ValueError(f"stride {self.stride} is more than half of window {self.window}")
        if self.length > self.window:
            raise ValueError(f"length {self.length} is more than window {self.window}")
        return self

    @property
    def slide(self) -> int:
        """Tokens dropped when the window is full."""
        return self.stride if self.stride is not None else self.window // 2
