from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from tiny_languages import BRACKETS, GRAMMAR, HIDDEN, MARKOV, RECALL, TINY, enumerated

from lmcompare.errors import InputError
from lmcompare.text.grammar import Grammar
from lmcompare.text.synthetic.options import process_of
from lmcompare.text.synthetic.parts import Parts
from lmcompare.text.synthetic.process import draw, estimated_entropy, surprisals


def numbers(process, sentence):
    return np.array([process.symbols.index(symbol) for symbol in sentence], dtype=np.int64)


def test_all_sentences_and_the_tail_add_up_to_one(tiny):
    sentences, beginnings = enumerated(tiny.process, tiny.longest)
    tail = math.fsum(p for read, p in beginnings.items() if len(read) == tiny.longest + 1)
    assert len(sentences) > 10
    assert math.fsum(sentences.values()) + tail == pytest.approx(1, abs=1e-12)
    assert tail < 0.005


def test_a_sentences_probability_is_that_of_the_definition(tiny):
    sentences, _ = enumerated(tiny.process, tiny.longest)
    for sentence, probability in sentences.items():
        assert probability == pytest.approx(tiny.slow(sentence), rel=1e-9)


def test_no_sentence_is_missing(tiny):
    process = tiny.process
    sentences, _ = enumerated(process, 5)
    every = (s for n in range(6) for s in itertools.product(process.symbols, repeat=n))
    assert {s for s in every if tiny.slow(s) > 0} == {s for s in sentences if len(s) <= 5}


def test_a_conditional_is_the_ratio_of_the_sums_over_all_that_begin_so(tiny):
    process = tiny.process
    sentences, beginnings = enumerated(process, tiny.longest)
    tail = math.fsum(p for read, p in beginnings.items() if len(read) == tiny.longest + 1)
    sums = Counter()
    for sentence in sentences:
        for end in range(len(sentence) + 1):
            sums[sentence[:end]] += tiny.slow(sentence)
    checked = 0
    for read, mass in beginnings.items():
        if len(read) <= 4:
            assert sums[read] <= mass * (1 + 1e-9) and mass - sums[read] <= tail + 1e-12
            checked += len(read) > 0
    assert checked > 5


def test_the_exact_entropy_is_the_sum_over_all_sentences(tiny):
    found = tiny.process.entropy()
    if found is None:
        pytest.skip("this language has no closed form")
    sentences, beginnings = enumerated(tiny.process, tiny.longest + 2)
    tail = math.fsum(p for read, p in beginnings.items() if len(read) == tiny.longest + 2)
    bits = -math.fsum(p * math.log2(p) for p in sentences.values())
    tokens = math.fsum(p * (len(s) + 1) for s, p in sentences.items())
    # What the tail can add: some times the bits and tokens of the longest that was written out.
    room = 40 * tail + 1e-9
    assert bits <= found.bits_per_sentence + 1e-9 and found.bits_per_sentence - bits < room
    assert tokens <= found.tokens_per_sentence + 1e-9 and found.tokens_per_sentence - tokens < room
    assert room < 0.05 * found.bits_per_sentence


def test_an_estimated_entropy_is_within_its_error(tiny):
    sentences, _ = enumerated(tiny.process, tiny.longest + 2)
    bits = -math.fsum(p * math.log2(p) for p in sentences.values())
    tokens = math.fsum(p * (len(s) + 1) for s, p in sentences.items())
    found, error = estimated_entropy(tiny.process, 4000, 7)
    assert 0 < error < 0.05
    assert abs(found.bits_per_token - bits / tokens) < 4 * error + 0.02


def test_surprisals_are_the_conditionals_and_infinite_from_the_first_impossible_symbol_on(tiny):
    process = tiny.process
    sentences, beginnings = enumerated(process, tiny.longest)
    told = sorted(sentences, key=lambda s: -len(s))[:20]
    found = surprisals(process, [numbers(process, s) for s in told])
    for sentence, bits in zip(told, found, strict=True):
        steps = [beginnings[sentence[:end]] for end in range(len(sentence) + 1)] + [sentences[sentence]]
        assert bits == pytest.approx([-math.log2(b / a) for a, b in itertools.pairwise(steps)], abs=1e-9)
    cut = max((s for s in sentences if len(s) > 1), key=len)[:1]
    if cut not in sentences:
        assert surprisals(process, [numbers(process, cut)])[0][-1] == math.inf


def test_what_is_drawn_comes_as_often_as_it_should(tiny):
    process = tiny.process
    drawn = draw(process, 8000, np.random.default_rng(5).random)
    counts = Counter(tuple(process.symbols[s] for s in one) for one in drawn)
    for sentence, _ in counts.most_common(8):
        p = tiny.slow(sentence)
        assert abs(counts[sentence] / 8000 - p) < 4.5 * math.sqrt(p * (1 - p) / 8000)
    assert all(tiny.slow(sentence) > 0 for sentence in counts)
    again = draw(process, 8000, np.random.default_rng(5).random)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))


def test_each_row_of_a_state_goes_its_own_way(tiny):
    process = tiny.process
    sentences, _ = enumerated(process, tiny.longest)
    told = [numbers(process, s) for s in list(sentences)[:12]]
    together = surprisals(process, told)
    for one, bits in zip(told, together, strict=True):
        assert np.array_equal(surprisals(process, [one])[0], bits)


def test_every_symbol_has_a_kind_and_the_end_has_the_last(tiny):
    process = tiny.process
    state = process.begin(3)
    kinds = process.kinds_of(state)
    assert kinds.shape == (3, len(process.symbols) + 1)
    assert kinds.min() >= 0 and kinds.max() < len(process.kinds)
    assert (kinds[:, -1] == len(process.kinds) - 1).all() and process.kinds[-1] == "end"


def test_a_markov_word_depends_on_so_many_words_and_no_more():
    process = process_of(MARKOV)

    def after(text):
        state = process.begin(1)
        for symbol in numbers(process, text):
            state = process.advance(state, np.array([symbol]))
        return process.probabilities(state)[0]

    contexts = list(itertools.product("abc", repeat=2))
    assert all(np.array_equal(after(("a", *c)), after(("c", "b", *c))) for c in contexts)
    assert any(not np.array_equal(after(("a", c)), after(("b", c))) for c in "abc")
    for context in contexts:
        assert sorted(after(context))[-3:] == pytest.approx([0.2 * 0.25, 0.2 * 0.75, 0.8])


def test_a_closing_bracket_is_far_where_its_partner_is():
    process = process_of(BRACKETS)
    state = process.begin(1)
    kinds = []
    for symbol in numbers(process, "([])"):
        kinds.append(process.kinds[process.kinds_of(state)[0, symbol]])
        state = process.advance(state, np.array([symbol]))
    assert kinds == ["opening", "opening", "closing-near", "closing-far"]


def test_the_kind_of_a_word_is_told_by_its_rule():
    process = process_of(GRAMMAR)
    state = process.advance(process.begin(1), numbers(process, "c"))
    kinds = [process.kinds[kind] for kind in process.kinds_of(state)[0]]
    assert dict(zip(process.symbols, kinds, strict=False)) == {
        "a": "other",
        "b": "verb",
        "c": "other",
        "d": "verb",
    }


def test_a_document_that_keeps_its_part_is_read_with_bayes_rule():
    parts = {"hidden": (1.0, process_of(HIDDEN)), "markov": (1.0, process_of(MARKOV))}
    process = Parts(parts, by_document=True)
    state = process.begin(1)
    for symbol in numbers(process, "ab"):
        state = process.advance(state, np.array([symbol]))
    state = process.finish(state)
    hidden, markov = TINY["hidden"].slow(("a", "b")), TINY["markov"].slow(("a", "b"))
    assert state[0, :2] == pytest.approx([hidden / (hidden + markov), markov / (hidden + markov)])
    assert np.array_equal(Parts(parts).finish(state), Parts(parts).begin(1))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"s": ["1| {s} a", "1| a"]}, "rule leads back to itself"),
        ({"s": ["1| {e} {s} a", "1| a"], "e": ["1| ", "1| b"]}, "rule leads back to itself"),
        ({"s": ["1| a {s} {s}", "1| a"]}, "the sentences need not end"),
        ({"s": ["1| a {t}"]}, "there is no rule 't'"),
    ],
)
def test_a_recursion_that_has_no_end_is_refused(rules, said):
    with pytest.raises(InputError, match=said):
        Grammar(rules, words=True, recursive=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({**MARKOV, "words": "a b a"}, "all different"),
        ({**MARKOV, "weights": [1, 1, 1, 1]}, "4 weights and only 3 words"),
        ({**MARKOV, "order": 12}, "contexts of 12 words"),
        ({**MARKOV, "end": 1.0}, "less than 1"),
        ({**HIDDEN, "states": {"x": {"next": {"z": 1}, "says": "a"}}}, "there is no state 'z'"),
        ({**RECALL, "most": 9}, "must not fall"),
        ({**BRACKETS, "pairs": [["(", "("]]}, "all different"),
        ({**GRAMMAR, "tags": {"verb": ["w"]}}, "there is no rule 'w'"),
        ({**GRAMMAR, "start": "q"}, "not rules to start from"),
        ({"kind": "markof"}, "language"),
    ],
)
def test_a_faulty_language_is_told(change, said):
    with pytest.raises(InputError, match=said):
        process_of(change)
