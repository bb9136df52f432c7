"""Estimating a smoothed model: the method and the composition that were asked for, put together.

Knows the names of all methods, nothing of how any of them works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.counts import Level, Stream
from lmcompare.models.ngram.smoothing import composition
from lmcompare.models.ngram.smoothing.absolute import AbsoluteDiscounting
from lmcompare.models.ngram.smoothing.add_k import AddK
from lmcompare.models.ngram.smoothing.jelinek_mercer import JelinekMercer
from lmcompare.models.ngram.smoothing.katz import Katz
from lmcompare.models.ngram.smoothing.kneser_ney import KneserNey
from lmcompare.models.ngram.smoothing.maximum_likelihood import MaximumLikelihood
from lmcompare.models.ngram.smoothing.method import Evidence, Method, Smoothing
from lmcompare.models.ngram.smoothing.modified_kneser_ney import ModifiedKneserNey
from lmcompare.models.ngram.smoothing.pitman_yor import PitmanYor
from lmcompare.models.ngram.smoothing.stupid import StupidBackoff
from lmcompare.models.ngram.smoothing.witten_bell import WittenBell
from lmcompare.models.ngram.tables import BackoffTables, flatten

METHODS: dict[str, type[Method]] = {
    "mle": MaximumLikelihood,
    "add-k": AddK,
    "katz": Katz,
    "jelinek-mercer": JelinekMercer,
    "witten-bell": WittenBell,
    "absolute": AbsoluteDiscounting,
    "kneser-ney": KneserNey,
    "modified-kneser-ney": ModifiedKneserNey,
    "stupid": StupidBackoff,
    "pitman-yor": PitmanYor,
}
COMPOSED = ("witten-bell", "absolute", "kneser-ney", "modified-kneser-ney")
"""The methods that are interpolated or backed off as one likes; of the others only Katz backs off."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A smoothed model.

    Attributes:
        tables: its probabilities and back-off weights.
        parameters: what was estimated on the way, such as the discounts of each order: plain numbers, lists.
        notes: what a user should be told.
        keep: which of the counted n-grams the tables have, one array an order.
    """

    tables: BackoffTables
    parameters: dict[str, Any]
    notes: list[str]
    keep: Sequence[NDArray[np.bool_]]


def estimate(
    levels: Sequence[Level],
    stream: Stream | None,
    smoothing: Smoothing,
    *,
    bos: int,
    eos: int,
    unk: int | None,
    held_out: Stream | None = None,
    threads: int = 1,
) -> Estimate:
    """Probabilities and back-off weights of all n-grams.

    Args:
        levels: the n-grams of each order.
        stream: the text that they were counted in; `None` where only the counts are known.
        smoothing: what is asked for.
        bos: id that opens each sentence.
        eos: id that ends it.
        unk: id of the unknown word, if there is one.
        held_out: text to fit parameters on.
        threads: how many compute probabilities side by side.

    Errors: `InputError` where parameters are to be fitted and there is no held-out text, and where they
    cannot be estimated from the counts and `smoothing.fallback` is off.
    """
    evidence = Evidence(
        levels=levels,
        stream=stream,
        held_out=held_out,
        keep=[
            level.counts > least
            if (least := smoothing.threshold(n))
            else np.broadcast_to(True, level.counts.shape)
            for n, level in enumerate(levels, 1)
        ],
        below=composition.uniform(
            levels[0].counts, interpolate=smoothing.interpolate_unigrams, bos=bos, unk=unk
        ),
        bos=bos,
        eos=eos,
    )
    method = METHODS[smoothing.method](evidence, smoothing)
    parameters, notes = method.parameters, method.notes
    composed = composition.compose(evidence, method, rule_of(smoothing), threads)
    if smoothing.method == "stupid":
        composed = composition.normalised(evidence, composed)
    del method  # its counts are dropped with the last estimate, before the rest of the tables is made
    tables = flatten(levels, evidence.keep, composed)
    return Estimate(tables, parameters, notes, evidence.keep)


def rule_of(smoothing: Smoothing) -> composition.Rule:
    """The rule that composes a method's shares."""
    if smoothing.method == "stupid":
        return composition.scores(smoothing.alpha)
    backed_off = smoothing.method == "katz" or (
        smoothing.method in COMPOSED and smoothing.composition == "back-off"
    )
    return composition.back_off if backed_off else composition.interpolated
