from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from lmcompare.evaluation.results import ChainStep, Results
from lmcompare.reporting.ordering import (
    Difference,
    alike,
    bits,
    chain_total,
    difference,
    differences,
    entropy_floors,
    headline_split,
    in_order,
    is_ranked,
    letters_of,
    same_event_space,
    scores,
)


def test_models_stand_best_first_and_as_listed_where_no_ranking_is_given(
    make_results: Callable[..., Results],
) -> None:
    assert [model.name for model in in_order(make_results())] == ["transformer", "LSTM 2×512", "5-gram KN"]
    refused = make_results(spaces=True)
    assert [model.name for model in in_order(refused)] == ["5-gram KN", "LSTM 2×512", "transformer"]
    assert not any(is_ranked(refused, model.name) for model in refused.models)


def test_the_report_is_about_valid_where_one_model_lacks_test(make_results: Callable[..., Results]) -> None:
    results = make_results()
    assert headline_split(results) == "test"
    results.models[1].splits.pop("test")
    assert headline_split(results) == "valid"
    model = results.models[0]
    assert scores(results, model, "matched") is model.splits["valid"]["matched"]


def test_turning_a_pair_round_turns_its_difference_and_interval(make_results: Callable[..., Results]) -> None:
    results = make_results()
    one = difference(results, "5-gram KN", "LSTM 2×512")
    other = difference(results, "LSTM 2×512", "5-gram KN")
    assert one is not None and other is not None
    assert one.value > 0 > other.value
    assert (other.value, other.low, other.high) == (-one.value, -one.high, -one.low)
    native = [model.splits["test"]["native"].bits_per_token for model in results.models]
    assert one.value == pytest.approx(native[0] - native[1])


def test_turning_a_pair_round_turns_every_interval(make_results: Callable[..., Results]) -> None:
    results = make_results()
    one, other = (
        difference(results, "5-gram KN", "LSTM 2×512"),
        difference(results, "LSTM 2×512", "5-gram KN"),
    )
    assert one is not None and other is not None and one.bca and one.seeds
    assert other.bca == (-one.bca[1], -one.bca[0])
    assert other.seeds == (-one.seeds[1], -one.seeds[0])
    assert (other.detectable, other.p_wilcoxon, other.sd_seeds) == (0.0512, 0.0002, 0.0197)


def test_models_that_share_a_letter_are_alike(make_results: Callable[..., Results]) -> None:
    results = make_results()
    assert alike(results) == []
    results.ranking.letters = {"transformer": "a", "LSTM 2×512": "aa1", "5-gram KN": "a1"}
    assert alike(results) == [["transformer", "LSTM 2×512"], ["LSTM 2×512", "5-gram KN"]]
    assert letters_of("abz1a12") == ["a", "b", "z1", "a12"]


def test_a_difference_is_of_the_policy_and_split_asked_for(make_results: Callable[..., Results]) -> None:
    results = make_results()
    matched = [model.splits["test"]["matched"].bits_per_token for model in results.models]
    found = difference(results, "5-gram KN", "transformer", "matched")
    assert found is not None
    assert found.value == pytest.approx(matched[0] - matched[2])
    assert difference(results, "5-gram KN", "transformer", split="valid") is None
    assert difference(results, "5-gram KN", "nobody") is None


def test_pairs_of_different_event_spaces_differ_in_bits_per_byte(
    make_results: Callable[..., Results],
) -> None:
    results = make_results(spaces=True)
    assert not same_event_space(results)
    units = {(one.a, one.b): one.unit for one in differences(results)}
    assert units == {
        ("5-gram KN", "LSTM 2×512"): "token",
        ("5-gram KN", "transformer"): "byte",
        ("LSTM 2×512", "transformer"): "byte",
    }


def test_all_pairs_are_listed_once_with_the_better_model_first(make_results: Callable[..., Results]) -> None:
    found = differences(make_results())
    assert [(one.a, one.b) for one in found] == [
        ("transformer", "LSTM 2×512"),
        ("transformer", "5-gram KN"),
        ("LSTM 2×512", "5-gram KN"),
    ]
    assert all(one.value < 0 for one in found)


def make_difference(value: float, low: float, high: float, p_holm: float = 0.001) -> Difference:
    return Difference("a", "b", value, low, high, "token", p_holm, p_holm, "documents", 62)


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "clear"),
    [
        (-0.3, -0.1, 0.001, True),
        (0.1, 0.3, 0.001, True),
        (-0.3, 0.1, 0.001, False),
        (-0.3, -0.1, 0.06, False),
    ],
)
def test_a_difference_is_clear_where_interval_and_corrected_test_agree(
    low: float, high: float, p_holm: float, clear: bool
) -> None:
    assert make_difference((low + high) / 2, low, high, p_holm).clear is clear


def test_an_infinite_difference_is_never_clear() -> None:
    assert not make_difference(math.inf, math.inf, math.inf, 0.0).clear


def test_percent_is_what_the_bits_do_to_the_perplexity() -> None:
    better, worse = 104.2, 121.9
    delta = math.log2(better) - math.log2(worse)
    percent, low, high = make_difference(delta, delta - 0.1, delta + 0.1).percent
    assert percent == pytest.approx(100 * (worse - better) / worse)
    assert low < percent < high


def test_the_total_of_a_chain_is_the_product_of_its_factors() -> None:
    factors = [0.5, 0.125, 0.03, 0.9]
    total = chain_total([ChainStep(token="x", logprob=math.log(p)) for p in factors])
    product = math.prod(factors)
    assert total.events == 4
    assert 10**total.log10 == pytest.approx(product)
    assert total.bits == pytest.approx(-math.log2(product))
    assert total.perplexity == pytest.approx(product ** (-1 / 4))


def test_a_chain_of_ten_thousand_factors_does_not_underflow() -> None:
    total = chain_total([ChainStep(token="x", logprob=math.log(0.01))] * 10_000)
    assert total.log10 == pytest.approx(-20_000)
    assert total.perplexity == pytest.approx(100)


def test_an_impossible_factor_makes_the_whole_chain_impossible() -> None:
    total = chain_total([ChainStep(token="x", logprob=-1.0), ChainStep(token="y", logprob=-math.inf)])
    assert (total.log10, total.bits, total.perplexity) == (-math.inf, math.inf, math.inf)


def test_surprisal_is_in_bits_and_never_a_negative_zero() -> None:
    assert bits(math.log(1 / 8)) == pytest.approx(3)
    assert math.copysign(1, bits(0.0)) == 1
    assert bits(-math.inf) == math.inf


def test_entropy_floors_hold_only_for_models_of_characters(make_results: Callable[..., Results]) -> None:
    results = make_results("zh")
    results.corpus.facts["entropy_bits_per_token_given_topic"] = 3.5
    assert entropy_floors(results) == [("floor", 3.871), ("floor_topic", 3.5)]
    results.models[0].tokenizer.kind = "bpe"
    assert entropy_floors(results) == []
    assert entropy_floors(make_results("en")) == []
