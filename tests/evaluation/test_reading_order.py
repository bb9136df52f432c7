"""What is told of the text is the same in whatever order a model reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.ranking import rank, why_incomparable
from lmcompare.evaluation.slices.analysis import event_bytes
from lmcompare.evaluation.slices.tags import Tagged, tags_of_events
from lmcompare.text.tokenizers.ordered import in_order
from lmcompare.text.tokenizers.word import WordTokenizer

LINES = ["a  bb ccc", "ccc a", ""]


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_each_token_keeps_its_tag(order):
    plain = WordTokenizer(["a", "bb", "ccc"])
    tokenizer = in_order(plain, order)
    by_word = {"a": "DET", "bb": "NOUN", "ccc": "VERB", "</s>": "eos"}
    tagged = [Tagged(n, [by_word[w] for w in line.split()], line.split()) for n, line in enumerate(LINES)]
    without_forms = [Tagged(each.line, each.tags, None) for each in tagged]
    wanted = [by_word[tokenizer.token(int(index))] for index in tokenizer.encode_document(LINES)]
    for given in (tagged, without_forms):
        assert tags_of_events(LINES, given, tokenizer, Path("tags")) == wanted


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_each_token_keeps_its_bytes(order, make_corpus, encoded):
    corpus = make_corpus(20)
    plain = WordTokenizer(["a", "b", "c"])
    forward, other = (encoded(corpus, in_order(plain, each)) for each in ("forward", order))
    sizes = event_bytes(forward, "test"), event_bytes(other, "test")
    assert sizes[0].sum() == sizes[1].sum() == forward.test.bytes.sum()
    ends = np.flatnonzero(np.asarray(forward.test.ids) == plain.eos) + 1
    for one, two in zip(np.split(sizes[0], ends), np.split(sizes[1], ends), strict=True):
        assert sorted(one) == sorted(two)


def test_models_that_read_the_same_tokens_in_another_order_are_ranked_by_byte(make_corpus, encoded):
    corpus, options = make_corpus(20), EvaluationOptions(resamples=100, generation={"prompts": 0})
    words = {"same": ["a", "b", "c"], "fewer": ["a", "b"]}
    rows = {}
    for name, order, kept in (
        ("m", "forward", "same"),
        ("r", "reversed", "same"),
        ("f", "reversed", "fewer"),
    ):
        tokenizer = in_order(WordTokenizer(words[kept]), order)
        model, text = Markov(tokenizer, markov_table(tokenizer.size, 3, 0.1)), encoded(corpus, tokenizer)
        cell, scores = evaluate(model, text, options, prepare(corpus, options), name=name, seed=1)
        rows[name] = merge([cell], [scores], text, options)
    assert rows["r"].tokenizer.order == "reversed" and rows["m"].tokenizer.order == "forward"
    assert rows["r"].tokenizer.tokens == rows["m"].tokenizer.fingerprint != rows["r"].tokenizer.fingerprint
    assert why_incomparable([rows["m"], rows["r"]]) == ""
    found = rank([rows["m"], rows["r"]])
    assert found.unit == "bits_per_byte" and not found.refused
    assert "different tokens" in why_incomparable([rows["m"], rows["f"]])
