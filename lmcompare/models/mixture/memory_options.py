"""What may be set of a network's memory at test time: neural cache, dynamic evaluation, nearest neighbours.

Knows what may be written in an experiment file, not how anything is computed. What is not given is tuned on
the validation text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lmcompare.models.mixture.options import Member, describe, files_of, named


class MemoryOptions(BaseModel):
    """What all memories of a network have.

    Attributes:
        member: the network: the name of another model of the experiment, a kind, or a table.
        valid_tokens: of the validation text, at most, on which is tuned.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    member: Member
    valid_tokens: int = Field(30_000, ge=1)

    def named_members(self) -> list[tuple[str, str]]:
        """See `registry.named_members`."""
        return named("member", self.member)

    def named_files(self) -> list[Path]:
        """See `registry.named_files`."""
        return files_of([self.member])

    def summary(self) -> str:
        """The options in one line, for people."""
        chosen = self.model_dump(mode="json", exclude_defaults=True, exclude={"member"})
        return ", ".join([describe(self.member), *(f"{key} {value}" for key, value in chosen.items())])


class NeuralCacheOptions(MemoryOptions):
    """What followed the places of this document that were like this one.

    Attributes:
        window: places of the document that are remembered, at most.
        theta: how much more places count that are more alike (Grave et al. 2017, equation 2); 0 and all count
            the same.
        weight: of the cache, against the network; where it is not given and there is no validation text, 0.
    """

    window: int = Field(2000, ge=1)
    theta: float | None = Field(None, ge=0)
    weight: float | None = Field(None, ge=0, le=1)


class DynamicOptions(MemoryOptions):
    """Weights that go on learning while the document is read, and start afresh in the next.

    Attributes:
        segment: events after which the weights move.
        moves: "all" weights but vectors of n-grams, or those "inside" the network: all but the tables at its
            two ends, which is several times as fast where the vocabulary is large, and gains much less.
        rate: size of a move: how far a weight goes whose gradient is as large as the mean of all usual ones.
        decay: how far the weights fall back to the trained ones with each move: those with large usual
            gradients further, in proportion.
        damping: how little the size of usual gradients matters for a move: it is added, in units of the mean
            of all, to what a weight's gradient is divided by. Near 0 each weight moves about equally far (as
            in Krause et al. 2018), with 10 or more nearly as in plain gradient descent.
        segments: of the training text, from which is learnt how large gradients are.
    """

    valid_tokens: int = Field(4_000, ge=1)
    segment: int = Field(20, ge=1, le=1000)
    moves: Literal["all", "inside"] = "all"
    rate: float | None = Field(None, ge=0)
    decay: float | None = Field(None, ge=0, le=1)
    damping: float | None = Field(None, gt=0)
    segments: int = Field(300, ge=1)


class NeighbourOptions(MemoryOptions):
    """What followed the places of the training text that were most like this one.

    Attributes:
        entries: places of the training text that are kept, at most: whole documents, drawn at random.
        k: different places that are asked, at most; fitted below that if `temperature` is not given.
        temperature: how fast a place counts less with its squared distance.
        weight: of the neighbours, against the network; where it is not given and there is no validation text,
            0.
    """

    valid_tokens: int = Field(10_000, ge=1)
    entries: int = Field(100_000, ge=1)
    k: int = Field(256, ge=1, le=4096)
    temperature: float | None = Field(None, gt=0)
    weight: float | None = Field(None, ge=0, le=1)
