"""What is found of one model: its scores, cost, learning curve, and what the report shows of it.

Computes nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lmcompare.evaluation.results.record import Record


class TokenizerInfo(Record):
    """The event space of a model."""

    kind: str
    size: int
    fingerprint: str
    lossy: str = Field(description="why text may not survive encoding; empty where it always does")
    order: Literal["forward", "reversed", "shuffled"] = Field(
        "forward", description="in which the tokens of each sentence are read"
    )
    tokens: str = Field("", description="fingerprint of the same tokens read forward; empty: `fingerprint`")


class Variation(Record):
    """How far a number would move: with another text of this kind, and with another training seed."""

    texts_bits: float = Field(description="standard error of the bits per token, bootstrap over `unit`")
    texts_perplexity: float = Field(description="the same of the perplexity")
    seeds_bits: float | None = Field(
        description="standard deviation of one seed's bits per token; null where one seed only was trained"
    )
    seeds_perplexity: float | None = Field(description="the same of the perplexity")


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
    least_context: int | None = Field(
        None,
        description="the fewest that an event saw which did not see all that stands before it in its "
        "document; null where every event did",
    )
    perplexity_by_seed: list[float] = Field(description="one value a seed, in the order of `seeds`")
    variation: Variation | None = Field(None, description="null where the perplexity is infinite")


class Cost(Record):
    """What a model costs. The first two are exact, the rest are measured (mean over seeds)."""

    parameters: int
    bytes: int = Field(description="size of the saved model folder")
    train_seconds: float
    train_processor_seconds: float = Field(
        0.0,
        description="processor time of the training, over all its threads, members of a mixture included; 0 "
        "where nobody knows, since the training was killed and went on",
    )
    flops_per_token: float = Field(
        0.0,
        description="an estimate: floating-point operations to read one token and predict the next; 0 for "
        "models that look up and do not calculate",
    )
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
    ratio: float | None = Field(None, description="the part of the count that is kept; of Katz's method only")
    own: float | None = Field(description="the order's own part; null where this order is not asked")
    weight: float | None = Field(description="what the context gives to the shorter one; null where unknown")
    share: float = Field(description="the order's part of the final probability")
    orders: int = Field(
        1,
        description="for how many orders, this one the longest, the step stands: where a context of an "
        "unbounded model occurs at the same places as shorter ones, all of them are one step",
    )


class Explanation(Record):
    """The back-off path of one prediction: the steps' shares, the longest order first, sum to it."""

    token: str
    interpolated: bool = Field(
        description="all orders are mixed; otherwise the longest one listed has it all"
    )
    steps: list[BackoffStep]
    probability: float
