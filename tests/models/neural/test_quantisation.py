import numpy as np
import pytest
import torch

from lmcompare.errors import InputError
from lmcompare.laws import check
from lmcompare.models.neural import quantised
from lmcompare.models.neural.family import LSTM, TRANSFORMER
from lmcompare.models.neural.quantisation import quantisation_cost, quantise
from lmcompare.models.neural.quantised import Int8Linear, Int8Matrix

MODELS = [
    ("feedforward", {}),
    ("rnn", {}),
    ("gru", {"tied": False}),
    ("lstm", {"softmaxes": 2, "ngram_embeddings": [2]}),
    ("transformer", {"bias": True, "activation": "swiglu", "kv_heads": 1}),
    ("transformer", {"memory": 3, "tied": False}),
]


def test_each_weight_is_rounded_by_at_most_half_a_step_of_its_row():
    torch.manual_seed(0)
    matrix = torch.randn(20, 7) * torch.logspace(-3, 3, 20)[:, None]
    matrix[4] = 0
    rounded = Int8Matrix(matrix)
    error = (rounded.rows(torch.arange(20)) - matrix).abs()
    step = matrix.abs().amax(dim=1, keepdim=True) / 127
    assert (error <= step / 2 * (1 + 1e-4)).all()
    assert rounded.values.dtype == torch.int8 and int(rounded.values.abs().max()) == 127


@pytest.mark.parametrize("rows", [0, 1, 3, 6, 8, 9, 30])
def test_the_product_is_that_with_the_rounded_matrix(rows, monkeypatch):
    monkeypatch.setattr(quantised, "BLOCK", 6)
    torch.manual_seed(0)
    matrix, bias, x = torch.randn(20, 7), torch.randn(20), torch.randn(2, rows, 7)
    part = Int8Linear(matrix, bias)
    expected = x @ part.matrix.rows(torch.arange(20)).T + bias
    torch.testing.assert_close(part(x[:1]), expected[:1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(part(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("kind", "options"), MODELS, ids=str)
def test_a_rounded_model_keeps_the_laws_and_is_near_the_float_one(small_model, documents, kind, options):
    model, texts = small_model(kind, size=30, **options), documents([1, 6, 13, 17], size=30)
    before = model.score(texts)
    rounded = quantise(model)
    results = check(rounded, texts)
    assert [result for result in results if result.passed is False] == []
    apart = np.concatenate(rounded.score(texts)) - np.concatenate(before)
    assert 0 < np.abs(apart).max() < 0.25
    for one, other in zip(model.score(texts), before, strict=True):
        assert np.array_equal(one, other)  # the model it was made of is left alone
    assert rounded.parameters == model.parameters


def test_the_cost_is_told_in_perplexity_and_bytes(job, documents, small_model):
    texts = documents([200, 150], size=30)
    work = job("lstm", texts, texts[:1], size=30, width=64, steps=60)
    cost = quantisation_cost(LSTM.train(work), texts)
    assert cost.perplexity == pytest.approx(cost.int8_perplexity, rel=0.01)
    assert cost.perplexity != cost.int8_perplexity
    assert cost.int8_size < 0.3 * cost.size
    model = small_model("transformer")
    expected = np.exp(-np.concatenate(model.score(documents([50]))).mean())
    assert quantisation_cost(model, documents([50])).perplexity == pytest.approx(expected)
    with pytest.raises(InputError, match="no text"):
        quantisation_cost(model, [np.zeros(0, dtype=int)])


def test_a_saved_model_is_loaded_with_8_bit_weights_and_is_not_saved_again(
    small_model, documents, toy_tokenizers, tmp_path
):
    model = small_model("transformer")
    model.save(tmp_path / "model")
    loaded = TRANSFORMER.load(tmp_path / "model", int8=True)
    assert any(isinstance(part, Int8Linear) for part in loaded.network.modules())
    texts = documents([20])
    assert np.array_equal(loaded.score(texts)[0], quantise(model).score(texts)[0])
    with pytest.raises(InputError, match="8-bit weights is not saved. Save the model it was made of"):
        loaded.save(tmp_path / "again")
