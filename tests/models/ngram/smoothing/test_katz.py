import numpy as np
import pytest
from small_models import after, evidence, trained, zipfian
from tiny_texts import word_tokenizer

from lmcompare.errors import InputError
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.smoothing.katz import Katz, good_turing_ratios
from lmcompare.models.ngram.smoothing.method import Smoothing

COUNTS = [4948, 1377, 627, 366, 240, 170]  # single words of 3,000 sentences of web text


def test_all_ngrams_together_free_as_much_as_occurs_once() -> None:
    ratios = good_turing_ratios(COUNTS)
    assert ratios is not None and len(ratios) == 5
    freed = sum(n * c * (1 - d) for c, (n, d) in enumerate(zip(COUNTS, ratios, strict=False), 1))
    assert freed == pytest.approx(COUNTS[0], rel=1e-12)


def test_what_is_taken_is_proportional_to_good_and_turing_s_estimate() -> None:
    ratios = good_turing_ratios(COUNTS)
    assert ratios is not None
    n = dict(enumerate(COUNTS, 1))
    # Katz's two demands: 1 - d_c = mu (1 - c*/c) with one mu, and the sum that the test above checks.
    mus = [(1 - d) / (1 - (c + 1) * n[c + 1] / (c * n[c])) for c, d in enumerate(ratios, 1)]
    assert mus == pytest.approx([mus[0]] * 5, rel=1e-9)


@pytest.mark.parametrize("counts", [[3, 0, 1], [2, 2, 1], [10, 4, 9], [0, 1, 1]])
def test_counts_of_counts_that_do_not_fall_fast_enough_are_found_out(counts: list[int]) -> None:
    assert good_turing_ratios(counts) is None


def test_fewer_counts_are_discounted_where_the_larger_ones_are_too_rare_and_that_is_said() -> None:
    sentences = [[f"once{k}"] for k in range(40)] + [[f"two{k}"] * 2 for k in range(10)] + [["x"] * 3] * 3
    tokenizer = word_tokenizer(sentences)
    options = NgramOptions(order=1, smoothing="katz")
    model = train_ngram([tokenizer.encode_document([" ".join(s) for s in sentences])], tokenizer, options)
    assert model.settings["estimated"]["ratios"] == [None]
    assert "one half is taken from each count" in model.notes[0]
    sentences += [[f"three{k}"] * 3 for k in range(4)]
    tokenizer = word_tokenizer(sentences)
    model = train_ngram([tokenizer.encode_document([" ".join(s) for s in sentences])], tokenizer, options)
    assert len(model.settings["estimated"]["ratios"][0]) == 2
    assert model.notes == ["Good-Turing discounts of order 1: only counts up to 2 are discounted"]


def test_where_nothing_can_be_estimated_and_no_fallback_is_wanted_that_is_one_sentence() -> None:
    known = evidence([["a", "b"]], [["a"]], 2)
    with pytest.raises(InputError, match="Good-Turing discounts of order 1 cannot be estimated"):
        Katz(known, Smoothing(fallback=False))


def test_a_context_of_frequent_words_alone_leaves_something_to_all_others() -> None:
    sentences = [["a", "b"]] * 12 + zipfian(200, 400, seed=1)
    tokenizer = word_tokenizer(sentences)
    model, _ = trained(tokenizer, sentences, {"smoothing": "katz", "order": 2})
    assert model.settings["estimated"]["ratios"][1] is not None
    a, b = (int(tokenizer.encode(word).ids[0]) for word in "ab")
    found = after(model.tables, [a])
    assert found[b] == pytest.approx(12 / 13, rel=1e-6)  # one occurrence more is counted
    assert np.all(found[1:] > 0)
