"""Small models with every kind of smoothing, what they hold, and how to look things up in their tables."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from tiny_texts import document, sentence_ids, word_tokenizer

from lmcompare.interface import Floats, Ids, Tokenizer
from lmcompare.models.ngram.counts import count, lay_out
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.smoothing.composition import uniform
from lmcompare.models.ngram.smoothing.held_out import HeldOut
from lmcompare.models.ngram.smoothing.method import Evidence
from lmcompare.models.ngram.tables import BackoffTables

EVERY_METHOD: list[dict[str, Any]] = [
    {"smoothing": "mle"},
    {"smoothing": "add-k", "k": 0.3},
    {"smoothing": "add-k"},
    {"smoothing": "katz"},
    {"smoothing": "jelinek-mercer"},
    {"smoothing": "stupid"},
    {"smoothing": "stupid", "alpha": 0.9},
    {"smoothing": "pitman-yor"},
    *(
        {"smoothing": method, "composition": composition}
        for method in ("witten-bell", "absolute", "kneser-ney", "modified-kneser-ney")
        for composition in ("interpolated", "back-off")
    ),
    *(
        {"smoothing": method, "discounts": "tuned"}
        for method in ("absolute", "kneser-ney", "modified-kneser-ney")
    ),
    {"smoothing": "modified-kneser-ney", "discounts": "tuned", "discount_levels": 5},
    {"smoothing": "modified-kneser-ney", "discounts": "lmplz"},
]


def named(options: dict[str, Any]) -> str:
    return " ".join(map(str, options.values()))


def zipfian(words: int, sentences: int, seed: int) -> list[list[str]]:
    """Sentences of up to nine words, the k-th of which is k times rarer than the first."""
    rng = random.Random(seed)
    names, weights = [f"w{k}" for k in range(words)], [1 / (k + 1) for k in range(words)]
    return [rng.choices(names, weights, k=rng.randint(1, 9)) for _ in range(sentences)]


SENTENCES = zipfian(20, 60, seed=4)


def trained(
    tokenizer: Tokenizer, sentences: Sequence[Sequence[str]], options: dict[str, Any]
) -> tuple[NgramModel, list[list[int]]]:
    """A model, tuned on some of the sentences and the reverse of others; and the sentences as ids."""
    held_out = [*sentences[::3], *(sentence[::-1] for sentence in sentences[::2])]
    model = train_ngram(
        [document(tokenizer, sentences)],
        tokenizer,
        NgramOptions.model_validate(options),
        held_out=[document(tokenizer, held_out)],
    )
    return model, sentence_ids(tokenizer, sentences)


def evidence(
    sentences: Sequence[Sequence[str]],
    held_out: Sequence[Sequence[str]],
    order: int,
    prune: Sequence[int] = (0,),
) -> Evidence:
    """What a method may learn from a text and another one."""
    tokenizer = word_tokenizer([*sentences, *held_out])
    bos, eos = tokenizer.bos, tokenizer.eos
    stream = lay_out([document(tokenizer, sentences)], bos, eos)
    levels = count(stream, order, tokenizer.size, bos)
    thresholds = [*prune, *[prune[-1]] * order]
    return Evidence(
        levels=levels,
        stream=stream,
        held_out=lay_out([document(tokenizer, held_out)], bos, eos),
        keep=[
            level.counts > threshold if n else np.ones(len(level.words), dtype=bool)
            for n, (level, threshold) in enumerate(zip(levels, thresholds, strict=False))
        ],
        below=uniform(levels[0].counts, interpolate=True, bos=bos, unk=tokenizer.unk),
        bos=bos,
        eos=eos,
    )


def held_out_of(known: Evidence) -> HeldOut:
    assert known.events is not None
    return known.events


def node_of(tables: BackoffTables, gram: Sequence[int]) -> int:
    """The node of an n-gram, by descending from the root."""
    node = 0
    for word in gram:
        first, end = int(tables.starts[node]), int(tables.starts[node + 1])
        place = first + int(np.searchsorted(tables.words[first:end], word))
        assert place < end and tables.words[place] == word, f"{gram} is not listed"
        node = place
    return node


def after(tables: BackoffTables, context: Sequence[int]) -> Floats:
    """P of each id after a context that is listed, which need not open a sentence."""
    return np.exp(tables.distributions(np.array([node_of(tables, context)]))[0])


def opened(tokenizer: Tokenizer, context: Ids) -> tuple[int, ...]:
    """What a sentence model sees of a context: from the last bos on, which each eos is followed by."""
    seen = [tokenizer.bos, *np.asarray(context).tolist()]
    if tokenizer.eos in seen:
        seen = [tokenizer.bos, *seen[len(seen) - seen[::-1].index(tokenizer.eos) :]]
    return tuple(seen)


def spelled(model: NgramModel, order: int) -> list[tuple[str, ...]]:
    """The n-grams of an order as words."""
    tables, tokenizer = model.tables, model.tokenizer
    special = {tokenizer.bos: "<s>", tokenizer.eos: "</s>", tokenizer.unk: "<unk>"}
    names = [special.get(index) or tokenizer.token(index) for index in range(tokenizer.size)]
    rows = tables.grams(int(tables.levels[order]), int(tables.levels[order + 1]))
    return [tuple(names[index] for index in row) for row in rows.tolist()]


def grams_of(model: NgramModel, order: int, *, back_off: bool) -> tuple[list[tuple[str, ...]], Floats]:
    """N-grams of an order above 1, and what of each probability is its own, not the shorter context's."""
    tables = model.tables
    first, end = int(tables.levels[order]), int(tables.levels[order + 1])
    own = np.exp(tables.logprobs[first:end].astype(np.float64))
    if not back_off:
        contexts = tables.parents[first:end]
        shorter = [node_of(tables, row[1:]) for row in tables.grams(first, end)]
        own -= np.exp(tables.backoffs[contexts].astype(np.float64) + tables.logprobs[shorter])
    return spelled(model, order), own


def weights_of(model: NgramModel, length: int) -> tuple[list[tuple[str, ...]], Floats]:
    """The contexts of a length that anything follows, and their weights."""
    tables = model.tables
    nodes = np.arange(tables.levels[length], tables.levels[length + 1])
    followed = np.flatnonzero(np.diff(tables.starts)[nodes])
    every = spelled(model, length)
    return [every[row] for row in followed], np.exp(tables.backoffs[nodes[followed]].astype(np.float64))
