from __future__ import annotations

import pytest
from sacrebleu.metrics.bleu import BLEU

from lmcompare.errors import InputError
from lmcompare.evaluation.generation_quality import cut, measure, self_bleu
from lmcompare.evaluation.seen import SeenIndex


@pytest.fixture
def index():
    return SeenIndex(["a b c d e f g h i j", "k l"], "words")


def test_each_number_can_be_counted_by_hand(index):
    found = measure(["a b c d\na b c d", "a b x y\nk l m n"], 8, index)
    assert (found.samples, found.length, found.unit) == (2, 8, "words")
    assert found.distinct_1 == 10 / 16  # a b c d x y k l m n
    assert found.distinct_2 == 8 / 12  # ab bc cd bx xy kl lm mn
    assert found.distinct_3 == 6 / 8
    assert found.repetition_4 == 1 / 4  # the second "a b c d"
    assert found.mean_sentence_length == 4
    assert found.seen_2 == 8 / 12  # ab bc cd, twice, then ab, kl
    assert found.seen_4 == 2 / 4
    assert found.seen_8 == 0


def test_copied_text_is_all_seen_and_random_text_is_not(index):
    copied = measure(["a b c d e f g h", "b c d e f g h i"], 8, index)
    assert (copied.seen_2, copied.seen_4, copied.seen_8) == (1, 1, 1)
    assert copied.longest_copy == 8
    other = measure(["b a d c f e h g", "i h g f e d c b"], 8, index)
    assert (other.seen_2, other.seen_4, other.seen_8) == (0, 0, 0)
    assert other.longest_copy == 1


def test_repetition_is_inside_a_sample_and_not_between(index):
    assert measure(["a b c d e f", "a b c d e f"], 6, index).repetition_4 == 0
    assert measure(["a a a a a a", "b b b b b b"], 6, index).repetition_4 == pytest.approx(4 / 6)


def test_self_bleu_is_100_for_copies_and_0_for_strangers():
    assert self_bleu([list("abcdefgh")] * 3) == pytest.approx(100)
    assert self_bleu([list("abcdefgh"), list("ijklmnop")]) == 0
    assert self_bleu([list("abcdefgh")]) == 0


def test_self_bleu_of_chinese_is_sacrebleu_s_own_zh():
    texts = ["我今天去超市买了一本书", "我昨天去超市买了两本书", "老师说今天天气很好"]
    bleu = BLEU(tokenize="zh", effective_order=True)
    referee = [bleu.sentence_score(text, [other for other in texts if other != text]).score for text in texts]
    assert self_bleu([list(text) for text in texts]) == pytest.approx(sum(referee) / 3)


def test_self_bleu_looks_at_32_samples_at_most():
    same = [list("abcdefgh")] * 32
    assert self_bleu([*same, list("ijklmnop")]) == pytest.approx(100)


def test_unequal_lengths_are_refused(index):
    with pytest.raises(InputError, match="3 to 4 units"):
        measure(["a b c d", "a b c"], 4, index)


def test_a_continuation_is_cut_to_whole_units():
    found = cut("I went", " to the\nsuper market now", 4, "words")
    assert (found.prompt, found.text, found.measured) == (
        "I went",
        " to the\nsuper market",
        " to the\nsuper market",
    )


def test_what_only_finishes_the_prompt_s_last_word_is_shown_and_not_measured():
    found = cut("the super", "market is open today", 2, "words")
    assert (found.text, found.measured) == ("market is open", " is open")


def test_a_last_word_counts_when_something_stands_behind_it():
    assert cut("a", " b c", 2, "words") is None
    assert cut("a", " b c d", 2, "words").text == " b c"


def test_characters_are_whole_as_they_are():
    assert cut("我今", "天去", 2, "characters").text == "天去"
    assert cut("我今", "天", 2, "characters") is None


def test_a_prompt_may_be_empty():
    assert cut("", "a b c", 2, "words").measured == "a b"
