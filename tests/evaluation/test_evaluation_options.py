from __future__ import annotations

import pytest
from pydantic import ValidationError

from lmcompare.evaluation.options import EvaluationOptions


def test_all_has_a_default_and_survives_json():
    options = EvaluationOptions()
    assert EvaluationOptions.model_validate_json(options.model_dump_json()) == options
    assert options.splits == ["valid", "test"]


def test_a_rule_is_kept_as_it_prints():
    options = EvaluationOptions(generation={"rule": "temperature(.80)  top_p(0.9)"})
    assert options.generation.rule == "temperature(0.8) top_p(0.9)"


@pytest.mark.parametrize(
    ("given", "place", "says"),
    [
        ({"splitz": []}, ("splitz",), "Extra inputs"),
        ({"splits": ["train"]}, ("splits", 0), "'valid' or 'test'"),
        ({"splits": ["test", "test"]}, ("splits",), "named twice"),
        ({"resamples": 5}, ("resamples",), "greater than or equal to 100"),
        ({"generation": {"rule": "top_p(0)"}}, ("generation", "rule"), "the probability kept is 0.0"),
        ({"generation": {"rule": "topp(1)"}}, ("generation", "rule"), "top_p"),
        ({"generation": {"length": 0}}, ("generation", "length"), "greater"),
        ({"show": {"sentences": [""]}}, ("show", "sentences", 0), "at least 1"),
    ],
)
def test_each_fault_is_named_with_its_place(given, place, says):
    with pytest.raises(ValidationError) as caught:
        EvaluationOptions.model_validate(given)
    error = caught.value.errors()[0]
    assert error["loc"] == place
    assert says in error["msg"]
