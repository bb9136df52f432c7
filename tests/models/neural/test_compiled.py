import numpy as np
import pytest
import torch

from lmcompare.interface import LanguageModel
from lmcompare.laws import check
from lmcompare.models.neural import transformer
from lmcompare.models.neural.family import TRANSFORMER

CHOICES = [
    {},
    {"positions": "alibi", "bias": True, "activation": "relu2", "attention_window": 3},
    {"positions": "learned", "norm_place": "post", "activation": "gelu-tanh", "bias": True},
    {"positions": "sinusoidal", "norm": "rms", "kv_heads": 1, "activation": "swiglu", "tied": False},
    {"qk_norm": True, "kv_heads": 2, "heads": 4, "memory": 3, "ngram_embeddings": [2]},
    {"norm": "rms", "norm_place": "post", "softmaxes": 2, "stride": 1},
]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_compiled_step_equals_the_network(small_model, documents, choice):
    plain, compiled = small_model("transformer", **choice), small_model("transformer", **choice)
    compiled.network.compile_steps()
    contexts = documents([3, 0, 11, 8])
    _, one = plain.read(contexts)
    _, other = compiled.read(contexts)
    random = np.random.default_rng(0)
    for _ in range(10):
        tokens = random.integers(1, 11, 4)
        expected, one = plain.step(tokens, one)
        found, other = compiled.step(tokens, other)
        assert found[:, 1:] == pytest.approx(expected[:, 1:], abs=1e-4)


def test_the_compiled_loops_are_what_steps(small_model, monkeypatch):
    model = small_model("transformer")
    model.network.compile_steps()
    _, state = model.start(2)
    monkeypatch.setattr(
        transformer.Block, "forward", lambda *given: pytest.fail("torch's blocks were called")
    )
    model.step(np.array([3, 4]), state)


def test_a_compiled_model_keeps_the_laws_and_its_scores(small_model, documents, toy_tokenizers, tmp_path):
    model, texts = small_model("transformer"), documents([20, 5])
    before = model.score(texts)
    model.save(tmp_path / "model")
    compiled = TRANSFORMER.load(tmp_path / "model", compiled=True)
    for one, other in zip(compiled.score(texts), before, strict=True):
        assert np.array_equal(one, other)
    assert [result for result in check(compiled, texts) if result.passed is False] == []
    stepped = LanguageModel.score(compiled, texts)
    assert stepped[0] == pytest.approx(before[0], abs=1e-4)


def test_weights_are_not_held_twice(small_model):
    model = small_model("transformer")
    model.network.compile_steps()
    weights = model.network.compiled.maps[0]
    assert np.shares_memory(weights[1], model.network.blocks[1].attention.qkv.weight.numpy())
    torch.testing.assert_close(
        torch.from_numpy(weights[1]), model.network.blocks[1].attention.qkv.weight.data
    )
