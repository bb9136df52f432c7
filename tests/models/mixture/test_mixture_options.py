import json

import pytest
from pydantic import ValidationError

from lmcompare import registry
from lmcompare.models.mixture.options import CacheOptions, MixtureOptions


def test_a_member_is_a_name_or_a_checked_table_with_its_defaults() -> None:
    options = MixtureOptions(members=["5-gram", {"kind": "cache", "order": 2}])
    assert options.members[0] == "5-gram"
    assert options.members[1] == {"kind": "cache", **CacheOptions(order=2).model_dump()}
    assert MixtureOptions.model_validate(json.loads(options.model_dump_json())) == options


def test_every_model_that_is_named_is_told_with_its_place() -> None:
    nested = {"kind": "mixture", "members": ["b", {"kind": "cache", "over": "c"}]}
    options = MixtureOptions(members=["a", nested, {"kind": "cache"}])
    assert registry.named_members(options) == [
        ("members[0]", "a"),
        ("members[1].members[0]", "b"),
        ("members[1].members[1].over", "c"),
    ]
    assert registry.named_members(CacheOptions(over="a")) == [("over", "a")]
    assert registry.named_members(registry.models.get("ngram").options()) == []


def test_a_kind_that_needs_no_setting_may_be_named_as_a_member() -> None:
    assert registry.is_built_in("cache")
    assert registry.is_built_in("ngram")
    assert not registry.is_built_in("mixture")  # its members must be given
    assert not registry.is_built_in("kenlm")  # its path must be given
    assert not registry.is_built_in("5-gram")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "Field required"),
        ({"members": []}, "at least 1 item"),
        ({"members": [3]}, "a member is the name of a model, or a table"),
        ({"members": [{"order": 2}]}, "a member is the name of a model, or a table"),
        ({"members": [{"kind": "cahce"}]}, "there is no model 'cahce'. Did you mean 'cache'?"),
        ({"members": [{"kind": "cache", "ordre": 2}]}, "ordre: Extra inputs are not permitted"),
        ({"members": ["a", "b"], "weights": [1.0]}, "weights has 1 numbers, there are 2 members"),
        ({"members": ["a", "b"], "weights": [1.0, -1.0]}, "weights must not be negative"),
        ({"members": ["a", "b"], "weights": [0.0, 0.0]}, "not all zero"),
        ({"members": ["a"], "rule": "log-linear", "bins": "order"}, 'go with rule = "linear" only'),
        ({"members": ["a"], "rate": 0.1}, "rate means nothing without adapt"),
        ({"members": ["a"], "bins": ["order", "order"]}, "names a feature twice"),
    ],
)
def test_a_fault_in_a_mixture_is_told(settings, said) -> None:
    with pytest.raises(ValidationError, match=said.replace("?", r"\?")):
        MixtureOptions.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"order": 9}, "less than or equal to 8"),
        ({"decay": 0.0}, "above 0 and at most 1, not 0.0"),
        ({"decay": [0.5, 1.5], "order": 2}, "above 0 and at most 1"),
        ({"decay": [0.5], "order": 2}, "decay has 1 numbers, the order is 2"),
    ],
)
def test_a_fault_in_a_cache_is_told(settings, said) -> None:
    with pytest.raises(ValidationError, match=said):
        CacheOptions.model_validate(settings)


def test_one_feature_or_none_may_be_written_without_a_list() -> None:
    assert MixtureOptions(members=["a"], bins="order").bins == ["order"]
    assert MixtureOptions(members=["a"], bins="none").bins == []


def test_the_summary_reads_as_people_write_it() -> None:
    over = {"kind": "cache", "order": 3, "over": "5-gram"}
    options = MixtureOptions(members=["LSTM", over, {"kind": "cache"}], bins=["order"], adapt="online")
    told = "LSTM + cache (order 3, over 5-gram) + cache (order 1), bins order, adapt online"
    assert options.summary() == told
