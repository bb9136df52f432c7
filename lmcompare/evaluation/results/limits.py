"""The limits of autoregression: orders, gap, length_cost, search, exposure.

Fields named `milliseconds` are times; all else is the same bits in a rerun. Computes nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName

Interval = tuple[float, float]


class OrderRow(Record):
    """One model that reads the sentences in one order."""

    model: str
    order: Literal["forward", "reversed", "shuffled"]
    bits_per_byte: float
    bits_per_sentence: float
    percent: float | None = Field(
        description="bits more than the group's first row needs, in percent of its bits; null for itself"
    )
    ci95: Interval | None = Field(description="of percent: paired bootstrap over `unit`")
    by_seed: list[float] = Field(
        default_factory=list, description="percent of each seed that all orders were trained with"
    )
    drawn: bool = Field(False, description="whether another seed would have given another model")


class OrderGroup(Record):
    """Models that differ in the reading order alone: first the one that the others are compared with."""

    kind: str
    rows: list[OrderRow]


class Orders(Record):
    """Which order of reading the same text costs how much."""

    split: SplitName
    unit: Literal["documents", "sentences"]
    groups: list[OrderGroup]


class GapScores(Record):
    """How well a missing token is found among the candidates; bits are of their renormalised p."""

    accuracy: float = Field(description="share of gaps whose most probable candidate is the right one")
    accuracy_ci95: Interval = Field(description="95 % interval over the gaps (Wilson 1927)")
    mean_rank: float = Field(description="place of the right one, 1 the best; equals share their places")
    bits: float
    bits_ci95: Interval


class GapCell(Record):
    """One trained model in the same gaps, read in its own order."""

    order: Literal["forward", "reversed", "shuffled"]
    gaps: int
    candidates: float = Field(description="mean number of candidates in a gap")
    whole: bool = Field(description="whether every token of the vocabulary was a candidate")
    before: GapScores = Field(description="from what was read before the gap alone")
    both: GapScores = Field(description="from p of the whole sentence with each candidate in the gap")
    saved: float = Field(description="bits that the rest of the sentence saves")
    saved_ci95: Interval


class GapRow(Record):
    """One model, mean over its seeds."""

    model: str
    cell: GapCell


class Gap(Record):
    """What a left-to-right model knows of a gap, and what one direction of reading makes of it."""

    split: SplitName
    rows: list[GapRow]


class LengthPoint(Record):
    """Wall time of one more token after so many."""

    context: int
    milliseconds_step: float = Field(description="with what is kept of the context (state, cache of keys)")
    milliseconds_scratch: float = Field(description="the whole context is read again")


class LengthCostCell(Record):
    """One trained model."""

    window: int | None = Field(description="tokens that it could see at most here; null: all")
    points: list[LengthPoint]


class LengthCostRow(Record):
    """One model, mean over its seeds."""

    model: str
    cell: LengthCostCell


class LengthCost(Record):
    """What a longer context costs."""

    rows: list[LengthCostRow]


class SearchRow(Record):
    """What one way of looking found.

    All but `complete` is of the prompts with a proven optimum alone, so that ways can be compared: there the
    best that was found elsewhere is known not to be the best. Null where nothing is proven.
    """

    method: Literal["greedy", "beam", "normalised", "sample", "exact", "human"]
    size: int | None = Field(description="prefixes of a beam, samples; null where there is no size")
    complete: float = Field(description="share of all prompts where it found an end at all")
    bits: float | None = Field(description="mean -log2 p of what it found, end included; of complete ones")
    bits_ci95: Interval | None = Field(description="bootstrap over the prompts; null for one")
    excess: float | None = Field(
        description="mean bits above the optimum of the same prompt; of complete ones"
    )
    excess_ci95: Interval | None = Field(
        description="bootstrap over the prompts; null for the optimum itself"
    )
    length: float | None = Field(description="mean tokens before the end; of complete ones")
    length_ci95: Interval | None = Field(description="bootstrap over the prompts; null for one")
    empty: float | None = Field(description="share of prompts that it ends at once")
    empty_ci95: Interval | None = Field(description="95 % interval over the prompts (Wilson 1927)")
    errors: int | None = Field(description="optima that it misses; null for those that do not look for them")
    errors_ci95: Interval | None = Field(description="of their share, over the prompts (Wilson 1927)")


class SearchText(Record):
    """The continuations of one prompt, by method."""

    prompt: str
    human: str
    greedy: str
    beam: str
    exact: str
    proven: bool


class SearchCell(Record):
    """One trained model."""

    prompts: int
    proven: int = Field(description="prompts whose optimum is proven within the most tokens")
    longer: int = Field(description="of these: where a longer continuation might be more probable still")
    nodes: float = Field(description="mean number of prefixes that exact search read")
    rows: list[SearchRow]
    texts: list[SearchText]


class SearchModel(Record):
    """One model, mean over its seeds; the texts are the first seed's."""

    model: str
    cell: SearchCell


class Search(Record):
    """How far decoding is from the optimum, and what the optimum looks like."""

    split: SplitName
    max_tokens: int
    node_limit: int
    rows: list[SearchModel]


class ExposurePoint(Record):
    """The tokens at places `first` to `last` of the continuations."""

    first: int
    last: int
    bits: float
    ci95: Interval = Field(description="95 % interval, bootstrap over the prompts")


class ExposureCurve(Record):
    """Mean bits per token along one kind of continuation, as one reader sees it."""

    text: str = Field(description='"human", or the sampling rule of the model\'s own')
    reader: Literal["self", "judge"]
    points: list[ExposurePoint]


class ExposureDrift(Record):
    """Bits per token that the own words cost more than the human ones, as the continuation goes on."""

    text: str = Field(description="the sampling rule of the own ones")
    reader: Literal["self", "judge"]
    early: float = Field(description="mean over the first quarter of the places")
    late: float = Field(description="mean over the last quarter of the places")
    growth: float = Field(description="late minus early: paired by prompt")
    ci95: Interval = Field(description="of growth, bootstrap over the prompts")


class ExposureCell(Record):
    """One trained model."""

    prompts: int
    prompt_tokens: int
    tokens: int
    judge: int = Field(description="order of the n-gram model that judges; 0: none")
    curves: list[ExposureCurve]
    drifts: list[ExposureDrift]


class ExposureRow(Record):
    """One model, mean over its seeds."""

    model: str
    cell: ExposureCell


class Exposure(Record):
    """What becomes of a model that reads its own words."""

    split: SplitName
    rows: list[ExposureRow]
