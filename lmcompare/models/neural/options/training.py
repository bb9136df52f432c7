"""What may be set for every neural model: how it is trained, and the tables at its two ends.

Knows nothing of torch: an experiment file is checked without importing it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lmcompare.models.neural.options.budget import Budget

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]

LENGTHS = ("epochs", "steps", "tokens", "budget")
"""How the length of a training may be told; one of them, or none."""
MOST_DECAY = 0.5
"""Share of a matrix that one step of plain descent may take away; what is sensible is below a thousandth."""
DESCENT = {"lr": 10.0, "clip": 0.25, "weight_decay": 0.0, "embedding_lr": None}
"""What is set for plain descent where nothing else is. Of 1, 3 and 10 this lr learnt fastest in 80 steps of
small networks of every family on characters (150 of an LSTM, of which 30 swung up and down)."""
EPOCHS = 6.0
"""Passes over the text where no length is set."""


class TrainingOptions(BaseModel):
    """What all families share: how a network is trained.

    Attributes:
        dropout: share of units dropped in training, on what enters and leaves each layer. A text that is read
            once or twice is learnt best with 0; the more passes, the more is needed.
        lr: highest learning rate of the matrices inside the network; `lmcompare find-lr` suggests one.
        embedding_lr: the same for the tied embedding table and all vectors (`None`: as `lr`, and so it is
            with "sgd" where it is not set).
        weight_decay: decoupled decay of matrices: each step takes away lr times this share; the embedding
            table and vectors are not decayed. With "sgd", whose lr is some thousand times larger, it is 0
            where it is not set (Merity et al. 2018 have 1.2e-6).
        batch: streams read side by side.
        accumulate: batches whose gradients are added up before the weights move: as one batch of so many
            times more streams, in the memory of one.
        length: tokens of each stream in one step (truncated back-propagation; the transformer's window).
        epochs: passes over the training text, parts allowed. Of epochs, steps, tokens and budget one may be
            set; 6 epochs where none is.
        steps: number of optimiser steps.
        tokens: tokens of training text that are read.
        budget: time of training, validations included: "90s", "10min", "2h" or a number of seconds. Learning
            rate and validations follow the clock. A clock never gives the same bits twice: the number of
            steps that were made is recorded, and what was trained is kept and not trained again.
        schedule: of the learning rate after its rise: "cosine" and "linear" fall to 1 % at the end,
            "trapezoid" stays and then falls in a line, "constant" stays.
        warmup: share of the training in which the learning rate rises from 0.
        cooldown: share of the training at whose end a "trapezoid" falls.
        optimiser: "adamw" (Loshchilov and Hutter 2019), "sgd" (plain gradient descent; it needs another lr,
            of 1 to 10 with clip 0.25, and has 10 with that clip where neither is set) or "muon" (matrices
            inside the network move by orthogonal steps, Jordan et al. 2024, all else by AdamW; scaled so that
            it takes AdamW's lr). AdamW's betas are 0.9 and 0.99, not 0.999: in a short training the mean of
            squared gradients must soon forget the first.
        momentum: share of the last direction that is kept, for "sgd" and "muon" (`None`: 0 and 0.95).
        averaging: for the non-monotone trigger of NT-ASGD (Merity et al. 2018, algorithm 1): when a
            validation is worse than the best one before the last so many, weights are averaged from there
            on, and the average is validated and kept; 0 never. It is meant for schedule "constant" (where the
            rate falls, validations hardly get worse) and one validation an epoch (the more there are, the
            earlier it begins).
        ema: validate and keep a moving average of the weights with this decay a step; 0 keeps the weights.
        clip: largest norm of the gradient; 0 never clips.
        evaluations: validations over the whole training, evenly spaced; the last stands after the last step.
        patience: stop after so many validations without improvement; 0 never stops early.
        valid_tokens: validation text used on the way, at most (the reported scores use all of it).
        checkpoint_every: steps between checkpoints; one is also written after each 20 seconds, or ten
            times what writing one takes.
        sample_every: steps between two short texts that the model writes while it learns, to be looked at;
            `None`: one at each validation; 0: none. Nothing that is trained depends on them.
        sampled_softmax: expected number of negatives shared by a step's events, in training only. Where the
            vocabulary has no more ids than that, or with 0, the softmax is exact. Evaluation is always exact.
            With a few only, the training loss is far too small: the sum is estimated without bias, its
            logarithm is not.
            (An adaptive softmax is not offered: its classes would replace the table that the input shares,
            so the model would be another, not the same one trained faster.)
        statistics: whether gradient norms, sizes of updates (against the weights) and activations of each
            layer are written to statistics.jsonl at each validation; it stands beside the model.
        restart: share of sentence ends after which the training text starts afresh with `bos`, so that
            the model also learns to read a sentence with nothing before it.
        precision: of matrix products in training; weights, and all scoring, are float32. "auto" takes
            bfloat16 where the processor, or the GPU, has instructions for it and, in a training of some
            hundred steps or more, a few steps at the start were faster with it. On a GPU float32 is not cut
            to TF32. (torch.compile is not offered: on two cores it took 21 s for a transformer's blocks in
            bfloat16 and 231 s in float32, and was paid back only after some 2,700 steps.)
        threads: of the training, at most the experiment's. `None`: all of these, or one where a few steps at
            the start were faster with one. What was measured is kept on this machine, so that a rerun chooses
            the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dropout: Share = 0.15
    lr: float = Field(0.004, gt=0)
    embedding_lr: float | None = Field(None, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    batch: Count = 16
    accumulate: Count = 1
    length: Count = 64
    epochs: float | None = Field(None, gt=0)
    steps: Count | None = None
    tokens: Count | None = None
    budget: Budget | None = None
    schedule: Literal["cosine", "linear", "trapezoid", "constant"] = "cosine"
    warmup: float = Field(0.05, ge=0, le=1)
    cooldown: float = Field(0.2, ge=0, le=1)
    optimiser: Literal["adamw", "sgd", "muon"] = "adamw"
    momentum: Share | None = None
    averaging: int = Field(0, ge=0)
    ema: Share = 0.0
    clip: float = Field(1.0, ge=0)
    evaluations: Count = 6
    patience: int = Field(3, ge=0)
    valid_tokens: Count = 50_000
    checkpoint_every: Count = 1000
    sample_every: int | None = Field(None, ge=0)
    sampled_softmax: int = Field(500, ge=0)
    restart: float = Field(0.1, ge=0, le=1)
    statistics: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    threads: Count | None = None

    @model_validator(mode="before")
    @classmethod
    def _what_is_not_for_descent(cls, values: Any) -> Any:
        """The defaults of lr, clip, decay and the tables' rate are made for AdamW, not for descent."""
        if not isinstance(values, dict) or values.get("optimiser") != "sgd":
            return values
        told = [f"{name} {values[name]}" for name in ("clip", "momentum") if values.get(name) is not None]
        if told and "lr" not in values:
            what = f'"sgd" with {" and ".join(told)} needs an lr of its own'
            raise ValueError(f"{what}: set one from 1 to 10 for clip 0.25, the less the more a step may be")
        return {**DESCENT, **values}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        lengths = self.model_dump(include=set(LENGTHS))
        told = [f"{name} {lengths[name]}" for name in LENGTHS if lengths[name] is not None]
        if len(told) > 1:
            raise ValueError(f"the length of the training is told twice: set one of {', '.join(told)}")
        if self.schedule == "trapezoid" and self.warmup + self.cooldown > 1:
            raise ValueError(f"warmup {self.warmup:g} and cooldown {self.cooldown:g} are more than the whole")
        if self.averaging and self.ema:
            raise ValueError("averaging and ema both say which weights are averaged: set one of them")
        self._moves()
        if self.averaging:
            self._averages()
        return self

    def _moves(self) -> None:
        """Whether the optimiser can do what it is told."""
        if self.optimiser == "adamw" and self.momentum is not None:
            raise ValueError('momentum is for "sgd" and "muon", "adamw" has its own: leave momentum out')
        lost = self.lr * self.weight_decay
        if self.optimiser == "sgd" and lost >= MOST_DECAY:
            told = f"weight_decay {self.weight_decay:g} with sgd at lr {self.lr:g}"
            what = f"{told} takes {lost:.0%} of every matrix away in each step"
            raise ValueError(f"{what}: leave weight_decay out, or set some 1e-6")

    def _averages(self) -> None:
        """Whether averaging can begin: at a validation that is not the last and does not end the training."""
        fewest = self.averaging + 3
        if self.evaluations < fewest:
            what = f"averaging {self.averaging} begins after {self.averaging + 2} evaluations or more"
            raise ValueError(f"{what}, and there are {self.evaluations}: set evaluations to {fewest} or more")
        if 0 < self.patience < self.averaging + 2:
            what = f"patience {self.patience} ends the training before averaging {self.averaging} begins"
            raise ValueError(f"{what}: set patience to 0, or to {self.averaging + 2} or more")


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
        """The preset's values under those that were given; a length that was given replaces the preset's."""
        if isinstance(values, dict) and isinstance(values.get("preset"), str):
            preset = cls.presets.get(values["preset"], {})
            if any(values.get(name) is not None for name in LENGTHS):
                preset = {key: value for key, value in preset.items() if key not in LENGTHS}
            return {**preset, **values}
        return values


class NgramEmbeddingOptions(NetworkOptions):
    """What the recurrent networks and the transformer share: vectors of n-grams beside those of tokens.

    Attributes:
        ngram_embeddings: lengths n of n-grams, for example [2, 3, 4], whose vectors are added to the vector
            of their last token; an n-gram's row is found by a hash. None by default, nor in any preset.
        ngram_rows: rows of the table of each n; n-grams whose hashes agree share a row.
        ngram_dropout: share of n-grams whose vectors are left out in training, each place and length by
            itself, so that a network does not trust to what it will not find in another text.
    """

    ngram_embeddings: tuple[Annotated[int, Field(ge=2, le=8)], ...] = ()
    ngram_rows: Count = 1 << 15
    ngram_dropout: Share = 0.0

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
