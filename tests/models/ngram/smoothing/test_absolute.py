import pytest
from nltk.lm import AbsoluteDiscountingInterpolated
from nltk_models import contexts, fitted, steps
from small_models import SENTENCES, after, trained
from tiny_texts import word_tokenizer

from lmcompare.models.ngram.smoothing.absolute import AbsoluteDiscounting


def test_each_step_from_an_order_to_the_next_is_nltk_s() -> None:
    tokenizer = word_tokenizer(SENTENCES)
    model, ids = trained(tokenizer, SENTENCES, {"smoothing": "absolute", "order": 3})
    for length in (1, 2):
        (discount,) = model.settings["estimated"]["discounts"][length]
        theirs = fitted(AbsoluteDiscountingInterpolated(3, discount), ids, tokenizer)
        asked = contexts(ids, tokenizer, [length])
        assert len(asked) > 10
        for context in asked:
            found, shorter = after(model.tables, context), after(model.tables, context[1:])
            for word, own, weight in steps(theirs, tokenizer, context):
                assert found[word] == pytest.approx(own + weight * shorter[word], rel=1e-6)


def test_the_discount_is_that_of_ney_essen_and_kneser() -> None:
    assert AbsoluteDiscounting.textbook([10, 4, 3, 2]) == pytest.approx((10 / 18,))
    assert AbsoluteDiscounting.textbook([0, 4, 3, 2]) is None
    assert AbsoluteDiscounting.textbook([10, 0, 3, 2]) is None


def test_where_no_discount_can_be_estimated_one_half_is_taken_and_said_so() -> None:
    sentences = [["a", "b"], ["a"]] * 2
    tokenizer = word_tokenizer(sentences)
    model, _ = trained(tokenizer, sentences, {"smoothing": "absolute", "order": 2})
    assert model.settings["estimated"]["discounts"][1] == (0.5,)
    assert any("order 2 cannot be estimated" in note and "0.5 is used" in note for note in model.notes)
