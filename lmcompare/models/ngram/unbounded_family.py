"""The unbounded family as the registry knows it: options, training, discounts, loading.

Knows how the discounts are found, nothing of how a model is queried (`unbounded`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Ids, Policy, Tokenizer
from lmcompare.models.ngram.smoothing import discounts_from
from lmcompare.models.ngram.suffix_array import SuffixArray
from lmcompare.models.ngram.unbounded import Discounts, Repeats, UnboundedModel
from lmcompare.registry import Progress, Training

FALLBACK = (0.5, 1.0, 1.5)
MARGIN = 1e-3
"""Tuned discounts stay so far from 0 and from the count that they are taken from."""
EVENTS = 200_000
"""Events of the validation text on which discounts are tuned: some 70 numbers need no more."""
PULL = 30.0
"""What a discount costs in nats at a distance of 1 from the textbook's, and so by the distance's square.

A short validation text then changes little: on 1/10 of WikiText-2, 200 events of it make the test perplexity
429.3 (without this cost 452.2; the textbook's 428.6), and 200,000 events make it 423.0 with or without.
"""
ROUNDS = 60


class UnboundedOptions(BaseModel):
    """Modified Kneser-Ney over contexts of any length.

    Attributes:
        order: length of the longest n-grams; none is any length.
        policy: "sentence": contexts end at the sentence's start, as in the n-gram family; "document": they
            run across the sentences of a document.
        discounts: "textbook": Chen and Goodman's, order by order; "tuned": those that make the validation
            text most likely. Not given: tuned where there is validation text.
        orders: n-grams up to this length have discounts of their own; all longer ones share the last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: int | None = Field(None, ge=1)
    policy: Policy = "sentence"
    discounts: Literal["textbook", "tuned"] | None = None
    orders: int = Field(12, ge=1, le=40)


def train_unbounded(
    documents: Sequence[Ids],
    tokenizer: Tokenizer,
    options: UnboundedOptions,
    valid: Sequence[Ids] = (),
    progress: Callable[[str], None] = lambda stage: None,
) -> UnboundedModel:
    """A model of documents, each one array with `eos` at every sentence's end.

    Errors: `InputError` for an empty text, or where discounts are to be tuned without validation text.
    """
    progress("sorting")
    index = SuffixArray.build(
        documents, bos=tokenizer.bos, eos=tokenizer.eos, size=tokenizer.size, policy=options.policy
    )
    progress("counting")
    orders = min(options.orders, options.order or options.orders)
    repeats = Repeats.of(index, options.order or 0, orders)
    discounts, notes = textbook(repeats.tallies)
    settings = {**options.model_dump(), "discounts": "textbook", "events": int(index.lengths.sum())}
    model = UnboundedModel(tokenizer, index, discounts, options.order, settings, notes, repeats)
    if options.discounts == "textbook" or not (options.discounts or any(map(len, valid))):
        return model
    if not any(map(len, valid)):
        remedy = 'Give the corpus a valid split, or use discounts = "textbook"'
        raise InputError('discounts = "tuned" needs validation text', remedy=remedy)
    progress("tuning")
    settings["discounts"] = "tuned"
    notes = ["discounts are tuned on the validation text, so its own perplexity is a little too low"]
    return UnboundedModel(tokenizer, index, tuned(model, valid), options.order, settings, notes, repeats)


def textbook(tallies: NDArray[np.int64]) -> tuple[Discounts, list[str]]:
    """The discounts of each order (TR-10-98, equation 26), and what to tell of those that fail.

    Args:
        tallies: how many n-grams of each order have the adjusted count 1 to 4, `[orders + 1, 5]`.
    """
    discounts, notes = np.zeros((2, len(tallies), 4)), []
    for order, row in enumerate(tallies[1:].tolist(), 1):
        found = discounts_from(row[1:])
        if found is None and any(row):
            notes.append(
                f"the discounts of order {order} cannot be estimated: too few n-grams occur 1, 2, 3 times; "
                "0.5, 1 and 1.5 are used"
            )
        discounts[:, order, 1:] = found or FALLBACK
    return discounts, notes


def tuned(model: UnboundedModel, valid: Sequence[Ids]) -> Discounts:
    """The discounts that make the validation text most likely, less `PULL`: L-BFGS from the model's own on.

    Args:
        model: with the textbook's discounts.
        valid: of which the first 200,000 events are used.
    """
    from scipy.optimize import minimize

    from lmcompare.models.ngram import unbounded_kernels

    rows, sizes, left = [], [], EVENTS
    for document in valid:
        part = document[:left]
        found, starts = model.evidence(part)
        rows.append(found)
        sizes.append(np.diff(starts))
        left -= len(part)
    evidence, bounds = np.concatenate(rows), np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    discounts = model.discounts.copy()
    slope = np.empty_like(discounts)
    uniform, events = 1 / (model.tokenizer.size - 1), len(bounds) - 1

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        discounts[:, 1:, 1:] = values.reshape(2, -1, 3)
        total = unbounded_kernels.likelihood(evidence, bounds, discounts, uniform, slope)
        away = values - first
        downhill = 2 * PULL * away - slope[:, 1:, 1:].ravel()
        return (PULL * float(away @ away) - total) / events, downhill / events

    most = np.broadcast_to(np.arange(1.0, 4) - MARGIN, discounts[:, 1:, 1:].shape).ravel()
    first = np.clip(discounts[:, 1:, 1:].ravel(), MARGIN, most)
    limits = [(MARGIN, high) for high in most]
    best = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": ROUNDS})
    discounts[:, 1:, 1:] = best.x.reshape(2, -1, 3)
    return discounts


@dataclass(frozen=True)
class UnboundedFamily:
    """Sorts the text's suffixes, and finds discounts."""

    name: str = "unbounded"
    summary: str = "n-grams of any length, modified Kneser-Ney on a suffix array"
    options: type[BaseModel] = UnboundedOptions

    def train(self, job: Training) -> UnboundedModel:
        """See `registry.Family.train`. Nothing is kept over a kill: it takes seconds to start afresh."""
        options = UnboundedOptions.model_validate(job.options.model_dump())
        stages = ("sorting", "counting", "tuning")
        started = time.perf_counter()
        model = train_unbounded(
            job.train,
            job.tokenizer,
            options,
            job.valid,
            lambda stage: job.progress(Progress(stage, float(stages.index(stage)), len(stages))),
        )
        seconds = time.perf_counter() - started
        scores = np.concatenate([np.zeros(0), *model.score(job.valid)])
        note = ""
        if len(scores):
            bits = float(-scores.mean() / np.log(2))
            point = {"tokens": model.settings["events"], "seconds": seconds, "valid_bits_per_token": bits}
            line = json.dumps({**point, "train_bits_per_token": None})
            files.write_text(job.folder / "curve.jsonl", line + "\n")
            note = f"valid ppl {2**bits:.1f}"
        job.progress(Progress("tuning", 3.0, 3.0, "; ".join([note, *model.notes]).strip("; ")))
        return model

    def load(self, folder: Path) -> UnboundedModel:
        """See `registry.Family.load`."""
        return UnboundedModel.load(folder)


UNBOUNDED = UnboundedFamily()
