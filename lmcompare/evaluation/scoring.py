"""From a model and a text to log p of every event, and from these to `Scores`: the first two arrows.

Each event is scored once under each policy, or found where this very model has scored it before. Knows
nothing of what else is evaluated.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from lmcompare.evaluation.context import context_of
from lmcompare.evaluation.cost import peak_memory, timed_score
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.perplexity import summarise
from lmcompare.evaluation.results import POLICIES, PolicyName, Scores, SplitName, TokenizerInfo
from lmcompare.evaluation.score_cache import ScoreCache, Scored
from lmcompare.evaluation.units import split_of
from lmcompare.interface import Floats, LanguageModel, Tokenizer
from lmcompare.models.matched import forget_at_eos
from lmcompare.text.encoded import EncodedCorpus
from lmcompare.text.tokenizers.ordered import in_text_order, order_of


def score_split(
    model: LanguageModel,
    encoded: EncodedCorpus,
    split: SplitName,
    options: EvaluationOptions,
    cache: ScoreCache | None = None,
) -> Scored:
    """A split scored under both policies, unless this model has scored it before."""
    text = split_of(encoded, split)
    key = cache.key(encoded, split, options.window, options.stride) if cache is not None else ""
    if cache is not None and (found := cache.get(key, len(text.ids))) is not None:
        return found
    scores, speed = timed_score(model, text.documents)
    native = matched = _flat(scores)
    seconds = 0.0
    if model.policy != "sentence":
        begin = time.perf_counter()
        matched = _flat(forget_at_eos(model).score(text.documents))
        seconds = time.perf_counter() - begin
    scored = Scored(native, matched, speed, peak_memory(), seconds)
    if cache is not None:
        cache.put(key, scored)
    return scored


def summaries(
    model: LanguageModel,
    encoded: EncodedCorpus,
    split: SplitName,
    scored: Scored,
    options: EvaluationOptions,
) -> dict[PolicyName, Scores]:
    """Perplexity in all its units, under each policy."""
    text = split_of(encoded, split)
    return {
        policy: summarise(
            text,
            [scored.native if policy == "native" else scored.matched],
            encoded.tokenizer,
            words=encoded.corpus.words,
            by_document=encoded.corpus.by_document,
            context=context_of(model, text.ids, text.starts, policy),
            resamples=options.resamples,
            seed=options.seed,
        )
        for policy in POLICIES
    }


def tokenizer_info(tokenizer: Tokenizer) -> TokenizerInfo:
    """The event space as results record it."""
    return TokenizerInfo(
        kind=tokenizer.kind,
        size=tokenizer.size,
        fingerprint=tokenizer.fingerprint,
        lossy=tokenizer.lossy,
        order=order_of(tokenizer),
        tokens=in_text_order(tokenizer).fingerprint,
    )


def _flat(scores: Sequence[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *scores]).astype(np.float64)
