"""Analysis `extremes`: on what two models differ most, with the text.

Computes nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName


class ExtremeToken(Record):
    """One event; `before` and `after` are the ends of the text around it."""

    before: str
    token: str
    after: str
    bits_a: float
    bits_b: float


class ExtremeText(Record):
    """One sentence, or the beginning of a document."""

    name: str = Field(description="of a document; empty for a sentence")
    text: str
    size: int = Field(description="tokens, or bytes where the two models have different ones")
    bits_a: float = Field(description="mean bits per token or byte")
    bits_b: float


class ExtremeSide(Record):
    """What one of the two models finds easier than the other, the largest difference first."""

    tokens: list[ExtremeToken]
    sentences: list[ExtremeText]
    documents: list[ExtremeText]


class ExtremePair(Record):
    """Two models; means over their seeds."""

    a: str
    b: str
    unit: Literal["token", "byte"]
    easier_for_a: ExtremeSide
    easier_for_b: ExtremeSide


class Extremes(Record):
    """Pairs of models, those of the best one first."""

    split: SplitName
    pairs: list[ExtremePair]
