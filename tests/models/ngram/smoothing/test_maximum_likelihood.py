import numpy as np
import pytest
from nltk.lm import MLE
from nltk_models import contexts, fitted
from small_models import SENTENCES, after, trained
from tiny_texts import word_tokenizer


def test_after_a_seen_context_it_is_nltk_s() -> None:
    tokenizer = word_tokenizer(SENTENCES)
    model, ids = trained(tokenizer, SENTENCES, {"smoothing": "mle", "order": 3})
    theirs = fitted(MLE(3), ids, tokenizer)
    asked = contexts(ids, tokenizer, [1, 2])
    assert len(asked) > 60
    for context in asked:
        found = after(model.tables, context)
        expected = [theirs.score(str(word), list(map(str, context))) for word in range(1, tokenizer.size)]
        np.testing.assert_allclose(found[1:], expected, rtol=1e-6, atol=1e-12)


def test_after_a_context_that_was_never_seen_the_next_shorter_one_answers() -> None:
    sentences = [["a", "b", "c"], ["b", "d"]]
    tokenizer = word_tokenizer(sentences)
    a, b, c, d = (int(tokenizer.encode(word).ids[0]) for word in "abcd")
    model, _ = trained(tokenizer, sentences, {"smoothing": "mle", "order": 3})
    # "c b" was never seen: what followed "b" answers, c once and d once.
    row = np.exp(model.next_logprobs([np.array([a, c, b])])[0])
    assert row[c] == row[d] == pytest.approx(0.5)
    assert row[a] == 0
