"""Analysis `inside`: what networks learnt, seen from inside; asks each model only for what it offers.

Texts on the way are those that its training kept; neighbours are of its vectors; attention is over one
sentence (Vaswani et al. 2017), gates over some test text (Karpathy et al. 2015). Knows nothing of how a
network works and of how anything is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import (
    Attention,
    Gate,
    Head,
    Inside,
    InsideCell,
    InsideRow,
    LayerUnits,
    Neighbour,
    Neighbourhood,
    TrainedAt,
    WrittenText,
)
from lmcompare.interface import Floats, Ids, Tokenizer
from lmcompare.models.inside import (
    HasActivity,
    HasAttention,
    HasNeighbours,
    HasSamples,
    HasTrainingSpeed,
    LayerActivity,
)
from lmcompare.registry import Progress

FREQUENT = 8
"""Tokens chosen where none is named: those of rank 1, 2, 4, 8, ... among words or letters."""
PLACES = 14
"""Places of the sentence whose attention is drawn, at most: more could not be read."""
MOST = 4
"""Layers, and heads of a layer, that are drawn, at most: evenly spaced, the first and the last among them."""
TEXTS = 8
"""Texts on the way that are shown, at most: evenly spaced, the first and the last among them."""
PIECE = 100
"""Events of a document over which recurrent units are watched, at most: so that many documents are seen."""


class InsideAnalysis:
    """See `analysis.Analysis`."""

    name = "inside"

    def measure(self, subject: Subject) -> InsideCell | None:
        """Everything that this model offers; `None` where that is nothing."""
        options, model = subject.options.inside, subject.model
        if not options.enabled:
            return None
        if any(isinstance(model, has) for has in (HasNeighbours, HasAttention, HasActivity, HasSamples)):
            subject.tell(Progress("look inside", 0, 1, subject.name))
        found = InsideCell(
            samples=_samples(model) if isinstance(model, HasSamples) else [],
            neighbours=_neighbours(model, subject) if isinstance(model, HasNeighbours) else [],
            attention=_attention(model, subject) if isinstance(model, HasAttention) else None,
            layers=_layers(model, subject) if isinstance(model, HasActivity) else [],
            speed=_speed(model) if isinstance(model, HasTrainingSpeed) else None,
        )
        seen = found.samples or found.neighbours or found.attention or found.layers or found.speed
        return found if seen else None

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Inside | None:
        """The first seed of each model that can be looked into; without any, only curves may be shown."""
        if not options.inside.enabled:
            return None
        rows = []
        for contender in contenders:
            seen = contender.cells[0].analyses.inside if contender.cells else None
            if seen is not None:
                rows.append(InsideRow(model=contender.result.name, seen=seen))
        learnt = any(len(contender.result.curve) > 1 for contender in contenders)
        return Inside(rows=rows) if rows or learnt else None


INSIDE = InsideAnalysis()


def _speed(model: HasTrainingSpeed) -> TrainedAt | None:
    speed = model.training_speed()
    return None if speed is None else TrainedAt(**asdict(speed))


def _samples(model: HasSamples) -> list[WrittenText]:
    written = model.training_samples()
    return [
        WrittenText(step=written[place].step, tokens=written[place].tokens, text=written[place].text)
        for place in spread(len(written), TEXTS)
    ]


def _neighbours(model: HasNeighbours, subject: Subject) -> list[Neighbourhood]:
    tokenizer, options = subject.encoded.tokenizer, subject.options.inside
    counts = np.bincount(np.asarray(subject.encoded.train.ids), minlength=tokenizer.size)
    chosen = named(tokenizer, options.words) if options.words else frequent(tokenizer, counts)
    return [
        Neighbourhood(
            token=tokenizer.token(token),
            count=int(counts[token]),
            nearest=[
                Neighbour(token=tokenizer.token(other), cosine=round(cosine, 4))
                for other, cosine in model.neighbours(token, options.nearest)
            ],
        )
        for token in chosen
    ]


def named(tokenizer: Tokenizer, words: Sequence[str]) -> list[int]:
    """Ids of words that are one known token each; others are left out."""
    ids = [tokenizer.encode(word).ids for word in words]
    return [int(found[0]) for found in ids if len(found) == 1 and int(found[0]) != tokenizer.unk]


def frequent(tokenizer: Tokenizer, counts: Ids) -> list[int]:
    """Some frequent tokens with a letter in them: the most frequent, the 2nd, the 4th, the 8th, ..."""
    special = {tokenizer.bos, tokenizer.eos, tokenizer.unk}
    wanted = 2 ** (FREQUENT - 1)
    ranked: list[int] = []
    for token in np.argsort(-counts, kind="stable"):
        if len(ranked) == wanted or counts[token] == 0:
            break
        if int(token) not in special and any(map(str.isalpha, tokenizer.token(int(token)))):
            ranked.append(int(token))
    return [ranked[2**power - 1] for power in range(FREQUENT) if 2**power <= len(ranked)]


def _attention(model: HasAttention, subject: Subject) -> Attention | None:
    tokenizer, options = subject.encoded.tokenizer, subject.options.inside
    lines = [options.sentence] if options.sentence else subject.material.sentences[:1]
    if not lines:
        return None
    seen = PLACES if subject.model.context is None else min(PLACES, subject.model.context)
    sentence = tokenizer.encode_document(lines)[:seen]
    maps = model.attention(sentence)
    layers, heads = maps.shape[:2]
    shown = [
        head_of(maps[layer, head], layer + 1, head + 1)
        for layer in spread(layers, MOST)
        for head in spread(heads, MOST)
    ]
    tokens = [tokenizer.token(int(token)) for token in [tokenizer.bos, *sentence[:-1]]]
    return Attention(tokens=tokens, layers=layers, heads=heads, shown=shown)


def head_of(weights: Floats, layer: int, head: int) -> Head:
    """One head: its weights below the diagonal and on it, and what it looks at most."""
    places = len(weights)
    return Head(
        layer=layer,
        head=head,
        weights=[[round(float(w), 4) for w in row[: place + 1]] for place, row in enumerate(weights)],
        previous=round(float(np.diagonal(weights, -1).mean()), 4) if places > 1 else 0.0,
        first=round(float(weights[1:, 0].mean()), 4) if places > 1 else 0.0,
    )


def _layers(model: HasActivity, subject: Subject) -> list[LayerUnits]:
    texts, left = [], subject.options.inside.events
    for document in subject.encoded.test.documents:
        texts.append(np.asarray(document)[: min(left, PIECE)])
        left -= len(texts[-1])
        if left <= 0:
            break
    if not any(map(len, texts)):
        return []
    return [layer_of(layer, number) for number, layer in enumerate(model.activity(texts), 1)]


def layer_of(found: LayerActivity, number: int) -> LayerUnits:
    """One layer as it is recorded."""
    return LayerUnits(
        layer=number,
        units=len(found.saturated),
        saturated=round(float(found.saturated.mean()), 4),
        histogram=[round(float(share), 4) for share in found.histogram],
        gates=[
            Gate(
                name=gate.name,
                closed=[round(float(share), 4) for share in gate.closed],
                open=[round(float(share), 4) for share in gate.open],
            )
            for gate in found.gates
        ],
    )


def spread(available: int, most: int) -> list[int]:
    """At most `most` of `available` places, evenly spaced, the first and the last among them."""
    if available <= most:
        return list(range(available))
    if most == 1:
        return [available - 1]
    return [round(place * (available - 1) / (most - 1)) for place in range(most)]
