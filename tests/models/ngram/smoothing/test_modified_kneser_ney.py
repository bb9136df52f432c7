from pathlib import Path

import irstlm
import numpy as np
import pytest
from lmplz_files import EWT, WIKITEXT, encoded, perplexities, split
from small_models import grams_of, trained, weights_of
from tiny_texts import word_tokenizer

from lmcompare.models.ngram.family import NgramOptions, train_ngram


@pytest.mark.parametrize("composition", ["interpolated", "back-off"])
def test_it_is_irstlm_s_improved_kneser_ney_but_for_its_additional_first_word(
    composition: str, tmp_path: Path
) -> None:
    sentences, back_off = split(EWT, "train")[:1500], composition == "back-off"
    theirs = irstlm.estimated(tmp_path, sentences, 3, "ikn", back_off)
    words = [sentence.split() for sentence in sentences]
    tokenizer = word_tokenizer(words)
    model, _ = trained(tokenizer, words, {"composition": composition, "order": 3})
    for order in (2, 3):
        grams, own = grams_of(model, order, back_off=back_off)
        assert len(grams) > 10_000
        expected = irstlm.own_shares(theirs, grams, back_off=back_off)
        # A few counts of counts differ by one or two, and so a discount in its third or fourth digit.
        np.testing.assert_allclose(own, expected, rtol=5e-3)
    contexts, weights = weights_of(model, 2)
    expected = np.array([theirs[context][1] for context in contexts])
    np.testing.assert_allclose(weights, expected, rtol=5e-3)


@pytest.mark.slow
def test_discounts_tuned_on_validation_text_reach_218_15_on_wikitext_2() -> None:
    tokenizer, train, test = encoded(WIKITEXT)
    valid = tokenizer.encode_document(split(WIKITEXT, "valid"))
    found = {}
    for discounts in ("textbook", "tuned"):
        model = train_ngram([train], tokenizer, NgramOptions(order=5, discounts=discounts), [valid])
        found[discounts] = perplexities(model, test)[0]
    assert found["textbook"] == pytest.approx(220.14, abs=5e-3)
    assert found["tuned"] <= 218.15
