from __future__ import annotations

import math
from decimal import Decimal, getcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcompare.reporting import numbers

UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
BYTES = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
TIMES = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600}
DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def read(text: str, units: dict[str, float]) -> float:
    number, _, unit = text.partition(" ")
    return float(number) * units[unit]


@settings(deadline=None)
@given(st.floats(1, 9e14))
def test_a_count_is_read_back_to_three_digits(value: float) -> None:
    assert read(numbers.count(value), UNITS) == pytest.approx(value, rel=0.00501)


@settings(deadline=None)
@given(st.integers(1, 10**14))
def test_a_size_is_read_back_to_three_digits(value: int) -> None:
    assert read(numbers.size(value), BYTES) == pytest.approx(value, rel=0.00501)


@settings(deadline=None)
@given(st.floats(1e-4, 3e6))
def test_a_duration_is_read_back_to_two_digits(seconds: float) -> None:
    assert read(numbers.duration(seconds), TIMES) == pytest.approx(seconds, rel=0.0501)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (843, "843"), (5.25, "5.25"), (999.7, "1.00 k"), (3404, "3.40 k"), (12_345, "12.3 k"),
     (99_960, "100 k"), (999_499, "999 k"), (999_501, "1.00 M"), (1.85e6, "1.85 M"), (math.nan, "–")],
)  # fmt: skip
def test_counts_have_three_digits_and_a_prefix(value: float, shown: str) -> None:
    assert numbers.count(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 s"), (0.0042, "4.2 ms"), (0.00996, "0.010 s"), (0.42, "0.42 s"), (1.01, "1.0 s"), (9.96, "10 s"),
     (38.2, "38 s"), (119.6, "2.0 min"), (7190, "119.8 min"), (7200, "2.0 h"), (math.inf, "–")],
)  # fmt: skip
def test_durations_change_their_unit_without_a_gap(value: float, shown: str) -> None:
    assert numbers.duration(value) == shown


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(1234567.891, 1, "1,234,567.9"), (-0.31, 2, "−0.31"), (-0.001, 2, "0.00"), (math.inf, 3, "∞"),
     (-math.inf, 3, "−∞"), (math.nan, 1, "–")],
)  # fmt: skip
def test_fixed_has_a_true_minus_and_no_negative_zero(value: float, decimals: int, shown: str) -> None:
    assert numbers.fixed(value, decimals) == shown


@pytest.mark.parametrize(
    ("value", "interval", "shown"),
    [(220.14, (214.86, 225.42), "220.1 [214.9, 225.4]"), (68.25, (55.9, 78.2), "68 [56, 78]"),
     (1.9574, (1.9228, 1.9929), "1.957 [1.923, 1.993]"), (3.0, (3.0, 3.0), "3.0 [3.0, 3.0]"),
     (math.inf, (math.inf, math.inf), "∞"), (5.0, (4.0, math.inf), "5.0")],
)  # fmt: skip
def test_an_interval_has_the_digits_that_its_width_supports(
    value: float, interval: tuple[float, float], shown: str
) -> None:
    assert numbers.with_interval(value, interval) == shown


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(1e-3, 100))
def test_half_an_interval_is_shown_with_two_digits(middle: float, half: float) -> None:
    low, high = middle - half, middle + half
    shown = round((high - low) / 2, numbers.decimals_of(low, high, 9))
    assert shown == pytest.approx((high - low) / 2, rel=0.0501)


@pytest.mark.parametrize(("value", "shown"), [(3.14159, "3.142"), (66.6, "66.60"), (220.14, "220.1"),
                                              (12_345.6, "12,345.6"), (math.inf, "∞")])  # fmt: skip
def test_a_perplexity_has_four_digits_or_one_decimal(value: float, shown: str) -> None:
    assert numbers.perplexity(value) == shown


def test_a_difference_always_has_its_sign() -> None:
    assert [numbers.signed(value, 2) for value in (0.314, -0.314, 0.0)] == ["+0.31", "−0.31", "0.00"]


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0, "p < 0.001"), (0.00099, "p < 0.001"), (0.001, "p = 0.0010"), (0.0123, "p = 0.012"),
     (0.0996, "p = 0.10"), (0.456, "p = 0.46"), (1.0, "p = 1.00"), (math.nan, "p = –")],
)  # fmt: skip
def test_a_p_value_is_an_equation_or_a_bound(p: float, shown: str) -> None:
    assert numbers.p_value(p) == shown


@pytest.mark.parametrize(("share", "shown"), [(0.0031, "0.31"), (0.0841, "8.4"), (0.5047, "50"), (1, "100")])
def test_a_share_is_shown_in_percent(share: float, shown: str) -> None:
    assert numbers.percent(share) == shown


def unpower(text: str) -> Decimal:
    digits, _, exponent = text.partition("×10")
    return Decimal(digits) * Decimal(10) ** int(exponent.translate(DIGITS) or 0)


@settings(deadline=None)
@given(st.floats(-4000, -0.01))
def test_the_factor_of_any_log_probability_is_read_back_to_three_digits(logprob: float) -> None:
    getcontext().prec = 30
    true = Decimal(logprob).exp()
    assert abs(unpower(numbers.factor(logprob)) / true - 1) < Decimal("0.00501")


def test_factors_keep_the_ends_of_the_range() -> None:
    assert numbers.factor(-math.inf) == "0"
    assert numbers.factor(0.0) == "1.0000"
    assert numbers.power_of_ten(math.log10(9.999) - 42) == "1.00×10⁻⁴¹"
    assert numbers.power_of_ten(-math.inf) == "0"


@pytest.mark.parametrize(("value", "shown"), [(0.5, "0.5"), (20, "20"), (200_000, "200 k"), (1e6, "1 M")])
def test_a_tick_is_short(value: float, shown: str) -> None:
    assert numbers.tick(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.1, "0.1 s"), (30, "30 s"), (600, "10 min"), (7200, "2 h")])
def test_a_tick_of_time_names_its_unit(value: float, shown: str) -> None:
    assert numbers.tick_of_time(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(500, "500 B"), (2e4, "20 kB"), (5e8, "500 MB"), (1e9, "1 GB")])
def test_a_tick_of_size_names_its_unit(value: float, shown: str) -> None:
    assert numbers.tick_of_size(value) == shown
