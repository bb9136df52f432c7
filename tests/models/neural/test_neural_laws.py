import numpy as np
import pytest

from lmcompare.laws import check
from lmcompare.models.matched import forget_at_eos
from lmcompare.models.neural.family import LSTM, TRANSFORMER

FAMILIES = {"lstm": LSTM, "transformer": TRANSFORMER}


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_law_holds(job, documents, toy_tokenizers, tmp_path, kind):
    texts = documents([30, 40, 20])
    sentences = np.concatenate(documents([4, 9, 12]))
    numbers = iter(range(10))

    def train():
        folder = tmp_path / f"work-{next(numbers)}"
        return FAMILIES[kind].train(job(kind, [*texts, sentences], texts[:1], folder, steps=30, lr=0.02))

    results = check(train(), retrain=train)
    assert [result for result in results if result.passed is False] == []
    assert any(result.passed for result in results)
    matched = check(forget_at_eos(train()))
    assert [result for result in matched if result.passed is False] == []
