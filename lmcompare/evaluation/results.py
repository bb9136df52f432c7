"""What an evaluation found: the documented schema of `results.json`, and nothing that computes.

One `Cell` is what one trained model (one seed) gave; `Results` is what a report is made of. Fields
that hold a time, a speed or a memory size stand only under `cost` and in `curve[].seconds`: all
else is the same bits in a rerun. An infinite perplexity is written as the string "Infinity".
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Literal[1] = 1
SplitName = Literal["valid", "test"]
PolicyName = Literal["native", "matched"]
POLICIES: tuple[PolicyName, PolicyName] = ("native", "matched")


class Record(BaseModel):
    """Base of all records: strict about names, and at ease with infinity."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings", allow_inf_nan=True)


class TokenizerInfo(Record):
    """The event space of a model."""

    kind: str
    size: int
    fingerprint: str
    lossy: str = Field(description="why text may not survive encoding; empty where it always does")


class Scores(Record):
    """One model on one split under one policy."""

    events: int = Field(description="predictions scored: every token and every end of sentence")
    perplexity: float = Field(description="exp(sum of surprisal / events) over the whole split")
    bits_per_token: float
    bits_per_char: float = Field(description="bits / characters of the original text, line ends included")
    bits_per_byte: float = Field(description="bits / UTF-8 bytes of the original text, line ends included")
    bits_per_word: float | None = Field(description="bits / (words + line ends); null without word spaces")
    ci95: tuple[float, float] = Field(description="95 % interval of the perplexity, bootstrap over `unit`")
    unit: Literal["documents", "sentences"] = Field(description="what the bootstrap resampled")
    unk_events: int = Field(description="events whose target was unknown")
    perplexity_without_unk: float = Field(description="those events left out of the sum and of the count")
    zero_probability_events: int = Field(description="events of probability zero; any makes it Infinity")
    mean_context: float = Field(description="mean number of tokens that the model could see per event")
    perplexity_by_seed: list[float] = Field(description="one value a seed, in the order of `seeds`")


class Cost(Record):
    """What a model costs. The first two are exact, the rest are measured (mean over seeds)."""

    parameters: int
    bytes: int = Field(description="size of the saved model folder")
    train_seconds: float
    score_tokens_per_second: float
    generate_tokens_per_second: float
    peak_memory_bytes: int = Field(description="largest resident size of the process that trained and scored")


class CurvePoint(Record):
    """Validation loss on the way: after so many training tokens and seconds."""

    tokens: int
    seconds: float
    valid_bits_per_token: float
    train_bits_per_token: float | None = None


class Generation(Record):
    """Statistics of generated (or human) text; all rows of a table have equal counts and lengths."""

    samples: int
    length: int = Field(description="units per sample")
    unit: Literal["words", "characters"]
    distinct_1: float = Field(description="different units / units")
    distinct_2: float
    distinct_3: float
    repetition_4: float = Field(description="share of 4-grams that occurred before in the same sample")
    self_bleu: float = Field(description="mean BLEU of each sample against the others, 0 to 100 (sacrebleu)")
    mean_sentence_length: float = Field(description="units per finished or cut sentence")
    seen_2: float = Field(description="share of 2-grams that occur in the training text")
    seen_4: float
    seen_8: float
    longest_copy: float = Field(
        description="units of the longest piece that stands in one training line, mean over the samples"
    )


class ChainStep(Record):
    """One factor of P(x1..xT): the token and log p(token | what stands before it), natural."""

    token: str
    logprob: float


class Candidate(Record):
    """A possible next token and its probability."""

    token: str
    probability: float


class Prediction(Record):
    """The most probable next tokens after a context."""

    context: str
    candidates: list[Candidate]


class Sample(Record):
    """A continuation of one prompt."""

    prompt: str
    text: str


class BackoffStep(Record):
    """What one order of an n-gram model puts into one probability."""

    order: int = Field(
        description="length of the n-gram; 0 for the distribution in which all words are alike"
    )
    context: list[str] = Field(description="the tokens before; <s> opens a sentence")
    seen: tuple[int, int] | None = Field(
        description="how often the training text has the n-gram, and its context; null where not known"
    )
    counted: tuple[int, int] | None = Field(description="what the method counts of both")
    kinds: bool = Field(description="whether it counts before how many different words the n-gram stands")
    discount: float | None = Field(description="what is taken from the count; null where nothing is")
    own: float | None = Field(description="the order's own part; null where this order is not asked")
    weight: float | None = Field(description="what the context gives to the shorter one; null where unknown")
    share: float = Field(description="the order's part of the final probability")


class Explanation(Record):
    """The back-off path of one prediction: the steps' shares, the longest order first, sum to it."""

    token: str
    interpolated: bool = Field(
        description="all orders are mixed; otherwise the longest one listed has it all"
    )
    steps: list[BackoffStep]
    probability: float


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


class PairedDifference(Record):
    """Model `a` minus model `b` on the same text: negative means that `a` needs fewer bits."""

    a: str
    b: str
    split: SplitName
    policy: PolicyName
    delta_bits_per_token: float | None = Field(description="null where the event spaces differ")
    delta_bits_per_byte: float
    ci95: tuple[float, float] = Field(description="of delta_bits_per_token; per byte where that is null")
    p: float = Field(description="two-sided paired sign-flip permutation test")
    p_holm: float = Field(description="the same, after Holm's correction over the pairs of split and policy")
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


class Results(Record):
    """All that one experiment found: the content of `results.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    signature: str = Field(description="all that moves a number, in one line")
    name: str
    title: str
    command: str = Field(description="what to type to get this again")
    experiment: dict[str, Any] = Field(description="the experiment file, defaults filled in")
    environment: dict[str, str] = Field(description="versions, threads, machine")
    corpus: CorpusInfo
    models: list[ModelResult]
    human: Generation | None = Field(description="the corpus's own text, measured like generated text")
    human_samples: list[Sample]
    chain_sentences: list[str]
    comparisons: list[PairedDifference]
    ranking: Ranking
