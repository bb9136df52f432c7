from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lmcompare.errors import InputError
from lmcompare.generation.rules import choose, draw, greedy, parse, temperature, top_k, top_p

LOGS = np.log(np.array([[0.1, 0.4, 0.2, 0.3], [0.25, 0.25, 0.25, 0.25]]))

numbers = some.floats(0.01, 100, allow_nan=False)
rules = some.lists(
    some.one_of(
        some.just(greedy()),
        numbers.map(temperature),
        some.integers(1, 99).map(top_k),
        some.floats(0.01, 1).map(top_p),
    ),
    min_size=1,
    max_size=4,
)


def kept(rule, logprobs=LOGS):
    return [np.flatnonzero(np.isfinite(row)).tolist() for row in rule(logprobs)]


@given(rules)
def test_a_rule_reads_back_as_it_prints(parts):
    rule = parts[0]
    for part in parts[1:]:
        rule = rule | part
    assert parse(repr(rule)) == rule


@pytest.mark.parametrize(
    "text",
    ["temperature(0.8) top_p(0.95)", "temperature( .8 ),top_p(0.950)", "temperature(8e-1) | top_p(0.95)"],
)
def test_a_rule_may_be_written_loosely(text):
    assert repr(parse(text)) == "temperature(0.8) top_p(0.95)"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("top_p(0)", "top_p(0.0): the probability kept is 0.0"),
        ("top_p(1.01)", "top_p"),
        ("top_p(nan)", "top_p"),
        ("temperature(-1)", "temperature(-1.0): the temperature is -1.0"),
        ("temperature(0)", "greedy()"),
        ("temperature(inf)", "temperature"),
        ("top_k(0)", "top_k(0)"),
        ("top_k(2.5)", "top_k(2.5)"),
        ("topp(0.9)", "'top_p' is meant"),
        ("beam(4)", "There are greedy"),
        ("temperature(", "no part of a sampling rule"),
        ("temperature(hot)", "'hot' is not a number"),
        ("greedy(1)", "takes no number"),
        ("__import__('os')", "no sampling rule"),
    ],
)
def test_a_bad_rule_is_named(text, says):
    with pytest.raises(InputError) as caught:
        parse(text)
    assert says in str(caught.value)


def test_greedy_takes_the_lowest_id_of_equals():
    assert kept(greedy()) == [[1], [0]]


def test_top_k_keeps_exactly_k_and_the_lowest_ids_of_equals():
    assert kept(top_k(2)) == [[1, 3], [0, 1]]
    assert kept(top_k(9)) == [[0, 1, 2, 3]] * 2


@pytest.mark.parametrize(
    ("p", "ids"), [(0.3, [1]), (0.41, [1, 3]), (0.69, [1, 3]), (0.71, [1, 2, 3]), (1.0, [0, 1, 2, 3])]
)
def test_top_p_keeps_the_fewest_tokens_that_hold_p(p, ids):
    assert kept(top_p(p))[0] == ids


def test_top_p_of_equals_keeps_the_lowest_ids():
    assert kept(top_p(0.6))[1] == [0, 1, 2]


def test_temperature_raises_to_its_inverse_power():
    out = np.exp(temperature(0.5)(LOGS))[0]
    assert out / out.sum() == pytest.approx(np.exp(2 * LOGS[0]) / np.exp(2 * LOGS[0]).sum())


def test_a_tiny_temperature_is_greedy_and_never_empty():
    assert draw(temperature(1e-300)(LOGS[:1]), np.array([0.999])) == 1


def test_parts_work_from_left_to_right():
    flat = temperature(50) | top_p(0.5)
    sharp = top_p(0.5) | temperature(50)
    assert (kept(flat)[0], kept(sharp)[0]) == ([1, 3], [1, 3])
    assert kept(temperature(0.2) | top_p(0.75))[0] == [1]
    assert kept(top_p(0.75) | temperature(0.2))[0] == [1, 2, 3]


@pytest.mark.parametrize("rule", [greedy(), top_k(3), top_p(0.9), temperature(0.7)])
def test_the_impossible_stays_impossible_and_rows_are_independent(rule):
    random = np.random.default_rng(0)
    logs = np.log(random.dirichlet(np.ones(12), size=5))
    logs[:, [2, 7]] = -np.inf
    whole = rule(logs)
    assert np.isneginf(whole[:, [2, 7]]).all()
    assert not np.isnan(whole).any()
    for row in range(5):
        assert np.array_equal(whole[[row]], rule(logs[[row]]))


def test_the_model_s_array_is_not_changed():
    before = LOGS.copy()
    for rule in (greedy(), temperature(0.5), top_k(1), top_p(0.5)):
        rule(LOGS)
    assert np.array_equal(LOGS, before)


def test_draws_invert_the_distribution_function():
    uniforms = np.array([0.0, 0.0999, 0.1001, 0.4999, 0.5001, 0.6999, 0.7001, 1 - 2**-53])
    assert draw(np.repeat(LOGS[:1], 8, axis=0), uniforms).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_impossible_is_never_drawn():
    logs = np.array([[-np.inf, 0.0, -np.inf, -1.0, -np.inf]])
    uniforms = np.append(np.random.default_rng(0).random(1000), [0.0, 1 - 2**-53])
    assert set(draw(np.repeat(logs, len(uniforms), axis=0), uniforms)) == {1, 3}


@pytest.mark.parametrize(("row", "says"), [([-math.inf] * 3, "no token"), ([0.0, math.nan, 0.0], "NaN")])
def test_a_broken_row_is_refused(row, says):
    with pytest.raises(InputError, match=says):
        draw(np.array([row]), np.array([0.5]))


def test_a_greedy_choice_is_that_of_the_rule_and_refuses_what_gives_no_choice():
    logprobs = np.log(np.random.default_rng(0).dirichlet(np.ones(7), size=9))
    logprobs[3] = logprobs[3, 0]
    uniforms = np.random.default_rng(1).random(9)
    for rule in (greedy(), top_k(3), temperature(0.5) | greedy()):
        assert choose(rule, logprobs, uniforms).tolist() == draw(rule(logprobs), uniforms).tolist()
    for nothing in (-np.inf, np.nan):
        with pytest.raises(InputError, match="lmcompare laws"):
            choose(greedy(), np.full((1, 3), nothing), uniforms[:1])
