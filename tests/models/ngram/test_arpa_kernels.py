import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lmcompare.models.ngram import arpa_kernels


def written(value: float) -> str:
    out = np.full(2 * arpa_kernels.MOST, ord("#"), dtype=np.uint8)
    end = int(arpa_kernels.number(value, out, np.uint64(0)))
    assert end < arpa_kernels.MOST
    assert set(out[arpa_kernels.MOST :].tolist()) == {ord("#")}  # nothing is written beyond
    return bytes(out[:end]).decode()


@settings(deadline=None)  # the first call compiles
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(0.0)
@example(1.0)
@example(-10.0)
@example(9.99999999e-5)
@example(123456789.0)
@example(1e9)
@example(2**-149)
@example(float(np.finfo(np.float32).max))
def test_a_float32_reads_back_from_its_common_logarithm_as_it_was(value: float) -> None:
    stored = np.float32(value)
    text = written(float(np.float64(stored) / math.log(10)))
    assert np.float32(float(text) * math.log(10)) == stored


@settings(deadline=None)
@given(st.floats(-99, 99) | st.floats(allow_nan=False, min_value=-1e30, max_value=1e30))
def test_numbers_are_those_of_printf_but_for_a_tie_in_the_last_digit(value: float) -> None:
    if value and abs(value) < 1e-45:
        return
    ours, theirs = written(value), f"{value:.9g}"
    if ours != theirs:
        assert math.isclose(float(ours), value, rel_tol=5.1e-9)
        assert math.isclose(float(ours), float(theirs), rel_tol=1.1e-8)


def test_what_is_impossible_is_minus_infinity() -> None:
    assert written(-math.inf) == "-inf"
