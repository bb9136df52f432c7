"""Analyses `minimal_pairs` and `cloze`. Computes nothing."""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.results.record import Record


class PairsOfParadigm(Record):
    """One paradigm as one trained model judged it; a tie counts as half."""

    phenomenon: str
    paradigm: str
    pairs: int
    right: float = Field(description="pairs whose right sentence has the higher probability")
    right_per_token: float = Field(description="the same by mean log probability of a token")
    ties: int = Field(description="pairs that the model cannot tell apart: the same tokens, or both unknown")
    unknown: int = Field(description="pairs in which a sentence has a token that the tokenizer does not know")
    right_known: float | None = Field(None, description="`right` of the other pairs; null: not measured")


class MinimalPairsCell(Record):
    """One trained model."""

    paradigms: list[PairsOfParadigm]


class Accuracy(Record):
    """How often a model was right; chance is one half.

    The intervals are of a bootstrap over paradigms and over the pairs in each; of one paradigm they are
    Wilson's (1927) over its pairs.
    """

    model: str
    phenomenon: str = Field(description="empty: over all phenomena, each pair counting the same")
    pairs: int
    paradigms: int | None = Field(None, description="kinds of pairs: what is resampled; null: not recorded")
    accuracy: float = Field(description="mean over the seeds")
    ci95: tuple[float, float] = Field(description="95 % interval")
    accuracy_per_token: float = Field(description="by mean log probability of a token")
    ci95_per_token: tuple[float, float] | None = None
    ties: float = Field(description="share of the pairs")
    unknown: float = Field(description="share of the pairs")
    known_pairs: int | None = Field(None, description="pairs without an unknown token")
    accuracy_known: float | None = Field(None, description="of these pairs; null where there are none")
    ci95_known: tuple[float, float] | None = None


class MinimalPairs(Record):
    """What is shown of all models."""

    rows: list[Accuracy]


class ClozeCell(Record):
    """One trained model on texts whose last word is asked for."""

    texts: int
    right: int = Field(
        description="texts whose last word the model would have written, taking the best token"
    )
    first: int = Field(description="texts of which it would have written the word's first token")
    bits: float = Field(description="mean surprisal of the last word")
    bits_ci95: tuple[float, float] | None = Field(None, description="95 % interval, bootstrap over texts")
    unknown: int = Field(description="texts whose last word the tokenizer does not know; never right")


class ClozeRow(Record):
    """One model; means over its seeds."""

    model: str
    texts: int
    accuracy: float
    ci95: tuple[float, float] = Field(description="95 % interval over texts (Wilson 1927)")
    accuracy_first: float = Field(description="the word's first token alone")
    ci95_first: tuple[float, float] | None = Field(None, description="of it, likewise")
    perplexity: float = Field(description="of the last word")
    perplexity_ci95: tuple[float, float] | None = Field(
        None, description="95 % interval, bootstrap over texts"
    )
    unknown: float = Field(description="share of the texts")


class Cloze(Record):
    """What is shown of all models."""

    rows: list[ClozeRow]
