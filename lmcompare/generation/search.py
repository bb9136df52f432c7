"""What all searches share: a continuation with its log-probability; sampling as a search.

A model says how likely each next token is, not which whole continuation is the most likely: that has to be
looked for. `beam` looks with a few rows, `exact` until nothing better can exist; here the best of some
samples is taken. Knows nothing of how a model works: it uses only the seam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmcompare.errors import InputError
from lmcompare.generation.loop import generate
from lmcompare.generation.rules import Rule, temperature
from lmcompare.interface import Floats, Ids, LanguageModel, Reads, State, Tokenizer


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A continuation of a prompt that a search found.

    Attributes:
        ids: its tokens, `eos` included where it is complete.
        logprob: natural log p(ids | prompt) under the model.
        complete: whether it ends with `eos`; an incomplete one was cut at the most tokens allowed.
    """

    ids: Ids
    logprob: float
    complete: bool

    def score(self, length_normalisation: float = 0.0) -> float:
        """Log p / length^a: 0 is log p itself, 1 the mean log p of a token (Wu et al. 2016 in between)."""
        length = max(1, len(self.ids))
        return self.logprob / float(length**length_normalisation)


def opened(model: LanguageModel, prompt: Ids) -> tuple[Floats, State]:
    """Log p of what may come next, `[1, size]`, and the state of one row that has read the prompt."""
    bos, size = model.tokenizer.bos, model.tokenizer.size
    ids = np.asarray(prompt, dtype=np.int64)
    if len(ids) and (ids.min() < 0 or ids.max() >= size or (ids == bos).any()):
        remedy = "Encode the prompt with the model's own tokenizer"
        raise InputError(f"a token id is bos ({bos}) or not below {size}", where="prompt", remedy=remedy)
    if isinstance(model, Reads):
        return model.read([ids])
    logprobs, state = model.start(1)
    for token in ids:
        logprobs, state = model.step(np.array([token]), state)
    return logprobs, state


def check_lengths(**numbers: int) -> None:
    """Refuse a size, a limit or a number of tokens below 1."""
    for name, number in numbers.items():
        if number < 1:
            raise InputError(f"{name} is {number}", where=name, remedy="Give at least 1")


def best_sample(
    model: LanguageModel,
    prompt: Ids,
    samples: int,
    *,
    max_tokens: int,
    seed: int = 0,
    rule: Rule | None = None,
    length_normalisation: float = 0.0,
) -> Hypothesis:
    """The best of some samples by the model's own log p; complete ones before all others.

    Args:
        model: any language model.
        prompt: what was read before, without `bos`.
        samples: continuations drawn.
        max_tokens: of each, `eos` included.
        seed: fixes the draws; the first samples of many are those of fewer.
        rule: of drawing; the model as it is where not given.
        length_normalisation: see `Hypothesis.score`.
    """
    check_lengths(samples=samples, max_tokens=max_tokens)
    drawn = generate(
        model,
        [np.asarray(prompt, dtype=np.int64)] * samples,
        temperature(1.0) if rule is None else rule,
        max_tokens=max_tokens,
        seed=seed,
        stop_at_eos=True,
    )
    found = [Hypothesis(each.ids, float(each.logprobs.sum()), each.stop == "eos") for each in drawn]
    return max(found, key=lambda each: (each.complete, each.score(length_normalisation)))


def continuation_text(tokenizer: Tokenizer, prompt: Ids, ids: Ids) -> str:
    """What a continuation adds to the prompt's text; without the line end of a closing `eos`."""
    before = tokenizer.decode(prompt)
    whole = tokenizer.decode(np.concatenate([np.asarray(prompt, dtype=np.int64), ids]))
    added = whole[len(before) :] if whole.startswith(before) else tokenizer.decode(ids)
    return added.removesuffix("\n")
