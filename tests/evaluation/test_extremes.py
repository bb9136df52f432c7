from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.extremes import EXTREMES, FEWER, OPPONENTS, SHORTEST, largest, pair
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.text.tokenizers import TokenizerOptions, build
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(
    resamples=100,
    generation={"prompts": 0},
    windows={"enabled": False},
    calibration={"enabled": False},
    slices={"enabled": False},
)
BITS = math.log(2)


@pytest.fixture
def contend(make_corpus, encoded):
    """`contend(seeds of tables, tokenizer)`: Markov chains over one corpus."""
    corpus = make_corpus(80, extra="d")

    def make(tables, tokenizer) -> list[Contender]:
        text, found = encoded(corpus, tokenizer), []
        for seed in tables:
            model = Markov(tokenizer, markov_table(tokenizer.size, seed, 0.05))
            cell, scores = evaluate(model, text, OPTIONS, prepare(corpus, OPTIONS), name=f"m{seed}", seed=1)
            found.append(Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell]))
        return found

    return make


@pytest.fixture
def two(contend):
    return contend((1, 2), WordTokenizer(["a", "b", "c"]))


def bits(contender: Contender) -> np.ndarray:
    return -contender.scores[0].logprobs["test", "native"] / BITS


def test_tokens_are_those_of_the_largest_difference_once_each(two):
    a, b = two
    found = pair(a, b, "test", 3)
    ids, tokenizer = np.asarray(a.encoded.test.ids), a.encoded.tokenizer
    for side, sign in ((found.easier_for_a, 1), (found.easier_for_b, -1)):
        difference = sign * (bits(b) - bits(a))
        best = {int(token): difference[ids == token].max() for token in np.unique(ids)}
        wanted = sorted((value for value in best.values() if value > 0), reverse=True)[:3]
        assert [sign * (each.bits_b - each.bits_a) for each in side.tokens] == pytest.approx(wanted)
        named = {tokenizer.token(token): value for token, value in best.items()}
        assert [named[each.token] for each in side.tokens] == pytest.approx(wanted)
        assert len({each.token for each in side.tokens}) == len(side.tokens)


def test_a_token_stands_in_its_own_text(two):
    a, b = two
    lines = a.encoded.corpus.sentences("test")
    text = " ⏎ ".join(lines)
    for side in (pair(a, b, "test", 5).easier_for_a, pair(a, b, "test", 5).easier_for_b):
        for each in side.tokens:
            shown = "" if each.token == "</s>" else " d" if each.token == "<unk>" else f" {each.token}"
            around = each.before.lstrip("…") + shown.strip() * (not each.before) + shown * bool(each.before)
            assert around.replace("⏎  ", "⏎ ") + each.after.rstrip("…") in text
            if each.token == "</s>":
                assert each.after == "" and each.before.split(" ⏎ ")[-1] in lines


def test_sentences_and_documents_are_those_of_the_largest_mean_difference(two):
    a, b = two
    found = pair(a, b, "test", 4)
    test, corpus = a.encoded.test, a.encoded.corpus
    difference = bits(b) - bits(a)
    ends = np.flatnonzero(np.asarray(test.ids) == 1) + 1
    pieces = np.split(difference, ends[:-1])
    # These sentences have at most seven tokens: too few are long, so that all are looked at.
    assert sum(len(piece) >= SHORTEST["token"] for piece in pieces) < 4
    means: dict[str, float] = {}
    for line, piece in zip(corpus.sentences("test"), pieces, strict=True):
        means[line] = max(means.get(line, -math.inf), piece.mean())
    wanted = sorted(means.values(), reverse=True)[:4]
    assert [each.bits_b - each.bits_a for each in found.easier_for_a.sentences] == pytest.approx(wanted)
    assert [means[each.text] for each in found.easier_for_a.sentences] == pytest.approx(wanted)
    whole = [piece.mean() for piece in np.split(difference, test.starts[1:-1])]
    order = np.argsort(whole)[:4]
    told = found.easier_for_b.documents
    assert [each.bits_b - each.bits_a for each in told] == pytest.approx([whole[n] for n in order])
    assert [each.name for each in told] == [corpus.splits["test"][n].name for n in order]
    assert [each.size for each in told] == [test.starts[n + 1] - test.starts[n] for n in order]


def test_models_with_other_tokens_are_compared_per_byte_and_not_by_tokens(two, contend):
    (other,) = contend((3,), build(TokenizerOptions(kind="char"), ["abcd "]))
    found = pair(two[0], other, "test", 2)
    assert found.unit == "byte" and found.easier_for_a.tokens == found.easier_for_b.tokens == []
    (first, *_), lines = found.easier_for_b.sentences, two[0].encoded.corpus.sentences("test")
    place = lines.index(first.text)
    for contender, told in ((two[0], first.bits_a), (other, first.bits_b)):
        eos = contender.encoded.tokenizer.eos
        ends = np.flatnonzero(np.asarray(contender.encoded.test.ids) == eos) + 1
        pieces = np.split(bits(contender), ends[:-1])
        same = [pieces[n].sum() / (len(line) + 1) for n, line in enumerate(lines) if line == lines[place]]
        assert any(told == pytest.approx(value) for value in same)
    # The word model does not have to predict all of the text: no pair is made of the two.
    assert [each.b for each in EXTREMES.gather([*two, other], OPTIONS).pairs] != [other.result.name]
    assert len(EXTREMES.gather([*two, other], OPTIONS).pairs) == 1


def test_an_impossible_token_differs_most_and_is_none_where_both_hold_it_impossible(two):
    a, b = two
    column = b.scores[0].logprobs["test", "native"].copy()
    column[[5, 9]] = -np.inf
    own = a.scores[0].logprobs["test", "native"].copy()
    own[9] = -np.inf
    changed = [
        Contender(
            each.result, [EventScores(each.scores[0].starts, {("test", "native"): values})], each.encoded
        )
        for each, values in ((a, own), (b, column))
    ]
    found = pair(*changed, "test", 3)
    assert [each.bits_b for each in found.easier_for_a.tokens].count(math.inf) == 1
    assert (
        math.isfinite(found.easier_for_a.tokens[0].bits_a) and found.easier_for_a.tokens[0].bits_b == math.inf
    )
    assert all(math.isfinite(each.bits_a) for each in found.easier_for_b.tokens)


def test_of_few_models_all_pairs_are_shown_and_those_of_the_best_at_length(contend):
    six = contend((1, 2, 3, 4, 5, 6), WordTokenizer(["a", "b", "c"]))
    found = EXTREMES.gather(six, OPTIONS)
    order = [each.result.name for each in sorted(six, key=lambda each: bits(each).sum())]
    assert [(each.a, each.b) for each in found.pairs] == list(itertools.combinations(order, 2))
    by_name = {each.result.name: each for each in six}
    for place, each in enumerate(found.pairs):
        number = OPTIONS.extremes.number if place < OPPONENTS else FEWER
        assert each == pair(by_name[each.a], by_name[each.b], "test", number)
    assert len(found.model_dump_json()) < 60_000


def test_of_many_models_the_best_is_set_against_the_next_three_only(contend):
    seven = contend((1, 2, 3, 4, 5, 6, 7), WordTokenizer(["a", "b", "c"]))
    found = EXTREMES.gather(seven, OPTIONS)
    order = sorted(seven, key=lambda each: bits(each).sum())
    assert [(each.a, each.b) for each in found.pairs] == [
        (order[0].result.name, other.result.name) for other in order[1:4]
    ]
    assert len(found.model_dump_json()) < 30_000


def test_one_model_has_no_pair_and_the_options_can_say_no(two):
    assert EXTREMES.gather(two[:1], OPTIONS) is None
    assert EXTREMES.gather(two, EvaluationOptions(extremes={"enabled": False})) is None


def test_of_equal_differences_the_first_place_is_told():
    shown = largest(np.array([3.0, 5, 5, 1]), np.zeros(4), 2, lambda n: n, lambda n: n)
    assert shown == [1, 2]
    assert largest(np.zeros(0), np.zeros(0), 2, lambda n: n, lambda n: n) == []
