"""How far and how fast a network's weights follow a text: learnt in training, tuned on validation text.

Knows nothing of how weights move.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lmcompare.interface import LanguageModel
from lmcompare.models.mixture.memory_options import DynamicOptions
from lmcompare.models.neural.dynamic import DynamicModel
from lmcompare.models.neural.memory_member import first_tokens, network_of
from lmcompare.registry import Progress, Training

Place = tuple[int, ...]
"""Numbers of a rate, a damping and a decay in the lists of those that are tried."""
RATES = (2.5e-5, 5e-5, 1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3)
DECAYS = (0.0, 0.001, 0.003, 0.01, 0.03)
DAMPINGS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""From the paper's scaling nearly to plain descent: which is best differs from text to text (the vectors of
rare words leap with little damping)."""
LARGEST = 700.0
"""Nats whose exponential is a number yet."""
FIRST_RATE, FIRST_DECAY, FIRST_DAMPING = 3, 2, 3
"""Where the search begins, as numbers of the lists above."""
OF_A_DOCUMENT = 20
"""Segments of one training document from which is learnt, where there are documents enough: many of them say
more than long ones."""


def fit(job: Training, options: DynamicOptions, member: LanguageModel) -> DynamicModel:
    """Usual gradients, then rate, damping, rate again and decay, each downhill from a place in the middle."""
    network = network_of(member)
    # Vectors of n-grams stay: a document has few of them, and each move would go over all of a large table.
    still = "embedding.ngrams." if options.moves == "all" else "embedding."
    moving = [name for name, _ in network.network.named_parameters() if not name.startswith(still)]
    ones = {name: torch.ones_like(dict(network.network.named_parameters())[name]) for name in moving}
    model = DynamicModel(network, ones, options.segment, 0.0, 0.0, 1.0, {})
    job.progress(Progress("learning the usual gradients", 0, 1))
    order = np.random.default_rng(job.seed).permutation(len(job.train))
    longest = max(OF_A_DOCUMENT, -(-options.segments // max(len(order), 1))) * model.segment
    usual = model.usual_gradients(
        [np.asarray(job.train[number])[:longest] for number in order], options.segments
    )
    texts = first_tokens(job.valid, options.valid_tokens)
    tokens = sum(map(len, texts))
    rates = RATES if options.rate is None else (options.rate,)
    decays = DECAYS if options.decay is None else (options.decay,)
    dampings = DAMPINGS if options.damping is None else (options.damping,)
    tried: dict[Place, float] = {}

    def loss_at(place: Place) -> float:
        if place not in tried:
            rate, damping, decay = rates[place[0]], dampings[place[1]], decays[place[2]]
            model = DynamicModel(network, usual, options.segment, rate, decay, damping, {})
            loss = -float(np.concatenate(model.score(texts)).mean())
            tried[place] = np.inf if np.isnan(loss) else loss  # a rate so high that weights overflow
            pace = f"rate {rate:g}, damping {damping:g}, decay {decay:g}"
            note = f"{pace}: valid ppl {_perplexity(tried[place]):.1f}"
            total = len(rates) + len(dampings) + len(decays)
            job.progress(Progress("tuning the rate", min(len(tried), total), total, note))
        return tried[place]

    sizes = len(rates), len(dampings), len(decays)
    firsts = FIRST_RATE, FIRST_DAMPING, FIRST_DECAY
    best: Place = tuple(min(first, size - 1) for first, size in zip(firsts, sizes, strict=True))
    if tokens and max(sizes) > 1:
        for axis in (0, 1, 0, 2):
            best = _downhill(loss_at, best, axis, sizes[axis])
    facts: dict[str, Any] = {
        "valid_tokens": tokens,
        "tried": [
            {
                "rate": rates[rate],
                "damping": dampings[damping],
                "decay": decays[decay],
                "valid_ppl": ppl if (ppl := _perplexity(loss)) < math.inf else None,
            }
            for (rate, damping, decay), loss in sorted(tried.items())
        ],
    }
    if tokens:
        facts["valid_ppl_alone"] = float(np.exp(-np.concatenate(network.score(texts)).mean()))
    rate, damping, decay = rates[best[0]], dampings[best[1]], decays[best[2]]
    return DynamicModel(network, usual, options.segment, rate, decay, damping, facts)


def _perplexity(loss: float) -> float:
    """Of so many nats a token; infinite where no number is as large."""
    return math.exp(loss) if loss < LARGEST else math.inf


def _downhill(loss_at: Callable[[Place], float], start: Place, axis: int, count: int) -> Place:
    """The place along an axis that is no higher than its neighbours, walked to from `start`."""

    def beside(place: Place, way: int) -> Place:
        return (*place[:axis], place[axis] + way, *place[axis + 1 :])

    at = start
    for way in (1, -1):
        while 0 <= at[axis] + way < count and loss_at(beside(at, way)) < loss_at(at):
            at = beside(at, way)
        if at != start:
            break
    return at
