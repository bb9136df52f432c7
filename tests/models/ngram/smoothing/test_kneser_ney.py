import pytest
from nltk.lm import KneserNeyInterpolated
from nltk_models import contexts, fitted, steps
from small_models import SENTENCES, after, trained
from tiny_texts import word_tokenizer


def test_each_step_from_an_order_to_the_next_is_nltk_s() -> None:
    tokenizer = word_tokenizer(SENTENCES)
    model, ids = trained(tokenizer, SENTENCES, {"smoothing": "kneser-ney", "order": 3})
    for length in (1, 2):
        (discount,) = model.settings["estimated"]["discounts"][length]
        theirs = fitted(KneserNeyInterpolated(3, discount), ids, tokenizer)
        # nltk has no counts of its own for what opens a sentence, which no context stands before.
        asked = contexts(ids, tokenizer, [length], opened=length == 2)
        assert len(asked) > 8
        for context in asked:
            found, shorter = after(model.tables, context), after(model.tables, context[1:])
            for word, own, weight in steps(theirs, tokenizer, context):
                assert found[word] == pytest.approx(own + weight * shorter[word], rel=1e-6)


def test_single_words_are_nltk_s_after_a_discount() -> None:
    tokenizer = word_tokenizer(SENTENCES)
    model, ids = trained(tokenizer, SENTENCES, {"smoothing": "kneser-ney", "order": 2})
    theirs = fitted(KneserNeyInterpolated(2, 0.5), ids, tokenizer)
    (discount,) = model.settings["estimated"]["discounts"][0]
    found, words = after(model.tables, ()), range(1, tokenizer.size)
    # nltk does not discount single words: each keeps its share of all bigrams.
    bigrams = len({pair for s in ids for pair in zip([tokenizer.bos, *s], [*s, tokenizer.eos], strict=True)})
    shares = [theirs.score(str(word)) for word in words]
    freed = discount * sum(share > 0 for share in shares) / bigrams
    expected = [max(share - discount / bigrams, 0) + freed / len(words) for share in shares]
    assert list(found[1:]) == pytest.approx(expected, rel=1e-6)
