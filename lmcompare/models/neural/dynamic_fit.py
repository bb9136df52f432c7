"""How far and how fast a network's weights follow a text: learnt in training, tuned on validation text.

Knows nothing of how weights move.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lmcompare.interface import LanguageModel
from lmcompare.models.mixture.memory_options import DynamicOptions
from lmcompare.models.neural.dynamic import DynamicModel
from lmcompare.models.neural.memory_member import first_tokens, network_of
from lmcompare.registry import Progress, Training

RATES = (2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3)
DECAYS = (0.0, 0.001, 0.003, 0.01, 0.03)
FIRST_RATE, FIRST_DECAY = 2, 2
"""Where the search begins, as numbers of the lists above."""
OF_A_DOCUMENT = 20
"""Segments of one training document from which is learnt: many documents say more than long ones."""


def fit(job: Training, options: DynamicOptions, member: LanguageModel) -> DynamicModel:
    """First the usual gradients, then the rate, then the decay, each uphill from a place in the middle."""
    network = network_of(member)
    named = network.network.named_parameters()
    moving = [name for name, _ in named if options.moves == "all" or not name.startswith("embedding.")]
    ones = {name: torch.ones_like(dict(network.network.named_parameters())[name]) for name in moving}
    model = DynamicModel(network, ones, options.segment, 0.0, 0.0, {})
    job.progress(Progress("learning the usual gradients", 0, 1))
    order = np.random.default_rng(job.seed).permutation(len(job.train))
    longest = OF_A_DOCUMENT * model.segment
    usual = model.usual_gradients(
        [np.asarray(job.train[number])[:longest] for number in order], options.segments
    )
    texts = first_tokens(job.valid, options.valid_tokens)
    tokens = sum(map(len, texts))
    tried: dict[tuple[float, float], float] = {}

    def attempt(rate: float, decay: float) -> float:
        if (rate, decay) not in tried:
            model = DynamicModel(network, usual, options.segment, rate, decay, {})
            loss = -float(np.concatenate(model.score(texts)).mean())
            tried[rate, decay] = np.inf if np.isnan(loss) else loss  # a rate so high that weights overflow
            note = f"rate {rate:g}, decay {decay:g}: valid ppl {np.exp(tried[rate, decay]):.1f}"
            job.progress(Progress("tuning the rate", len(tried), len(RATES) + len(DECAYS), note))
        return tried[rate, decay]

    rates = RATES if options.rate is None else (options.rate,)
    decays = DECAYS if options.decay is None else (options.decay,)
    at, fall = min(FIRST_RATE, len(rates) - 1), min(FIRST_DECAY, len(decays) - 1)
    if tokens and len(rates) + len(decays) > 2:
        at = _downhill(lambda number: attempt(rates[number], decays[fall]), at, len(rates))
        fall = _downhill(lambda number: attempt(rates[at], decays[number]), fall, len(decays))
    facts: dict[str, Any] = {
        "valid_tokens": tokens,
        "tried": [
            {"rate": rate, "decay": decay, "valid_ppl": float(np.exp(loss)) if loss < np.inf else None}
            for (rate, decay), loss in sorted(tried.items())
        ],
    }
    if tokens:
        facts["valid_ppl_alone"] = float(np.exp(-np.concatenate(network.score(texts)).mean()))
    return DynamicModel(network, usual, options.segment, rates[at], decays[fall], facts)


def _downhill(loss: Any, start: int, count: int) -> int:
    """The number of a place that is no higher than its neighbours, walked to from `start`."""
    at = start
    for way in (1, -1):
        while 0 <= at + way < count and loss(at + way) < loss(at):
            at += way
        if at != start:
            break
    return at
