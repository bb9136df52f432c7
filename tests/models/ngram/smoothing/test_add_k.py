import numpy as np
import pytest
from nltk.lm import Laplace, Lidstone
from nltk_models import contexts, fitted
from small_models import SENTENCES, after, evidence, trained
from tiny_texts import document, from_seed, word_tokenizer

from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.smoothing.add_k import AddK
from lmcompare.models.ngram.smoothing.method import Smoothing


@pytest.mark.parametrize(("k", "theirs"), [(1.0, Laplace(3)), (0.2, Lidstone(0.2, 3))])
def test_it_is_nltk_s_after_contexts_of_the_full_length_and_those_that_open_a_sentence(
    k: float, theirs: Lidstone
) -> None:
    tokenizer = word_tokenizer(SENTENCES)
    model, ids = trained(tokenizer, SENTENCES, {"smoothing": "add-k", "k": k, "order": 3})
    fitted(theirs, ids, tokenizer)
    asked = [*contexts(ids, tokenizer, [2]), (tokenizer.bos,)]
    assert len(asked) > 50
    for context in asked:
        found = after(model.tables, context)
        expected = [theirs.score(str(word), list(map(str, context))) for word in range(1, tokenizer.size)]
        np.testing.assert_allclose(found[1:], expected, rtol=1e-6)


def test_after_a_context_that_was_never_seen_all_words_are_equally_likely() -> None:
    sentences = from_seed(3)
    tokenizer = word_tokenizer(sentences)
    model, _ = trained(tokenizer, sentences, {"smoothing": "add-k", "k": 0.5, "order": 3})
    row = np.exp(model.next_logprobs([np.array([tokenizer.unk, tokenizer.unk])])[0])
    np.testing.assert_allclose(row[1:], 1 / (tokenizer.size - 1), rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("prune", [[0], [0, 1]])
def test_no_other_k_makes_the_held_out_text_more_likely(order: int, prune: list[int]) -> None:
    sentences, held_out = from_seed(5), from_seed(7) + from_seed(15)
    tokenizer = word_tokenizer([*sentences, *held_out])
    train, other = [document(tokenizer, sentences)], [document(tokenizer, held_out)]
    settings = {"order": order, "smoothing": "add-k", "prune": prune[:order]}
    fitted_model = train_ngram(train, tokenizer, NgramOptions.model_validate(settings), other)
    best = fitted_model.settings["estimated"]["k"]
    value = fitted_model.score(other)[0].mean()
    for k in best * np.array([0.1, 0.5, 0.9, 0.99, 1.01, 1.1, 2, 10]):
        model = train_ngram(train, tokenizer, NgramOptions.model_validate({**settings, "k": k}))
        assert model.score(other)[0].mean() < value + 1e-7


def test_where_the_held_out_text_is_the_training_text_the_best_k_is_none() -> None:
    sentences = from_seed(5)
    assert AddK(evidence(sentences, sentences, 2), Smoothing()).k < 1e-3
