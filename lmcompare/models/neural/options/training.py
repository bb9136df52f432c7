"""What may be set for every neural model: how it is trained, and the tables at its two ends.

Knows nothing of torch: an experiment file is checked without importing it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]


class TrainingOptions(BaseModel):
    """What all families share: how a network is trained.

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

    dropout: Share = 0.15
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


class NetworkOptions(TrainingOptions):
    """What all families share: the tables at a network's two ends.

    Attributes:
        tied: whether one table both reads and predicts (Press and Wolf 2017); otherwise there are two.
        embedding_dropout: share of the vocabulary whose vectors are left out of a training step
            (Gal and Ghahramani 2016; Merity et al. 2018, section 4.3).
        softmaxes: softmaxes that are mixed for one prediction (Yang et al. 2018); 1 is the plain softmax.
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    tied: bool = True
    embedding_dropout: Share = 0.0
    softmaxes: Count = 1

    @model_validator(mode="before")
    @classmethod
    def _what_the_preset_sets(cls, values: Any) -> Any:
        """The preset's values under those that were given."""
        if isinstance(values, dict) and isinstance(values.get("preset"), str):
            return {**cls.presets.get(values["preset"], {}), **values}
        return values


class NgramEmbeddingOptions(NetworkOptions):
    """What the recurrent networks and the transformer share: vectors of n-grams beside those of tokens.

    Attributes:
        ngram_embeddings: lengths n of n-grams, for example [2, 3, 4], whose vectors are added to the vector
            of their last token; an n-gram's row is found by a hash. None by default.
        ngram_rows: rows of the table of each n; n-grams whose hashes agree share a row.
    """

    ngram_embeddings: tuple[Annotated[int, Field(ge=2, le=8)], ...] = ()
    ngram_rows: Count = 1 << 15

    @field_validator("ngram_embeddings")
    @classmethod
    def _different(cls, lengths: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(lengths)) < len(lengths):
            raise ValueError(f"a length is named twice in {list(lengths)}")
        return lengths


def described(presets: dict[str, dict[str, Any]]) -> str:
    """All presets and what they set, for people."""
    parts = []
    for name, values in presets.items():
        told = ", ".join(f"{key} {str(value).lower()}" for key, value in values.items())
        parts.append(f"{name} ({told})")
    return "options that are set together, where you do not set them yourself: " + "; ".join(parts)
