from pathlib import Path

import irstlm
import numpy as np
import pytest
from lmplz_files import EWT, split
from nltk.lm import WittenBellInterpolated
from nltk_models import contexts, fitted, steps
from small_models import SENTENCES, after, grams_of, trained, weights_of
from tiny_texts import word_tokenizer


def test_each_step_from_an_order_to_the_next_is_nltk_s() -> None:
    tokenizer = word_tokenizer(SENTENCES)
    model, ids = trained(tokenizer, SENTENCES, {"smoothing": "witten-bell", "order": 3})
    theirs = fitted(WittenBellInterpolated(3), ids, tokenizer)
    asked = contexts(ids, tokenizer, [1, 2])
    assert len(asked) > 60
    for context in asked:
        found, shorter = after(model.tables, context), after(model.tables, context[1:])
        for word, own, weight in steps(theirs, tokenizer, context):
            assert found[word] == pytest.approx(own + weight * shorter[word], rel=1e-6)


@pytest.mark.parametrize("composition", ["interpolated", "back-off"])
def test_it_is_irstlm_s_wherever_its_additional_first_word_does_not_count(
    composition: str, tmp_path: Path
) -> None:
    sentences = split(EWT, "train")[:600]
    back_off = composition == "back-off"
    theirs = irstlm.estimated(tmp_path, sentences, 3, "wb", back_off)
    words = [sentence.split() for sentence in sentences]
    tokenizer = word_tokenizer(words)
    options = {"smoothing": "witten-bell", "composition": composition, "order": 3}
    model, _ = trained(tokenizer, words, options)
    for order in (2, 3):
        grams, own = grams_of(model, order, back_off=back_off)
        assert len(grams) > 5000
        inside = np.array([gram[0] != "<s>" for gram in grams])
        expected = irstlm.own_shares(theirs, grams, back_off=back_off)
        # Its files have six digits, of which the subtraction costs some.
        np.testing.assert_allclose(own[inside], expected[inside], rtol=2e-4)
        np.testing.assert_allclose(own, expected, rtol=1e-2)
    # Back-off weights of single words depend on how these are smoothed, and IRSTLM gives unknown words more.
    for length in (2,) if back_off else (1, 2):
        listed, weights = weights_of(model, length)
        inside = np.array([gram[0] != "<s>" for gram in listed])
        expected = np.array([theirs[gram][1] for gram in listed])
        np.testing.assert_allclose(weights[inside], expected[inside], rtol=2e-5)
