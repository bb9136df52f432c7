from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lmcompare.evaluation.seen import ORDERS, SeenIndex, overlap
from lmcompare.evaluation.textunits import lines

texts = some.lists(some.text("ab  \n", max_size=30), min_size=1, max_size=6)
WIKITEXT = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "wikitext-2"


def ngrams(text, unit, n):
    return [tuple(line[i : i + n]) for line in lines(text, unit) for i in range(len(line) - n + 1)]


def plain(train, texts, unit, orders=ORDERS):
    """The same by Python sets of tuples."""
    known = {n: {ngram for line in train for ngram in ngrams(line, unit, n)} for n in orders}
    return {
        n: (
            sum(ngram in known[n] for text in texts for ngram in ngrams(text, unit, n)),
            sum(len(ngrams(text, unit, n)) for text in texts),
        )
        for n in orders
    }


@pytest.mark.parametrize("unit", ["words", "characters"])
@settings(deadline=None)
@given(train=texts, test=texts)
def test_it_says_what_sets_of_tuples_say(unit, train, test):
    train = [line for text in train for line in text.split("\n")]
    index = SeenIndex(train, unit)
    assert index.seen(test) == plain(train, test, unit)
    orders = (1, 3, 5, 13)
    counts = plain(train, test, unit, orders)
    assert index.seen(test, orders) == counts
    for n in orders:
        assert overlap(test, train, n, unit) == (counts[n][0] / counts[n][1] if counts[n][1] else 0)


@pytest.mark.parametrize("unit", ["words", "characters"])
@settings(deadline=None)
@given(train=texts, test=texts)
def test_the_longest_copy_is_the_longest_ngram_that_was_seen(unit, train, test):
    train = [line for text in train for line in text.split("\n")]
    expected = [
        max((n for n in range(1, 31) if plain(train, [text], unit, [n])[n][0]), default=0) for text in test
    ]
    assert SeenIndex(train, unit).longest_copies(test) == expected


def test_thirteen_words_in_a_row_are_an_overlap():
    words = [f"w{number}" for number in range(40)]
    train, test = [" ".join(words)], [" ".join([*words[5:20], "x", *words[21:33]])]
    assert overlap(test, train) == overlap(test, SeenIndex(train, "words")) == 3 / 16
    assert overlap(test, train, n=14) == 2 / 15
    assert overlap(["too short"], train) == 0


def test_long_ngrams_of_a_larger_text_are_exact():
    random = np.random.default_rng(0)
    train = [" ".join(random.choice(list("abc"), size=200)) for _ in range(50)]
    test = [" ".join(random.choice(list("abcd"), p=[0.32, 0.32, 0.32, 0.04], size=200)) for _ in range(10)]
    found = SeenIndex(train, "words").seen(test)
    assert found == plain(train, test, "words")
    assert 0 < found[8][0] < found[8][1]


def test_training_text_is_all_seen_and_other_text_is_not():
    train = ["the cat sat on the mat and slept there", "a dog barked"]
    index = SeenIndex(train, "words")
    assert index.seen(train) == {2: (10, 10), 4: (6, 6), 8: (2, 2)}
    assert index.seen(["x y z w"]) == {2: (0, 3), 4: (0, 1), 8: (0, 0)}


def test_ngrams_do_not_cross_line_ends():
    index = SeenIndex(["a b", "c d"], "words")
    assert index.seen(["b c"])[2] == (0, 1)
    assert index.seen(["a b\nc d"])[2] == (2, 2)


def test_chinese_and_the_unknown_sign_are_characters():
    index = SeenIndex(["我今天去超市", "<unk>天"], "characters")
    assert index.seen(["今天去"])[2] == (2, 2)
    assert index.seen(["<unk>天气"])[2] == (1, 2)


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_an_empty_text_has_seen_nothing(unit):
    assert SeenIndex([], unit).seen(["ab cd ef", ""])[2][0] == 0


@pytest.mark.slow
@pytest.mark.skipif(not WIKITEXT.exists(), reason="needs ../shared/data/wikitext-2")
def test_two_million_words_are_indexed_in_seconds_and_exactly():
    train = (WIKITEXT / "train.txt").read_text(encoding="utf-8").split("\n")
    test = (WIKITEXT / "test.txt").read_text(encoding="utf-8")[:200_000]
    assert SeenIndex(train, "words").seen([test]) == plain(train, [test], "words")
