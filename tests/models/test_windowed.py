"""Windows: what a model is shown, and that each event is scored once."""

from __future__ import annotations

import numpy as np
import pytest
from test_matched import BOS, EOS, TOKENIZER, Adaptive

from lmcompare import laws
from lmcompare.errors import InputError
from lmcompare.models.windowed import Windowed, windowed

SIZES = [(1, 1), (2, 1), (4, 2), (5, 3), (6, 6), (40, 10)]


def document(length: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    ids = random.integers(0, TOKENIZER.size, size=length)
    return np.where(ids == BOS, EOS, ids)


@pytest.mark.parametrize(("window", "stride"), SIZES)
def test_each_event_sees_what_the_definition_says(window, stride):
    text = document(100)
    wanted = []
    begin = 0
    for place in range(len(text)):
        if place - begin > window:
            begin += stride
        wanted.append(Adaptive().score([text[begin : place + 1]])[0][-1])
    model = Windowed(Adaptive(), window, stride)
    assert model.score([text])[0] == pytest.approx(wanted, rel=1e-12)
    seen = model.context_lengths(len(text))
    assert seen.max() <= window
    assert seen[window + 1 :].min() > window - stride


@pytest.mark.parametrize(("window", "stride"), SIZES)
def test_every_law_holds(window, stride):
    found = laws.check(Windowed(Adaptive(), window, stride))
    assert [law.law for law in found if law.passed is False and "saved" not in law.law] == []
    assert sum(law.passed is True for law in found) >= 7


def test_a_model_that_needs_no_window_is_left_as_it_is():
    model = Adaptive()
    assert isinstance(windowed(model, 4), Windowed)
    assert windowed(model, 4).stride == 2
    model.context = 3
    assert windowed(model, 4) is model


def test_a_stride_longer_than_the_window_is_refused():
    with pytest.raises(InputError, match="a stride of 5 tokens does not fit a window of 4"):
        windowed(Adaptive(), 4, 5)
