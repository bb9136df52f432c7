"""What one experiment found: a `Cell` is one trained model, `Results` the content of `results.json`.

Computes nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lmcompare.evaluation.results.analyses import Analyses, CellAnalyses
from lmcompare.evaluation.results.model import (
    ChainStep,
    Cost,
    CurvePoint,
    Explanation,
    Generation,
    Prediction,
    Sample,
    Scores,
    TokenizerInfo,
)
from lmcompare.evaluation.results.record import PolicyName, Record, SplitName
from lmcompare.evaluation.results.seconds import CellSeconds, RunSeconds

SCHEMA_VERSION: Literal[1] = 1


class Cell(Record):
    """One trained model (one seed), evaluated. The harness writes it beside the model."""

    name: str
    kind: str
    seed: int
    summary: str = Field(description="one line: the options that were set")
    tokenizer: TokenizerInfo
    context: int | None
    policy: Literal["sentence", "document"]
    splits: dict[SplitName, dict[PolicyName, Scores]]
    cost: Cost
    curve: list[CurvePoint]
    generation: Generation | None
    chains: list[list[ChainStep]]
    predictions: list[Prediction]
    samples: list[Sample]
    explanation: Explanation | None = Field(None, description="of an n-gram model: see `Explanation`")
    drawn: bool = Field(True, description="see `ModelResult.drawn`")
    notes: list[str] = Field(default_factory=list, description="see `ModelResult.notes`")
    analyses: CellAnalyses = Field(default_factory=CellAnalyses)
    seconds: CellSeconds = Field(default_factory=CellSeconds, description="what its evaluation took")


class ModelResult(Record):
    """One row of the table: a model over all its seeds (chains, predictions, samples: the first seed's)."""

    name: str
    kind: str
    seeds: list[int]
    summary: str
    tokenizer: TokenizerInfo
    context: int | None
    policy: Literal["sentence", "document"]
    splits: dict[SplitName, dict[PolicyName, Scores]]
    cost: Cost
    curve: list[CurvePoint]
    generation: Generation | None
    chains: list[list[ChainStep]]
    predictions: list[Prediction]
    samples: list[Sample]
    explanation: Explanation | None = Field(
        None, description="of an n-gram model: the last word of the first chain sentence"
    )
    drawn: bool = Field(
        True,
        description="whether its training, or a member's, draws at random: another seed, another model",
    )
    notes: list[str] = Field(
        default_factory=list,
        description="what its training had to tell: discounts that could not be estimated, what was fitted "
        "on the validation text, what was chosen by itself",
    )
    tried: int | None = Field(
        None,
        description="settings that were tried before this one was chosen, as the experiment states it; null "
        "where it does not",
    )


class PairedDifference(Record):
    """Model `a` minus model `b` on the same text: negative means that `a` needs fewer bits."""

    a: str
    b: str
    split: SplitName
    policy: PolicyName
    delta_bits_per_token: float | None = Field(description="null where the event spaces differ")
    delta_bits_per_byte: float
    ci95: tuple[float, float] = Field(description="of delta_bits_per_token; per byte where that is null")
    bca95: tuple[float, float] | None = Field(
        None, description="the same interval, bias-corrected and accelerated; null where it is not defined"
    )
    seeds95: tuple[float, float] | None = Field(
        None,
        description="the same over units and training seeds together; null where a model was trained once "
        "and another seed could have given another model, or where a pair has impossible events",
    )
    sd_texts: float | None = Field(
        None, description="standard deviation through the choice of text (bootstrap over `unit`)"
    )
    sd_seeds: float | None = Field(
        None, description="standard deviation of the difference of means over seeds through the seeds"
    )
    p: float = Field(description="two-sided paired sign-flip permutation test")
    p_holm: float = Field(description="the same, after Holm's correction over the pairs of split and policy")
    p_wilcoxon: float | None = Field(
        None, description="Wilcoxon's signed ranks of the bits per token (or byte) of each unit; uncorrected"
    )
    detectable: float | None = Field(
        None,
        description="smallest true difference that 80 % of such texts would show at 5 %, two-sided, at the "
        "strictest step of Holm's correction over all pairs",
    )
    unit: Literal["documents", "sentences"]
    units: int


class SplitInfo(Record):
    """Size of one split in every unit."""

    documents: int
    sentences: int
    words: int | None
    characters: int
    bytes: int
    duplicates: int = Field(0, description="sentences that also stand, letter for letter, in train")
    overlap_13: float | None = Field(
        None,
        description="share of 13-grams (words, else characters) that also stand in train; null if not taken",
    )


class CorpusInfo(Record):
    """The text that all models were trained and scored on."""

    name: str
    title: str
    language: str
    licence: str
    hash: str
    splits: dict[Literal["train", "valid", "test"], SplitInfo]
    facts: dict[str, float | str] = Field(description="what is known of it, such as the exact entropy")


class Ranking(Record):
    """The headline: models best first, or why no ranking is given."""

    unit: Literal["bits_per_token", "bits_per_byte"]
    policy: PolicyName
    order: list[str]
    refused: str = Field("", description="why these models cannot be ranked; empty where they can")
    letters: dict[str, str] = Field(
        default_factory=dict,
        description="compact letter display: models that share a letter were not told apart (p after Holm's "
        "correction below 0.05 and a 95 % interval without zero); empty where not all pairs were tested",
    )


class Results(Record):
    """All that one experiment found: the content of `results.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    signature: str = Field(description="all that moves a number, in one line")
    signature_short: str = Field("", description="the same, short enough to stand below a table")
    name: str
    title: str
    command: str = Field(description="what to type to get this again")
    experiment: dict[str, Any] = Field(description="the experiment file, defaults filled in")
    environment: dict[str, str] = Field(description="versions, threads, machine")
    corpus: CorpusInfo
    models: list[ModelResult]
    reordered: list[ModelResult] = Field(
        default_factory=list,
        description="models that read in another order than the text's, where others do not: no part of the "
        "ranking and of the comparisons, but of what is told of reading orders",
    )
    human: Generation | None = Field(description="the corpus's own text, measured like generated text")
    human_samples: list[Sample]
    chain_sentences: list[str]
    comparisons: list[PairedDifference]
    ranking: Ranking
    analyses: Analyses = Field(default_factory=Analyses)
    seconds: RunSeconds | None = Field(
        None, description="what the evaluation took; null where nobody measured"
    )
