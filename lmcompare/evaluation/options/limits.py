"""Options of the limits of autoregression: orders, gap, length_cost, search, exposure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from lmcompare.errors import InputError
from lmcompare.evaluation.options.base import Options
from lmcompare.generation.rules import parse

Count = Annotated[int, Field(ge=1)]


class OrdersOptions(Options):
    """The same model trained on the same text in several reading orders."""

    enabled: bool = Field(default=True, description="costs nothing: shown where models differ in the order")


class GapOptions(Options):
    """A token that is missing: guessed from what was read before it, and from the whole sentence."""

    enabled: bool = Field(default=False, description="costs one sentence scored for each candidate and gap")
    gaps: int = Field(default=100, ge=1, description="gaps, each in a sentence of its own, evenly spaced")
    candidates: int = Field(
        default=300,
        ge=2,
        description="tokens tried in a gap, the same for all models of a tokenizer: the whole vocabulary "
        "where it has no more; else the right one, half of them the most frequent in train, the others about "
        "as frequent as the right one",
    )
    shortest: int = Field(default=4, ge=1, description="tokens of a sentence that may have a gap, at least")
    longest: int = Field(default=60, ge=1, description="and at most")


class LengthCostOptions(Options):
    """Time of one more token by how many were read before it, with and without what is kept of them."""

    enabled: bool = Field(default=False, description="costs seconds: the longest context is read many times")
    contexts: list[Count] = Field(
        default=[16, 32, 64, 128, 256, 512, 1024, 2048], min_length=1, description="tokens read before"
    )
    steps: int = Field(default=16, ge=1, description="tokens written after each context")
    repeats: int = Field(default=5, ge=1, description="times that this is done; the fastest is shown")


class SearchOptions(Options):
    """The most probable end of a sentence: looked for with beams and samples, and found exactly."""

    enabled: bool = Field(default=False, description="costs up to `node_limit` steps for each prompt")
    prompts: int = Field(default=16, ge=1, description="sentences that are begun, evenly spaced")
    prompt_tokens: int = Field(default=3, ge=0, description="tokens of each that are given")
    max_tokens: int = Field(default=24, ge=2, description="tokens of a continuation at most, with its end")
    beams: list[Count] = Field(default=[1, 2, 4, 8, 16], min_length=1, description="1 is greedy decoding")
    samples: int = Field(default=16, ge=1, description="samples of which the most probable is taken")
    length_normalisation: float = Field(
        default=1.0, ge=0, le=2, description="of one more beam search: log p / length^this"
    )
    node_limit: int = Field(
        default=4000, ge=1, description="prefixes read by exact search; beyond it nothing is proven"
    )
    shown: int = Field(default=3, ge=0, description="prompts whose continuations the report shows")


class ExposureOptions(Options):
    """A model's own continuations against the human ones, token by token as they go on."""

    enabled: bool = Field(default=False, description="costs the writing of so many tokens, and a judge")
    prompts: int = Field(default=48, ge=1, description="places of the test text, evenly spaced")
    prompt_tokens: int = Field(default=16, ge=1, description="tokens that are read before")
    tokens: int = Field(default=64, ge=2, description="tokens of each continuation")
    rules: list[str] = Field(
        default=["temperature(1.0)", "greedy()"], min_length=1, description="sampling rules of the own ones"
    )
    judge: int = Field(
        default=3, ge=0, le=10, description="order of an n-gram model of train that reads them too; 0: none"
    )

    @field_validator("rules")
    @classmethod
    def _readable(cls, value: list[str]) -> list[str]:
        try:
            found = [repr(parse(rule)) for rule in value]
        except InputError as error:
            raise ValueError(str(error)) from None
        if len(set(found)) < len(found):
            raise ValueError("a rule is named twice")
        return found
