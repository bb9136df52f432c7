from __future__ import annotations

import numpy as np
import pytest

from lmcompare.evaluation.context import mean_context


def slow(pieces, context):
    seen = [min(i, context if context is not None else i) for piece in pieces for i in range(piece)]
    return sum(seen) / len(seen)


@pytest.mark.parametrize("context", [0, 1, 3, 50, None])
def test_it_is_the_mean_over_all_events(context, make_model, make_corpus, encoded):
    model = make_model()
    corpus = make_corpus()
    test = encoded(corpus, model.tokenizer).test
    model.context = context
    documents = [len(document) for document in test.documents]
    sentences = [len(sentence.split()) + 1 for sentence in corpus.sentences("test")]
    assert mean_context(model, test, "native") == pytest.approx(slow(documents, context))
    assert mean_context(model, test, "matched") == pytest.approx(slow(sentences, context))
    model.policy = "sentence"
    assert mean_context(model, test, "native") == pytest.approx(slow(sentences, context))


def test_a_model_that_slides_windows_is_asked(make_model, make_corpus, encoded):
    model = make_model()
    test = encoded(make_corpus(), model.tokenizer).test
    model.context_lengths = lambda length: np.full(length, 7)
    assert mean_context(model, test, "native") == mean_context(model, test, "matched") == 7
