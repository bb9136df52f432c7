"""Analysis `slices`: where each model's bits go, and where it gains over the best n-gram model.

The join that no other tool has: by the order to which the n-gram model backed off. Needs the scores, and
of the n-gram models the order that each matched at each event. Knows nothing of how it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import Slice, Slices, SliceScore, Slicing, SplitName
from lmcompare.evaluation.results.slices import SlicingName
from lmcompare.evaluation.slices.kinds import (
    ORDERS,
    SEEN,
    Kinds,
    by_frequency,
    by_length,
    by_name,
    by_place,
    by_script,
    longest_seen,
    ranged,
)
from lmcompare.evaluation.slices.sums import Sums, sums
from lmcompare.evaluation.slices.tags import check_tags, read_tags, tags_of_events
from lmcompare.evaluation.units import Units, split_of, units_of
from lmcompare.interface import Floats, Ids
from lmcompare.text.corpus import Corpus
from lmcompare.text.encoded import EncodedCorpus

FEWEST = 20
"""A mean of fewer events says more of these events than of their kind."""
MOST_MODELS = 8
MOST_TAGS = 18
RESAMPLES = 2_000
"""Samples of the bootstrap at most: the ends of an interval move by a few percent of its length."""
CLASSICAL = ("ngram", "kenlm", "unbounded", "skip", "class")
NAMES: tuple[SlicingName, ...] = ("order", "frequency", "seen", "place", "length", "script", "tags")


class SlicesAnalysis:
    """See `analysis.Analysis`."""

    name = "slices"

    def check(self, options: EvaluationOptions, corpus: Corpus) -> None:
        """Raise `InputError` where the tags are not those of the text."""
        if options.slices.enabled and options.slices.tags is not None:
            path = options.slices.tags
            check_tags(corpus.sentences(headline_split(options)), read_tags(path), path)

    def measure(self, subject: Subject) -> None:
        """Keep the order that an n-gram model matched at each event, beside its scores."""
        matched: Any = getattr(subject.model, "matched_order", None)
        if matched is None or subject.model.kind not in CLASSICAL or not subject.options.slices.enabled:
            return
        split = headline_split(subject.options)
        orders = [np.zeros(0, dtype=np.int64), *matched(split_of(subject.encoded, split).documents)]
        longest = np.iinfo(np.int16).max  # a copied page may match further; no slice tells such lengths apart
        subject.scores.columns[split, "order"] = np.minimum(np.concatenate(orders), longest).astype(np.int16)

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Slices | None:
        """Every slicing of the leading models."""
        if not options.slices.enabled or not contenders:
            return None
        split = headline_split(options)
        chosen = leading(contenders, split)
        by_space: dict[str, list[Contender]] = {}
        for contender in chosen:
            by_space.setdefault(contender.encoded.tokenizer.fingerprint, []).append(contender)
        per_byte = len(by_space) > 1
        spaces = [_space(members, contenders, split, options, per_byte) for members in by_space.values()]
        place = {contender.result.name: number for number, contender in enumerate(chosen)}
        asked = [(name, those) for name in NAMES for those in _together(name, spaces)]
        slicings = [found for name, those in asked if (found := _slicing(name, those, place)) is not None]
        return Slices(
            split=split,
            unit="byte" if per_byte else "token",
            resampled=spaces[0].units.name,
            references={model: space.reference for space in spaces for model in space.others()},
            left_out={model: space.left_out for space in spaces if space.left_out for model in space.names},
            fewest=FEWEST,
            slicings=slicings,
        )


SLICES = SlicesAnalysis()


@dataclass(frozen=True, slots=True)
class _Space:
    """The models of one event space, and what was found of them."""

    names: list[str]
    reference: str
    units: Units
    kinds: dict[SlicingName, Kinds]
    sums: dict[SlicingName, Sums]
    left_out: int

    def others(self) -> list[str]:
        """The models that are compared with the reference."""
        return [name for name in self.names if self.reference and name != self.reference]


def leading(contenders: Sequence[Contender], split: SplitName, most: int = MOST_MODELS) -> list[Contender]:
    """The best models in the order of the experiment, among them the best n-gram model."""

    def bits(contender: Contender) -> float:
        return contender.result.splits[split]["native"].bits_per_byte

    order = [each.result for each in sorted(contenders, key=bits)]
    first = [result.name for result in order if result.kind in CLASSICAL][:1]
    kept = list(dict.fromkeys([*first, *(result.name for result in order)]))[:most]
    return [each for each in contenders if each.result.name in kept]


def mean_surprisal(contender: Contender, split: SplitName) -> Floats:
    """Nats of each event, mean over the seeds, `[events]`; infinite where one seed held it impossible."""
    found: Floats = -np.mean([each.logprobs[split, "native"] for each in contender.scores], axis=0)
    return found


def event_bytes(encoded: EncodedCorpus, split: SplitName) -> Ids:
    """UTF-8 bytes of the original text that each event stands for, `[events]`; a line end is one."""
    one = np.ones(1, dtype=np.int64)
    parts = [np.zeros(0, dtype=np.int64)]
    for sentence in encoded.corpus.sentences(split):
        parts += [np.diff(encoded.tokenizer.encode(sentence).spans, axis=1)[:, 0], one]
    sizes: Ids = np.concatenate(parts)
    return sizes


def kinds_of(
    encoded: EncodedCorpus, split: SplitName, every: Sequence[Contender], options: EvaluationOptions
) -> dict[SlicingName, Kinds]:
    """Every slicing of the events of one event space.

    Args:
        encoded: the text.
        split: which part of it.
        every: all models of the experiment, of any event space.
        options: of the evaluation.
    """
    text, tokenizer = split_of(encoded, split), encoded.tokenizer
    train, ids = encoded.train.ids, np.asarray(text.ids)
    marks = {"bos": tokenizer.bos, "eos": tokenizer.eos, "size": tokenizer.size}
    found = [
        by_frequency(train, ids, tokenizer),
        ranged("seen", longest_seen(train, ids, **marks), SEEN),
        by_place(text, tokenizer.eos),
        by_length(text, tokenizer.eos),
        by_script(ids, tokenizer),
    ]
    source = order_source(every, tokenizer.fingerprint, split)
    if source is not None:
        orders = source.scores[0].columns[split, "order"].astype(np.int64)
        found.append(ranged("order", orders, ORDERS, source.result.name))
    path = options.slices.tags
    if path is not None:
        names = tags_of_events(encoded.corpus.sentences(split), read_tags(path), tokenizer, path)
        found.append(by_name(names, MOST_TAGS, path.name))
    return {kinds.name: kinds for kinds in found}


def order_source(contenders: Sequence[Contender], fingerprint: str, split: SplitName) -> Contender | None:
    """The n-gram model whose orders events are parted by: the highest bounded order, of equals the best."""

    def rank(contender: Contender) -> tuple[bool, int, float]:
        result = contender.result
        plain = result.kind in ("ngram", "kenlm")
        return plain, result.context or 0, -result.splits[split]["native"].bits_per_byte

    able = [
        each
        for each in contenders
        if each.encoded.tokenizer.fingerprint == fingerprint and (split, "order") in each.scores[0].columns
    ]
    return max(able, key=rank, default=None)


def _space(
    members: list[Contender],
    every: Sequence[Contender],
    split: SplitName,
    options: EvaluationOptions,
    per_byte: bool,
) -> _Space:
    encoded = members[0].encoded
    text = split_of(encoded, split)
    units = units_of(text, encoded.tokenizer.eos, by_document=encoded.corpus.by_document)
    nats = [mean_surprisal(member, split) for member in members]
    kept = np.all([np.isfinite(each) for each in nats], axis=0)
    classical = [member for member in members if member.result.kind in CLASSICAL]
    best = min(classical, key=lambda each: each.result.splits[split]["native"].bits_per_byte, default=None)
    kinds = kinds_of(encoded, split, every, options)
    sizes = event_bytes(encoded, split) if per_byte else None
    labels = [(each.labels, len(each.keys)) for each in kinds.values()]
    found = sums(units, labels, nats, kept, sizes, min(options.resamples, RESAMPLES), options.seed)
    return _Space(
        [member.result.name for member in members],
        best.result.name if best else "",
        units,
        kinds,
        dict(zip(kinds, found, strict=True)),
        int(np.count_nonzero(~kept)),
    )


def _together(name: SlicingName, spaces: list[_Space]) -> list[list[_Space]]:
    """The event spaces that are shown in one table: those whose answers are of one model or file."""
    by_source: dict[str, list[_Space]] = {}
    for space in spaces:
        if name in space.kinds:
            by_source.setdefault(space.kinds[name].source, []).append(space)
    return list(by_source.values())


def _slicing(name: SlicingName, spaces: list[_Space], place: dict[str, int]) -> Slicing | None:
    """One question, answered for the models of some event spaces."""
    by_key: dict[str, list[SliceScore]] = {}
    for space in spaces:
        for number, key in enumerate(space.kinds[name].keys):
            if space.sums[name].events[0, number] >= FEWEST:
                by_key.setdefault(key, []).extend(_scores(space, space.sums[name], number))
    if len(by_key) < 2:
        return None
    order = list(dict.fromkeys(key for space in spaces for key in space.kinds[name].keys))
    if name not in ("script", "tags"):
        order.sort(key=lambda key: int(key.partition("-")[0].rstrip("+")))
    slices = [
        Slice(key=key, scores=sorted(by_key[key], key=lambda score: place[score.model]))
        for key in sorted(by_key, key=order.index)
    ]
    return Slicing(name=name, source=spaces[0].kinds[name].source, slices=slices)


def _scores(space: _Space, found: Sums, number: int) -> list[SliceScore]:
    share, share_ci95 = found.share_events(number)
    scores = []
    for model, name in enumerate(space.names):
        bits, ci95 = found.bits(number, model)
        part, part_ci95 = found.share_bits(number, model)
        gain, gain_ci95 = None, None
        if name in space.others():
            gain, gain_ci95 = found.gain(number, model, space.names.index(space.reference))
        scores.append(
            SliceScore(
                model=name,
                events=int(found.events[0, number]),
                share_events=share,
                share_events_ci95=share_ci95,
                bits=bits,
                ci95=ci95,
                share_bits=part,
                share_bits_ci95=part_ci95,
                gain=gain,
                gain_ci95=gain_ci95,
            )
        )
    return scores
