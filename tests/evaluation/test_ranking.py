from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.ranking import MANY, NEXT, compare, pairs, rank, told_apart
from lmcompare.text.tokenizers.byte import ByteTokenizer
from lmcompare.text.tokenizers.word import WordTokenizer

POLICY = {True: "sentence", False: "document"}
OPTIONS = EvaluationOptions(resamples=500, generation={"prompts": 0})


class Lossless(ByteTokenizer):
    """Bytes in another event space: the ids are the same, the name is not."""

    def __init__(self):
        super().__init__()
        self.fingerprint = "other"


@pytest.fixture
def contend(make_corpus, encoded):
    corpus = make_corpus(40)
    material = prepare(corpus, OPTIONS)

    def contend(name, *models):
        text = encoded(corpus, models[0].tokenizer)
        parts = [
            evaluate(model, text, OPTIONS, material, name=name, seed=seed)
            for seed, model in enumerate(models)
        ]
        cells, scores = [list(column) for column in zip(*parts, strict=True)]
        return Contender(merge(cells, scores, text, OPTIONS), scores, text)

    return contend


def bytes_model(seed, tokenizer=None):
    tokenizer = tokenizer or ByteTokenizer()
    table = markov_table(tokenizer.size, seed)
    table[:, tokenizer.bos] = 0
    return Markov(tokenizer, table / table.sum(axis=1, keepdims=True))


def test_differences_are_those_of_the_table(contend, make_model):
    rows = [contend(name, make_model(seed)) for seed, name in enumerate("abc")]
    found = compare(rows, OPTIONS)
    assert len(found) == 3 * 2 * 2
    results = {row.result.name: row.result for row in rows}
    for each in found:
        a, b = (results[name].splits[each.split][each.policy] for name in (each.a, each.b))
        assert each.delta_bits_per_token == pytest.approx(a.bits_per_token - b.bits_per_token)
        assert each.delta_bits_per_byte == pytest.approx(a.bits_per_byte - b.bits_per_byte)
        assert each.ci95[0] <= each.delta_bits_per_token <= each.ci95[1]
        assert (each.unit, each.units) == ("documents", 40)


def test_seeds_enter_by_their_mean(contend, make_model):
    many, one = contend("many", make_model(0), make_model(1)), contend("one", make_model(2))
    found = compare([many, one], OPTIONS)[-1]
    a, b = (row.result.splits["test"]["matched"].bits_per_token for row in (many, one))
    assert found.delta_bits_per_token == pytest.approx(a - b)


def test_other_event_spaces_are_compared_and_ranked_per_byte(contend):
    a, b = contend("a", bytes_model(1)), contend("b", bytes_model(2, Lossless()))
    found = compare([a, b], OPTIONS)
    assert {each.delta_bits_per_token for each in found} == {None}
    ranking = rank([a.result, b.result])
    assert (ranking.unit, ranking.refused) == ("bits_per_byte", "")


def test_the_best_stands_first_and_the_infinite_last(contend, make_model):
    impossible = make_model(4)
    impossible.table[:, 3] = -np.inf
    rows = [contend("inf", impossible), *(contend(name, make_model(seed)) for seed, name in enumerate("abc"))]
    ranking = rank([row.result for row in rows])
    values = [{r.result.name: r.result for r in rows}[n].splits["test"]["native"] for n in ranking.order]
    bits = [value.bits_per_token for value in values]
    assert bits == sorted(bits)
    assert (ranking.order[-1], bits[-1]) == ("inf", math.inf)
    assert (ranking.unit, ranking.policy, ranking.refused) == ("bits_per_token", "native", "")
    deltas = [each.delta_bits_per_token for each in compare(rows, OPTIONS) if each.a == "inf"]
    assert set(deltas) == {math.inf}


def test_a_lossy_tokenizer_beside_another_is_not_ranked_and_not_compared(contend, make_model):
    rows = [contend("words", make_model(0)), contend("bytes", bytes_model(1)), contend("too", bytes_model(2))]
    ranking = rank([row.result for row in rows])
    assert "words (white space" in ranking.refused
    assert ranking.order == ["words", "bytes", "too"]
    assert {(each.a, each.b) for each in compare(rows, OPTIONS)} == {("bytes", "too")}


def test_lossy_models_of_one_event_space_are_ranked(contend, make_model):
    rows = [contend("a", make_model(0)), contend("b", make_model(1))]
    assert isinstance(rows[0].encoded.tokenizer, WordTokenizer)
    assert rank([row.result for row in rows]).refused == ""


def test_one_model_is_ranked_first_and_compared_with_nobody(contend, make_model):
    row = contend("a", make_model(0))
    assert rank([row.result]).order == ["a"]
    assert compare([row], OPTIONS) == []


def test_of_many_models_the_best_meets_all_and_each_meets_the_next(contend, make_model):
    rows = [contend(f"model {seed}", make_model(seed)) for seed in range(MANY + 1)]
    results = [row.result for row in rows]
    order = rank(results).order
    found = [
        {one.a, one.b} for one in compare(rows, OPTIONS) if (one.split, one.policy) == ("test", "native")
    ]
    wanted = [{order[0], other} for other in order[1:]]
    wanted += [{a, b} for a, b in zip(order[1:], order[2:], strict=False)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, wanted))
    assert len(pairs(results[:MANY], "test", "native")) == MANY * (MANY - 1) // 2
    first, *others = (name for name in order if name != order[0])
    forget = {first, *others[3:]}
    results = [row.model_copy(update={"policy": POLICY[row.name in forget]}) for row in results]
    more = [tuple(pair) for pair in pairs(results, "test", "native") if set(pair) not in found]
    assert more == [(first, other) for other in others[3 : 3 + NEXT]]


def test_models_share_a_letter_unless_the_paired_tests_tell_them_apart(contend, make_model):
    rows = [contend(name, make_model(seed)) for seed, name in enumerate("abcd")]
    results, found = [row.result for row in rows], compare(rows, OPTIONS)
    shown = rank(results, found).letters
    assert set(shown) == set("abcd") and shown[rank(results).order[0]].startswith("a")
    headline = [one for one in found if (one.split, one.policy) == ("test", "native")]
    assert {told_apart(one) for one in headline} == {False, True}
    for one in headline:
        assert told_apart(one) != bool(set(shown[one.a]) & set(shown[one.b]))
        one.p_holm = 0.2
    assert set(rank(results, found).letters.values()) == {"a"}
    untested = [one for one in found if one is not headline[0]]
    assert rank(results, untested).letters == rank(results).letters == {}


def test_a_model_that_gives_zero_is_told_apart_too(contend, make_model):
    impossible = make_model(4)
    impossible.table[:, 3] = -np.inf
    rows = [contend("zero", impossible), contend("some", make_model(0))]
    assert rank([row.result for row in rows], compare(rows, OPTIONS)).letters == {"some": "a", "zero": "b"}


def test_one_seed_of_a_model_that_draws_at_random_leaves_the_seeds_unknown(contend, make_model):
    many, one = contend("many", make_model(0), make_model(1)), contend("one", make_model(2))
    found = compare([many, one], OPTIONS)[-1]
    assert (found.seeds95, found.sd_seeds) == (None, None)
    one.result.drawn = False
    found = compare([many, one], OPTIONS)[-1]
    assert found.seeds95[1] - found.seeds95[0] > found.ci95[1] - found.ci95[0]


def test_holm_corrects_over_the_pairs_that_were_tested(contend, make_model):
    rows = [contend(f"model {seed}", make_model(seed)) for seed in range(MANY + 1)]
    found = [one for one in compare(rows, OPTIONS) if (one.split, one.policy) == ("test", "native")]
    smallest = min(found, key=lambda one: one.p)
    assert smallest.p_holm == pytest.approx(min(1.0, smallest.p * len(found)))
