import numpy as np
import pytest
from nltk.lm import StupidBackoff
from nltk_models import contexts, fitted
from small_models import SENTENCES, after, evidence, trained
from tiny_texts import sentence_ids, word_tokenizer

from lmcompare.models.ngram.smoothing.composition import compose, scores
from lmcompare.models.ngram.smoothing.method import Smoothing
from lmcompare.models.ngram.smoothing.stupid import StupidBackoff as Ours
from lmcompare.models.ngram.tables import flatten

ALPHA = 0.4


def test_the_scores_before_they_are_divided_by_their_sum_are_nltk_s() -> None:
    tokenizer, known = word_tokenizer(SENTENCES), evidence(SENTENCES, SENTENCES, 3)
    ids = sentence_ids(tokenizer, SENTENCES)
    composed = compose(known, Ours(known, Smoothing()), scores(ALPHA))
    tables = flatten(known.levels, known.keep, composed)
    theirs = fitted(StupidBackoff(ALPHA, 3), ids, tokenizer)
    asked = contexts(ids, tokenizer, [1, 2])
    assert len(asked) > 60
    for context in [(), *asked]:
        found = after(tables, context)
        for word in range(1, tokenizer.size):
            expected = theirs.score(str(word), list(map(str, context)))
            if (
                expected
            ):  # nltk has no score for a word that was never seen; ours goes on to the uniform distribution
                assert found[word] == pytest.approx(expected, rel=1e-6)
            else:
                assert found[word] == pytest.approx(
                    ALPHA ** (len(context) + 1) / (tokenizer.size - 1), rel=1e-6
                )


def test_dividing_keeps_the_order_of_the_words() -> None:
    tokenizer = word_tokenizer(SENTENCES)
    model, ids = trained(tokenizer, SENTENCES, {"smoothing": "stupid", "order": 3})
    theirs = fitted(StupidBackoff(ALPHA, 3), ids, tokenizer)
    for context in contexts(ids, tokenizer, [2]):
        row = after(model.tables, context)
        raw = np.array([theirs.score(str(w), list(map(str, context))) for w in range(1, tokenizer.size)])
        seen = raw > 0
        ratio = row[1:][seen] / raw[seen]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)
        assert row.sum() == pytest.approx(1, abs=1e-6)
