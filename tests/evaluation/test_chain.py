from __future__ import annotations

import math

import pytest

from lmcompare.errors import InputError
from lmcompare.evaluation.chain import chain, predict


def test_the_factors_are_the_chain_rule_with_the_end_last(make_model):
    model = make_model(2)
    steps = chain(model, "a b a")
    assert [step.token for step in steps] == ["a", "b", "a", "</s>"]
    expected = [model.table[0, 3], model.table[3, 4], model.table[4, 3], model.table[3, 1]]
    assert [step.logprob for step in steps] == pytest.approx(expected)


def test_an_empty_sentence_has_one_factor(make_model):
    assert [step.token for step in chain(make_model(), "")] == ["</s>"]


def test_two_lines_are_no_sentence(make_model):
    with pytest.raises(InputError, match="one line"):
        chain(make_model(), "a\nb")


def test_predictions_are_the_model_s_next_tokens_best_first(make_model):
    model = make_model(2, unk=0.0)
    found = predict(model, "a b", 9)
    assert [each.probability for each in found] == sorted((each.probability for each in found), reverse=True)
    assert {each.token for each in found} == {"a", "b", "c", "</s>"}
    assert sum(each.probability for each in found) == pytest.approx(1)
    assert found[0].probability == pytest.approx(math.exp(model.table[4].max()))


def test_prediction_starts_at_the_document_s_start_and_reads_lines(make_model):
    model = make_model(2)
    assert predict(model, "", 1)[0].probability == pytest.approx(math.exp(model.table[0].max()))
    assert predict(model, "a\n", 1)[0].probability == pytest.approx(math.exp(model.table[1].max()))


def test_no_candidates_are_refused(make_model):
    with pytest.raises(InputError, match="candidates"):
        predict(make_model(), "a", 0)
