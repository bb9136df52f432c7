import itertools

import numpy as np
import pytest

from lmcompare import registry
from lmcompare.laws import check
from lmcompare.models.matched import forget_at_eos

KINDS = ("feedforward", "rnn", "gru", "lstm", "transformer")


def covering(choices, seed=0):
    """Rows of one choice each so that every pair of choices of any two options meets in some row."""
    random = np.random.default_rng(seed)
    names = list(choices)
    wanted = {
        ((a, x), (b, y)) for a, b in itertools.combinations(names, 2) for x in choices[a] for y in choices[b]
    }
    rows = []
    while wanted:
        rows_tried = [{n: choices[n][random.integers(len(choices[n]))] for n in names} for _ in range(40)]
        (a, x), (b, y) = sorted(wanted, key=str)[0]
        rows_tried = [row | {a: x, b: y} for row in rows_tried]
        best = max(rows_tried, key=lambda row: len(wanted & pairs_of(row)))
        wanted -= pairs_of(best)
        rows.append(best)
    return rows


def pairs_of(row):
    return set(itertools.combinations(row.items(), 2))


RECURRENT = covering(
    {
        "tied": (True, False),
        "softmaxes": (1, 2),
        "hidden_width": (None, 12),
        "norm": (True, False),
        "kernel": ("torch", "written"),
        "ngram_embeddings": ((), (2, 4)),
    }
)
FEEDFORWARD = covering(
    {"order": (2, 3, 5), "direct": (True, False), "tied": (True, False), "softmaxes": (1, 3)}
)
TRANSFORMER = covering(
    {
        "positions": ("rotary", "alibi", "learned", "sinusoidal"),
        "norm": ("layer", "rms"),
        "norm_place": ("pre", "post"),
        "activation": ("gelu", "gelu-tanh", "relu2", "swiglu"),
        "qk_norm": (True, False),
        "kv_heads": (None, 1),
        "bias": (True, False),
        "tied": (True, False),
        "softmaxes": (1, 2),
        "ngram_embeddings": ((), (2, 3)),
        "attention_window": (None, 3),
        "stride": (None, 1),
    }
)
MEMORY = covering(
    {
        "memory": (1, 3, 40),
        "positions": ("rotary", "alibi"),
        "norm_place": ("pre", "post"),
        "kv_heads": (None, 1),
        "ngram_embeddings": ((), (2, 3)),
        "softmaxes": (1, 2),
    }
)
COMBINATIONS = [
    *(("feedforward", row) for row in FEEDFORWARD),
    *((kind, row) for kind in ("rnn", "gru", "lstm") for row in RECURRENT),
    *(("transformer", row) for row in TRANSFORMER + MEMORY),
]


@pytest.mark.parametrize(
    ("kind", "options"), COMBINATIONS, ids=[f"{k}-{i}" for i, (k, _) in enumerate(COMBINATIONS)]
)
def test_every_pair_of_options_keeps_the_laws(small_model, documents, toy_tokenizers, kind, options):
    model = small_model(kind, **options)
    texts = documents([1, 6, 13, 17])
    texts[2][4] = texts[3][9] = 1
    results = check(model, texts)
    assert [result for result in results if result.passed is False] == [], options
    assert sum(result.passed is True for result in results) >= 8


@pytest.mark.parametrize("kind", KINDS)
def test_every_law_holds_after_training(job, documents, toy_tokenizers, tmp_path, kind):
    texts = documents([30, 40, 20])
    sentences = np.concatenate(documents([4, 9, 12]))
    numbers = iter(range(10))

    def train():
        folder = tmp_path / f"work-{next(numbers)}"
        return registry.models.get(kind).train(
            job(kind, [*texts, sentences], texts[:1], folder, steps=30, lr=0.02)
        )

    results = check(train(), retrain=train)
    assert [result for result in results if result.passed is False] == []
    assert any(result.passed for result in results)
    matched = check(forget_at_eos(train()))
    assert [result for result in matched if result.passed is False] == []
