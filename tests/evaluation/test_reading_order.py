"""What is told of the text is the same in whatever order a model reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
