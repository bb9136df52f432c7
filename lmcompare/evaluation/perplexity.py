"""Perplexity in all its units, with its uncertainty: from log p of each event to `Scores`.

Three things are easily lost, and are kept here. (1) Perplexity is exp of the sum of all surprisals
over the number of all events, never a mean of means. (2) The text that bits are spread over is the
original one, line ends included, whatever a tokenizer made of it. (3) An event of probability zero
is counted and makes the perplexity infinite; nothing is clipped. Natural logarithms inside, bits in
what is shown. Knows nothing of models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.context import Context
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import Scores, Variation
from lmcompare.evaluation.units import Units, units_of
from lmcompare.interface import Floats, Tokenizer
from lmcompare.text.encoded import EncodedSplit
from lmcompare.text.tokenizers.unknown import is_unknown

LARGEST = 1e-6
"""A log-probability this far above 0 is rounding; further up it is no probability."""
LARGEST_MEAN = 709.0
"""Nats of which a float still holds the exponential."""


def summarise(
    split: EncodedSplit,
    logprobs: Sequence[Floats],
    tokenizer: Tokenizer,
    *,
    words: bool,
    by_document: bool,
    context: Context,
    resamples: int = 10_000,
    seed: int = 0,
) -> Scores:
    """All that is said of one model on one split under one policy.

    With several seeds each number is of the mean surprisal of an event over the seeds, so that the
    perplexity is the geometric mean of the seeds' perplexities; the interval is over texts, not seeds.

    Args:
        split: the text that was scored.
        logprobs: natural log p of every event of the split in order, one array `[events]` a seed.
        tokenizer: the event space.
        words: whether the corpus parts words by spaces.
        by_document: whether the corpus has real documents.
        context: tokens that the model could see per event.
        resamples: samples of the bootstrap.
        seed: of the bootstrap.
    """
    events = len(split.ids)
    if not events or not logprobs:
        raise InputError("there is nothing to score: the split has no text", where="splits")
    for scores in logprobs:
        _check(scores, events)
    units = units_of(split, tokenizer.eos, by_document=by_document)
    finite, impossible = surprisals(units, logprobs)
    nats = total(float(finite.sum()), float(impossible.sum()))
    known = ~is_unknown(split.ids, tokenizer)
    bits = nats / math.log(2)
    zero = np.any([np.isneginf(scores) for scores in logprobs], axis=0)
    by_seed = [_perplexity([scores]) for scores in logprobs]
    ci95, variation = _over_texts(units, finite, impossible, resamples, seed)
    return Scores(
        events=events,
        perplexity=exp(nats / events),
        bits_per_token=bits / events,
        bits_per_char=bits / int(split.characters.sum()),
        bits_per_byte=bits / int(split.bytes.sum()),
        bits_per_word=bits / int(split.words.sum()) if words else None,
        ci95=ci95,
        unit=units.name,
        unk_events=int(events - known.sum()),
        perplexity_without_unk=_perplexity([scores[known] for scores in logprobs]),
        zero_probability_events=int(zero.sum()),
        mean_context=context.mean,
        least_context=context.least,
        perplexity_by_seed=by_seed,
        variation=None if variation is None else variation.model_copy(update=_over_seeds(by_seed)),
    )


def surprisals(units: Units, logprobs: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Surprisal of each unit, mean over the seeds: nats of its possible events, and its impossible ones.

    Returns:
        nats `[units]` and the number of events of probability zero `[units]`, both float64.
    """
    finite = np.zeros(units.count)
    impossible = np.zeros(units.count)
    for scores in logprobs:
        zero = np.isneginf(scores)
        finite += units.sums(np.where(zero, 0.0, -scores))
        impossible += units.sums(zero.astype(np.float64))
    return finite / len(logprobs), impossible / len(logprobs)


def total(finite: float, impossible: float) -> float:
    """The whole surprisal: infinite as soon as one event was impossible."""
    return math.inf if impossible > 0 else finite


def exp(nats: float) -> float:
    """Perplexity of a mean surprisal in nats; infinite where a float ends."""
    return math.exp(nats) if nats < LARGEST_MEAN else math.inf


def _perplexity(seeds: Sequence[Floats]) -> float:
    """Of the mean surprisal over the seeds; 1 where there is no event, which surprises nobody."""
    if not len(seeds[0]):
        return 1.0
    return exp(float(np.mean([-scores.sum() / len(scores) for scores in seeds])))


def _over_texts(
    units: Units, finite: Floats, impossible: Floats, resamples: int, seed: int
) -> tuple[tuple[float, float], Variation | None]:
    """Percentile bootstrap of a ratio of sums: units are redrawn, numerator and denominator together."""
    columns = np.stack([finite, impossible, units.events.astype(np.float64)], axis=1)
    nats, zero, events = bootstrap_sums(columns, resamples, seed).T
    drawn = events > 0
    means = np.where(zero[drawn] > 0, np.inf, nats[drawn] / events[drawn])
    low, high = interval(means)
    if not np.all(np.isfinite(means)):
        return (exp(low), exp(high)), None
    perplexities = np.exp(np.minimum(means, LARGEST_MEAN))
    variation = Variation(
        texts_bits=float(means.std()) / math.log(2),
        texts_perplexity=float(perplexities.std()),
        seeds_bits=None,
        seeds_perplexity=None,
    )
    return (exp(low), exp(high)), variation


def _over_seeds(perplexities: Sequence[float]) -> dict[str, float]:
    """The standard deviation of one seed, in bits and in perplexity; nothing of one seed alone."""
    if len(perplexities) < 2:
        return {}
    bits = np.log2(perplexities)
    return {
        "seeds_bits": float(bits.std(ddof=1)),
        "seeds_perplexity": float(np.std(perplexities, ddof=1)),
    }


def _check(scores: Floats, events: int) -> None:
    remedy = "Check the model with `lmcompare laws`"
    if scores.shape != (events,):
        raise InputError(f"the model gave {scores.size:,} scores for {events:,} events", remedy=remedy)
    wrong = np.flatnonzero(~(scores <= LARGEST))
    if len(wrong):
        value = float(scores[wrong[0]])
        what = f"the model gave event {wrong[0]:,} the log-probability {value}, which is none"
        raise InputError(what, remedy=remedy)
