"""A reader of the last k tokens: the model's own lower orders."""

from __future__ import annotations

import numpy as np
import pytest

from lmcompare import laws
from lmcompare.models.ngram.arpa_writer import write_arpa
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.text.tokenizers.word import WordTokenizer

LINES = ["a b c a b", "b c a", "a a b c", "c b a b c a", "b b c a b a"]


@pytest.fixture(scope="module")
def model():
    tokenizer = WordTokenizer(["a", "b", "c"])
    return train_ngram([tokenizer.encode_document(LINES * 3)], tokenizer, NgramOptions(order=4))


def from_arpa(path):
    """Every n-gram of an ARPA file: log10 p and back-off weight."""
    table = {}
    for line in path.read_text().splitlines():
        parts = line.split("\t")
        if len(parts) >= 2 and parts[0].lstrip("-")[:1].isdigit():
            words = tuple(parts[1].split())
            table[words] = (float(parts[0]), float(parts[2]) if len(parts) > 2 else 0.0)
    return table


def recursion(table, context, word, order):
    """p(word | context) by the definition of back-off, with n-grams of at most `order` words."""
    context = context[len(context) - min(len(context), order - 1) :]
    if (*context, word) in table:
        return table[(*context, word)][0]
    return table.get(context, (0.0, 0.0))[1] + recursion(table, context[1:], word, order)


@pytest.mark.parametrize("context", [0, 1, 2, 3])
def test_scores_are_those_of_the_definition(model, tmp_path, context):
    write_arpa(model, tmp_path / "m.arpa")
    table = from_arpa(tmp_path / "m.arpa")
    lines = ["c c a b", "b a", "a b c"]
    wanted = []
    for line in lines:
        words = ["<s>", *line.split(), "</s>"]
        wanted += [recursion(table, tuple(words[:i]), words[i], context + 1) for i in range(1, len(words))]
    found = model.limited(context).score([model.tokenizer.encode_document(lines)])[0]
    assert found / np.log(10) == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("context", [0, 1, 2])
def test_it_is_a_model_of_its_own(model, context):
    limited = model.limited(context)
    assert limited.context == context
    assert all(law.passed is not False for law in laws.check(limited))


def test_a_limit_beyond_the_order_changes_nothing(model):
    text = model.tokenizer.encode_document(LINES)
    assert np.array_equal(model.limited(9).score([text])[0], model.score([text])[0])
